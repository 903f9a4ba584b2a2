package sim

import (
	"fmt"
	"strings"
	"time"

	"tocsin/streams/event"
)

// coursePack is what half of the patients are judged by beside news2: conditions over minutes, an answer, and a number that
// clinicians set otherwise now and then.
const coursePack = `
pack: course
version: 1
zh: 病程
en: Course
sources:
  ours: {cite: "a pack for worlds", evidence: P}
signals:
  spo2_percent: {unit: "%", fresh: 2h, tolerance: 4, source: ours}
  pulse_per_min: {unit: /min, fresh: 2h, tolerance: 15, source: ours}
questions:
  - {code: worse, type: yes_no, fresh: 1h, zh: 感觉变差, en: feels worse}
derived:
  - {id: bad_hour, when: "worse && spo2_percent < 96", fresh: 2h}
rules:
  - {id: falls, when: 'fall(spo2_percent, "30m") >= points', params: {points: {value: 6}}, clear: 'fall(spo2_percent, "30m") < 3', severity: medium, source: ours, zh: 下降, en: Falls}
  - {id: fast, when: 'mean(pulse_per_min, "20m") > 100 && at_least(pulse_per_min, 90, "10m")', severity: high, source: ours, zh: 持续心率快, en: Fast for long}
  - {id: bad, when: "days_in_row(bad_hour, 1) >= 1 && worse", severity: low, source: ours, zh: 自觉加重, en: Feels worse}
limits:
  - {id: slow, signal: pulse_per_min, below: 45, severity: medium, source: ours}
silence: {severity: low, after_grave: medium, repeat: 24h, source: ours}
confirm: {within: 30m, answer: 5m, severity: medium, source: ours}
backlog: {older: 15m, settle: 10s, late: 12h, source: ours}
hold: {for: 20m, source: ours}
`

// order lets clinicians do what they do while readings come: publish the next version of a pack, or set a patient's own number.
func (w *world) order() {
	switch w.rng.IntN(300) {
	case 0:
		w.version++
		text := strings.Replace(coursePack, "version: 1\n", fmt.Sprintf("version: %d\n", w.version), 1)
		text = strings.Replace(text, "value: 6", fmt.Sprintf("value: %d", 4+w.rng.IntN(4)), 1)
		w.putPack("course", text)
	case 1, 2:
		p := w.patients[w.rng.IntN(len(w.patients))]
		points, until := event.Int(2+w.rng.Int64N(10)), w.now.Add(time.Duration(w.rng.IntN(180))*time.Minute)
		plan := event.Plan{OrderedBy: "doctor-1", OrderedAt: w.now, Overrides: []event.Override{
			{Rule: "falls", Param: "points", Value: &points, By: "doctor-1", At: w.now, Until: &until},
			{Rule: "slow", Off: true, By: "doctor-1", At: w.now, Until: &until}},
			Pauses: []event.Pause{{From: w.now, Until: until, Why: "dialysis"}}}
		w.effect(p.key(), &event.PlanChanged{Tenant: "t", Patient: p.id, Plan: plan})
	case 3:
		w.effect(event.Everyone, &event.RotaSet{Rota: w.rota()})
	case 4:
		minutes := func() int64 { return int64(1+w.rng.IntN(20)) * 60_000 }
		w.effect(event.Everyone, &event.PolicySet{Tenant: "t", Severity: pickOf(w, event.Medium, event.High), Policy: event.Policy{ID: "changed", Version: 2,
			Steps:  []event.PolicyStep{{To: "nurse", AnswerMs: minutes()}, {To: pickOf(w, "", "doctor-1"), AnswerMs: minutes()}, {To: "duty-office", AnswerMs: minutes()}},
			CareMs: minutes(), EaseMs: minutes(), CloseMs: minutes(), RetryMs: minutes(), ShelveMs: minutes()}})
	}
}

// rota puts people on duty for short shifts, with gaps.
func (w *world) rota() event.Rota {
	r := event.Rota{Tenant: "t", Step: pickOf(w, "nurse", "doctor-1")}
	for at := w.now; len(r.Spans) < 8; {
		until := at.Add(time.Duration(10+w.rng.IntN(60)) * time.Minute)
		if w.rng.IntN(4) > 0 {
			r.Spans = append(r.Spans, event.OnDuty{From: at, Until: until, Accounts: []string{w.people[w.rng.IntN(len(w.people))].name}})
		}
		at = until
	}
	return r
}

func (w *world) putPack(id, text string) {
	p, err := compile(text)
	if err != nil {
		panic(fmt.Errorf("pack %s: %w", id, err))
	}
	w.effect(event.Everyone, &event.PackPublished{Pack: id, Version: p.Version, Sum: p.Sum, Text: text})
}
