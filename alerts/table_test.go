package alerts

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/streams/event"
)

// Every command in every phase does what this table says, by whoever has (or had) taken the warning, by another nurse and by a
// role that may not act. A row is a command and who asks; its columns are the phases.
func TestALR1_EveryPairOfStateAndCommand(t *testing.T) {
	phases := []Phase{Absent, New, Accepted, InCare, Returned, Shelved, Suppressed, Closed}
	const owner, other, manager = "nurse-a/nurse", "nurse-b/nurse", "guest/administrator"
	rows := map[string]string{
		"find":   "alert.raised alert.updated alert.updated alert.updated alert.updated alert.updated alert.updated -",
		"expire": "- alert.escalated alert.escalated alert.escalated alert.escalated alert.unshelved alert.unshelved -",
		"ease":   "- alert.eased alert.eased alert.eased alert.eased alert.eased alert.eased -",

		"accept " + owner:     "unknown alert.accepted - - alert.accepted alert.accepted alert.accepted closed",
		"accept " + other:     "unknown alert.accepted already_accepted already_accepted alert.accepted alert.accepted alert.accepted closed",
		"accept " + manager:   "unknown role already_accepted already_accepted role role role closed",
		"return " + owner:     "unknown not_accepted alert.returned alert.returned not_accepted not_accepted not_accepted closed",
		"return " + other:     "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"return " + manager:   "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"close " + owner:      "unknown not_accepted alert.closed alert.closed not_accepted not_accepted not_accepted closed",
		"close " + other:      "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"close " + manager:    "unknown not_accepted role role not_accepted not_accepted not_accepted closed",
		"call " + owner:       "unknown not_accepted alert.calling alert.calling not_accepted not_accepted not_accepted closed",
		"call " + other:       "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"call " + manager:     "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"contact " + owner:    "unknown not_accepted alert.contacted alert.contacted not_accepted not_accepted not_accepted closed",
		"contact " + other:    "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"contact " + manager:  "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"offer " + owner:      "unknown not_accepted alert.offered alert.offered not_accepted not_accepted not_accepted closed",
		"offer " + other:      "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"offer " + manager:    "unknown not_accepted not_yours not_yours not_accepted not_accepted not_accepted closed",
		"note " + owner:       "unknown alert.noted alert.noted alert.noted alert.noted alert.noted alert.noted closed",
		"note " + other:       "unknown alert.noted alert.noted alert.noted alert.noted alert.noted alert.noted closed",
		"note " + manager:     "unknown role role role role role role closed",
		"shelve " + owner:     "unknown alert.shelved alert.shelved alert.shelved alert.shelved alert.shelved alert.shelved closed",
		"shelve " + other:     "unknown alert.shelved not_yours not_yours alert.shelved alert.shelved alert.shelved closed",
		"shelve " + manager:   "unknown role role role role role role closed",
		"unshelve " + owner:   "unknown not_shelved not_shelved not_shelved not_shelved alert.unshelved alert.unshelved closed",
		"unshelve " + other:   "unknown not_shelved not_shelved not_shelved not_shelved alert.unshelved alert.unshelved closed",
		"unshelve " + manager: "unknown not_shelved not_shelved not_shelved not_shelved role role closed",
		"judge " + owner:      "unknown open open open open open open judged",
		"judge " + other:      "unknown open open open open open open judged",
		"judge " + manager:    "unknown open open open open open open judged",
	}
	for phase, commands := range life {
		for command := range commands {
			people := []string{" " + owner, " " + other, " " + manager}
			if command == Find || command == Expire || command == Ease {
				people = []string{""}
			}
			for _, who := range people {
				row := string(command) + who
				column := slices.Index(phases, phase)
				if rows[row] == "" || column < 0 {
					t.Fatalf("%s in %s is in the table and not in the test", row, phase)
				}
				t.Run(string(phase)+" "+row, func(t *testing.T) {
					want := strings.ReplaceAll(fields(rows[row])[column], "-", "")
					if got := try(t, phase, command, strings.TrimSpace(who)); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				})
			}
		}
		if len(commands) != 13 {
			t.Errorf("%s knows %d of 13 commands", phase, len(commands))
		}
	}
	if len(life) != len(phases) || len(rows) != 3+3*10 {
		t.Errorf("the table has %d phases, the test %d of them and %d rows", len(life), len(phases), len(rows))
	}
}

