package pack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// RunCases runs the cases of a pack: readings in, severities out, as clinicians write them. The error is Faults: what
// went otherwise than expected, at the line that expected it. It answers how many cases were run.
//
//	pack: copd
//	cases:
//	  - name: Home oxygen at a usual 89 stays quiet
//	    plan: {scale: 2, ordered: "2026-03-01", low: {spo2_percent: 88}, high: {spo2_percent: 92}}
//	    steps:
//	      - {at: 1m, give: {spo2_percent: 89, supplemental_o2: 1}, severity: none}
//	      - {at: 6h, give: {spo2_percent: 84, supplemental_o2: 1}, severity: high, rules: [spo2-own-low-4]}
//	      - {at: 17h, severity: high, silence: medium}
func RunCases(file, packText, text string) (int, error) {
	r := &cases{reader: reader{file: file}, pack: packText}
	if root := r.parse(text); root != nil {
		var id string
		r.mapping(root, "a file of cases", fields{"pack!": func(n ast.Node) { id, _ = r.word(n); r.samePack(n, id) }, "cases!": func(n ast.Node) { r.each(n, "cases", r.run) }})
	}
	return r.count, r.err()
}

// Cases answers the cases of the packs of the library, by pack.
func Cases() map[string]string { return files(true) }

type cases struct {
	reader
	pack  string
	count int
}

func (r *cases) samePack(n ast.Node, id string) {
	p, err := Compile(r.pack)
	if err != nil {
		r.fault(n, "the pack does not compile: %v", err)
	} else if p.ID != id {
		r.fault(n, "these are cases of pack %q, not of %q", id, p.ID)
	}
}

// begin is when every case begins.
var begin, _ = event.ParseTime("2026-03-02T04:00:00Z")

// run plays one case.
func (r *cases) run(n ast.Node) {
	if len(r.faults) > 0 && r.count == 0 {
		return // the pack itself is at fault
	}
	r.count++
	var name string
	var steps, plan ast.Node
	var also []string
	r.mapping(n, "a case", fields{
		"name!": r.text(&name), "with": func(n ast.Node) { also = r.with(n) }, "plan": func(n ast.Node) { plan = n }, "steps!": func(n ast.Node) { steps = n },
	})
	p, err := trial.New(Compile, begin, append([]string{r.pack}, also...)...)
	if err != nil {
		r.fault(n, "%v", err)
		return
	}
	if plan != nil {
		r.plan(plan, p)
	}
	if steps != nil {
		r.each(steps, "steps", func(n ast.Node) { r.step(n, p, name) })
	}
}

// with reads further packs of the same patient, from the library.
func (r *cases) with(n ast.Node) (texts []string) {
	r.each(n, "with", func(n ast.Node) {
		id, ok := r.word(n)
		text, known := Library()[id]
		if !known && ok {
			r.fault(n, "the library has no pack %q", id)
		}
		texts = append(texts, text)
	})
	return texts
}

