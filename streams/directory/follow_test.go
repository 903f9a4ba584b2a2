package directory

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

// A step that holds and cannot be decoded must not be passed over in silence: a door would go on without a binding, or
// with one that was revoked.
func TestAStepThatCannotBeReadEndsTheView(t *testing.T) {
	log := streams.NewMemory(partitions)
	w, err := log.Write("vandal")
	if err != nil {
		t.Fatal(err)
	}
	write := func(data event.Event, index int, spoil bool) {
		t.Helper()
		r, err := streams.ToRecord(streams.Directory, 0, "device/d1", event.Envelope{ID: NewID(), Source: "test", Subject: "device/d1", Life: "l", Step: 1, Index: index, After: -1, Data: data})
		if spoil {
			r.Value = r.Value[:len(r.Value)/2]
		}
		if err == nil {
			_, err = streams.AppendWait(t.Context(), w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(&event.OwnerOpened{Life: "l"}, 0, false)
	write(&event.DeviceRevoked{Device: "d1"}, 0, true)
	write(&event.StepClosed{Number: 1, Count: 1}, 1, false)
	if err := NewView(log).Run(soon(t)); !errors.Is(err, event.ErrUnreadable) {
		t.Fatalf("the view went on over it: %v", err)
	}
}

// busy is a log that cannot be asked for its bounds at first.
type busy struct {
	streams.Log
	left atomic.Int32
}

func (b *busy) Bounds(ctx context.Context, topic string, partition int32) (int64, int64, error) {
	if b.left.Add(-1) >= 0 {
		return 0, 0, errors.New("the broker closed the connection")
	}
	return b.Log.Bounds(ctx, topic, partition)
}

// An error of the log that passes ends nothing, also when it comes at the very beginning: with the handing-on the whole
// registrar would end.
func TestHandingOnBeginsOverErrorsOfTheLog(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	s.mustImport("t1,P-1,ward,d1,a\n")
	s.stop()
	again := streams.NewMemory(partitions)
	w, err := again.Write("copy")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.log.Records(streams.Directory, 0) {
		if _, err := streams.AppendWait(t.Context(), w, r); err != nil {
			t.Fatal(err)
		}
	}
	log := &busy{Log: again}
	log.left.Store(3)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- HandOn(ctx, log, partitions, slog.New(slog.DiscardHandler)) }()
	eventually(t, func() error {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		default:
		}
		if p := streams.PartitionOf("t1/P-1", partitions); len(effects(again, p)) == 0 {
			return errors.New("nothing was handed on")
		}
		return nil
	})
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
