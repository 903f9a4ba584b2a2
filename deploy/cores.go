package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/directory"
)

// What the cores keep of one patient, and of everyone.
type (
	patientState = streams.Three[rules.State, alerts.State, care.State]
	patientFacts = streams.Three[rules.Facts, alerts.Facts, care.Facts]
)

// patientParts joins the three cores in the order in which they are asked.
func patientParts() streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compilePack}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}),
		streams.Machine[care.State, care.Facts](care.Core{}))
}

// compilePack is shared by the owners, screens and the registrar of every partition.
var compilePack = pack.Remembering()

// libraryPack is a pack that comes with the program.
type libraryPack struct {
	id      string
	version int
	text    string
}

// libraryPacks answers the library, sorted; the program's own packs compile, or its tests would have failed.
var libraryPacks = sync.OnceValues(func() ([]libraryPack, error) {
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
})

// checkPack is the registrar's compiler.
func checkPack(text string) (directory.Checked, error) {
	p, err := compilePack(text)
	if err != nil {
		return directory.Checked{}, err
	}
	return directory.Checked{Pack: p.ID, Version: p.Version, Signatures: p.Signatures}, nil
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
