package streams_test

import (
	"fmt"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// BenchmarkProcessorToy measures the processor itself with a core that does next to nothing: decode, fold, decide, step
// and confirm, 2,000 inputs a step over 10,000 patients.
func BenchmarkProcessorToy(b *testing.B) {
	const patients = 10_000
	records := make([]streams.Record, 20_000)
	for i := range records {
		e := reading(fmt.Sprint("p", i%patients), 1, int64(i/patients), 70, epoch.Add(time.Duration(i)*time.Millisecond))
		r, err := streams.ToRecord(streams.Inputs, 0, e.Subject, e)
		if err != nil {
			b.Fatal(err)
		}
		records[i] = r
	}
	base := streams.NewReplica(toyParts(), streams.PatientPair, 0)
	p := streams.NewProcessor(toyParts(), base, "life")
	steps := streams.NewSteps(streams.Beginning)
	offset := int64(0)
	read := func(rs ...streams.Record) {
		for _, r := range rs {
			r.Offset = offset
			offset++
			step, err := steps.Read(r)
			if err != nil {
				b.Fatal(err)
			}
			if step != nil {
				if err := p.Confirm(step); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	read(openRecord(b, "life"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := records[i%len(records)]
		r.Offset = int64(i)
		in, err := streams.DecodeInput(r)
		if err != nil {
			b.Fatal(err)
		}
		in.Envelope.Data.(*event.ObservationRecorded).Seq = int64(i / patients)
		p.Input(in.Offset, in.Key, in.Envelope, nil, epoch.Add(time.Duration(i)*time.Millisecond))
		if p.Full() {
			w, err := p.CloseStep()
			if err != nil {
				b.Fatal(err)
			}
			read(w.Records...)
		}
	}
}
