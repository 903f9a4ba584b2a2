package alerts

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// States as checkpoints of format 1 and 3 hold them. A field that is renamed or lost would be read as nothing, and a warning
// restored without it: then the checkpoints' format becomes 4, with a lift from this one.
func TestFrozenStatesStayReadable(t *testing.T) {
	for _, file := range []string{"testdata/state.v1.json", "testdata/state.v3.json"} {
		t.Run(file, func(t *testing.T) { readsFrozen(t, file) })
	}
}

func readsFrozen(t *testing.T, file string) {
	frozen, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s State
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
