package alerts

import (
	"fmt"
	"testing"

	"tocsin/streams/event"
)

// Every command in every phase does what this table says, by whoever has taken the warning, by another nurse and by a
// role that may not act.
func TestALR1_EveryPairOfStateAndCommand(t *testing.T) {
	const owner, other, manager = "nurse-a/nurse", "nurse-b/nurse", "manager/health-manager"
	want := map[string]string{
		"absent find": "alert.raised", "absent expire": "", "absent ease": "",
		"new find": "alert.updated", "new expire": "alert.escalated", "new ease": "alert.eased",
		"accepted find": "alert.updated", "accepted expire": "alert.escalated", "accepted ease": "alert.eased",
		"returned find": "alert.updated", "returned expire": "alert.escalated", "returned ease": "alert.eased",
		"closed find": "", "closed expire": "", "closed ease": "",
	}
	for _, who := range []string{owner, other, manager} {
		for _, c := range []string{"accept", "return", "close"} {
			want["absent "+c+" "+who] = RefusedUnknown
			want["closed "+c+" "+who] = RefusedClosed
			for _, phase := range []string{"new", "returned"} {
				want[phase+" "+c+" "+who] = RefusedNotAccepted
			}
		}
		want["new accept "+who], want["returned accept "+who] = "alert.accepted", "alert.accepted"
		want["accepted accept "+who], want["accepted return "+who], want["accepted close "+who] = RefusedHeld, RefusedNotYours, RefusedNotYours
	}
	want["new accept "+manager], want["returned accept "+manager], want["accepted close "+manager] = RefusedRole, RefusedRole, RefusedRole
	want["accepted accept "+owner], want["accepted return "+owner], want["accepted close "+owner] = "", "alert.returned", "alert.closed"

	tried := 0
	for phase, commands := range life {
		for command := range commands {
			people := []string{""}
			if command == Accept || command == Return || command == Close {
				people = []string{owner, other, manager}
			}
			for _, who := range people {
				name := fmt.Sprintf("%s %s", phase, command)
				if who != "" {
					name += " " + who
				}
				tried++
				expected, known := want[name]
				if !known {
					t.Fatalf("%s is in the table and not in the test", name)
				}
				t.Run(name, func(t *testing.T) {
					if got := try(t, phase, command, who); got != expected {
						t.Errorf("got %q, want %q", got, expected)
					}
				})
			}
		}
	}
	if tried != len(want) {
		t.Errorf("%d of %d pairs were tried", tried, len(want))
	}
}

// at brings a warning of medium severity into a phase; nurse-a is the one who takes it.
func inPhase(t *testing.T, phase Phase) *play {
	p := newPlay("demo/P-0113")
	lines := map[Phase][]string{
		Absent:   {},
		New:      {"score deterioration medium"},
		Accepted: {"score deterioration medium", "accept nurse-a/nurse w1"},
		Returned: {"score deterioration medium", "accept nurse-a/nurse w1", "return nurse-a/nurse w1"},
		Closed:   {"score deterioration medium", "accept nurse-a/nurse w1", "close nurse-a/nurse w1 outcome=real"},
	}[phase]
	for i, line := range lines {
		do(t, p, start+event.Time(i), line)
	}
	return p
}

func do(t *testing.T, p *play, now event.Time, line string) []event.Envelope {
	t.Helper()
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
	now := p.now + 1000
	switch c {
	case Find:
		return types(do(t, p, now, "score deterioration medium"))
	case Ease:
		do(t, p, now, "score deterioration none")
		return types(do(t, p, now+10*minute, "wait"))
	case Expire:
		due := p.core.NextDue(Facts{}, p.state)
		if due == event.Never {
			return types(do(t, p, now+1000*minute, "wait"))
		}
		return types(do(t, p, due, "wait"))
	case Accept, Return, Close:
		said := do(t, p, now, fmt.Sprintf("%s %s w1 outcome=real contacted", c, who))
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
	t.Fatalf("nobody tries %s", c)
	return ""
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
		"first":          {[]event.PolicyStep{nobody, nurse}, 0, rung{1, "nurse", 1000, 1}},
		"middle":         {[]event.PolicyStep{nurse, nobody, doctor}, 1, rung{2, "doctor-1", 2000, 1}},
		"last":           {[]event.PolicyStep{nurse, doctor, nobody}, 2, rung{1, "doctor-1", 2000, 1}},
		"beyond the end": {[]event.PolicyStep{nurse, doctor}, 2, rung{1, "doctor-1", 2000, 0}},
		"all":            {[]event.PolicyStep{nobody, nobody}, 0, rung{1, nobodysDesk, defaultMs, 2}},
		"none":           {nil, 3, rung{0, nobodysDesk, defaultMs, 0}},
		"no time given":  {[]event.PolicyStep{{To: "nurse"}}, 0, rung{0, "nurse", defaultMs, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rungFrom(event.Policy{Steps: c.steps}, c.level); got != c.want {
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
		p := policyFor(severity)
		if p.Steps[0].AnswerMs != want[0] || p.CareMs != want[1] {
			t.Errorf("%s: accept within %d ms, care %d ms", severity, p.Steps[0].AnswerMs, p.CareMs)
		}
	}
	for _, severity := range []event.Severity{event.Low, event.Medium, event.High, event.Technical} {
		p := policyFor(severity)
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
