package directory

import (
	"strings"
	"testing"
)

// A row that stands in a file twice is one row: its device gets one token, which is the one that opens the door.
func TestARowThatStandsThereTwiceIsOne(t *testing.T) {
	const head = "tenant,patient,group,device,token\r\n"
	for name, c := range map[string]struct {
		text string
		want []Row
		err  string
	}{
		"the same":                        {"t,P1,g,d1,\r\nt,P1,g,d1,\r\n", []Row{{2, "t", "P1", "g", "d1", "", nil, ""}}, ""},
		"the token stands on one of them": {"t,P1,g,d1,\r\nt,P1,g,d1,x\r\nt,P1,g,d1,\r\n", []Row{{2, "t", "P1", "g", "d1", "x", nil, ""}}, ""},
		"two devices of one patient":      {"t,P1,g,d1,\r\nt,P1,g,d2,\r\n", []Row{{2, "t", "P1", "g", "d1", "", nil, ""}, {3, "t", "P1", "g", "d2", "", nil, ""}}, ""},
		// Whose device it is the registrar decides, and says.
		"two patients and one device": {"t,P1,g,d1,\r\nt,P2,g,d1,\r\n", []Row{{2, "t", "P1", "g", "d1", "", nil, ""}, {3, "t", "P2", "g", "d1", "", nil, ""}}, ""},
		"two tokens":                  {"t,P1,g,d1,x\r\nt,P1,g,d1,y\r\n", nil, "line 3: device d1 has another token on line 2"},
		"two groups":                  {"t,P1,g,d1,\r\nt,P1,h,d2,\r\n", nil, "line 3: patient t/P1 is in group h here and in g on line 2"},
	} {
		rows, err := ReadRows(strings.NewReader(head + c.text))
		if len(rows) != len(c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", name, rows, err)
			continue
		}
		for i := range c.want {
			if rows[i] != c.want[i] {
				t.Errorf("%s: row %d is %+v, want %+v", name, i, rows[i], c.want[i])
			}
		}
	}
}
