package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// handedEvery is how often the handing-on records how far it came, when it has moved.
const handedEvery = 5 * time.Second

// HandOn carries what the registrar decided to the patients whom it concerns: by patient, or one copy in every
// partition for what concerns all. Each effect carries its place in the directory, by which the folds pass over what
// comes twice, so an effect may be written again but must never be left out: at the first failure everything stops, and
// goes on from what every partition has acknowledged. It runs beside whoever owns the directory; two at once do no harm.
// It ends with ctx, or with an error that will not go away by itself.
func HandOn(ctx context.Context, log streams.Log, n int32, logger *slog.Logger) error {
	h := &handing{log: log, n: n}
	resumed := false
	err := streams.KeepOn(ctx, func(ctx context.Context) (bool, error) {
		if !resumed {
			if err := h.resume(ctx); err != nil {
				return false, err
			}
			resumed = true
		}
		before := h.reached()
		err := h.run(ctx)
		return h.reached().After(before), err
	}, func(err error, again time.Duration) {
		logger.Warn("handing on of the directory stopped and is tried again", "through", h.reached().Offset, "wait", again, streams.KeyErr, err)
	}, streams.Lasting...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("hand on effects of the directory: %w", err)
}

type handing struct {
	log streams.Log
	n   int32

	mu      sync.Mutex
	through event.Effect    // acknowledged by every partition that it concerns, as is everything before it
	pending []*handedEffect // on their way, in order
}

// handedEffect is one effect on its way.
type handedEffect struct {
	place event.Effect
	left  int32 // partitions that have not acknowledged it
}

// reached answers how far everything is acknowledged.
func (h *handing) reached() event.Effect {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.through
}

// resume looks up how far the handing-on before this one has come.
func (h *handing) resume(ctx context.Context) error {
	first, next, err := h.log.Bounds(ctx, streams.DirectoryInputs, 0)
	if err != nil {
		return err
	}
	return streams.Each(ctx, h.log, streams.DirectoryInputs, 0, first, next, func(r streams.Record) error {
		if string(r.Key) != HandingOn {
			return nil
		}
		e, err := event.Decode(r.Headers, r.Value)
		if errors.Is(err, event.ErrNewer) {
			return err
		}
		if d, ok := e.Data.(*event.EffectsHanded); err == nil && ok && d.Through.After(h.through) {
			h.through = d.Through
		}
		return nil
	})
}

// run reads the directory from its beginning and hands on what comes after what was reached, with a writer of its own. One
// writer fails a partition for good after its first error, so no effect can overtake one that failed.
func (h *handing) run(ctx context.Context) error {
	w, err := h.log.Write("hand-on")
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	h.mu.Lock()
	h.pending = nil
	h.mu.Unlock()

	ctx, stop := context.WithCancelCause(ctx)
	noting := make(chan struct{})
	go func() {
		defer close(noting)
		h.noteNowAndThen(ctx, w)
	}()
	err = h.hand(ctx, stop, w)
	stop(err)
	<-noting
	return context.Cause(ctx)
}

func (h *handing) hand(ctx context.Context, stop context.CancelCauseFunc, w streams.Writer) error {
	return follow(ctx, h.log, streams.NewSteps(streams.Beginning), func(step *streams.Step) error {
		for i, e := range step.Events {
			if err := h.effect(stop, w, e, step.Records[i].Offset); err != nil {
				return err
			}
		}
		return nil
	}, func() {})
}

// effect hands over one fact, when it concerns patients and has not been acknowledged before. The first partition that
// refuses it stops the run.
func (h *handing) effect(stop context.CancelCauseFunc, w streams.Writer, e event.Envelope, offset int64) error {
	key, ok := concerns(e.Data)
	place := event.Effect{Offset: offset + 1}
	if !ok || !place.After(h.reached()) {
		return nil
	}
	env := event.Envelope{ID: e.ID, Source: "hand-on", Subject: key, At: e.At, Cause: e.Cause, Effect: place, Data: e.Data}
	partitions := []int32{streams.PartitionOf(key, h.n)}
	if key == event.Everyone {
		partitions = partitions[:0]
		for p := range h.n {
			partitions = append(partitions, p)
		}
	}
	under := &handedEffect{place: place, left: int32(len(partitions))}
	h.mu.Lock()
	h.pending = append(h.pending, under)
	h.mu.Unlock()
	for _, p := range partitions {
		r, err := streams.ToRecord(streams.Inputs, p, key, env)
		if err != nil {
			return fmt.Errorf("effect %d: %w", place.Offset, err)
		}
		w.Append(r, func(_ int64, err error) {
			if err != nil {
				stop(fmt.Errorf("effect %d: write %s/%d: %w", place.Offset, streams.Inputs, p, err))
				return
			}
			h.acknowledged(under)
		})
	}
	return nil
}

// acknowledged counts one partition's answer, and moves on over what all have answered.
func (h *handing) acknowledged(under *handedEffect) {
	h.mu.Lock()
	defer h.mu.Unlock()
	under.left--
	for len(h.pending) > 0 && h.pending[0].left == 0 {
		h.through = h.pending[0].place
		h.pending = h.pending[1:]
	}
}

// concerns answers whose folds need a fact, and whether anybody's do.
func concerns(fact event.Event) (key string, ok bool) {
	switch d := fact.(type) {
	case *event.GroupSet, *event.PackPublished, *event.PolicySet, *event.RotaSet, *event.TeamSet:
		return event.Everyone, true
	case *event.PatientEnrolled:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.PatientGrouped:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.ResponsibleSet:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.PatientClinicSet:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.ConsentGiven:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.ConsentWithdrawn:
		return streams.PatientKey(d.Tenant, d.Patient), true
	case *event.PlanChanged:
		return streams.PatientKey(d.Tenant, d.Patient), true
	}
	return "", false
}

// noteNowAndThen records how far the handing-on came, so that the next one need not begin at the beginning. A note that
// is lost costs only repeats.
func (h *handing) noteNowAndThen(ctx context.Context, w streams.Writer) {
	noted := h.reached()
	note := func() {
		through := h.reached()
		if !through.After(noted) {
			return
		}
		env := event.Envelope{ID: fmt.Sprintf("handed/%d.%d", through.Offset, through.Number), Source: "hand-on", Subject: HandingOn,
			At: event.TimeOf(time.Now()), Data: &event.EffectsHanded{Through: through}}
		if r, err := streams.ToRecord(streams.DirectoryInputs, 0, HandingOn, env); err == nil {
			w.Append(r, nil)
			noted = through
		}
	}
	tick := time.NewTicker(handedEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			note()
		case <-ctx.Done():
			note()
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			_ = w.Flush(last)
			return
		}
	}
}
