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
