package streams

import (
	"slices"

	"tocsin/streams/event"
)

// Bounds of what is remembered of a patient's inputs, so that memory does not grow with time.
const (
	seenBoots   = 4    // boots remembered of one device
	seenSpans   = 4096 // gaps remembered within one boot
	seenMasks   = 16   // newest uploads of a boot of which the quantities are remembered
	seenIDs     = 128  // newest inputs without a sequence number
	seenDevices = 16   // devices of one patient
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
	Spans []seenSpan `json:"spans"` // sorted, apart from each other
	Masks []seenMask `json:"masks,omitempty"`
}

type seenSpan struct {
	From int64 `json:"from"`
	To   int64 `json:"to"` // inclusive
}

type seenMask struct {
	Seq  int64  `json:"seq"`
	Mask uint32 `json:"mask"` // bit per quantity
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
			boots[j].Spans, boots[j].Masks = slices.Clone(boots[j].Spans), slices.Clone(boots[j].Masks)
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
	b := d.boot(boot)
	if b == nil {
		return mask, IsLate
	}
	if b.has(seq) {
		fresh = b.more(seq, mask)
		if fresh == 0 {
			return 0, IsRepeat
		}
		return fresh, IsNew
	}
	if seq < b.Floor {
		v = IsLate
	}
	b.add(seq, mask)
	return mask, v
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

func (b *seenBoot) has(seq int64) bool {
	i, _ := slices.BinarySearchFunc(b.Spans, seq, func(s seenSpan, q int64) int { return int(min(max(s.To-q, -1), 1)) })
	return i < len(b.Spans) && b.Spans[i].From <= seq
}

// more answers which quantities of an upload that is known have not come yet: a sender may split one upload in two.
// Of an upload that is not among the newest everything counts as known.
func (b *seenBoot) more(seq int64, mask uint32) uint32 {
	for i := range b.Masks {
		if b.Masks[i].Seq == seq {
			fresh := mask &^ b.Masks[i].Mask
			b.Masks[i].Mask |= mask
			return fresh
		}
	}
	return 0
}

// add puts seq into the spans, joining neighbours; the lowest span is forgotten when there are too many.
func (b *seenBoot) add(seq int64, mask uint32) {
	i, _ := slices.BinarySearchFunc(b.Spans, seq, func(s seenSpan, q int64) int { return int(min(max(s.To-q, -1), 1)) })
	joinLeft := i > 0 && b.Spans[i-1].To == seq-1
	joinRight := i < len(b.Spans) && b.Spans[i].From == seq+1
	switch {
	case joinLeft && joinRight:
		b.Spans[i-1].To = b.Spans[i].To
		b.Spans = slices.Delete(b.Spans, i, i+1)
	case joinLeft:
		b.Spans[i-1].To = seq
	case joinRight:
		b.Spans[i].From = seq
	default:
		b.Spans = slices.Insert(b.Spans, i, seenSpan{seq, seq})
	}
	if len(b.Spans) > seenSpans {
		b.Floor = max(b.Floor, b.Spans[0].To+1)
		b.Spans = slices.Delete(b.Spans, 0, 1)
	}
	if len(b.Masks) == seenMasks {
		b.Masks = slices.Delete(b.Masks, 0, 1)
	}
	b.Masks = append(b.Masks, seenMask{seq, mask})
}
