package pack

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed library/*.yaml
var library embed.FS

// Library answers the texts of the packs that come with the program, by id. They take effect when they are published.
func Library() map[string]string { return files(false) }

// files answers the packs of the library, or their tests.
func files(tests bool) map[string]string {
	all := map[string]string{}
	names, err := fs.Glob(library, "library/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		text, err := library.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the program
		}
		id := strings.TrimSuffix(strings.TrimPrefix(name, "library/"), ".yaml")
		if base, isTest := strings.CutSuffix(id, "_test"); isTest == tests {
			all[base] = string(text)
		}
	}
	return all
}
