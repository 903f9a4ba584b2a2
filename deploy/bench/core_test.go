// Package bench measures the budgets which concern more than one package; those of one package stand beside it.
// run.sh runs all of them and writes RESULTS.md.
package bench

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

type (
	state = streams.Three[rules.State, alerts.State, care.State]
	facts = streams.Three[rules.Facts, alerts.Facts, care.Facts]
)

const epoch = event.Time(1_780_000_000_000)

func cores() streams.Parts[state, facts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: pack.Compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
}

// partition is one partition of a log in memory with its processor, fed by hand.
type partition struct {
	tb     testing.TB
	base   *streams.Replica[state, facts]
	proc   *streams.Processor[state, facts]
	steps  *streams.Steps
	offset int64 // of decisions
	input  int64
	bytes  int64
	events int
}

func newPartition(tb testing.TB, patients int) *partition {
	p := &partition{tb: tb, base: streams.NewReplica(cores(), streams.PatientPair, 0), steps: streams.NewSteps(streams.Beginning)}
	p.steps.Raw(true) // an owner has the events already
	p.proc = streams.NewProcessor(cores(), p.base, "life")
	p.read(p.encode(streams.Decisions, event.Envelope{ID: "open", Source: "owner", Subject: streams.PartitionKey(0), At: epoch, Data: &event.OwnerOpened{Life: "life"}}))
	effects := int64(0)
	effect := func(key string, data event.Event) {
		effects++
		p.take(p.encode(streams.Inputs, event.Envelope{ID: fmt.Sprint("effect/", effects), Source: "registrar", Subject: key, At: epoch, Effect: event.Effect{Offset: effects}, Data: data}), epoch)
	}
	library := pack.Library()
	ids := make([]string, 0, len(library))
	for id := range library {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, err := pack.Compile(library[id])
		if err != nil {
			tb.Fatal(err)
		}
		effect(event.Everyone, &event.PackPublished{Pack: id, Version: c.Version, Sum: c.Sum, Text: library[id]})
	}
	effect(event.Everyone, &event.GroupSet{Tenant: "t", Group: "g", Pack: rules.DefaultPack})
	for i := range patients {
		effect(fmt.Sprintf("t/P-%06d", i), &event.PatientEnrolled{Tenant: "t", Patient: fmt.Sprintf("P-%06d", i), Group: "g"})
	}
	return p
}

func (p *partition) encode(topic string, e event.Envelope) streams.Record {
	r, err := streams.ToRecord(topic, 0, e.Subject, e)
	if err != nil {
		p.tb.Fatal(err)
	}
	return r
}

// take is what an owner does with one record of inputs: decode, fold, decide; and close the step when it is full.
func (p *partition) take(r streams.Record, now event.Time) {
	r.Offset = p.input
	p.input++
	in, err := streams.DecodeInput(r)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.proc.Input(in.Offset, in.Key, in.Envelope, in.Why, now)
	if p.proc.Full() {
		p.close()
	}
}

func (p *partition) close() {
	w, err := p.proc.CloseStep()
	if err != nil {
		p.tb.Fatal(err)
	}
	p.events += len(w.Events)
	for _, r := range w.Records {
		p.bytes += int64(len(r.Value))
		p.read(r)
	}
}

// read is the owner's own reader: what it sees hold is confirmed.
func (p *partition) read(r streams.Record) {
	r.Offset = p.offset
	p.offset++
	step, err := p.steps.Read(r)
	if err != nil {
		p.tb.Fatal(err)
	}
	if step != nil {
		if err := p.proc.Confirm(step); err != nil {
			p.tb.Fatal(err)
		}
	}
}

// upload is a usual reading of a home oximeter, with a little noise.
func upload(patient, seq int, at event.Time) event.Envelope {
	device := fmt.Sprintf("d%06d", patient)
	return event.Envelope{ID: fmt.Sprintf("%s/1/%d", device, seq), Source: "gateway/g", Subject: fmt.Sprintf("t/P-%06d", patient), At: at,
		Data: &event.ObservationRecorded{Device: device, MsgID: fmt.Sprintf("%s/1/%06d", device, seq), BootID: 1, Seq: int64(seq), Sequenced: true, MeasuredAt: at, ReceivedAt: at,
			Clock: event.Clock{Quality: event.ClockOK, Action: "keep"}, Door: "gateway/g",
			Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(int64(96 + (patient+seq)%3))}, {Quantity: event.PulsePerMin, Value: event.Int(int64(70 + (seq*7+patient)%9))}}}}
}

// Budget 1 (a): from the log on: decode, repeats, fold, windows, score, decide, step and confirm, every safety feature
// on, uploads of two quantities from 20,000 patients in turn.
func BenchmarkBudget1aFromTheLogOn(b *testing.B) {
	const patients = 20_000
	p := newPartition(b, patients)
	uploads := make([]streams.Record, 0, 10*patients)
	for i := range cap(uploads) {
		uploads = append(uploads, p.encode(streams.Inputs, upload(i%patients, i/patients, epoch.Add(time.Duration(i)*time.Millisecond))))
	}
	for i := range patients {
		p.take(uploads[i], epoch.Add(time.Duration(i)*time.Millisecond))
	}
	runtime.GC()
	b.ReportAllocs()
	b.ResetTimer()
	i := patients
	for range b.N {
		if i == len(uploads) { // each upload counts once, so the world begins anew
			b.StopTimer()
			p = newPartition(b, patients)
			i = 0
			b.StartTimer()
		}
		p.take(uploads[i], epoch.Add(time.Duration(i)*time.Millisecond))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uploads/s")
}

// Budget 9: what one monitored patient takes in memory, seven signals, an open warning for one in twenty.
func TestBudget9StateInMemory(t *testing.T) {
	const patients = 20_000
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := measure()
	p := newPartition(t, patients)
	for seq := range 10 {
		for i := range patients {
			e := upload(i, seq, epoch.Add(time.Duration(seq)*time.Hour))
			o := e.Data.(*event.ObservationRecorded)
			spo2 := int64(97)
			if i%20 == 0 && seq > 5 {
				spo2 = 84
			}
			o.Readings = []event.Reading{{Quantity: event.RespirationPerMin, Value: event.Int(16)}, {Quantity: event.SpO2Percent, Value: event.Int(spo2)}, {Quantity: event.SystolicMmHg, Value: event.Int(125)},
				{Quantity: event.DiastolicMmHg, Value: event.Int(80)}, {Quantity: event.PulsePerMin, Value: event.Int(70)}, {Quantity: event.TemperatureCel, Value: 36_800_000}, {Quantity: event.WeightKg, Value: 70_500_000}}
			p.take(p.encode(streams.Inputs, e), e.At)
		}
	}
	if !p.proc.Empty() {
		p.close()
	}
	p.proc = nil // the owner's own index of who is asked when is left out here; it is told below
	bytes := measure() - before
	dump, err := p.base.Dump()
	if err != nil {
		t.Fatal(err)
	}
	warnings := 0
	for _, key := range p.base.Keys() {
		s, _ := p.base.Get(key)
		warnings += len(s.B.Open)
	}
	t.Logf("budget 9: %d bytes a patient in memory, %d in a checkpoint; %d patients, %d open warnings", bytes/patients, len(dump)/patients, patients, warnings)
	runtime.KeepAlive(p)
	if bytes/patients > 4096 {
		t.Errorf("a patient's state takes %d bytes, more than 4 KiB", bytes/patients)
	}
}
