package history

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/event"
)

// TestHIS1_ALongBookIsReadToItsEnd: after months of ranges a new life needs longer to read them than a step may take to be seen.
func TestHIS1_ALongBookIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := streams.NewMemory(1)
		w := newWorld(t, log, 1, 1)
		for n := range int64(3000) {
			w.put(streams.HistoryRanges, 0, "k", event.Envelope{ID: fmt.Sprint("open", n), Life: "old", Data: &event.OwnerOpened{Life: "old"}})
		}
		s, err := newSink(SinkOptions{Log: log, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		l := &life{sink: s, id: "new", book: newBook()}
		l.pair, l.part = topicsOf(0, 1)
		if l.writer, err = log.Write("a"); err != nil {
			t.Fatal(err)
		}
		defer l.writer.Close()
		r, err := log.Read(streams.HistoryRanges, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		l.reader = slowReader{r}
		if err := l.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := l.newest(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	})
}

// slowReader takes 15 s for each batch.
type slowReader struct{ streams.Reader }

func (r slowReader) Next(ctx context.Context) ([]streams.Record, error) {
	select {
	case <-time.After(15 * time.Second):
		return r.Reader.Next(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestHIS1_UnreadableEventOfAStepThatHolds is copied as it lies there, and those behind it follow.
func TestHIS1_UnreadableEventOfAStepThatHolds(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 5)
	w.step(streams.Decisions, 0)
	o := w.lives[streams.Decisions+"0"]
	o.number++
	e := event.Envelope{ID: "torn", Source: "world", Subject: "t1/P-0001", At: w.epoch, Life: o.life, Step: o.number, Data: &event.AlertClosed{}}
	torn, err := streams.ToRecord(streams.Decisions, 0, "t1/P-0001", e)
	if err != nil {
		t.Fatal(err)
	}
	torn.Value = []byte(`{"alert":`)
	w.w.Append(torn, nil)
	w.put(streams.Decisions, 0, "owner", event.Envelope{ID: "close", Life: o.life, Step: o.number, Index: 1, Data: &event.StepClosed{Number: o.number, Count: 1}})
	w.turn(100)
	w.close()
	run(t, sinkFor(t, log, h, "a"))
	mustEqual(t, caughtUp(t, h, log, time.Minute))
	var typ string
	var holds bool
	if err := h.db.QueryRow(t.Context(), "SELECT type, holds FROM records WHERE value = ?", string(torn.Value)).Scan(&typ, &holds); err != nil || typ != "" || !holds {
		t.Fatalf("type %q, holds %v, %v", typ, holds, err)
	}
}

// TestHIS1_ALogThatLostItsEnd is told, by verify and by the sink, rather than waited for.
func TestHIS1_ALogThatLostItsEnd(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 5)
	w.turn(100)
	w.close()
	stop := run(t, sinkFor(t, log, h, "a"))
	mustEqual(t, caughtUp(t, h, log, time.Minute))
	stop()
	for _, topic := range []string{streams.Inputs, streams.Decisions} {
		if err := log.Lose(topic, 0, 3); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	checks, err := h.Verify(ctx, log)
	if err != nil || checks[0].Equal() || checks[1].Equal() {
		t.Fatalf("got %v, %v", checks, err)
	}
	s, err := newSink(sinkFor(t, log, h, "b"))
	if err != nil {
		t.Fatal(err)
	}
	s.n = 1
	if _, err := s.live(ctx, always{}, 0); err == nil || !strings.Contains(err.Error(), "the log ends at 3") {
		t.Fatalf("the sink ended with %v", err)
	}
}
