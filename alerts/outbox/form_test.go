package outbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/alerts/outbox/hl7v2"
	"tocsin/streams/event"
)

var update = flag.Bool("update", false, "write the forms anew")

// course is the warning of the examples: NEWS2 11 with an SpO2 of 91, from its raising to its end.
func course(t *testing.T) []change {
	t.Helper()
	at := time.Date(2026, 3, 2, 7, 15, 5, 0, time.FixedZone("", 8*3600))
	measured := event.TimeOf(at.Add(-5 * time.Second))
	q, v, low, high := event.SpO2Percent, event.Int(91), event.Int(92), event.Int(100)
	reasons := []event.Reason{{Rule: "news2-aggregate>=7", Severity: event.High, Quantity: &q, Value: &v, Unit: "%", MeasuredAt: &measured, Reading: "d1/1/417", Low: &low, High: &high,
		Zh: "血氧饱和度 91 %|低于 92 %", En: "SpO2 91 % below 92 %", Pack: "copd", When: "…", SetBy: "doctor-b"}}
	score := &event.Score{Rule: "news2", Lower: 11, Upper: 14, Band: "high", Parts: []event.Part{{Points: 3}}, Missing: []event.Quantity{event.ACVPU}}
	open := warnings{}
	var all []change
	for i, d := range []event.Event{
		&event.AlertRaised{Alert: "w-7781", Severity: event.High, Problem: event.Deterioration, Rule: "news2-aggregate>=7", Reasons: reasons, Score: score, Policy: event.Policy{ID: "copd/high"}, AnswerBy: event.TimeOf(at.Add(3 * time.Minute))},
		&event.AlertEscalated{Alert: "w-7781", To: "doctor-1", Why: "unanswered", AnswerBy: event.TimeOf(at.Add(6 * time.Minute))},
		&event.AlertAccepted{Alert: "w-7781", By: "doctor-b", CareBy: event.TimeOf(at.Add(14 * time.Minute))},
		&event.AlertContacted{Alert: "w-7781", By: "doctor-b", Whom: event.ContactPatient, Outcome: event.Reached, Note: "Mrs Wang sounds well", CareBy: event.TimeOf(at.Add(time.Hour))},
		&event.AlertEased{Alert: "w-7781"},
		&event.AlertClosed{Alert: "w-7781", By: "doctor-b", Outcome: event.OutcomeReal, Done: "sent Mrs Wang to hospital"},
	} {
		e := event.Envelope{ID: fmt.Sprintf("life.7.%d", i), Subject: "HOSP/P000123", At: event.TimeOf(at.Add(time.Duration(i) * time.Minute)), Data: d}
		w, is := open.fold(e)
		if !is {
			t.Fatalf("%s is about nothing", d.Type())
		}
		all = append(all, change{subscriber: "his", number: int64(i + 1), partition: 3, event: e, warning: w})
		w.Told++
		open["w-7781"] = w
	}
	return all
}

func rendered(t *testing.T, r renderer) [][]event.OutboxPart {
	t.Helper()
	var all [][]event.OutboxPart
	for _, c := range course(t) {
		parts, err := r.render(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parts)
	}
	return all
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// golden holds a form against its file.
func golden(t *testing.T, name, now string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(path)
	if err != nil || string(was) != now {
		t.Errorf("%s (%v): it is\n%s\nand was\n%s", path, err, now, was)
	}
}

// Every form of a whole course, as it goes out. Nobody's words or name, and no disease, are in any.
func TestTheFormsOfAWarning(t *testing.T) {
	for name, r := range map[string]renderer{"course.cloudevents.txt": cloudEvents{}, "course.fhir.txt": fhir{zone: shanghai(t)}, "course.hl7v2.txt": r40{zone: shanghai(t), receiver: "DESKGW"}} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i, parts := range rendered(t, r) {
				for _, p := range parts {
					fmt.Fprintf(&b, "# %d %s %s %s\n", i+1, p.Method, p.Path, p.Type)
					body := strings.ReplaceAll(p.Body, "\r", "\n")
					var indented bytes.Buffer
					if json.Indent(&indented, []byte(p.Body), "", " ") == nil {
						body = indented.String() + "\n"
					}
					b.WriteString(body)
				}
			}
			golden(t, name, b.String())
			for _, hidden := range []string{"Wang", "copd", "hospital"} {
				if strings.Contains(b.String(), hidden) {
					t.Errorf("it says %s", hidden)
				}
			}
		})
	}
}

