package alerts

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

var rewrite = flag.Bool("update", false, "rewrite the stories")

// start is 0s of every story.
const start event.Time = 1_772_434_800_000 // 2026-03-02T07:00:00Z

// Each line of a story that begins with "at" is one thing that happens; the indented lines below it are what follows.
// go test ./alerts -update rewrites them; commit the difference when you can explain each line of it.
func TestALR1_ALR3_ALR4_ALR5_ALR7_ALR9_ALR12_ALR13_ALR18_ALR22_ALR23_Stories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { story(t, file) })
	}
}

func story(t *testing.T, file string) {
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := tell(t, string(was))
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(was) {
		t.Errorf("the story goes differently now:\n%s", diff(string(was), got))
	}
}

func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := at(w, i), at(g, i)
		if a != b {
			return fmt.Sprintf("line %d\n  want %s\n  got  %s", i+1, a, b)
		}
	}
	return "only in its length"
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// tell plays the lines and answers the story as it went.
func tell(t *testing.T, text string) string {
	p := newPlay("demo/P-0113")
	var out strings.Builder
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line + "\n")
		if !strings.HasPrefix(line, "at ") {
			continue
		}
		words := fields(line)
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		p.asked = start.Add(d)
		e, err := read(words[2:], p)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, said := range p.step(start.Add(d), e) {
			out.WriteString("  " + print(said, p) + "\n")
		}
	}
	return out.String()
}

// play runs the core as the processor does: what is due, fold, decide, cascade.
type play struct {
	key   string
	core  Core
	facts Facts
	state State
	n     int
	now   event.Time
	asked event.Time // the moment of the line that is read
	log   []event.Envelope
	names map[string]string // alert id to a short name
}

func newPlay(key string) *play { return &play{key: key, names: map[string]string{}} }

// step lets time pass to now, deadline by deadline, and then folds e, if there is one. It answers everything that followed.
func (p *play) step(now event.Time, e *event.Envelope) []event.Envelope {
	var said []event.Envelope
	for due := p.core.NextDue(p.facts, p.state); due <= now; due = p.core.NextDue(p.facts, p.state) {
		p.now = max(p.now, due)
		events := p.core.Due(p.facts, p.state, p.now)
		if len(events) == 0 {
			panic("something is due and nothing follows")
		}
		for _, d := range events {
			said = append(said, p.cascade(p.emit(d))...)
		}
	}
	p.now = now
	if e == nil {
		return said
	}
	p.fold(*e)
	return append(said, p.cascade(*e)[1:]...)
}

// cascade answers e and all that followed from it.
func (p *play) cascade(e event.Envelope) []event.Envelope {
	all := []event.Envelope{e}
	for i := 0; i < len(all); i++ {
		if i > 64 {
			panic("a cascade without end")
		}
		events, err := p.core.Decide(p.facts, p.state, all[i], p.now)
		if err != nil {
			panic(err)
		}
		for _, d := range events {
			all = append(all, p.emit(d))
		}
	}
	return all
}

func (p *play) emit(d event.Event) event.Envelope {
	p.n++
	e := event.Envelope{ID: fmt.Sprintf("d%d", p.n), Subject: p.key, At: p.now, Data: d}
	p.fold(e)
	return e
}

func (p *play) fold(e event.Envelope) {
	before, err := json.Marshal(p.state)
	if err != nil {
		panic(err)
	}
	old := p.state
	next, err := p.core.Apply(p.facts, p.state, e, p.now)
	if err != nil {
		panic(err)
	}
	if after, err := json.Marshal(old); err != nil || string(after) != string(before) {
		panic(fmt.Sprintf("%s altered the state that it was given", e.Data.Type()))
	}
	p.state = next
	p.log = append(p.log, e)
}

// input wraps what comes from outside.
func (p *play) input(id string, d event.Event) *event.Envelope {
	if id == "" {
		p.n++
		id = fmt.Sprintf("i%d", p.n)
	}
	return &event.Envelope{ID: id, Subject: p.key, At: p.now, Data: d}
}

