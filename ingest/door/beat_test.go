package door

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// slowEdge keeps what is appended until the test settles it.
type slowEdge struct {
	events []event.Envelope
	done   []func(int32, int64, error)
}

func (e *slowEdge) Append(topic, key string, env event.Envelope, done func(int32, int64, error)) {
	if topic == streams.Inputs && key == event.Everyone {
		e.events = append(e.events, env)
		e.done = append(e.done, done)
	}
}

type still struct {
	position atomic.Int64
	changed  []func()
}

func (s *still) Device(string) (directory.Binding, bool) { return directory.Binding{}, false }
func (s *still) Position() int64                         { return s.position.Load() }
func (s *still) WaitReady(context.Context) error         { return nil }
func (s *still) OnRevoke(func(string))                   {}
func (s *still) OnChanged(fn func())                     { s.changed = append(s.changed, fn) }

// Two minutes in which the log answers nothing: one beat is under way and none waits behind it.
func TestBeatIsNeverBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge, dir := &slowEdge{}, &still{}
		dir.position.Store(7)
		m, err := NewMetrics(nil)
		if err != nil {
			t.Fatal(err)
		}
		b := NewBeat("gateway-1", edge, dir, func() event.Time { return event.TimeOf(time.Now()) }, m)
		ctx, stop := context.WithCancel(t.Context())
		go b.Run(ctx)
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(edge.events) != 1 {
			t.Fatalf("%d beats while the first is not settled", len(edge.events))
		}
		edge.done[0](-1, -1, errors.New("the log is away"))
		time.Sleep(beatEvery)
		synctest.Wait()
		if len(edge.events) != 2 || edge.events[1].ID == edge.events[0].ID {
			t.Fatalf("%d beats after the first was settled", len(edge.events))
		}
		d := edge.events[1].Data.(*event.DoorOpened)
		if d.ReceivedAt != event.TimeOf(time.Now()) || d.Door != "gateway-1" || d.Directory != 7 || edge.events[1].Subject != event.Everyone {
			t.Errorf("beat %+v", d)
		}
		stop()
		synctest.Wait()
	})
}

// An import of a thousand rows is one beat, within a quarter of a second after it.
func TestBeatFollowsTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge, dir := &slowEdge{}, &still{}
		m, err := NewMetrics(nil)
		if err != nil {
			t.Fatal(err)
		}
		b := NewBeat("gateway-1", edge, dir, func() event.Time { return event.TimeOf(time.Now()) }, m)
		ctx, stop := context.WithCancel(t.Context())
		go b.Run(ctx)
		synctest.Wait()
		edge.done[0](-1, -1, nil)
		for range 1000 {
			dir.position.Add(1)
			dir.changed[0]()
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		if len(edge.events) < 2 || len(edge.events) > 3 || edge.events[1].Data.(*event.DoorOpened).Directory != 1000 {
			t.Fatalf("%d beats after the directory moved", len(edge.events))
		}
		stop()
		synctest.Wait()
	})
}