// inPhase brings a warning of medium severity into a phase (a planned window excuses no more than a low one); nurse-a is the
// one who takes it.
func inPhase(t *testing.T, phase Phase) *play {
	p := newPlay("demo/P-0113")
	lines := map[Phase][]string{
		Absent:   {},
		New:      {"score deterioration medium"},
		Accepted: {"score deterioration medium", "accept nurse-a/nurse w1"},
		Returned: {"score deterioration medium", "accept nurse-a/nurse w1", "return nurse-a/nurse w1"},
		InCare:   {"score deterioration medium", "accept nurse-a/nurse w1", "contact nurse-a/nurse w1 whom=patient result=reached"},
		Shelved:  {"score deterioration medium", "accept nurse-a/nurse w1", "shelve nurse-a/nurse w1 reason=known for=30m"},
		Closed:   {"score deterioration medium", "accept nurse-a/nurse w1", "close nurse-a/nurse w1 outcome=real"},

		Suppressed: {"pause 0s 2h dialysis", "score silence low"},
	}[phase]
	for i, line := range lines {
		do(t, p, start+event.Time(i), line)
	}
	return p
}

func do(t *testing.T, p *play, now event.Time, line string) []event.Envelope {
	t.Helper()
	p.asked = now
	e, err := read(fields(line), p)
	if err != nil {
		t.Fatal(err)
	}
	said := p.step(now, e)
	for _, s := range said {
		print(s, p) // gives warnings their short names
	}
	return said
}

func try(t *testing.T, phase Phase, c Command, who string) string {
	p := inPhase(t, phase)
	if len(p.state.Open) > 0 && p.state.Open[0].Phase != phase {
		t.Fatalf("it is %s", p.state.Open[0].Phase)
	}
	now := p.now + 1000
	finding := "score deterioration medium"
	if phase == Suppressed {
		finding = "score silence low"
	}
	switch c {
	case Find:
		return types(do(t, p, now, finding))
	case Ease:
		do(t, p, now, fields(finding)[0]+" "+fields(finding)[1]+" none")
		return types(do(t, p, now+10*minute, "wait"))
	case Expire:
		due := p.core.NextDue(Facts{}, p.state)
		if due == event.Never {
			return types(do(t, p, now+1000*minute, "wait"))
		}
		return types(do(t, p, due, "wait"))
	default:
		said := do(t, p, now, fmt.Sprintf("%s %s w1 outcome=real contacted whom=carer result=no_answer to=nurse-b reason=known for=1h", c, who))
		if len(said) == 1 {
			if r, ok := said[0].Data.(*event.RequestRefused); ok {
				if r.Zh == "" || r.En == "" {
					t.Errorf("refused as %s without words", r.Reason)
				}
				return r.Reason
			}
		}
		return types(said)
	}
}

func types(said []event.Envelope) string {
	all := ""
	for _, e := range said {
		if all != "" {
			all += " "
		}
		all += string(e.Data.Type())
	}
	return all
}

