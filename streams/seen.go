package streams

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// Bounds of what is remembered of a patient's inputs, so that memory does not grow with time.
const (
	seenBoots    = 4    // boots remembered of one device
	seenSpans    = 4096 // spans remembered within one boot: a shuffled backlog has many for a while
	seenMixAfter = 64   // from here on spans that differ in their quantities alone are made one
	seenIDs      = 128  // newest inputs without a sequence number
	seenDevices  = 16   // devices of one patient
)

// Seen remembers which inputs of one patient have been folded. Everything that reaches a patient has an identity made
// before its first sending; what comes again is passed over. Memory is bounded: for uploads with a sequence number,
// intervals of them per device and boot; for others a window. What is older than memory reaches back is not called a
// repeat, as that could lose it, and not called new, as that could page somebody twice: it is late.
type Seen struct {
	Devices []seenDevice `json:"devices,omitempty"`
	IDs     []uint64     `json:"ids,omitempty"`     // hashes of the newest ids, oldest first
	Horizon event.Time   `json:"horizon,omitempty"` // an id measured at or before it may have been forgotten
	Times   []event.Time `json:"times,omitempty"`   // when each of IDs was measured (or received)
}

type seenDevice struct {
	Device string     `json:"device"`
	Boots  []seenBoot `json:"boots"`
}

type seenBoot struct {
	Boot  int64      `json:"boot"`
	Floor int64      `json:"floor"` // sequence numbers below it may have been forgotten
	Spans []seenSpan `json:"spans"` // sorted, without overlap
}

