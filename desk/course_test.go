package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// months is a history that has one patient's two years.
type months struct {
	shelf
	asked *int
}

var (
	march = event.TimeOf(time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC))
	fall  = march.Add(317*24*time.Hour + 13*time.Hour)
)

func (m months) Course(_ context.Context, _, _ string, from, to event.Time, points int) (course.Readings, error) {
	*m.asked = points
	s := course.Signal{Quantity: event.SpO2Percent}
	step := to.Sub(from) / time.Duration(points)
	for i := range points {
		at := from.Add(time.Duration(i) * step)
		p := course.Stretch{First: at, Last: at.Add(step / 2), Low: event.Int(93), High: event.Int(98)}
		if at <= fall && fall < at.Add(step) {
			p.Low = event.Int(71)
		}
		s.Points = append(s.Points, p)
	}
	clock := course.Signal{Quantity: event.SpO2Percent, Doubt: course.ClockDoubt, Points: []course.Stretch{{First: fall, Last: fall, Low: event.Int(71), High: event.Int(71)}}}
	return course.Readings{Step: step, Signals: []course.Signal{s, clock}}, m.err
}

func (m months) Axis(_ context.Context, _, _ string, from, to event.Time, _ int) (course.Axis, error) {
	back := fall.Add(26 * time.Hour)
	plan := func(at event.Time, p event.Plan) event.Envelope {
		return event.Envelope{At: at, Data: &event.PlanChanged{Plan: p}}
	}
	low, high := event.Int(88), event.Int(92)
	plans := []event.Envelope{plan(march, event.Plan{OrderedBy: "dr-lin", SpO2Scale: 2, Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}},
		Pauses: []event.Pause{{From: march, Until: march.Add(2000 * 24 * time.Hour), Why: "dialysis", Days: []int{2}, StartMin: 480, LengthMin: 240}}})}
	value := event.Int(71)
	a := course.Axis{
		Episodes: []course.Episode{
			{Alert: "w1", RaisedAt: fall, Peak: event.High, ClosedAt: back, Outcome: event.OutcomeReal, Raised: &event.AlertRaised{Problem: event.Deterioration, Rule: "spo2-low",
				Reasons: []event.Reason{{Value: &value, Zh: "血氧 71 %", En: "SpO2 71 %"}}}, Accepted: &event.AlertAccepted{By: "nurse-a"}, Closed: &event.AlertClosed{By: "nurse-a"}},
			{Alert: "w2", RaisedAt: back, Peak: event.Low, ClosedAt: event.Never, Raised: &event.AlertRaised{Problem: event.Silence}},
		},
		LeftOut: 7,
		Scores:  []course.ScoreStretch{{First: march, Last: march, Low: 3, High: 3, Upper: 5, EndLower: 3, EndUpper: 5}},
		Clusters: []course.Cluster{
			{First: march, Last: march, N: 1, Newest: plans[0]},
			{First: fall, Last: back, N: 4, Newest: event.Envelope{At: back, Data: &event.NoticeReported{Alert: "w1", Recipient: "carer", Channel: "sms", State: event.NoticeFailed}}},
		},
		Turns: []course.Turn{{Type: "patient.enrolled", At: march}, {Type: "signal.fell_silent", About: "spo2_percent", At: fall}, {Type: "signal.fell_silent", About: "spo2_percent", At: fall + 1},
			{Type: "signal.returned", About: "spo2_percent", At: back}, {Type: "signal.fell_silent", About: "weight_kg", At: back}, {Type: "patient.left", At: back + 5}, {Type: "patient.resumed", At: back + 9}},
		Plans: plans,
		Shut:  []event.Envelope{{At: back, Data: &event.TechnicalFault{Kind: "door_shut", Door: "gateway", From: &fall, To: &back}}},
	}
	return a, m.err
}

