package streams

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tocsin/streams/event"
)

// Input is one record of an input topic, decoded. Envelope is nil when it could not be: Why says so.
type Input struct {
	Offset   int64
	Key      string
	Envelope *event.Envelope
	Why      error
	Record   Record
}

// DecodeInput reads a record of an input topic. The error wraps event.ErrNewer and nothing else: what is unreadable is
// an input too.
func DecodeInput(r Record) (Input, error) {
	in := Input{Offset: r.Offset, Key: string(r.Key), Record: r}
	e, err := event.Decode(r.Headers, r.Value)
	switch {
	case errors.Is(err, event.ErrNewer):
		return in, fmt.Errorf("input %s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
	case err != nil:
		in.Why = err
	default:
		in.Envelope = &e
	}
	return in, nil
}

// ReadInput is DecodeInput for whoever is done with one input before the next: the envelope is r's (see event.Reader), nil for
// what is unreadable.
func ReadInput(r *event.Reader, rec Record) (*event.Envelope, error) {
	e, err := r.Read(rec.Headers, rec.Value)
	switch {
	case errors.Is(err, event.ErrNewer):
		return nil, fmt.Errorf("input %s/%d at %d: %w", rec.Topic, rec.Partition, rec.Offset, err)
	case err != nil:
		return nil, nil //nolint:nilerr // what cannot be read is an input without an envelope
	default:
		return e, nil
	}
}

// Replica is one partition's states as at the last step that held: the fold of the log, by inputs and recorded
// decisions in the recorded order. It never decides.
type Replica[S, F any] struct {
	parts     Parts[S, F]
	pair      Pair
	partition int32
	at        Position
	heads     heads[F]
	patients  map[string]*Patient[S]
}

// NewReplica begins with the first record of the log.
func NewReplica[S, F any](parts Parts[S, F], pair Pair, partition int32) *Replica[S, F] {
	return &Replica[S, F]{parts: parts, pair: pair, partition: partition, at: Beginning, patients: map[string]*Patient[S]{}}
}

// At answers the last step that is in the replica.
func (r *Replica[S, F]) At() Position { return r.at }

// Input answers the next input.
func (r *Replica[S, F]) Input() int64 { return r.heads.Input }

// Clock answers the partition's clock.
func (r *Replica[S, F]) Clock() event.Time { return r.heads.Clock }

// Common answers what concerns everyone.
func (r *Replica[S, F]) Common() F { return r.heads.Common }

// Len answers how many subjects there are.
func (r *Replica[S, F]) Len() int { return len(r.patients) }

// Keys answers every subject, sorted.
func (r *Replica[S, F]) Keys() []string { return slices.Sorted(maps.Keys(r.patients)) }

// Get answers the cores' state of one subject.
func (r *Replica[S, F]) Get(key string) (S, bool) {
	if p, ok := r.patients[key]; ok {
		return p.State, true
	}
	var none S
	return none, false
}

// Dump writes the whole fold as JSON, sorted: two replicas of one log give the same bytes.
func (r *Replica[S, F]) Dump() ([]byte, error) {
	return json.Marshal(struct {
		At       int64                  `json:"step"`
		Heads    heads[F]               `json:"heads"`
		Patients map[string]*Patient[S] `json:"patients"`
	}{r.at.Number, r.heads, r.patients})
}

// Apply takes a step that holds, with the inputs that it settles, and answers which subjects it touched. On an error the
// replica is as it was.
func (r *Replica[S, F]) Apply(step *Step, inputs []Input) ([]string, error) {
	a, err := r.applying(step, inputs)
	if err != nil {
		return nil, err
	}
	for _, e := range step.Events {
		if err := a.inputsThrough(e.After); err != nil {
			return nil, err
		}
		if err := a.fold(e.Subject, e, e.At); err != nil {
			return nil, err
		}
	}
	if err := a.inputsThrough(step.Close.Inputs.Next - 1); err != nil {
		return nil, err
	}
	a.heads.Clock, a.heads.Input = step.Close.Clock, step.Close.Inputs.Next
	maps.Copy(r.patients, a.touched)
	r.heads, r.at = a.heads, step.Position
	return slices.Sorted(maps.Keys(a.touched)), nil
}

// application is one step on its way into a replica.
type application[S, F any] struct {
	*Replica[S, F]
	heads   heads[F]
	touched map[string]*Patient[S]
	inputs  []Input
	nows    []event.Time
	passed  map[string]bool // machine and id that the fence passed over
}

func (r *Replica[S, F]) applying(step *Step, inputs []Input) (*application[S, F], error) {
	span := step.Close.Inputs
	if step.Number != r.at.Number+1 || span.From != r.heads.Input {
		return nil, fmt.Errorf("%s/%d: step %d from input %d does not follow step %d, which ended at input %d",
			r.pair.Decisions, r.partition, step.Number, span.From, r.at.Number, r.heads.Input)
	}
	if int64(len(inputs)) != span.Next-span.From || len(inputs) > 0 && inputs[0].Offset != span.From {
		return nil, fmt.Errorf("%s/%d: step %d wants inputs %d to %d, not %d of them", r.pair.Decisions, r.partition, step.Number, span.From, span.Next, len(inputs))
	}
	a := &application[S, F]{Replica: r, heads: r.heads, touched: map[string]*Patient[S]{}, inputs: inputs, passed: map[string]bool{}}
	for _, e := range step.Events {
		if f, ok := e.Data.(*event.RuleFenced); ok && f.Passed {
			a.passed[f.Machine+" "+f.Of] = true
		}
	}
	var err error
	a.nows, err = inputMoments(step.Close)
	return a, err
}

// inputMoments answers the moment at which each input of a step was folded.
func inputMoments(c event.StepClosed) ([]event.Time, error) {
	nows := make([]event.Time, 0, c.Inputs.Next-c.Inputs.From)
	next := c.Inputs.From
	for _, run := range c.Runs {
		if run.From != next || run.Next < run.From || int64(len(run.NowMs)) != max(run.Next-run.From, 1) {
			return nil, fmt.Errorf("step %d: its runs do not cover its inputs one after the other", c.Number)
		}
		at := event.Time(0)
		for _, ms := range run.NowMs {
			at += event.Time(ms)
			if run.From < run.Next {
				nows = append(nows, at)
			}
		}
		next = run.Next
	}
	if next != c.Inputs.Next {
		return nil, fmt.Errorf("step %d: its runs end at input %d, not %d", c.Number, next, c.Inputs.Next)
	}
	return nows, nil
}

// inputsThrough folds the inputs up to offset that have not been folded yet.
func (a *application[S, F]) inputsThrough(offset int64) error {
	for len(a.inputs) > 0 && a.inputs[0].Offset <= offset {
		in, now := a.inputs[0], a.nows[0]
		a.inputs, a.nows = a.inputs[1:], a.nows[1:]
		if in.Envelope == nil {
			continue
		}
		if err := a.input(*in.Envelope, now); err != nil {
			return err
		}
	}
	return nil
}

func (a *application[S, F]) input(e event.Envelope, now event.Time) error {
	if !a.heads.hear(e.Effect) {
		return nil
	}
	if e.Subject == event.Everyone {
		for i := range a.parts.count() {
			if a.passed[a.parts.name(i)+" "+e.ID] {
				continue
			}
			if err := guard(func() error { return a.parts.common(i, &a.heads.Common, e, now) }); err != nil {
				return fmt.Errorf("fold %s for everyone: %w", e.ID, err)
			}
		}
		return a.fold(PartitionKey(a.partition), e, now)
	}
	e, ok := a.touch(e.Subject).admit(e, now)
	if !ok {
		return nil
	}
	return a.fold(e.Subject, e, now)
}

func (a *application[S, F]) fold(key string, e event.Envelope, at event.Time) error {
	pat := a.touch(key)
	for i := range a.parts.count() {
		if a.passed[a.parts.name(i)+" "+e.ID] {
			continue
		}
		err := guard(func() error { return a.parts.apply(i, &a.heads.Common, &pat.State, e, at) })
		f, isFence := e.Data.(*event.RuleFenced)
		if err != nil && !isFence {
			return fmt.Errorf("fold %s of %s: %w", e.ID, key, err)
		}
		if isFence && f.Of == "" && i == 0 {
			pat.Fences = append(slices.Clone(pat.Fences), fenceName(f.Machine, f.Rule))
		}
	}
	return nil
}

func (a *application[S, F]) touch(key string) *Patient[S] {
	if pat, ok := a.touched[key]; ok {
		return pat
	}
	mine := &Patient[S]{}
	if pat, ok := a.patients[key]; ok {
		*mine = *pat
		mine.Seen = pat.Seen.clone()
	}
	a.touched[key] = mine
	return mine
}
