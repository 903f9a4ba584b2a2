package pack

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"tocsin/rules"
	"tocsin/streams/event"
)

// TestRUL4_LibraryPacksGoTogether: a patient may be in any two groups, so a name means the same thing in every pack of the
// library, and any two of them make one plan.
func TestRUL4_LibraryPacksGoTogether(t *testing.T) {
	ids := slices.Sorted(maps.Keys(Library()))
	kind := map[string]string{}
	means := func(id, name, what string) {
		if was, known := kind[name]; known && was != what {
			t.Errorf("pack %s: %s is a %s, and elsewhere a %s", id, name, what, was)
		}
		kind[name] = what
	}
	for _, id := range ids {
		p := packOf(t, id)
		for _, q := range p.Questions {
			means(id, q.Code, "question, yes or no "+strconv.FormatBool(q.YesNo)+", in "+q.Unit)
		}
		for _, f := range p.Facts {
			means(id, f.Name, "fact, in "+f.Unit)
		}
		for _, d := range p.Derived {
			means(id, d.ID, "series of "+d.Text)
		}
	}
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			rules.Merge([]*rules.Pack{packOf(t, a), packOf(t, b)}, nil)
			rules.Merge([]*rules.Pack{packOf(t, b), packOf(t, a)}, nil)
		}
	}
}

// TestRUL4_MergeLeavesPacksAlone: a patient in two groups changes nothing for whoever is in one of them.
func TestRUL4_MergeLeavesPacksAlone(t *testing.T) {
	score := func() string {
		p := under(t, &event.Plan{AgeYears: 60}, "rox")
		give(t, p, upload{"spo2_percent": "95", "fio2_percent": "60", "respiration_per_min": "40"})
		return p.State.Band
	}
	before := score()
	for _, other := range slices.Sorted(maps.Keys(Library())) {
		rules.Merge([]*rules.Pack{packOf(t, other), packOf(t, "rox")}, nil)
		if after := score(); after != before {
			t.Fatalf("the band was %s, and is %s since it was merged with %s", before, after, other)
		}
	}
}
