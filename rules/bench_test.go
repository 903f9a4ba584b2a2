package rules_test

import (
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// BenchmarkScore is budget 4: one reading into the score of one patient: the interval over seven signs, its band, the
// single-parameter rule, and whether it goes down from what was told.
func BenchmarkScore(b *testing.B) {
	sc := &library(b, "news2").Scores[0]
	r := rand.New(rand.NewPCG(1, 0))
	v := vitals(r)
	t := sc.Tally(&v, 1)
	order := []event.Quantity{event.SpO2Percent, event.PulsePerMin, event.RespirationPerMin, event.SystolicMmHg, event.TemperatureCel, event.PulsePerMin, event.SpO2Percent, event.ACVPU}
	var news [64]event.Decimal
	for i := range news {
		w := vitals(r)
		news[i] = w.At[order[i%len(order)]]
	}
	told, kept := event.NoSeverity, 0
	b.ReportAllocs()
	defer cpu(b)()
	for i := 0; b.Loop(); i++ {
		q := order[i%len(order)]
		v.At[q] = news[i%len(news)]
		sc.Update(&t, &v, q)
		if sev := sc.Bands[t.Band].Severity; sev >= told {
			told = sev
		} else {
			kept++
		}
	}
	_ = kept
}

// BenchmarkScoreMillion is the same with the tallies of a million patients, which no cache holds.
func BenchmarkScoreMillion(b *testing.B) {
	sc := &library(b, "news2").Scores[0]
	r := rand.New(rand.NewPCG(1, 0))
	v := vitals(r)
	all := make([]rules.Tally, 1_000_000)
	for i := range all {
		all[i] = sc.Tally(&v, 1)
	}
	b.ReportAllocs()
	defer cpu(b)()
	for i := 0; b.Loop(); i++ {
		v.At[event.PulsePerMin] = event.Int(int64(60 + i%64))
		sc.Update(&all[i*7919%len(all)], &v, event.PulsePerMin)
	}
}

// BenchmarkTally scores all seven signs anew.
func BenchmarkTally(b *testing.B) {
	sc := &library(b, "news2").Scores[0]
	r := rand.New(rand.NewPCG(1, 0))
	var all [64]rules.Values
	for i := range all {
		all[i] = vitals(r)
	}
	sum := 0
	b.ReportAllocs()
	defer cpu(b)()
	for i := 0; b.Loop(); i++ {
		t := sc.Tally(&all[i%len(all)], 1)
		sum += int(t.Lower)
	}
	_ = sum
}

// cpu reports the processor's time beside the wall's: the steadier figure on a machine that others use too.
func cpu(b *testing.B) func() {
	var from, to syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &from); err != nil {
		b.Fatal(err)
	}
	return func() {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &to); err != nil {
			b.Fatal(err)
		}
		spent := to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano()
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
}

// BenchmarkReading is one reading of a quiet patient through Apply, Decide and NextDue: what the processor asks of this core.
func BenchmarkReading(b *testing.B) {
	p := quiet(b)
	uploads := make([]event.Envelope, 256)
	r := rand.New(rand.NewPCG(2, 0))
	for i := range uploads {
		at := p.Now + event.Time(i)*1000
		uploads[i] = event.Envelope{ID: "oxi-1/1/7", Subject: trial.Key, At: at, Data: trial.Measured(at,
			trial.Reading(event.SpO2Percent, event.Int(96+r.Int64N(3))), trial.Reading(event.PulsePerMin, event.Int(60+r.Int64N(20))))}
	}
	s := p.State
	b.ReportAllocs()
	defer cpu(b)()
	for i := 0; b.Loop(); i++ {
		e := uploads[i%len(uploads)]
		if i%len(uploads) == 0 {
			s = p.State
		}
		var err error
		if s, err = p.Core.Apply(p.Facts, s, e, e.At); err != nil {
			b.Fatal(err)
		}
		out, err := p.Core.Decide(p.Facts, s, e, e.At)
		if err != nil || len(out) > 0 {
			b.Fatal(out, err)
		}
		if p.Core.NextDue(p.Facts, s) == 0 {
			b.Fatal("due at zero")
		}
	}
}

func quiet(t testing.TB) *trial.Patient {
	t.Helper()
	p, err := trial.New(pack.Compile, noon, pack.Library()["news2"])
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := p.Measure(
			trial.Reading(event.SpO2Percent, event.Int(97)), trial.Reading(event.PulsePerMin, event.Int(76)), trial.Reading(event.RespirationPerMin, event.Int(16)),
			trial.Reading(event.SystolicMmHg, event.Int(125)), trial.Reading(event.TemperatureCel, event.Int(37)), trial.Reading(event.ACVPU, 0), trial.Reading(event.SupplementalO2, 0),
		); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(60_000); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestBudget9_StateInMemory measures what the state of a patient with seven signals costs as it comes from a checkpoint,
// where nothing is shared: 2 KiB at most.
func TestBudget9_StateInMemory(t *testing.T) {
	p := quiet(t)
	if _, err := p.Measure(trial.Reading(event.SpO2Percent, event.Int(84))); err != nil { // an open finding
		t.Fatal(err)
	}
	if p.State.Found.Severity != event.High {
		t.Fatalf("84 %% is %s", p.State.Found.Severity)
	}
	text, err := json.Marshal(p.State)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	all := make([]rules.State, n)
	before := heap()
	for i := range all {
		if err := json.Unmarshal(text, &all[i]); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap()-before)/n + uint64(sizeOf(all))/n
	t.Logf("state of one patient: %d bytes in memory, %d as JSON", each, len(text))
	if each > 2304 {
		t.Errorf("state of one patient takes %d bytes, more than 2304", each)
	}
	runtime.KeepAlive(all)
}

func sizeOf(all []rules.State) uintptr { return uintptr(len(all)) * stateSize }

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
