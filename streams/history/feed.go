package history

import (
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// feed gathers one partition's records until a range of them goes into history. A range of a topic of steps ends at a
// closing record that held.
type feed struct {
	topic   string
	part    int32
	steps   *streams.Steps // nil for a topic without steps
	next    int64          // where the next range begins
	records []streams.Record
	held    map[int64]bool   // offsets that belong to steps that hold; nil without steps
	ready   int              // so many of records may go
	pos     streams.Position // at the end of what is ready
	bytes   int              // of what is ready, about
	since   time.Time        // when the first of records came; zero when there is none
	urgent  bool             // among what is ready is something that people look at
}

func newFeed(topic string, part int32, at streams.Position) *feed {
	f := &feed{topic: topic, part: part, next: at.Offset + 1, pos: at}
	if topic == streams.Decisions || topic == streams.Directory {
		f.steps, f.held = streams.NewSteps(at), map[int64]bool{}
		f.steps.Raw(true) // records are copied as they are; one that cannot be decoded must not hold up those behind it
	}
	return f
}

// at is the offset that comes next.
func (f *feed) at() int64 {
	if n := len(f.records); n > 0 {
		return f.records[n-1].Offset + 1
	}
	return f.next
}

// add takes records in their order.
func (f *feed) add(records []streams.Record) error {
	for _, r := range records {
		if len(f.records) == 0 {
			f.since = time.Now()
		}
		f.records = append(f.records, kept(r))
		f.bytes += 200 + len(r.Value) // headers come to about that
		f.urgent = f.urgent || urgent(r)
		if f.steps == nil {
			f.ready = len(f.records)
			continue
		}
		step, err := f.steps.Read(r)
		if err != nil {
			return err
		}
		if step != nil {
			for _, s := range step.Records {
				f.held[s.Offset] = true
			}
			f.ready, f.pos = len(f.records), step.Position
		}
	}
	return nil
}

// urgent tells whether somebody may be waiting to see a record. Doors that say they are open and steps without
// events are most of a quiet log, and nobody looks at them.
func urgent(r streams.Record) bool {
	for _, h := range r.Headers {
		if h.Key == "ce_type" {
			switch string(h.Value) {
			case "door.open", "owner.open", "owner.step":
				return false
			}
			return true
		}
	}
	return true
}

// span is the range that is ready.
func (f *feed) span() event.HistoryRange {
	records := f.records[:f.ready]
	s := event.HistoryRange{Topic: f.topic, From: f.next, Next: records[f.ready-1].Offset + 1, Token: token(f.topic, f.part, records)}
	if f.steps != nil {
		s.Life, s.Number = f.pos.Life, f.pos.Number
	}
	return s
}

// take gives what is ready and keeps the rest.
func (f *feed) take() batch {
	b := batch{span: f.span(), part: f.part, records: f.records[:f.ready:f.ready], held: f.held}
	rest := append([]streams.Record(nil), f.records[f.ready:]...)
	f.next, f.records, f.ready, f.bytes, f.urgent, f.since = b.span.Next, rest, 0, 0, false, time.Time{}
	if f.steps != nil {
		f.held = map[int64]bool{}
	}
	for _, r := range rest {
		f.bytes += 200 + len(r.Value)
		f.urgent = f.urgent || urgent(r)
	}
	if len(rest) > 0 {
		f.since = time.Now()
	}
	return b
}