func (r *cases) plan(n ast.Node, p *trial.Patient) {
	plan := event.Plan{OrderedBy: "doctor", Targets: map[event.Quantity]event.Target{}}
	bound := func(set func(*event.Target, *event.Decimal)) func(ast.Node) {
		return func(n ast.Node) {
			for q, d := range r.numbers(n) {
				t := plan.Targets[q]
				set(&t, &d)
				plan.Targets[q] = t
			}
		}
	}
	r.mapping(n, "a plan", fields{
		"scale": r.whole(&plan.SpO2Scale, 1, 2), "age": r.whole(&plan.AgeYears, 0, 130), "age_months": r.whole(&plan.AgeMonths, 0, 240), "pregnant": r.truth(&plan.Pregnant),
		"facts": func(n ast.Node) {
			plan.Facts = map[string]event.Decimal{}
			for _, kv := range r.pairs(n, "facts") {
				var d event.Decimal
				r.decimal(&d)(kv.Value)
				plan.Facts[kv.Key.String()] = d
			}
		},
		"overrides": func(n ast.Node) {
			r.each(n, "overrides", func(n ast.Node) { plan.Overrides = append(plan.Overrides, r.override(n)) })
		},
		"chosen": func(n ast.Node) {
			plan.Chosen = map[event.Quantity]string{}
			for _, kv := range r.pairs(n, "chosen") {
				plan.Chosen[r.quantity(kv.Key)], _ = r.word(kv.Value)
			}
		},
		"ordered": func(n ast.Node) {
			s, _ := r.word(n)
			at, err := event.ParseTime(s + "T04:00:00Z")
			if err != nil {
				r.fault(n, "%q: want a day such as \"2026-03-01\"", s)
			}
			plan.OrderedAt = at
		},
		"low":  bound(func(t *event.Target, d *event.Decimal) { t.Low = d }),
		"high": bound(func(t *event.Target, d *event.Decimal) { t.High = d }),
	})
	if _, err := p.Give(&event.PlanChanged{Plan: plan}); err != nil {
		r.fault(n, "%v", err)
	}
}

// override reads a number that a clinician set, or a rule that he switched off.
func (r *cases) override(n ast.Node) event.Override {
	o := event.Override{By: "doctor", At: begin}
	var value event.Decimal
	var until int64
	r.mapping(n, "an override", fields{
		"rule!": r.text(&o.Rule), "param": r.text(&o.Param), "off": r.truth(&o.Off), "until": r.span(&until),
		"value": func(n ast.Node) { r.decimal(&value)(n); o.Value = &value },
	})
	if until > 0 {
		end := begin + event.Time(until)
		o.Until = &end
	}
	return o
}

// given reads values of signals and answers to questions: yes, no or a number.
func (r *cases) given(n ast.Node) (o event.ObservationRecorded) {
	values := r.numbersOf(n, func(code string, n ast.Node) {
		s, _ := r.word(n)
		d, err := event.ParseDecimal(s)
		switch s {
		case "yes", "true":
			d, err = event.One, nil
		case "no", "false":
			d, err = 0, nil
		}
		if err != nil {
			r.fault(n, "%s: want yes, no or a number", code)
		}
		o.Answers = append(o.Answers, event.Answer{Code: code, Value: d})
	})
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if v, ok := values[q]; ok {
			o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: v})
		}
	}
	return o
}

// numbers reads a mapping of quantities to values; consciousness is given by its letter.
func (r *cases) numbers(n ast.Node) map[event.Quantity]event.Decimal {
	return r.numbersOf(n, func(code string, n ast.Node) { r.fault(n, "quantity %q is unknown", code) })
}

// numbersOf reads a mapping of quantities to values, and hands other names to other.
func (r *cases) numbersOf(n ast.Node, other func(string, ast.Node)) map[event.Quantity]event.Decimal {
	all := map[event.Quantity]event.Decimal{}
	for _, kv := range r.pairs(n, "values") {
		q, err := event.ParseQuantity(kv.Key.String())
		if err != nil {
			other(kv.Key.String(), kv.Value)
			continue
		}
		s, ok := r.word(kv.Value)
		if !ok {
			continue
		}
		d, err := event.ParseDecimal(s)
		if q == event.ACVPU {
			d, err = event.ParseACVPU(s)
		}
		if err != nil {
			r.fault(kv.Value, "%v", err)
		}
		all[q] = d
	}
	return all
}

