package ingest

import (
	"fmt"
	"time"

	"tocsin/ingest/format"
	"tocsin/streams/event"
)

// How old and how far ahead a reading may claim to be when it comes in, after correction. A device keeps a week of
// readings (ING-6); the day beyond is for the upload itself. Two minutes are what clocks that are called synchronised
// may differ by. What lies outside is kept as rejected: a wrong year must neither be scored nor stand in a chart.
const (
	tooOld    = 8 * 24 * time.Hour
	tooFuture = 2 * time.Minute
)

// The answers of the table of corrections.
const (
	keep                    = "keep"
	keepWithGatewayOffset   = "keep_with_gateway_offset"
	mapToGateway            = "map_to_gateway_timeline"
	convertToUTC            = "convert_to_utc_offset"
	convertWithGatewaysZone = "convert_with_gateway_offset"
	rejectTime              = "reject"
	timeOfReception         = "time_of_reception"
)

// correction is one row of the table: what a device says of its clock, and what is done about it. hasOffset tells
// that the offset from the device's clock to the gateway's is known: both were read at one moment.
type correction struct {
	source                     format.Source
	current, synced, hasOffset bool
	action                     string
}

// corrections is testdata/clocks.csv as code; a test walks both. The rows of a tick counter differ by timeline alone.
var corrections = []correction{
	{format.UTC, true, true, true, keep},
	{format.UTC, true, true, false, keepWithGatewayOffset},
	{format.UTC, true, false, true, mapToGateway},
	{format.UTC, true, false, false, mapToGateway},
	{format.UTC, false, true, true, keep},
	{format.UTC, false, true, false, keepWithGatewayOffset},
	{format.UTC, false, false, true, rejectTime},
	{format.UTC, false, false, false, rejectTime},
	{format.Local, true, true, true, convertToUTC},
	{format.Local, true, true, false, convertWithGatewaysZone},
	{format.Local, true, false, true, mapToGateway},
	{format.Local, true, false, false, mapToGateway},
	{format.Local, false, true, true, convertToUTC},
	{format.Local, false, true, false, convertWithGatewaysZone},
	{format.Local, false, false, true, rejectTime},
	{format.Local, false, false, false, rejectTime},
}

// correctionFor answers the table's action.
func correctionFor(source format.Source, current, synced, hasOffset bool) string {
	switch source {
	case format.NoTime:
		return timeOfReception
	case format.Tick:
		if current {
			return mapToGateway
		}
		return rejectTime
	default:
		for _, c := range corrections {
			if c.source == source && c.current == current && c.synced == synced && c.hasOffset == hasOffset {
				return c.action
			}
		}
		return rejectTime
	}
}

// times is what the three clocks of an upload come to.
type times struct {
	measured event.Time
	gateway  *event.Time
	clock    event.Clock
}

// correct answers when an upload was measured, or a fault whose reason is clock, future or too_old.
//
// The gateway's clock is t_gw; a device that speaks to us directly has us for its gateway, and then it is the moment of
// receipt. Readings that carry no time were measured when they reached the gateway. An upload that a broker retained
// came in at no moment that means anything: where the moment of receipt is all there is, its time cannot be known.
func correct(u *format.Upload, received event.Time, retained, asRecorded bool) (times, *format.Fault) {
	var t times
	gateway := received
	if u.Gateway.Form == format.Zulu || u.Gateway.Form == format.Offset {
		at := u.Gateway.Ms
		if !writable(at) {
			return t, clockFault("t_gw is outside the years 1 to 9999")
		}
		gateway, t.gateway = at, &at
	} else if u.Gateway.Form != format.Absent {
		return t, clockFault("t_gw has no offset: want RFC 3339 with an offset or Z")
	}
	source, fault := sourceOf(u)
	if fault != nil {
		return t, fault
	}
	hasOffset := u.DeviceNow.Form != format.Absent && t.gateway != nil
	t.clock.Action = correctionFor(source, u.Clock.Current, u.Clock.Synced, hasOffset)
	if fault := t.apply(u, gateway); fault != nil {
		return t, fault
	}
	byReceipt := t.clock.Action == timeOfReception || t.clock.Quality == event.ClockCorrected
	if retained && byReceipt && t.gateway == nil {
		return t, clockFault("the broker retained it and it tells no time but that of its receipt: when this was measured cannot be known; publish readings without the retain flag")
	}
	return t, t.limit(received, asRecorded)
}

