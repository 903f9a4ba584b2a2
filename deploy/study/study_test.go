package study

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tocsin/rules/pack"
	"tocsin/rules/study"
	"tocsin/streams/event"
)

func cohort(t *testing.T, format, path string) study.Cohort {
	t.Helper()
	c, err := Read(format, path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func evaluated(t *testing.T, c study.Cohort, families ...study.Family) study.Report {
	t.Helper()
	r, err := Evaluate(Plan{Cohort: c, Families: families, Half: "all", Command: "test", Began: func(int) {}, Done: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Refused) > 0 {
		t.Fatalf("while deciding: %v", r.Refused)
	}
	return r
}

func library(t *testing.T, id string) study.Family {
	t.Helper()
	f, err := FamilyOf(id, pack.Library()[id])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The score after each row of two stays, worked out by hand: a row without a value leaves it as it was.
func TestScoresOfRowsAreThoseByHand(t *testing.T) {
	c := cohort(t, "physionet2019", "testdata/sepsis")
	want := map[string][]int{"s1": {0, 0, 0, 0, 0, 0, 3, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "s2": {0, 0, 1, 5, 0}}
	for i := range c.Patients {
		p := &c.Patients[i]
		trace, err := Play(p, pack.Library()["as-recorded"], true)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, h := range p.Hours {
			got = append(got, trace.Lower[h.Uploads-1])
		}
		if !slices.Equal(got, want[p.ID]) {
			t.Errorf("%s: %v, want %v", p.ID, got, want[p.ID])
		}
	}
}

// Sepsis is at hour 17 of s1 (six after the first label at 11). Hours 9 to 13 score 3, 8, 8, 8, 8; of s2, which has none, hour 4 scores 5.
func TestSepsisIsCountedAsDefined(t *testing.T) {
	r := evaluated(t, cohort(t, "physionet2019", "testdata/sepsis"), study.Families()["news2"])
	s := r.Scores[0]
	if s.Rows != 25 || s.Labelled != 12 || s.Stays != 2 || s.Septic != 1 {
		t.Fatalf("%+v", s)
	}
	type row struct{ reached, positive, crossings int }
	want := map[int]row{3: {1, 6, 2}, 5: {1, 5, 2}, 7: {1, 4, 1}}
	for _, a := range s.Thresholds {
		if got := (row{a.Reached, a.Positive, a.Crossings}); got != want[a.Threshold] {
			t.Errorf("at %d: %+v, want %+v", a.Threshold, got, want[a.Threshold])
		}
	}
	if a := s.Thresholds[0]; a.LeadHours != 8 || a.PPV != 5.0/6 || a.CrossingsPPV != 0.5 {
		t.Errorf("at 3: %+v", a)
	}
	for _, o := range r.Packs {
		// A pack that warns from 3 on warns again when 3 has become 8: two of its three are about s1.
		warnings, right := map[int]int{3: 3, 4: 2, 5: 2, 6: 1, 7: 1, 8: 1}[o.Threshold], map[int]int{3: 2}[o.Threshold]
		found := 1
		if o.Threshold == 9 { // nobody scores 9
			found = 0
		}
		right = max(right, found)
		if o.Found != found || o.Warnings != warnings || o.True != right {
			t.Errorf("%s: found %d, %d warnings, %d true", o.Name(), o.Found, o.Warnings, o.True)
		}
	}
}

// Of both pressures in one minute the invasive one counts; -1 and a temperature of -17.8 are nothing that was measured.
func TestMortalityIsReadAsTheSetIsWritten(t *testing.T) {
	c := cohort(t, "physionet2012", "testdata/mortality/set")
	var uploads []int
	for _, p := range c.Patients {
		uploads = append(uploads, len(p.Uploads))
	}
	if !reflect.DeepEqual(uploads, []int{2, 4}) {
		t.Fatalf("uploads %v", uploads)
	}
	o := c.Patients[0].Uploads[1].Data.(*event.ObservationRecorded)
	for _, r := range o.Readings {
		if r.Quantity == event.SystolicMmHg && r.Value != event.Int(88) {
			t.Errorf("systolic %s", r.Value)
		}
	}
	r := evaluated(t, c, study.Families()["news2"])
	// 124: 2, 88: 3, 27: 3, 93: 2; the temperature of before adds nothing.
	if s := r.Stays[0]; s.Positive != 1 || s.AUROC != 1 || s.Thresholds[2].Sensitivity != 1 || s.Thresholds[0].Specificity != 1 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(r.Markdown(), "stay by stay") {
		t.Error("the report does not tell of stays")
	}
}

// The labels' clock is an hour behind. The second day of a pressure that still stands is found by a pack that asks again, and only
// known by one that does not; a reading of the evening has its alert in the morning.
func TestHomeAlertsAreFoundByTheirSign(t *testing.T) {
	c := cohort(t, "tihm", "testdata/home")
	if want := []string{"1 alerts about patients without readings", "1 alerts of the kind Agitation, which no signal of ours shows", "1 readings of Total body water, which is no signal of ours", "1 uploads with a value that the door refuses: impossible"}; !reflect.DeepEqual(c.Left, want) {
		t.Errorf("left out: %q", c.Left)
	}
	r := evaluated(t, c, study.Families()["home-limits"], library(t, "home-monitoring"))
	for _, o := range r.Packs {
		if o.Half != "all" {
			continue
		}
		found, warnings := 3, 3
		if o.Pack == "home-monitoring" {
			found, warnings = 4, 4
		}
		if o.Targets != 4 || o.Found != found || o.Known != 4 || o.Warnings != warnings || o.True != warnings {
			t.Errorf("%s: %d of %d found, %d known, %d warnings, %d true", o.Pack, o.Found, o.Targets, o.Known, o.Warnings, o.True)
		}
	}
}

// The same data give the same bytes, however many patients are played at once.
func TestTheSameDataGiveTheSameReport(t *testing.T) {
	var first []byte
	for _, n := range []int{1, 4} {
		was := runtime.GOMAXPROCS(n)
		r := evaluated(t, cohort(t, "tihm", "testdata/home"), study.Families()["home-limits"], library(t, "home-monitoring"))
		runtime.GOMAXPROCS(was)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all := append(b, r.Markdown()...)
		for _, name := range []string{"burden.svg", "lead.svg"} {
			all = append(all, r.Plots()[name]...)
		}
		if first == nil {
			first = all
		} else if string(first) != string(all) {
			t.Error("two runs differ")
		}
	}
}

func TestReadTellsWhatIsWrongAndWhere(t *testing.T) {
	write := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	const head, labels = "patient_id,date,device_type,value,unit\n", "patient_id,date,type\n"
	for _, x := range []struct {
		format, want string
		files        map[string]string
	}{
		{"tihm", "no column unit", map[string]string{"Physiology.csv": "patient_id,date,device_type,value\n"}},
		{"tihm", "Physiology.csv, line 2: date \"1 May\"", map[string]string{"Physiology.csv": head + "h1,1 May,Heart rate,70,beats/min\n"}},
		{"tihm", "Physiology.csv, line 2: number \"many\"", map[string]string{"Physiology.csv": head + "h1,2019-05-01 08:00:00,Heart rate,many,beats/min\n"}},
		{"tihm", "Labels.csv, line 2: date", map[string]string{"Physiology.csv": head, "Labels.csv": labels + "h1,x,Pulse\n"}},
		{"physionet2012", "whose name begins with Outcomes", map[string]string{"1.txt": "Time,Parameter,Value\n"}},
		{"physionet2012", "stay 1 is not in the Outcomes file", map[string]string{"1.txt": "Time,Parameter,Value\n", "Outcomes.csv": "RecordID,In-hospital_death\n2,0\n"}},
		{"physionet2012", "1.txt, line 2: time \"noon\"", map[string]string{"1.txt": "Time,Parameter,Value\nnoon,HR,70\n", "Outcomes.csv": "RecordID,In-hospital_death\n1,0\n"}},
		{"physionet2019", "no column SepsisLabel", map[string]string{"s.psv": "HR|O2Sat|Temp|SBP|Resp|ICULOS\n1|2|3|4|5|1\n"}},
		{"csv", "the formats are physionet2019, physionet2012, tihm", nil},
	} {
		if _, err := Read(x.format, write(x.files)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", x.format, err, x.want)
		}
	}
}
