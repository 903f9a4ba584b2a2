package pack

import "testing"

func TestRUL4_LibraryCompiles(t *testing.T) {
	for id, text := range Library() {
		p, err := CompileFile(id+".yaml", text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if p.ID != id {
			t.Errorf("file %s holds pack %s", id, p.ID)
		}
	}
}

// TestRUL4_LibraryCases runs what clinicians can read: readings in, severities out, for every pack of the library.
func TestRUL4_LibraryCases(t *testing.T) {
	for id, text := range Library() {
		t.Run(id, func(t *testing.T) {
			cases, ok := Cases()[id]
			if !ok {
				t.Fatalf("pack %s has no cases", id)
			}
			n, err := RunCases(id+"_test.yaml", text, cases)
			if err != nil {
				t.Error(err)
			}
			if n == 0 {
				t.Error("no case was run")
			}
		})
	}
}