// read understands one line: what happens and its words.
//
//	wait
//	score PROBLEM SEVERITY [lower=N] [danger] [late] [reasons=a,b]
//	fault KIND | fence MACHINE
//	silent REPEAT
//	accept|return|close WHO/ROLE NAME [id=X] [outcome=O] [done=W] [contacted]
//	call|contact|offer|note|shelve|unshelve|judge WHO/ROLE NAME [id=X] [whom=W] [result=R] [to=A] [for=DURATION] [reason=W] [outcome=O]
//	warn|leave|resume WHO/ROLE - [severity=S] [reason=W] [contacted]
//	pause FROM UNTIL WHY
func read(words []string, p *play) (*event.Envelope, error) {
	opt := map[string]string{}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		opt[k] = v
	}
	switch words[0] {
	case "wait":
		return nil, nil
	case "score":
		return score(words, opt, p)
	case "fault":
		return p.input("", &event.TechnicalFault{Kind: words[1], Detail: "in a story", Offset: -1}), nil
	case "mended":
		return p.input("", &event.FaultEnded{Kind: words[1]}), nil
	case "silent":
		repeat, err := strconv.Atoi(words[1])
		return p.input("", &event.SignalFellSilent{Quantity: event.SpO2Percent, Repeat: repeat}), err
	case "fence":
		return p.input("", &event.RuleFenced{Machine: words[1], Detail: "in a story"}), nil
	case "pause":
		from, err := time.ParseDuration(words[1])
		until, err2 := time.ParseDuration(words[2])
		pause := event.Pause{From: start.Add(from), Until: start.Add(until), Why: words[3]}
		return p.input("", &event.PlanChanged{Plan: event.Plan{Pauses: []event.Pause{pause}}}), errors.Join(err, err2)
	case "accept", "return", "close":
		return wish(words, opt, p), nil
	case "call", "contact", "offer", "note", "shelve", "unshelve", "judge", "warn", "leave", "resume", "disown":
		return further(words, opt, p)
	default:
		return nil, fmt.Errorf("unknown word %q", words[0])
	}
}

func score(words []string, opt map[string]string, p *play) (*event.Envelope, error) {
	d := &event.SeverityScored{Problem: words[1], Reasons: []event.Reason{}}
	if err := d.Severity.UnmarshalText([]byte(words[2])); err != nil {
		return nil, err
	}
	_, d.Danger = opt["danger"]
	_, d.Late = opt["late"]
	if l, ok := opt["lower"]; ok {
		lower, err := strconv.Atoi(l)
		if err != nil {
			return nil, err
		}
		d.Score = &event.Score{Rule: "news2", Lower: lower, Upper: lower + 3}
	}
	reasons := opt["reasons"]
	if reasons == "" && d.Severity != event.NoSeverity {
		reasons = "spo2-low"
	}
	for _, r := range strings.Split(reasons, ",") {
		if r != "" {
			d.Reasons = append(d.Reasons, event.Reason{Rule: r, Severity: d.Severity, Zh: r, En: r})
		}
	}
	return p.input("", d), nil
}

func request(words []string, p *play) event.Request {
	who, role, _ := strings.Cut(words[1], "/")
	alert := words[2]
	for id, name := range p.names {
		if name == alert {
			alert = id
		}
	}
	return event.Request{Alert: alert, By: who, Role: role, Desk: "ward-4"}
}

func wish(words []string, opt map[string]string, p *play) *event.Envelope {
	r := request(words, p)
	_, contacted := opt["contacted"]
	switch words[0] {
	case "accept":
		return p.input(opt["id"], &event.AcceptRequested{Request: r})
	case "return":
		return p.input(opt["id"], &event.ReturnRequested{Request: r, Reason: opt["done"]})
	default:
		return p.input(opt["id"], &event.CloseRequested{Request: r, Outcome: opt["outcome"], Done: opt["done"], Contacted: contacted})
	}
}

func further(words []string, opt map[string]string, p *play) (*event.Envelope, error) {
	r := request(words, p)
	_, contacted := opt["contacted"]
	var d event.Event
	var err error
	switch words[0] {
	case "call":
		d = &event.CallRequested{Request: r, Whom: opt["whom"]}
	case "contact":
		d = &event.ContactRequested{Request: r, Whom: opt["whom"], Outcome: opt["result"], Note: opt["reason"]}
	case "offer":
		d = &event.OfferRequested{Request: r, To: opt["to"]}
	case "note":
		d = &event.NoteRequested{Request: r, Text: opt["reason"]}
	case "shelve":
		var long time.Duration
		if opt["for"] != "" {
			long, err = time.ParseDuration(opt["for"])
		}
		d = &event.ShelveRequested{Request: r, Reason: opt["reason"], Until: p.asked.Add(long)}
	case "unshelve":
		d = &event.UnshelveRequested{Request: r}
	case "judge":
		d = &event.OutcomeRequested{Request: r, Outcome: opt["outcome"], Done: opt["done"]}
	case "warn":
		w := &event.WarnRequested{Request: r, Text: opt["reason"]}
		if opt["severity"] != "" {
			err = w.Severity.UnmarshalText([]byte(opt["severity"]))
		}
		w.Alert, d = "", w
	case "leave":
		r.Alert = ""
		d = &event.LeaveRequested{Request: r, Why: opt["reason"], Contacted: contacted}
	case "disown":
		r.Alert = ""
		q := &event.DisownRequested{Request: r, Disowned: event.Disowned{MeasuredAt: p.asked, Why: opt["reason"]}}
		if opt["later"] != "" {
			q.MeasuredAt += event.Time(minute)
		}
		if opt["spo2"] != "" {
			var v event.Decimal
			v, err = event.ParseDecimal(opt["spo2"])
			q.Readings = []event.Reading{{Quantity: event.SpO2Percent, Value: v}}
		}
		d = q
	case "resume":
		r.Alert = ""
		d = &event.ResumeRequested{Request: r}
	}
	return p.input(opt["id"], d), err
}

