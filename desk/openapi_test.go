package desk

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// The screens' client is generated from this file, so it changes only when somebody means it to.
func TestOpenAPIIsTheOneThatScreensAreBuiltOn(t *testing.T) {
	made, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *update {
		if err := os.WriteFile("openapi.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, kept) {
		t.Fatal("desk/openapi.json differs from the handlers: go test ./desk -run OpenAPI -update, then make the screens' client anew")
	}
}
