package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"tocsin/rules"
	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

// madeUp is a history in memory: one partition, as its records lie in log and history.
type madeUp struct {
	past   []*pastStep
	all    []streams.Record // inputs
	values int
	from   event.Time
	to     event.Time
}

const madeUpBegin = event.Time(1_780_000_000_000)

// newMadeUp lets patients of the groups measure for some days as they do at home: an oximeter (two signs), a cuff (three)
// and scales (one) in the morning and in the evening, while a door beats.
func newMadeUp(tb testing.TB, patients, days int, groups ...string) *madeUp {
	tb.Helper()
	m := &madeUp{from: madeUpBegin}
	w := madeUpWriter{m: m, tb: tb, at: madeUpBegin}
	library := pack.Library()
	for _, id := range slices.Sorted(maps.Keys(library)) {
		c, err := pack.Compile(library[id])
		if err != nil {
			tb.Fatal(err)
		}
		w.effect(event.Everyone, &event.PackPublished{Pack: id, Version: c.Version, Sum: c.Sum, Text: library[id]})
	}
	halfDay := int64(12 * time.Hour / time.Millisecond) // a pack that wants more would find everybody silent
	cadence := map[event.Quantity]int64{event.SpO2Percent: halfDay, event.PulsePerMin: halfDay}
	for i, g := range groups {
		id := g
		if _, ok := library[g]; !ok {
			id = rules.DefaultPack
		}
		w.effect(event.Everyone, &event.GroupSet{Tenant: "t", Group: groups[i], Pack: id, CadenceMs: cadence})
	}
	for i := range patients {
		w.effect(fmt.Sprintf("t/P-%06d", i), &event.PatientEnrolled{Tenant: "t", Patient: fmt.Sprintf("P-%06d", i), Group: groups[i%len(groups)]})
	}
	step := 12 * time.Hour / time.Duration(patients)
	for half := range 2 * days {
		for i := range patients {
			w.at = madeUpBegin.Add(time.Duration(half)*12*time.Hour + time.Duration(i)*step)
			w.measure(i, half)
		}
	}
	w.flush()
	m.to = w.at + 1
	return m
}

type madeUpWriter struct {
	m       *madeUp
	tb      testing.TB
	at      event.Time
	beat    event.Time
	effects int64
	inputs  int64
	now     []int64
	last    event.Time
	from    int64
	step    int64
}

func (w *madeUpWriter) effect(key string, d event.Event) {
	w.effects++
	w.put(key, event.Envelope{ID: fmt.Sprint("effect/", w.effects), Source: "registrar", Subject: key, At: w.at, Effect: event.Effect{Offset: w.effects}, Data: d})
}

// measure writes what one patient measures in one half of a day.
func (w *madeUpWriter) measure(i, half int) {
	w.beatUntil(w.at)
	noise := int64((half*7 + i*13) % 9)
	low := int64(0)
	if (i*31+half)%997 == 0 {
		low = 8 // now and then somebody is unwell
	}
	w.upload(i, half*3, event.Reading{Quantity: event.SpO2Percent, Value: event.Int(95 - low + noise%3)}, event.Reading{Quantity: event.PulsePerMin, Value: event.Int(70 + noise + 3*low)})
	w.upload(i, half*3+1, event.Reading{Quantity: event.SystolicMmHg, Value: event.Int(124 + noise)}, event.Reading{Quantity: event.DiastolicMmHg, Value: event.Int(78 + noise%5)}, event.Reading{Quantity: event.PulsePerMin, Value: event.Int(71 + noise)})
	w.upload(i, half*3+2, event.Reading{Quantity: event.WeightKg, Value: event.Int(70) + event.Decimal(100_000*noise)})
}

// beatUntil lets the door beat as seldom as it may and still count as open: nobody would be silent behind one that is shut, and its
// warning, which nobody answers, would be most of what there is to fold.
func (w *madeUpWriter) beatUntil(at event.Time) {
	const every = 14_000
	for w.beat = max(w.beat, madeUpBegin); w.beat+every <= at; {
		w.beat += every
		w.at = w.beat
		w.put(event.Everyone, event.Envelope{ID: fmt.Sprint("door/", w.at), Source: "gateway/g", Subject: event.Everyone, At: w.at, Data: &event.DoorOpened{Door: "gateway/g", ReceivedAt: w.at}})
	}
	w.at = at
}

func (w *madeUpWriter) upload(i, seq int, readings ...event.Reading) {
	w.m.values += len(readings)
	device := fmt.Sprintf("d%06d", i)
	w.put(fmt.Sprintf("t/P-%06d", i), event.Envelope{ID: fmt.Sprintf("%s/1/%d", device, seq), Source: "gateway/g", Subject: fmt.Sprintf("t/P-%06d", i), At: w.at,
		Data: &event.ObservationRecorded{Device: device, MsgID: fmt.Sprintf("%s/1/%06d", device, seq), BootID: 1, Seq: int64(seq), Sequenced: true, MeasuredAt: w.at, ReceivedAt: w.at,
			Clock: event.Clock{Quality: event.ClockOK, Action: "keep"}, Door: "gateway/g", Readings: readings}})
}