// Closing a high wants a contact or a doctor's reason; health managers close neither high nor medium (ALR-23).
func TestALR1_ClosingAHigh(t *testing.T) {
	for line, want := range map[string]string{
		"close nurse-a/nurse w1 outcome=real":                          RefusedContact,
		"close nurse-a/nurse w1 outcome=real done=oxygen":              RefusedContact,
		"close nurse-a/nurse w1 outcome=real contacted":                "alert.closed",
		"close doctor-a/doctor w1 outcome=real":                        RefusedContact,
		"close doctor-a/doctor w1 outcome=real done=known":             "alert.closed",
		"close lead-a/lead w1 outcome=real contacted":                  "alert.closed",
		"close lead-a/lead w1 outcome=real done=known":                 RefusedContact,
		"close nurse-a/nurse w1 outcome=false contacted":               RefusedOutcome,
		"close nurse-a/health-manager w1 outcome=real contacted":       RefusedRole,
		"close admin/administrator w1 outcome=technical contacted":     RefusedRole,
		"close nurse-a/ w1 outcome=real contacted":                     RefusedRole,
		"close nurse-b/nurse w1 outcome=measurement_fault contacted":   RefusedNotYours,
		"close nurse-a/nurse w1 outcome=measurement_fault contacted=1": "alert.closed",
	} {
		t.Run(line, func(t *testing.T) {
			p := newPlay("demo/P-0113")
			do(t, p, start, "score deterioration high")
			do(t, p, start+1, "accept nurse-a/nurse w1")
			do(t, p, start+2, "score deterioration low") // what it has been counts, not what it is
			said := do(t, p, start+3, line)
			got := types(said)
			if r, ok := said[0].Data.(*event.RequestRefused); ok {
				got = r.Reason
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A step that names nobody is passed over at once and told; a policy of nothing but such steps asks the duty office.
func TestALR7_EmptyStepIsPassedOverAtOnce(t *testing.T) {
	nobody, nurse, doctor := event.PolicyStep{}, event.PolicyStep{To: "nurse", AnswerMs: 1000}, event.PolicyStep{To: "doctor-1", AnswerMs: 2000}
	for name, c := range map[string]struct {
		steps []event.PolicyStep
		level int
		want  rung
	}{
		"first":          {[]event.PolicyStep{nobody, nurse}, 0, rung{1, "nurse", nil, 1000, []string{""}}},
		"middle":         {[]event.PolicyStep{nurse, nobody, doctor}, 1, rung{2, "doctor-1", nil, 2000, []string{""}}},
		"last":           {[]event.PolicyStep{nurse, doctor, nobody}, 2, rung{1, "doctor-1", nil, 2000, []string{""}}},
		"beyond the end": {[]event.PolicyStep{nurse, doctor}, 2, rung{1, "doctor-1", nil, 2000, nil}},
		"all":            {[]event.PolicyStep{nobody, nobody}, 0, rung{1, nobodysDesk, nil, defaultMs, []string{"", ""}}},
		"none":           {nil, 3, rung{0, nobodysDesk, nil, defaultMs, nil}},
		"no time given":  {[]event.PolicyStep{{To: "nurse"}}, 0, rung{0, "nurse", nil, defaultMs, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rungFrom(event.Policy{Steps: c.steps}, c.level, everybody); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	p := newPlay("demo/P-0113")
	do(t, p, start, "score deterioration high")
	p.state.Open[0].Policy.Steps = []event.PolicyStep{nurse, nobody, doctor}
	if got := types(do(t, p, p.state.Open[0].AnswerBy, "wait")); got != "alert.escalated technical.fault alert.raised" {
		t.Errorf("an empty step led to %q", got)
	}
}

// The defaults are those that FEATURES ALR-9 gives, and no policy can stall.
func TestALR9_DefaultPolicies(t *testing.T) {
	for severity, want := range map[event.Severity][2]int64{
		event.High: {3 * minute, 10 * minute}, event.Medium: {15 * minute, 60 * minute},
	} {
		p := policies[severity]
		if p.Steps[0].AnswerMs != want[0] || p.CareMs != want[1] {
			t.Errorf("%s: accept within %d ms, care %d ms", severity, p.Steps[0].AnswerMs, p.CareMs)
		}
	}
	for _, severity := range []event.Severity{event.Low, event.Medium, event.High, event.Technical} {
		p := policies[severity]
		if p.ID != severity.String() || p.Version != PolicyVersion || p.CareMs <= 0 || p.EaseMs <= 0 {
			t.Errorf("%s: %+v", severity, p)
		}
		for _, s := range p.Steps {
			if s.To == "" || s.AnswerMs < leastStepMs {
				t.Errorf("%s: step %+v", severity, s)
			}
		}
	}
}

// The watchdog takes and closes the warnings of its made-up patients, as grave as they are, and nothing else of anybody.
func TestOPS2_WatchdogActsOnItsOwnAlone(t *testing.T) {
	own := State{Tenant: event.SystemTenant, Group: event.WatchedGroup}
	theirs := State{Tenant: "demo", Group: "copd"}
	for name, c := range map[string]struct {
		of      State
		command Command
		refused bool
	}{
		"it takes its own": {own, Accept, false}, "it closes its own": {own, Close, false},
		"it ends no care": {own, Leave, true}, "it shelves nothing": {own, Shelve, true}, "it raises nothing": {own, Warn, true},
		"it takes nobody's": {theirs, Accept, true}, "it closes nobody's": {theirs, Close, true},
		"a group of its name elsewhere is not its own": {State{Tenant: "demo", Group: event.WatchedGroup}, Accept, true},
		"nor is what else concerns no hospital":        {State{Tenant: event.SystemTenant}, Accept, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := Warning{Alert: "w1", Problem: event.Deterioration, Severity: event.High, Peak: event.High, Phase: New}
			if c.command == Close {
				w.Phase, w.Owner = Accepted, "watchdog"
			}
			c.of.Open = []Warning{w}
			request := event.Request{Alert: "w1", By: "watchdog", Role: roleWatchdog}
			data := map[Command]event.Event{Accept: &event.AcceptRequested{Request: request}, Close: &event.CloseRequested{Request: request, Outcome: event.OutcomeTechnical, Done: "seen"},
				Leave: &event.LeaveRequested{Request: request, Why: event.LeftDied, Contacted: true}, Shelve: &event.ShelveRequested{Request: request, Reason: "x", Until: 1},
				Warn: &event.WarnRequested{Request: request, Severity: event.High, Text: "x"}}[c.command]
			events, refusal, _ := tried("k", c.command, ask{now: 1, request: request, click: "c", data: data, state: c.of})
			if (refusal == RefusedRole) != c.refused || c.refused != (len(events) == 0) {
				t.Errorf("refused %q, %+v", refusal, events)
			}
		})
	}
}
