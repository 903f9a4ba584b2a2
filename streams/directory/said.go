package directory

import (
	"fmt"
	"io"
	"maps"
)

// Further are columns that an import may have beside those of the directory, and that the directory knows nothing of: the vault's
// are such.
type Further interface {
	// Has tells whether there is such a column.
	Has(column string) bool
	// Check tells everything that is wrong with the cells of a row that are not empty, by column. It names the column and
	// never what stands there, since faults are shown to whoever imports.
	Check(cells map[string]string) error
}

// Said is what a file says of one patient in further columns.
type Said struct {
	Line            int
	Tenant, Patient string
	Cells           map[string]string // by column; those that are not empty
}

// ReadImport is ReadRows for a file that may have further columns, and answers what they say of each patient.
func ReadImport(r io.Reader, further Further) ([]Row, []Said, error) {
	rows, said, faults := readFile(r, further, maxFaults)
	all, contradictions := onceSaid(said)
	rows, err := whole(rows, append(faults, contradictions...))
	if err != nil {
		return nil, nil, err
	}
	return rows, all, nil
}

// none are no further columns.
type none struct{}

func (none) Has(string) bool               { return false }
func (none) Check(map[string]string) error { return nil }

// saidOf answers what the further cells of a row say.
func saidOf(fields []string, at map[string]int, further Further) (cells map[string]string) {
	for column, i := range at {
		if s := tidy(fields[i]); s != "" && further.Has(column) {
			if cells == nil {
				cells = map[string]string{}
			}
			cells[column] = s
		}
	}
	return cells
}

// onceSaid answers what is said of each patient. Somebody with two devices stands there twice: both rows say the same, or one says
// nothing.
func onceSaid(said []Said) (all []Said, faults []error) {
	first := map[[2]string]Said{}
	for _, s := range said {
		who := [2]string{s.Tenant, s.Patient}
		before, again := first[who]
		switch {
		case !again:
			first[who] = s
			all = append(all, s)
		case !maps.Equal(before.Cells, s.Cells):
			faults = append(faults, faultOf(s.Line, inWords(
				fmt.Sprintf("of patient %s/%s it says something else than line %d; want the same, or the cells of one of them empty", s.Tenant, s.Patient, before.Line),
				fmt.Sprintf("患者 %s/%s 的资料与第 %d 行不一致；请改为一致，或将其中一行留空", s.Tenant, s.Patient, before.Line))))
		}
	}
	return all, faults
}
