package study_test

import (
	"testing"

	"tocsin/rules/pack"
	"tocsin/rules/study"
)

func TestEveryStudyPackCompiles(t *testing.T) {
	families := study.Families()
	if len(families) == 0 {
		t.Fatal("there are none")
	}
	ids := map[string]bool{}
	for id, f := range families {
		if f.Says == "" || len(f.Members) == 0 {
			t.Errorf("%s: %+v", id, f)
		}
		for _, m := range f.Members {
			p, err := pack.CompileFile(id+".yaml", m.Text)
			if err != nil {
				t.Errorf("%s at %d: %v", id, m.Threshold, err)
				continue
			}
			if ids[p.ID] {
				t.Errorf("two packs are called %s", p.ID)
			}
			ids[p.ID] = true
		}
	}
}