// The example of PCD-04 reads and writes to the same bytes, and what we write of the same warning has its segments and codes.
func TestINT6_TheAlertMessageIsThatOfTheExample(t *testing.T) {
	file, err := os.ReadFile("testdata/hl7v2-oru-r40-pcd04.hl7")
	if err != nil {
		t.Fatal(err)
	}
	example, err := hl7v2.Parse(string(file))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(strings.TrimRight(string(file), "\r\n"), "\n", "\r") + "\r"; example.String() != want && example.String() != strings.ReplaceAll(want, "\r\r", "\r") {
		t.Errorf("the round trip changed it to\n%q\nfrom\n%q", example.String(), want)
	}
	parts := rendered(t, r40{zone: shanghai(t), receiver: "DESKGW", facility: "HOSP"})[0]
	ours, err := hl7v2.Parse(parts[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	if ours.String() != parts[0].Body {
		t.Error("the round trip of ours changed it")
	}
	if len(ours) != len(example) {
		t.Fatalf("%d segments; the example has %d", len(ours), len(example))
	}
	same := map[string][]int{"MSH": {1, 2, 5, 7, 9, 11, 12, 15, 16, 21}, "PID": {3}, "PV1": {2, 3}, "OBR": {1, 4, 7, 29}, "OBX": {1, 2, 3, 4, 6, 7, 8, 11, 14}}
	for i, s := range example {
		if ours[i].Name != s.Name {
			t.Fatalf("segment %d is %s; the example has %s", i+1, ours[i].Name, s.Name)
		}
		for _, n := range same[s.Name] {
			if ours[i].Field(n) != s.Field(n) {
				t.Errorf("%s-%d (segment %d) is %q; the example has %q", s.Name, n, i+1, ours[i].Field(n), s.Field(n))
			}
		}
	}
	for i, s := range ours {
		if s.Name == "OBX" && i != 4 && s.Field(5) != example[i].Field(5) {
			t.Errorf("OBX-5 of segment %d is %q; the example has %q", i+1, s.Field(5), example[i].Field(5))
		}
	}
	if text := ours[4].Component(5, 1); text != "news2 11: 血氧饱和度 91 %|低于 92 % / SpO2 91 % below 92 %" || ours[0].Field(18) != "UNICODE UTF-8" {
		t.Errorf("the text is %q in %q", text, ours[0].Field(18))
	}
	if id := ours[0].Field(10); len(id) > 20 {
		t.Errorf("the control id %s is longer than HL7 2.6 allows", id)
	}
}

// What we write as DetectedIssue has all that the example has, in the same types of JSON, and is put under its own id.
func TestINT2_TheWarningIsADetectedIssue(t *testing.T) {
	file, err := os.ReadFile("testdata/fhir-detectedissue-warning.json")
	if err != nil {
		t.Fatal(err)
	}
	var example, ours map[string]any
	if err := json.Unmarshal(file, &example); err != nil {
		t.Fatal(err)
	}
	all := rendered(t, fhir{zone: shanghai(t)})
	if err := json.Unmarshal([]byte(all[0][0].Body), &ours); err != nil {
		t.Fatal(err)
	}
	for key, v := range example {
		if reflect.TypeOf(ours[key]) != reflect.TypeOf(v) {
			t.Errorf("%s is %T; the example has %T", key, ours[key], v)
		}
	}
	for _, key := range []string{"resourceType", "id", "status", "severity", "code"} {
		if !reflect.DeepEqual(ours[key], example[key]) {
			t.Errorf("%s is %v; the example has %v", key, ours[key], example[key])
		}
	}
	if at, err := time.Parse(time.RFC3339, ours["identifiedDateTime"].(string)); err != nil || !at.Equal(must2(time.Parse(time.RFC3339, example["identifiedDateTime"].(string)))) {
		t.Errorf("identified at %v", ours["identifiedDateTime"])
	}
	var paths []string
	for _, parts := range all {
		if len(parts) != 2 || parts[0].Path != "DetectedIssue/w-7781" || parts[0].Method != "PUT" || !strings.HasPrefix(parts[1].Path, "Communication/c") {
			t.Fatalf("%+v", parts)
		}
		paths = append(paths, parts[1].Path)
	}
	if slices.Sort(paths); len(slices.Compact(paths)) != len(all) {
		t.Error("two events are one Communication")
	}
	if last := all[len(all)-1][0].Body; !strings.Contains(last, `"status":"final"`) {
		t.Errorf("at its end it is %s", last)
	}
}

func must2(at time.Time, err error) time.Time {
	if err != nil {
		panic(err)
	}
	return at
}

// Any text goes through HL7's escapes and back.
func FuzzEscape(f *testing.F) {
	f.Add(`a|b^c&d~e\f` + "\r\n血氧")
	f.Add(`\E\F\`)
	f.Fuzz(func(t *testing.T, text string) {
		escaped := hl7v2.Escape(text)
		if strings.ContainsAny(escaped, "|^&~\r\n") {
			t.Fatalf("%q escapes to %q", text, escaped)
		}
		if back := hl7v2.Unescape(escaped); back != text {
			t.Fatalf("%q became %q by way of %q", text, back, escaped)
		}
	})
}

// Whatever comes as a message, reading it does not panic, and what can be read is written the same.
func FuzzParse(f *testing.F) {
	f.Add("MSH|^~\\&|A\rMSA|AA|1\r")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := hl7v2.Parse(text)
		if err != nil {
			return
		}
		again, err := hl7v2.Parse(m.String())
		if err != nil || again.String() != m.String() {
			t.Fatalf("%q became %q, %v", m.String(), again.String(), err)
		}
	})
}