// TestHIS3_OneTimeAxisOfAPatient: the answer's size does not grow with the span, the minute of 71 % is in it at two years, and each
// thing says what it is in both languages.
func TestHIS3_OneTimeAxisOfAPatient(t *testing.T) {
	h := open(t)
	h.patient("demo", "P-0113", "copd")
	asked := 0
	nurse := h.as(roleNurse, "nurse-a")
	with := func(err error) *browser {
		b := h.browser(h.openDesk(func(o *Options) { o.History = months{shelf{err}, &asked} }).url)
		b.token = nurse.token
		return b
	}
	b := with(nil)
	sizes := map[string]int{}
	for name, span := range map[string]time.Duration{"two years": 730 * 24 * time.Hour, "ten minutes": 10 * time.Minute} {
		from := march
		if name == "ten minutes" {
			from = fall.Add(-time.Minute)
		}
		var c struct {
			Signals []struct {
				Doubt  string
				Points [][]float64
			}
		}
		status, raw := b.do("GET", fmt.Sprintf("/v1/patients/demo/P-0113/course?from=%s&to=%s&points=400", from, from.Add(span)), nil, &c)
		if status != 200 || asked != 400 || len(c.Signals) != 2 || c.Signals[1].Doubt != "clock" {
			t.Fatalf("%s: %d %.300s", name, status, raw)
		}
		if !slices.ContainsFunc(c.Signals[0].Points, func(p []float64) bool { return p[2] == 71 && p[3] == 98 && int64(p[0]) <= int64(fall) }) {
			t.Errorf("%s: 71 %% is nowhere", name)
		}
		sizes[name] = len(raw)
	}
	if most := 2 * sizes["ten minutes"]; sizes["two years"] > most || sizes["two years"] > 64<<10 {
		t.Errorf("two years are %d bytes, ten minutes %d", sizes["two years"], sizes["ten minutes"])
	}

	week := fmt.Sprintf("/v1/patients/demo/P-0113/course?from=%s&to=%s", fall.Add(-2*24*time.Hour), fall.Add(5*24*time.Hour))
	status, raw := b.do("GET", week, nil, nil)
	var loose struct {
		History  string
		Group    string
		LeftOut  int `json:"left_out"`
		Warnings []CourseWarning
		Events   []CourseEvent
		Spans    []CourseSpan
	}
	if err := json.Unmarshal([]byte(raw), &loose); err != nil || status != 200 || loose.History != "on" || loose.Group != "copd" || loose.LeftOut != 7 || len(loose.Warnings) != 2 {
		t.Fatalf("%d %v %.600s", status, err, raw)
	}
	if w := loose.Warnings[0]; w.Severity != event.High || w.ClosedAt == nil || w.Outcome != "real" || w.Zh != "血氧 71 %" || w.AcceptedBy != "nurse-a" || w.Page {
		t.Errorf("the warning: %+v", w)
	}
	if loose.Warnings[1].ClosedAt != nil {
		t.Error("an open warning is told to be closed")
	}
	var spans []string
	for _, s := range loose.Spans {
		spans = append(spans, s.Kind)
	}
	slices.Sort(spans)
	if want := []string{"away", "planned", "silent", "silent", "unheard", "watched", "watched"}; !slices.Equal(spans, want) {
		t.Errorf("spans %v, want %v", spans, want)
	}
	says := func(lane, zh, en string) {
		if !slices.ContainsFunc(loose.Events, func(e CourseEvent) bool {
			return e.Lane == lane && strings.Contains(e.Zh, zh) && strings.Contains(e.En, en)
		}) {
			t.Errorf("no %s with %q and %q in %+v", lane, zh, en, loose.Events)
		}
	}
	says("notices", "carer，sms：发送失败", "carer, sms: failed")
	says("plan", "dr-lin：氧合评分表 2；血氧", "dr-lin: oxygen scale 2; SpO2")

	for path, want := range map[string]int{week + "&points=20": 422, week + "&points=2000": 422, strings.Replace(week, "from=", "from=2030-01-01T00:00:00Z&x=", 1): 422} {
		if status, raw := b.do("GET", path, nil, nil); status != want {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	if status, _ := with(errors.New("no engine")).do("GET", week, nil, nil); status != 502 {
		t.Errorf("without an engine: %d", status)
	}
	if status, raw := nurse.do("GET", week, nil, nil); status != 200 || !strings.Contains(raw, `"history":"off"`) || !strings.Contains(raw, `"signals":[]`) {
		t.Errorf("history off: %d %s", status, raw)
	}
}

// TestSEC2_SEC5_ReadingTheTimeAxisIsNotedAndForeignersAreRefused: the look is in the audit log with its purpose; a patient out of the
// care is refused, and opens by an emergency like everything else about them.
func TestSEC2_SEC5_ReadingTheTimeAxisIsNotedAndForeignersAreRefused(t *testing.T) {
	h := open(t)
	asked := 0
	h.audited(func(o *Options) { o.History = months{shelf{}, &asked} })
	h.lives("someone", roleLead, scopeOf([]string{"demo"}))
	h.patient("demo", "P-1", "copd")
	h.patient("demo", "P-2", "heart")
	nurse := h.signedIn("nurse-c", roleNurse, scopeOf(nil, "demo/copd"))
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-1/course", nil, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	h.noted("a read chart", func(e trail.Entry) bool {
		return e.Account == "nurse-c" && e.Action == "chart.read" && e.Patient == "P-1" && e.Purpose == purposeCare && !e.Refused
	})
	asked = 0
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-2/course", nil, nil); status != 404 || asked != 0 || strings.Contains(raw, "copd") {
		t.Fatalf("a foreign patient: %d %s (history asked for %d points)", status, raw, asked)
	}
	h.noted("a refused look", func(e trail.Entry) bool { return e.Action == "chart.read" && e.Patient == "P-2" && e.Refused })
	if status, raw := nurse.do("POST", "/v1/emergencies", EmergencyBody{Tenant: "demo", Patient: "P-2", Reason: "seizure", ForMin: 60}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-2/course", nil, nil); status != 200 {
		t.Fatalf("opened: %d %s", status, raw)
	}
	h.noted("an emergency's look", func(e trail.Entry) bool {
		return e.Action == "chart.read" && e.Patient == "P-2" && e.Purpose == purposeEmergency
	})
}