// print writes an event in one line, with moments counted from the start and short names for warnings.
func print(e event.Envelope, p *play) string {
	after := func(t event.Time) string { return t.Sub(start).String() }
	name := func(alert string) string {
		if alert == "" {
			return "-"
		}
		if p.names[alert] == "" {
			p.names[alert] = fmt.Sprintf("w%d", len(p.names)+1)
		}
		return p.names[alert]
	}
	body := ""
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		body = fmt.Sprintf("%s %s episode:%d %s rule:%s asks:%s policy:%s answer by %s", name(d.Alert), d.Problem, d.Episode, d.Severity, d.Rule, Asked(d.Policy, d.Level), d.Policy.ID, after(d.AnswerBy))
		if d.Planned != "" {
			body += " planned:" + d.Planned
		}
	case *event.AlertUpdated:
		body = fmt.Sprintf("%s %s", name(d.Alert), d.Severity)
		for _, r := range d.Reasons {
			if r.Severity != d.Severity {
				body += fmt.Sprintf(" %s %s", r.Rule, r.Severity)
			}
		}
	case *event.AlertWorsened:
		body = fmt.Sprintf("%s %s why:%s asks:%s policy:%s answer by %s", name(d.Alert), d.Severity, d.Why, Asked(d.Policy, d.Level), d.Policy.ID, after(d.AnswerBy))
	case *event.AlertEased:
		body = name(d.Alert)
	case *event.AlertAccepted:
		body = fmt.Sprintf("%s by:%s care by %s", name(d.Alert), d.By, after(d.CareBy))
	case *event.AlertEscalated:
		body = fmt.Sprintf("%s level:%d to:%s why:%s answer by %s", name(d.Alert), d.Level, d.To, d.Why, after(d.AnswerBy))
	case *event.AlertReturned:
		body = fmt.Sprintf("%s by:%s level:%d answer by %s", name(d.Alert), d.By, d.Level, after(d.AnswerBy))
	case *event.AlertClosed:
		body = fmt.Sprintf("%s by:%s outcome:%s", name(d.Alert), d.By, d.Outcome)
	case *event.AlertCalling:
		body = fmt.Sprintf("%s by:%s whom:%s", name(d.Alert), d.By, d.Whom)
	case *event.AlertContacted:
		body = fmt.Sprintf("%s by:%s whom:%s %s care by %s", name(d.Alert), d.By, d.Whom, d.Outcome, after(d.CareBy))
	case *event.AlertOffered:
		body = fmt.Sprintf("%s by:%s to:%s", name(d.Alert), d.By, d.To)
	case *event.AlertHandoverDue:
		body = fmt.Sprintf("%s from:%s to:%s %v answer by %s", name(d.Alert), d.From, d.To, d.OnDuty, after(d.AnswerBy))
	case *event.AlertNoted:
		body = fmt.Sprintf("%s by:%s %s", name(d.Alert), d.By, d.Text)
	case *event.AlertShelveAsked:
		body = fmt.Sprintf("%s by:%s for:%s until %s confirm by %s", name(d.Alert), d.By, d.Reason, after(d.Until), after(d.ConfirmBy))
	case *event.AlertShelved:
		body = fmt.Sprintf("%s by:%s second:%s for:%s until %s", name(d.Alert), d.By, d.Second, d.Reason, after(d.Until))
	case *event.AlertUnshelved:
		body = fmt.Sprintf("%s why:%s lasts:%t by:%s level:%d answer by %s", name(d.Alert), d.Why, d.Lasts, d.By, d.Level, after(d.AnswerBy))
	case *event.AlertOutcomeAsked:
		body = fmt.Sprintf("%s again by %s", name(d.Alert), after(d.AskBy))
	case *event.AlertJudged:
		body = fmt.Sprintf("%s by:%s outcome:%s", name(d.Alert), d.By, d.Outcome)
	case *event.PatientLeft:
		body = fmt.Sprintf("by:%s %s", d.By, d.Why)
	case *event.PatientResumed:
		body = "by:" + d.By
	case *event.ReadingDisowned:
		body = fmt.Sprintf("by:%s %s: %s", d.By, namesOf(d.Readings), d.Why)
	case *event.RequestRefused:
		body = fmt.Sprintf("%s %s holder:%s: %s %s", name(d.Alert), d.Reason, d.Holder, d.Zh, d.En)
	case *event.TechnicalFault:
		body = d.Kind + ": " + d.Detail
	}
	return fmt.Sprintf("%s %s {%s}", after(e.At), e.Data.Type(), body)
}

func fields(line string) []string { return strings.Fields(line) }
