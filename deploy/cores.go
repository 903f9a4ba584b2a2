package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/desk"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

// What the cores keep of one patient, and of everyone.
type (
	patientState = streams.Three[rules.State, alerts.State, care.State]
	patientFacts = streams.Three[rules.Facts, alerts.Facts, care.Facts]
)

// patientParts joins the three cores in the order in which they are asked.
func patientParts() streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: pack.Compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}),
		streams.Machine[care.State, care.Facts](care.Core{}))
}

// lookAt tells the desk what the rules know of a patient. The states are never altered, so the working out may wait
// until somebody looks.
func lookAt(facts rules.Facts, state rules.State, clock event.Time) (silent bool, vitals func() desk.Vitals) {
	return len(state.Silences) > 0, func() desk.Vitals {
		v := desk.Vitals{Latest: map[string]desk.Latest{}, Trend: map[string][]desk.Point{}}
		if scored := rules.Assess(facts, state, clock); scored != nil {
			v.Score = scored.Score
		}
		for q := event.Quantity(1); int(q) < event.Quantities; q++ {
			if l, ok := state.Latest(q); ok {
				v.Latest[q.String()] = desk.Latest{Value: l.Value, Mark: l.Mark, MeasuredAt: l.MeasuredAt, Clock: l.Clock, Stale: stale(v.Score, q)}
			}
			for _, p := range state.Trend(q) {
				v.Trend[q.String()] = append(v.Trend[q.String()], desk.Point{At: p.At, Value: p.Value})
			}
		}
		for _, s := range state.Silences {
			v.Silent = append(v.Silent, desk.SilentSignal{Quantity: s.Quantity, Since: s.Since})
		}
		return v
	}
}

// stale tells whether the score holds a value but does not count it, since it is too old.
func stale(score *event.Score, q event.Quantity) bool {
	return score != nil && slices.ContainsFunc(score.Parts, func(p event.Part) bool { return p.Quantity == q && p.Stale })
}

// libraryPack is a pack that comes with the program.
type libraryPack struct {
	id      string
	version int
	text    string
}

// libraryPacks answers the library, sorted; the program's own packs compile, or its tests would have failed.
func libraryPacks() ([]libraryPack, error) {
	var all []libraryPack
	for id, text := range pack.Library() {
		p, err := pack.CompileFile(id+".yaml", text)
		if err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
		all = append(all, libraryPack{p.ID, p.Version, text})
	}
	slices.SortFunc(all, func(a, b libraryPack) int { return cmp.Compare(a.id, b.id) })
	return all, nil
}

// checkPack is the registrar's compiler.
func checkPack(text string) (string, int, error) {
	p, err := pack.Compile(text)
	if err != nil {
		return "", 0, err
	}
	return p.ID, p.Version, nil
}

// checkLibrary compiles every pack of the library, runs its tests and says so.
func checkLibrary(w io.Writer) error {
	packs, err := libraryPacks()
	if err != nil {
		return err
	}
	cases := pack.Cases()
	var faults []error
	for _, p := range packs {
		passed, err := pack.RunCases(p.id+"_test.yaml", p.text, cases[p.id])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		fmt.Fprintf(w, "pack %s version %d compiles, and %d of its tests pass\n", p.id, p.version, passed)
	}
	return errors.Join(faults...)
}
