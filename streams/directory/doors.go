package directory

import (
	"context"
	"fmt"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	// doorGone is how long a door may be silent and still count as live: three of its beats.
	doorGone = 15 * time.Second
	// doorsBack is how many records are read back to find the beats of live doors.
	doorsBack = 20_000
)

// WaitDoors waits until every live door has read the directory as far as position, so that a device which was just
// bound is known wherever it knocks. A door is live when its last beat is younger than 15 s; with none, it returns at once.
func WaitDoors(ctx context.Context, log streams.Log, position int64) error {
	first, next, err := log.Bounds(ctx, streams.Inputs, 0)
	if err != nil {
		return fmt.Errorf("wait for the doors: %w", err)
	}
	from := max(first, next-doorsBack)
	r, err := log.Read(streams.Inputs, 0, from)
	if err != nil {
		return fmt.Errorf("wait for the doors: %w", err)
	}
	defer func() { _ = r.Close() }()
	doors := map[string]beat{}
	for read := from; ; {
		if read >= next && allReached(doors, position, time.Now()) {
			return nil
		}
		records, err := nextWithin(ctx, r, time.Second)
		if err != nil {
			return fmt.Errorf("wait for the doors %v to read the directory up to %d: %w", behind(doors, position), position, err)
		}
		for _, rec := range records {
			read = rec.Offset + 1
			if _, t, err := event.Attributes(rec.Headers); err != nil || t != "door.open" {
				continue
			}
			if e, err := event.Decode(rec.Headers, rec.Value); err == nil {
				if d, ok := e.Data.(*event.DoorOpened); ok {
					doors[d.Door] = beat{at: time.UnixMilli(rec.AppendMs), directory: d.Directory}
				}
			}
		}
	}
}

// beat is the last that was heard of a door.
type beat struct {
	at        time.Time
	directory int64
}

func allReached(doors map[string]beat, position int64, now time.Time) bool {
	for _, b := range doors {
		if now.Sub(b.at) < doorGone && b.directory < position {
			return false
		}
	}
	return true
}

func behind(doors map[string]beat, position int64) (names []string) {
	for name, b := range doors {
		if b.directory < position {
			names = append(names, name)
		}
	}
	return names
}

// nextWithin is r.Next that comes back empty-handed after a while, since a door may also fall silent.
func nextWithin(ctx context.Context, r streams.Reader, d time.Duration) ([]streams.Record, error) {
	short, stop := context.WithTimeout(ctx, d)
	defer stop()
	records, err := r.Next(short)
	if err != nil && ctx.Err() == nil && short.Err() != nil {
		return nil, nil
	}
	return records, err
}
