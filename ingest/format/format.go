// Package format reads what devices send, one file per wire format. It answers what stands there and judges none of it:
// which quantity a code means, whether a unit fits and whether a body can do that is asked one floor above.
package format

import "tocsin/streams/event"

// The reasons for which a whole upload cannot be read.
const (
	Unreadable = "unreadable" // no JSON, or none of the shape that the format asks for
	Version    = "version"    // of the format: not one that we know
	BadTime    = "clock"      // a time that is none
)

// Fault says why an upload cannot be read.
type Fault struct{ Reason, Detail string }

// Error makes a Fault an error.
func (f *Fault) Error() string { return f.Reason + ": " + f.Detail }

// Upload is what a device sent in one message. Its byte slices point into the payload: they are good for as long as
// that is, and an Upload can be filled again and again.
type Upload struct {
	MsgID      []byte
	PatientRef []byte
	Boot, Seq  int64
	HasBoot    bool
	HasSeq     bool

	Measured  Moment // t_meas
	DeviceNow Moment // t_dev_now: the device's clock when the gateway asked
	Gateway   Moment // t_gw: the gateway's clock at that moment
	Clock     Clock

	Items []Item
}

// Clock is what a device says of its own clock.
type Clock struct {
	Source  Source
	Synced  bool
	Current bool // the times are of the clock as it runs now, and not from before it was set
}

// Source is the kind of time that a device sends.
type Source uint8

// The sources, as in clocks.csv.
const (
	Unsaid Source = iota // the device does not say; its times tell by their form
	UTC
	Local // with its offset
	Tick  // a counter of milliseconds since some moment that nobody knows
	NoTime
)

// Moment is a time as it was written.
type Moment struct {
	Form Form
	// Ms is the moment; without a zone it is what the clock showed, as if in UTC; of a tick it is the counter.
	Ms      event.Time
	ZoneMin int // offset from UTC in minutes, where Form is Offset
}

// Form is how a time was written.
type Form uint8

// The forms.
const (
	Absent   Form = iota
	Zulu          // 2026-03-01T23:14:00Z
	Offset        // 2026-03-02T07:14:00+08:00
	Zoneless      // 2026-03-02T07:14:00
	Ticks         // 123456
)

// Item is one thing that was measured, or asked and answered.
type Item struct {
	MDC     int64  // 0: none
	Code    []byte // a name, for what has no number
	Kind    Kind
	Number  event.Decimal // Kind is Number
	Bool    bool          // Kind is Bool
	Text    []byte        // Kind is Text; the digits where Kind is Huge
	Unit    []byte
	HasUnit bool
	// BadUnit, BadCode: something stands there, but not what should.
	BadUnit, BadCode bool
	Quality          []byte
	BadQuality       bool
}

// Kind is what stands where a value should.
type Kind uint8

// The kinds.
const (
	NoValue Kind = iota // absent or null
	Number
	Huge // a number beyond any measurement
	Bool
	Text
	Other // an array or an object
)