type seenSpan struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`              // inclusive
	Mask  uint32 `json:"mask"`            // bit per quantity: these came with each of the uploads
	Mixed bool   `json:"mixed,omitempty"` // each upload came, with some of Mask
}

// Verdict says what the fold makes of an input.
type Verdict uint8

// The verdicts.
const (
	IsNew Verdict = iota
	IsRepeat
	IsLate // older than memory reaches back: it is kept and pages nobody
)

// clone copies s deeply, so that one copy can be changed and the other kept.
func (s Seen) clone() Seen {
	s.IDs, s.Times, s.Devices = slices.Clone(s.IDs), slices.Clone(s.Times), slices.Clone(s.Devices)
	for i := range s.Devices {
		boots := slices.Clone(s.Devices[i].Boots)
		for j := range boots {
			boots[j].Spans = slices.Clone(boots[j].Spans)
		}
		s.Devices[i].Boots = boots
	}
	return s
}

// ID remembers an id and answers whether it is new. at orders ids that are too old to tell.
func (s *Seen) ID(id string, at event.Time) Verdict {
	h := hashID(id)
	if slices.Contains(s.IDs, h) {
		return IsRepeat
	}
	verdict := IsNew
	if s.Horizon != 0 && at <= s.Horizon {
		verdict = IsLate
	}
	if len(s.IDs) == seenIDs {
		s.Horizon = max(s.Horizon, s.Times[0])
		s.IDs, s.Times = slices.Delete(s.IDs, 0, 1), slices.Delete(s.Times, 0, 1)
	}
	s.IDs, s.Times = append(s.IDs, h), append(s.Times, at)
	return verdict
}

// hashID is FNV-1a: the same in every process and for ever, as it lies in checkpoints.
func hashID(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return h
}

// Upload remembers upload seq of a device's boot and answers which of the quantities in mask are new in it.
func (s *Seen) Upload(device string, boot, seq int64, mask uint32) (fresh uint32, v Verdict) {
	d := s.device(device, boot)
	if b := d.boot(boot); b != nil {
		return b.upload(seq, mask)
	}
	return mask, IsLate
}

// device finds or makes a device's memory; the oldest is forgotten when there are too many.
func (s *Seen) device(device string, boot int64) *seenDevice {
	for i := range s.Devices {
		if s.Devices[i].Device == device {
			s.Devices[i].remember(boot)
			return &s.Devices[i]
		}
	}
	if len(s.Devices) == seenDevices {
		s.Devices = slices.Delete(s.Devices, 0, 1)
	}
	s.Devices = append(s.Devices, seenDevice{Device: device, Boots: []seenBoot{{Boot: boot}}})
	return &s.Devices[len(s.Devices)-1]
}

// remember makes room for a boot that is not known; a boot older than all that are remembered, when memory is full,
// stays unknown.
func (d *seenDevice) remember(boot int64) {
	if d.boot(boot) != nil {
		return
	}
	if len(d.Boots) == seenBoots {
		oldest := 0
		for i := range d.Boots {
			if d.Boots[i].Boot < d.Boots[oldest].Boot {
				oldest = i
			}
		}
		if boot < d.Boots[oldest].Boot {
			return
		}
		d.Boots = slices.Delete(d.Boots, oldest, oldest+1)
	}
	d.Boots = append(d.Boots, seenBoot{Boot: boot})
}

func (d *seenDevice) boot(boot int64) *seenBoot {
	for i := range d.Boots {
		if d.Boots[i].Boot == boot {
			return &d.Boots[i]
		}
	}
	return nil
}

// at answers the place of the first span that ends at seq or after it.
func (b *seenBoot) at(seq int64) int {
	i, _ := slices.BinarySearchFunc(b.Spans, seq, func(s seenSpan, q int64) int { return cmp.Compare(s.To, q) })
	return i
}

// upload remembers what came with seq and answers what of it is new.
func (b *seenBoot) upload(seq int64, mask uint32) (fresh uint32, v Verdict) {
	i := b.at(seq)
	if i == len(b.Spans) || b.Spans[i].From > seq {
		if seq < b.Floor {
			v = IsLate
		}
		b.insert(i, seenSpan{From: seq, To: seq, Mask: mask})
		return mask, v
	}
	s := &b.Spans[i]
	fresh = mask &^ s.Mask
	switch {
	case s.Mixed && mask&s.Mask != 0:
		s.Mask |= mask
		return mask, IsLate // some upload of the span had these quantities, and nobody remembers which
	case s.Mixed:
		s.Mask |= mask
		return fresh, IsNew
	case fresh == 0:
		return 0, IsRepeat
	}
	b.split(i, seq, s.Mask|fresh)
	return fresh, IsNew
}

// insert puts a span where it belongs, joins it with its neighbours and keeps the number of spans bounded.
func (b *seenBoot) insert(i int, s seenSpan) {
	b.Spans = slices.Insert(b.Spans, i, s)
	b.join(i)
	b.join(i - 1)
	for len(b.Spans) > seenMixAfter && b.mix() {
	}
	if len(b.Spans) > seenSpans {
		b.Floor = max(b.Floor, b.Spans[0].To+1)
		b.Spans = slices.Delete(b.Spans, 0, 1)
	}
}

// split gives seq, which lies within span i, a mask of its own.
func (b *seenBoot) split(i int, seq int64, mask uint32) {
	s := b.Spans[i]
	parts := make([]seenSpan, 0, 3)
	if s.From < seq {
		parts = append(parts, seenSpan{From: s.From, To: seq - 1, Mask: s.Mask})
	}
	parts = append(parts, seenSpan{From: seq, To: seq, Mask: mask})
	if seq < s.To {
		parts = append(parts, seenSpan{From: seq + 1, To: s.To, Mask: s.Mask})
	}
	b.Spans = slices.Replace(b.Spans, i, i+1, parts...)
	at := b.at(seq)
	b.join(at)
	b.join(at - 1)
	for len(b.Spans) > seenMixAfter && b.mix() {
	}
}

// join makes one of spans i and i+1 when nothing lies between them and the same quantities came in both.
func (b *seenBoot) join(i int) {
	if i < 0 || i+1 >= len(b.Spans) {
		return
	}
	s, t := b.Spans[i], b.Spans[i+1]
	if s.To+1 == t.From && s.Mask == t.Mask && s.Mixed == t.Mixed {
		b.Spans[i].To = t.To
		b.Spans = slices.Delete(b.Spans, i+1, i+2)
	}
}

// mix makes one of the lowest two spans with nothing between them, though other quantities came in them: from here on
// it is known that each upload came, and no longer with what.
func (b *seenBoot) mix() bool {
	for i := range len(b.Spans) - 1 {
		s, t := b.Spans[i], b.Spans[i+1]
		if s.To+1 == t.From {
			b.Spans[i] = seenSpan{From: s.From, To: t.To, Mask: s.Mask | t.Mask, Mixed: true}
			b.Spans = slices.Delete(b.Spans, i+1, i+2)
			return true
		}
	}
	return false
}
