package streams

import (
	"bytes"
	"errors"
	"fmt"

	"tocsin/streams/event"
)

// ErrDiffers is wrapped when deciding again gives something else than what the log holds.
var ErrDiffers = errors.New("deciding again gives another answer")

// Redecide decides a step again above base, with the recorded moments, compares the records byte for byte and then
// adopts it. It is what replay tests, explain and backtest stand on: the functions are those of live.
func Redecide[S, F any](parts Parts[S, F], base *Replica[S, F], step *Step, inputs []Input) error {
	p := NewProcessor(parts, base, step.Life)
	for _, run := range step.Close.Runs {
		at := event.Time(0)
		for k, ms := range run.NowMs {
			at += event.Time(ms)
			if run.From == run.Next {
				p.again(step, at)
				continue
			}
			i := run.From + int64(k) - step.Close.Inputs.From
			if i >= int64(len(inputs)) {
				return fmt.Errorf("step %d: input %d is not there", step.Number, run.From+int64(k))
			}
			in := inputs[i]
			p.Input(in.Offset, in.Key, in.Envelope, in.Why, at)
		}
	}
	p.work.heads.Clock = max(p.work.heads.Clock, step.Close.Clock)
	w, err := p.CloseStep()
	if err != nil {
		return err
	}
	if err := sameRecords(w.Records, step.Records); err != nil {
		return fmt.Errorf("step %d: %w: %w", step.Number, ErrDiffers, err)
	}
	return p.Confirm(step)
}

// again repeats a look at what was due, or what the shell itself had to say at that point.
func (p *Processor[S, F]) again(step *Step, at event.Time) {
	if n := len(p.work.Events); n < len(step.Events) {
		e := step.Events[n]
		if f, ok := e.Data.(*event.TechnicalFault); ok && f.Kind == KindClockLeap && e.Cause == "" && e.At == at {
			p.Technical(*f, at)
			return
		}
	}
	p.Tick(at)
}

func sameRecords(got, want []Record) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d records instead of %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Value, want[i].Value) {
			return fmt.Errorf("record %d is %s instead of %s", i, cut(string(got[i].Value), 2000), cut(string(want[i].Value), 2000))
		}
		for k, h := range got[i].Headers {
			if k >= len(want[i].Headers) || h.Key != want[i].Headers[k].Key || !bytes.Equal(h.Value, want[i].Headers[k].Value) {
				return fmt.Errorf("record %d: header %s differs", i, h.Key)
			}
		}
	}
	return nil
}