// step waits, gives readings and compares.
func (r *cases) step(n ast.Node, p *trial.Patient, name string) {
	var at, old int64
	var mark string
	var given event.ObservationRecorded
	var measures ast.Node
	var severity, silence event.Severity
	var danger, late, quiet bool
	var found, asked []string
	words := func(to *[]string) func(ast.Node) {
		return func(n ast.Node) {
			r.each(n, "a list", func(n ast.Node) {
				if s, ok := r.word(n); ok {
					*to = append(*to, s)
				}
			})
		}
	}
	before := len(r.faults)
	r.mapping(n, "a step", fields{
		"at!": r.span(&at), "give": func(n ast.Node) { given = r.given(n) }, "measures": func(n ast.Node) { measures = n }, "old": r.span(&old), "mark": r.text(&mark), "severity!": r.severity(&severity),
		"silence": r.severity(&silence), "danger": r.truth(&danger), "late": r.truth(&late), "quiet": r.truth(&quiet), "rules": words(&found), "asked": words(&asked),
	})
	if len(r.faults) > before {
		return
	}
	said, err := play(p, at, old, event.Mark(mark), given)
	if err != nil {
		r.fault(n, "%s: %v", name, err)
		return
	}
	if got := p.State.Found.Severity; got != severity {
		r.fault(n, "%s: severity is %s, expected %s", name, got, severity)
	}
	if got := p.State.Quiet.Severity; got != silence {
		r.fault(n, "%s: silence is %s, expected %s", name, got, silence)
	}
	if p.State.Found.Danger != danger {
		r.fault(n, "%s: danger is %t, expected %t", name, p.State.Found.Danger, danger)
	}
	if quiet && len(said) > 0 {
		r.fault(n, "%s: expected to stay quiet, but %s was said", name, said[0].Type())
	}
	for _, id := range found {
		if !slices.ContainsFunc(p.State.Found.Reasons, func(t rules.Told) bool { return t.Rule == id }) {
			r.fault(n, "%s: rule %s found nothing", name, id)
		}
	}
	r.said(n, name, said, late, asked)
	if measures != nil {
		r.measured(measures, name, p)
	}
}

// measured compares measures at the decimals that are written down; unknown is a value too.
func (r *cases) measured(n ast.Node, name string, p *trial.Patient) {
	got := p.Measures()
	for _, kv := range r.pairs(n, "measures") {
		id := kv.Key.String()
		want, _ := r.word(kv.Value)
		x, known := got[id]
		if !known {
			if want != "unknown" {
				r.fault(kv.Value, "%s: %s is not known, expected %s", name, id, want)
			}
			continue
		}
		_, decimals, _ := strings.Cut(want, ".")
		if s := strconv.FormatFloat(x, 'f', len(decimals), 64); s != want {
			r.fault(kv.Value, "%s: %s is %s, expected %s", name, id, s, want)
		}
	}
}

// play waits until at and gives what was measured.
func play(p *trial.Patient, at, old int64, mark event.Mark, given event.ObservationRecorded) ([]event.Event, error) {
	before := len(p.Said)
	if until := begin + event.Time(at); until > p.Now {
		if _, err := p.Wait(int64(until - p.Now)); err != nil {
			return nil, err
		}
	}
	if len(given.Readings)+len(given.Answers) == 0 {
		return p.Said[before:], nil
	}
	o := trial.Measured(p.Now-event.Time(old), given.Readings...)
	for i := range o.Readings {
		o.Readings[i].Mark = mark
	}
	o.Answers = given.Answers
	_, err := p.Give(o)
	return p.Said[before:], err
}

// said compares what was said along the way.
func (r *cases) said(n ast.Node, name string, said []event.Event, late bool, asked []string) {
	gotLate := false
	var gotAsked []string
	for _, d := range said {
		switch d := d.(type) {
		case *event.SeverityScored:
			gotLate = gotLate || d.Late
		case *event.RepeatAsked:
			gotAsked = append(gotAsked, d.Quantity.String())
		}
	}
	if gotLate != late {
		r.fault(n, "%s: late finding %t, expected %t", name, gotLate, late)
	}
	for _, q := range asked {
		if !slices.Contains(gotAsked, q) {
			r.fault(n, "%s: %s was not asked for", name, q)
		}
	}
}
