package study

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed packs/*.yaml
var packs embed.FS

// Family is packs that differ in one threshold alone, the mildest first, so that they can be compared with others at equal
// sensitivity.
type Family struct {
	ID      string
	Says    string
	Members []Member
}

// Member is one pack of a family.
type Member struct {
	Threshold int
	Text      string
}

// Families answers the packs made for studies, by id.
func Families() map[string]Family {
	all := map[string]Family{}
	names, err := fs.Glob(packs, "packs/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		text, err := packs.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the program
		}
		id := strings.TrimSuffix(strings.TrimPrefix(name, "packs/"), ".yaml")
		f, err := family(id, string(text))
		if err != nil {
			panic(err) // a test reads them all
		}
		all[id] = f
	}
	return all
}

const thresholds = "# thresholds: "

// family reads a text of which the first line lists thresholds and the second says what it is. @T stands for the threshold; a line
// that ends in #@2 is of threshold 2 alone.
func family(id, text string) (Family, error) {
	lines := strings.Split(text, "\n")
	f := Family{ID: id}
	list, ok := strings.CutPrefix(lines[0], thresholds)
	if !ok || len(lines) < 2 {
		return f, fmt.Errorf("study pack %s: its first line must list thresholds", id)
	}
	f.Says = strings.TrimPrefix(lines[1], "# ")
	for _, word := range strings.Fields(list) {
		t, err := strconv.Atoi(word)
		if err != nil {
			return f, fmt.Errorf("study pack %s: threshold %q is no number", id, word)
		}
		f.Members = append(f.Members, Member{t, member(lines, word)})
	}
	return f, nil
}

func member(lines []string, threshold string) string {
	var kept []string
	for _, l := range lines {
		of := strings.LastIndex(l, "#@")
		if of >= 0 && l[of+2:] != threshold {
			continue
		}
		if of >= 0 {
			l = strings.TrimRight(l[:of], " ")
		}
		kept = append(kept, strings.ReplaceAll(l, "@T", threshold))
	}
	return strings.Join(slices.Clip(kept), "\n")
}