func (w *madeUpWriter) put(key string, e event.Envelope) {
	r, err := streams.ToRecord(streams.Inputs, 0, key, e)
	if err != nil {
		w.tb.Fatal(err)
	}
	r.Offset = w.inputs
	w.inputs++
	w.m.all = append(w.m.all, r)
	w.now = append(w.now, int64(w.at-w.last))
	w.last = w.at
	if len(w.now) == 2000 {
		w.flush()
	}
}

func (w *madeUpWriter) flush() {
	if len(w.now) == 0 {
		return
	}
	w.step++
	span := event.Span{From: w.from, Next: w.inputs}
	w.m.past = append(w.m.past, &pastStep{inputs: w.m.all[w.from:w.inputs], closed: event.StepClosed{Number: w.step, Inputs: span, Clock: w.at,
		Runs: []event.Run{{From: span.From, Next: span.Next, NowMs: w.now}}}})
	w.now, w.last, w.from = nil, 0, w.inputs
}

func (m *madeUp) name() string                              { return "made up" }
func (m *madeUp) partitions(context.Context) (int32, error) { return 1, nil }
func (m *madeUp) size(context.Context) (int64, error)       { return int64(len(m.all)), nil }
func (m *madeUp) facts(_ context.Context, _ int32, hear func(event.Envelope)) error {
	return hearFacts(m.all, hear)
}

func (m *madeUp) steps(_ context.Context, _ int32, _ backtest.Scope, take func(*pastStep) error) error {
	for _, s := range m.past {
		if err := take(s); err != nil {
			return err
		}
	}
	return nil
}

// Budget 12: a backtest over history, from records as they lie there: decode, fold, windows, conditions, scores, warnings, the
// desk and the comparison. The figure is readings and answers for each second of processor time; with both sides each is folded twice.
// Beside it: what encoding/json alone takes to read the same records.
func BenchmarkBudget12Backtest(b *testing.B) {
	was := debug.SetGCPercent(backtestGC)
	defer debug.SetGCPercent(was)
	m := newMadeUp(b, 4000, 8, "news2")
	b.Run("news2", func(b *testing.B) { m.bench(b, 1) })
	m = newMadeUp(b, 4000, 8, "copd", "heart-failure", "hypertension")
	b.Run("three disease packs", func(b *testing.B) { m.bench(b, 1) })
	b.Run("three disease packs against current", func(b *testing.B) { m.bench(b, 2) })
	b.Run("decode alone", func(b *testing.B) {
		perCPU(b, m.values, func() {
			for _, r := range m.all {
				if _, err := streams.DecodeInput(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("encoding json alone", func(b *testing.B) {
		type plain event.ObservationRecorded // without the codec of its own
		perCPU(b, m.values, func() {
			for _, r := range m.all {
				if err := json.Unmarshal(r.Value, new(plain)); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func (m *madeUp) bench(b *testing.B, sides int) {
	survey, err := surveyed(context.Background(), m, 0)
	if err != nil {
		b.Fatal(err)
	}
	scope := backtest.Scope{Groups: map[string]bool{}, Patients: map[string]bool{}}
	for _, id := range []string{"copd", rules.DefaultPack, "heart-failure", "hypertension"} { // everybody is judged
		sc, err := survey.Scope(id, "")
		if err == nil {
			maps.Copy(scope.Groups, sc.Groups)
			maps.Copy(scope.Patients, sc.Patients)
		}
	}
	j := &backtestJob{record: m, scope: scope, swaps: [2]*backtest.Swap{survey.InForce(), survey.InForce()},
		setting: backtest.Setting{Span: backtest.Span{From: m.from, To: m.to}, Tolerance: backtest.DefaultTolerance}}
	warnings := 0
	compile := pack.Remembering() // half a second for the whole library, whatever there is to fold: it is not measured
	for _, text := range pack.Library() {
		if _, err := compile(text); err != nil {
			b.Fatal(err)
		}
	}
	perCPU(b, m.values, func() {
		s := backtest.NewShard(j.setting.Span, j.scope, j.swaps[:sides]...)
		for _, side := range s.Sides {
			side.Use(streams.NewWhatIf(patientPartsWith(compile, new(rules.Room)), 0, side.Hear))
		}
		if err := j.partition(context.Background(), 0, []*backtest.Shard{s}); err != nil {
			b.Fatal(err)
		}
		if sides == 2 {
			backtest.Sum(j.setting, scope.Groups, []*backtest.Shard{s})
		}
		warnings = len(s.Sides[0].Warnings)
		if warnings == 0 || s.Sides[0].Failed > 0 {
			b.Fatalf("%d warnings; %v", warnings, s.Sides[0].Faults)
		}
	})
	b.ReportMetric(float64(warnings), "warnings")
}

// perCPU runs fn and reports readings for each second of the processor's time.
func perCPU(b *testing.B, readings int, fn func()) {
	b.Helper()
	b.ReportAllocs()
	var from, to syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &from); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		fn()
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &to); err != nil {
		b.Fatal(err)
	}
	spent := time.Duration(to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano())
	b.ReportMetric(float64(readings*b.N)/spent.Seconds(), "readings/s/core")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(readings*b.N), "cpu-ns/reading")
}