// Every type that can stand on the axis is said in words, in both languages, and in a lane that the page has.
func TestHIS4_EverythingOnTheAxisHasWords(t *testing.T) {
	lanes := []string{"contacts", "notices", "answers", "plan", "care"}
	for _, name := range []string{"alert.contacted", "alert.noted", "reading.disowned", "notice.reported", "observation.recorded", "plan.changed", "patient.enrolled", "patient.grouped", "device.bound", "device.revoked", "patient.left", "patient.resumed", "consent.given", "consent.withdrawn", "responsible.set"} {
		files, err := filepath.Glob("../streams/event/testdata/" + name + ".v*.json")
		if err != nil || len(files) == 0 {
			t.Fatal(name, err)
		}
		var frozen struct {
			Headers map[string]string
			Value   json.RawMessage
		}
		b, err := os.ReadFile(files[len(files)-1])
		if err == nil {
			err = json.Unmarshal(b, &frozen)
		}
		if err != nil {
			t.Fatal(err)
		}
		var headers []event.Header
		for k, v := range frozen.Headers {
			headers = append(headers, event.Header{Key: k, Value: []byte(v)})
		}
		e, err := event.Decode(headers, frozen.Value)
		if err != nil {
			t.Fatal(err)
		}
		lane, _, zh, en := courseWords(e, nil, nil)
		if !slices.Contains(lanes, lane) || zh == "" || en == "" || strings.Contains(en, name) {
			t.Errorf("%s: lane %q, %q, %q", name, lane, zh, en)
		}
	}
}

// TestHIS3_SEC4_GRP2_ConsentsAndTeamsOnTheAxisInWords: what was agreed to and withdrawn, who was chosen, and who came into a team of the
// patient's groups and left it while the patient was in the group.
func TestHIS3_SEC4_GRP2_ConsentsAndTeamsOnTheAxisInWords(t *testing.T) {
	for _, c := range []struct {
		e      event.Event
		zh, en string
	}{
		{&event.ConsentGiven{By: "nurse-a", Consent: event.Consent{ID: "F-7", Purposes: []string{event.ForMonitoring, event.ForSharing}}}, "nurse-a 登记同意书 F-7：居家监测、共享", "nurse-a recorded consent F-7: home monitoring, sharing"},
		{&event.ConsentWithdrawn{By: "nurse-b", Purposes: []string{event.ForResearch}}, "患者撤回同意：科研（nurse-b 登记）", "the patient withdrew consent: research (recorded by nurse-b)"},
		{&event.ResponsibleSet{By: "lead-wu", Coordinator: "dr-lin", Owners: map[string]string{"copd": "nurse-a"}, Why: "knows her"}, "lead-wu 指定：总协调 dr-lin，copd nurse-a（knows her）", "lead-wu chose: coordinator dr-lin, copd nurse-a (knows her)"},
		{&event.ResponsibleSet{By: "lead-wu", Why: "back to the rule"}, "lead-wu 指定：总协调 按规则（back to the rule）", "lead-wu chose: coordinator by the rule (back to the rule)"},
	} {
		if lane, _, zh, en := courseWords(event.Envelope{Data: c.e}, nil, nil); lane != "care" || zh != c.zh || en != c.en {
			t.Errorf("%s: %s, %q, %q", c.e.Type(), lane, zh, en)
		}
	}

	p := newPast()
	p.place("demo", "P-1", []string{"copd"}, 100)
	p.place("demo", "P-1", []string{"diabetes"}, 400)
	team := func(at event.Time, group string, accounts ...string) {
		e := event.Envelope{ID: fmt.Sprint(at), Subject: "team/demo/" + group, At: at, Data: &event.TeamSet{Tenant: "demo", Group: group}}
		for _, a := range accounts {
			e.Data.(*event.TeamSet).Members = append(e.Data.(*event.TeamSet).Members, event.TeamMember{Account: a, Function: "nurse"})
		}
		headers, value, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.directory(&streams.Step{Records: []streams.Record{{Headers: headers, Value: value}}}); err != nil {
			t.Fatal(err)
		}
	}
	team(50, "copd", "lead-wu", "nurse-a")
	team(200, "copd", "lead-wu", "nurse-b")
	team(300, "copd", "lead-wu", "nurse-b")
	team(500, "copd", "nobody-hers")
	var got []string
	for _, e := range p.rulesOf("demo", "P-1", 0, 1000) {
		if e.Lane == "care" {
			got = append(got, fmt.Sprint(int64(e.From), " ", e.En))
		}
	}
	if want := []string{"200 team of group copd, joined: nurse-b, left: nurse-a", "300 team of group copd: functions changed"}; !slices.Equal(got, want) {
		t.Errorf("teams %q, want %q", got, want)
	}
}