// sourceOf answers the source of an upload's times; where the device says nothing their form tells.
func sourceOf(u *format.Upload) (format.Source, *format.Fault) {
	source := u.Clock.Source
	if u.Measured.Form == format.Absent || source == format.NoTime {
		return format.NoTime, nil
	}
	switch source {
	case format.UTC:
		if f := u.Measured.Form; f != format.Zulu && (f != format.Offset || u.Measured.ZoneMin != 0) {
			return 0, clockFault(`clock.source is utc and t_meas does not end in Z`)
		}
	case format.Unsaid:
		source = format.Local
		if u.Measured.Form == format.Zulu {
			source = format.UTC
		}
	case format.Local, format.Tick, format.NoTime:
	}
	if d := u.DeviceNow.Form; d != format.Absent && (d == format.Ticks) != (u.Measured.Form == format.Ticks) {
		return 0, clockFault("t_meas and t_dev_now are not of one clock: one counts and the other does not")
	}
	return source, nil
}

// apply does what the table says.
func (t *times) apply(u *format.Upload, gateway event.Time) *format.Fault {
	switch t.clock.Action {
	case timeOfReception:
		t.measured, t.clock.Quality = gateway, event.ClockUnsynced
		return nil
	case keep, keepWithGatewayOffset, convertToUTC, convertWithGatewaysZone:
		t.measured, t.clock.Quality = u.Measured.Ms, event.ClockOK
		return t.zone(u)
	case mapToGateway:
		return t.toGateway(u, gateway)
	default:
		return clockFault("the time is of a clock that has been set since and was never synchronised: when this was measured cannot be known")
	}
}

// zone notes in which zone the device spoke, and moves a local time that came without one by the gateway's.
func (t *times) zone(u *format.Upload) *format.Fault {
	switch u.Measured.Form {
	case format.Offset:
		min := u.Measured.ZoneMin
		t.clock.ZoneOffsetMin = &min
	case format.Zulu:
		if t.clock.Action == keepWithGatewayOffset && u.Gateway.Form == format.Offset {
			min := u.Gateway.ZoneMin
			t.clock.ZoneOffsetMin = &min
		}
	case format.Zoneless:
		if u.Gateway.Form != format.Offset && u.Gateway.Form != format.Zulu {
			return clockFault("t_meas has no offset and no t_gw tells one: want RFC 3339 such as 2026-03-02T07:14:00+08:00")
		}
		min := u.Gateway.ZoneMin
		t.clock.ZoneOffsetMin = &min
		t.measured -= event.Time(min) * 60_000
	case format.Absent, format.Ticks:
	}
	return nil
}

// toGateway moves the device's time by the offset between the two clocks. When the device does not tell its own now,
// nothing can be known of that offset: the time stays as it is and is called unsynced.
func (t *times) toGateway(u *format.Upload, gateway event.Time) *format.Fault {
	if u.DeviceNow.Form == format.Absent {
		if u.Measured.Form == format.Ticks {
			return clockFault("a counter without t_dev_now tells no time")
		}
		t.measured, t.clock.Quality = u.Measured.Ms, event.ClockUnsynced
		return t.zone(u)
	}
	if (u.Measured.Form == format.Zoneless) != (u.DeviceNow.Form == format.Zoneless) {
		return clockFault("t_meas and t_dev_now must both have an offset, or neither")
	}
	offset := gateway - u.DeviceNow.Ms
	t.measured, t.clock.Quality, t.clock.OffsetMs = u.Measured.Ms+offset, event.ClockCorrected, int64(offset)
	if u.Measured.Form == format.Offset {
		return t.zone(u)
	}
	return nil
}

// limit refuses what claims to be too old or yet to come. As recorded, everything stands and the quality says it.
func (t *times) limit(received event.Time, asRecorded bool) *format.Fault {
	if !writable(t.measured) {
		return clockFault("the corrected time is outside the years 1 to 9999")
	}
	ageMs := int64(received - t.measured) // a Duration would not hold a thousand years
	switch old, future := ageMs > tooOld.Milliseconds(), ageMs < -tooFuture.Milliseconds(); {
	case old && asRecorded:
		t.clock.Quality = event.ClockTooOld
	case future && asRecorded:
		t.clock.Quality = event.ClockFuture
	case old:
		return &format.Fault{Reason: TooOld, Detail: fmt.Sprintf("measured at %s, more than %s before it came in at %s", t.measured, tooOld, received)}
	case future:
		return &format.Fault{Reason: Future, Detail: fmt.Sprintf("measured at %s, more than %s after it came in at %s: mend the clock of the device or its gateway", t.measured, tooFuture, received)}
	}
	return nil
}

// What RFC 3339 can write.
var (
	yearOne  = event.TimeOf(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	year9999 = event.TimeOf(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
)

func writable(t event.Time) bool { return t >= yearOne && t <= year9999 }

func clockFault(detail string) *format.Fault {
	return &format.Fault{Reason: format.BadTime, Detail: detail}
}
