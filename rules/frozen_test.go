package rules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"tocsin/rules"
)

// A state of format 2 as a checkpoint holds it. A field that is renamed or lost would be read as nothing, and a finding
// restored without it: then the checkpoints' format becomes 3, with a lift from this one.
func TestAStateOfFormat2StaysReadable(t *testing.T) {
	frozen, err := os.ReadFile("testdata/state.v2.json")
	if err != nil {
		t.Fatal(err)
	}
	var s rules.State
	d := json.NewDecoder(bytes.NewReader(frozen))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var was, is any
	if err := errors.Join(json.Unmarshal(frozen, &was), json.Unmarshal(again, &is)); err != nil {
		t.Fatal(err)
	}
	if !holds(is, was) {
		t.Errorf("something is lost: written again it is\n%s\nnot\n%s", again, frozen)
	}
}

// holds tells whether everything in was is in is, where there may be more.
func holds(is, was any) bool {
	switch was := was.(type) {
	case map[string]any:
		is, ok := is.(map[string]any)
		for k := range was {
			ok = ok && holds(is[k], was[k])
		}
		return ok
	case []any:
		is, ok := is.([]any)
		ok = ok && len(is) >= len(was)
		for i := range was {
			ok = ok && holds(is[i], was[i])
		}
		return ok
	default:
		return is == was
	}
}
