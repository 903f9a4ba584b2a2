package backtest

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// Side is what would have been decided with one set of packs.
type Side struct {
	Warnings []Warning
	Faults   []string // what went wrong with a rule, a pack or a patient; the first few
	Failed   int      // how much went wrong

	span  Span
	swap  *Swap
	live  *live
	fold  Fold
	stand map[problem]*standing // open warnings
	risks map[string][]risk     // by patient, by time

	answer []problem // eased with nobody there to close them
	open   []waiting // warnings in the order in which somebody would look at them at the latest
	clicks int
}

// problem is what a patient can have one open warning of.
type problem struct{ patient, name string }

// standing is an open warning.
type standing struct {
	alert   string
	warning int // place in Warnings; -1: raised before the span
	owner   string
	grave   bool // closing it takes a nurse or a doctor
}

// risk is how much a patient was at risk from a moment on: the severity told, then the score's lower bound.
type risk struct {
	at    event.Time
	value int
}

const keptFaults = 20

func newSide(span Span, swap *Swap, l *live) *Side {
	return &Side{span: span, swap: swap, live: l, stand: map[problem]*standing{}, risks: map[string][]risk{}}
}

// Hear takes what the fold decided.
func (s *Side) Hear(e event.Envelope) {
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		if d.Problem == event.Deterioration && !d.Late {
			s.risks[e.Subject] = append(s.risks[e.Subject], risk{e.At, riskOf(d)})
		}
	case *event.AlertRaised:
		s.raised(e, d)
	case *event.AlertWorsened:
		if w := s.of(e.Subject, d.Alert); w != nil {
			w.owner, w.grave = "", w.grave || d.Severity >= event.Medium && d.Severity != event.Technical
			if w.warning >= 0 && e.At < s.span.To {
				s.Warnings[w.warning].Worsened++
			}
		}
	case *event.AlertAccepted:
		if w := s.of(e.Subject, d.Alert); w != nil {
			w.owner = d.By
		}
	case *event.AlertReturned:
		s.unowned(e.Subject, d.Alert)
	case *event.AlertEscalated:
		s.unowned(e.Subject, d.Alert)
	case *event.AlertShelved:
		s.unowned(e.Subject, d.Alert)
	case *event.AlertEased:
		s.eased(e.Subject, d.Alert)
	case *event.AlertClosed:
		for p, w := range s.standingOf(e.Subject) {
			if w.alert == d.Alert {
				delete(s.stand, p)
			}
		}
	case *event.RuleFenced:
		s.failed("rule " + cmp.Or(d.Rule, d.Machine) + ": " + d.Detail)
	case *event.TechnicalFault:
		if d.Kind != "door_shut" && d.Kind != "rota_gap" {
			s.failed(d.Kind + ": " + d.Detail)
		}
	}
}

func (s *Side) failed(what string) {
	if s.Failed++; len(s.Faults) < keptFaults && !slices.Contains(s.Faults, what) {
		s.Faults = append(s.Faults, what)
	}
}

// raised notes an episode; those about Tocsin itself are told as faults and are no warnings of patients.
func (s *Side) raised(e event.Envelope, d *event.AlertRaised) {
	if !ofPatient(e.Subject) || d.Problem == event.Fault {
		return
	}
	st := &standing{alert: d.Alert, warning: -1, grave: d.Severity >= event.Medium && d.Severity != event.Technical}
	if s.span.holds(e.At) {
		st.warning = len(s.Warnings)
		s.Warnings = append(s.Warnings, warningOf(e.Subject, d, e.At))
	}
	p := problem{e.Subject, d.Problem}
	s.stand[p] = st
	s.open = append(s.open, waiting{e.At + deskLooks, p, d.Alert})
}

// problems are what a patient can be warned of here.
var problems = [...]string{event.Deterioration, event.Silence}

func (s *Side) standingOf(patient string) map[problem]*standing {
	all := map[problem]*standing{}
	for _, name := range problems {
		if w := s.stand[problem{patient, name}]; w != nil {
			all[problem{patient, name}] = w
		}
	}
	return all
}

func (s *Side) of(patient, alert string) *standing {
	for _, name := range problems {
		if w := s.stand[problem{patient, name}]; w != nil && w.alert == alert {
			return w
		}
	}
	return nil
}

// unowned: nobody has the warning any more.
func (s *Side) unowned(patient, alert string) {
	if w := s.of(patient, alert); w != nil {
		w.owner = ""
	}
}

// riskOf orders assessments: first by severity, then by the score's lower bound.
func riskOf(d *event.SeverityScored) int {
	v := int(d.Severity) * 1000
	if d.Score != nil {
		v += d.Score.Lower
	}
	return v
}

// byTime is the order in which warnings are told: by moment, then patient and problem.
func byTime(a, b Warning) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Patient, b.Patient), cmp.Compare(a.Problem, b.Problem), cmp.Compare(a.Episode, b.Episode))
}
