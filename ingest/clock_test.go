package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/ingest/format"
	"tocsin/streams/event"
)

const (
	minute = event.Time(60_000)
	hour   = 60 * minute
	day    = 24 * hour
)

var now = event.TimeOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))

func TestING4_TableIsClocksCSV(t *testing.T) {
	sources := map[string]format.Source{"utc": format.UTC, "local": format.Local, "tick_counter": format.Tick, "no_timestamp": format.NoTime}
	table := rows(t, "testdata/clocks.csv")
	if len(table) != 19 {
		t.Fatalf("%d rows, want 19", len(table))
	}
	for _, row := range table {
		for _, synced := range either(row["synced"]) {
			for _, offset := range either(row["has_offset"]) {
				for _, current := range either(row["current_timeline"]) {
					if got := correctionFor(sources[row["time_type"]], current, synced, offset); got != row["action"] {
						t.Errorf("%v: got %s", row, got)
					}
				}
			}
		}
	}
}

// either answers what a cell allows: empty is both.
func either(cell string) []bool {
	switch cell {
	case "yes":
		return []bool{true}
	case "no":
		return []bool{false}
	}
	return []bool{true, false}
}

// Every row of the table with a real envelope: the device's clock is wrong by as much as was ever seen, and the stored
// time is the table's answer, or the upload is rejected with a reason.
func TestING4_EveryRowWithWrongClocks(t *testing.T) {
	wrong := map[string]event.Time{
		"right": 0, "six minutes slow": -6 * minute, "a year slow": -365 * day, "ten years fast": 3652 * day, "in 1970": -now + hour,
	}
	measured := now - hour // truly
	for _, row := range rows(t, "testdata/clocks.csv") {
		for name, off := range wrong {
			t.Run(fmt.Sprintf("%s/%s/%s/%s/%s", row["time_type"], row["current_timeline"], row["synced"], row["has_offset"], name), func(t *testing.T) {
				body := envelopeFor(row, measured+off, now+off)
				rec, rej := Accept(Raw{Topic: "v1/t/d/obs", Payload: []byte(body), Door: "g"}, binding, now)
				want, reason := answer(row, measured, off)
				checkTimes(t, body, rec, rej, want, reason)
			})
		}
	}
}

// answer is the table in words: when the upload was measured, or why it is rejected.
func answer(row map[string]string, measured, off event.Time) (event.Time, string) {
	known := row["has_offset"] == "yes" || row["time_type"] == "tick_counter"
	at := measured + off
	switch row["action"] {
	case "reject":
		return 0, Clock
	case "time_of_reception":
		return now, ""
	case "map_to_gateway_timeline":
		if known {
			at = measured
		}
	}
	switch {
	case at < now-8*day:
		return 0, TooOld
	case at > now+2*minute:
		return 0, Future
	}
	return at, ""
}

func envelopeFor(row map[string]string, meas, devNow event.Time) string {
	var b strings.Builder
	b.WriteString(`{"v":1,"msg_id":"m","obs":[{"mdc":150456,"v":95,"u":"%"}]`)
	source := map[string]string{"utc": "utc", "local": "wall", "tick_counter": "tick", "no_timestamp": "none"}[row["time_type"]]
	timeline := "current"
	if row["current_timeline"] == "no" {
		timeline = "before"
	}
	fmt.Fprintf(&b, `,"clock":{"source":%q,"synced":%v,"timeline":%q}`, source, row["synced"] == "yes", timeline)
	switch source {
	case "tick":
		fmt.Fprintf(&b, `,"t_meas":%d,"t_dev_now":%d,"t_gw":%q`, int64(meas), int64(devNow), now)
	case "wall":
		zone := time.FixedZone("", 8*3600)
		fmt.Fprintf(&b, `,"t_meas":%q`, meas.Std().In(zone).Format(time.RFC3339Nano))
		if row["has_offset"] == "yes" {
			fmt.Fprintf(&b, `,"t_dev_now":%q,"t_gw":%q`, devNow.Std().In(zone).Format(time.RFC3339Nano), now.Std().In(zone).Format(time.RFC3339Nano))
		}
	case "utc":
		fmt.Fprintf(&b, `,"t_meas":%q`, meas)
		if row["has_offset"] == "yes" {
			fmt.Fprintf(&b, `,"t_dev_now":%q,"t_gw":%q`, devNow, now)
		}
	}
	b.WriteString("}")
	return b.String()
}

func checkTimes(t *testing.T, body string, rec *event.Envelope, rej []event.Envelope, want event.Time, reason string) {
	t.Helper()
	if reason != "" {
		if rec != nil || len(rej) != 1 {
			t.Fatalf("%s\nrecorded %+v, rejected %+v; want rejected as %s", body, rec, rej, reason)
		}
		if r := rej[0].Data.(*event.ObservationRejected); r.Reason != reason || string(r.Raw) != body || r.MsgID != "m" || r.Detail == "" {
			t.Fatalf("%s\nrejected as %+v, want %s with the bytes", body, r, reason)
		}
		return
	}
	if rec == nil || len(rej) != 0 {
		t.Fatalf("%s\nrejected as %+v, want it measured at %s", body, rej, want)
	}
	if o := rec.Data.(*event.ObservationRecorded); o.MeasuredAt != want || o.ReceivedAt != now {
		t.Fatalf("%s\nmeasured at %s, received at %s; want %s, %s", body, o.MeasuredAt, o.ReceivedAt, want, now)
	}
}

func TestING3_EveryReadingHasItsTimes(t *testing.T) {
	gw := now - 30_000
	for name, c := range map[string]struct {
		times   string
		want    event.Clock
		at      event.Time
		gateway *event.Time
	}{
		"mapped to the gateway": {`"clock":{"source":"wall"},"t_meas":"2026-03-02T06:50:00+08:00","t_dev_now":"2026-03-02T06:59:30+08:00","t_gw":"2026-03-02T07:59:30+08:00"`,
			event.Clock{Quality: event.ClockCorrected, OffsetMs: int64(hour), ZoneOffsetMin: ptr(480), Action: mapToGateway}, now - 10*minute, &gw},
		"mapped to us, who are its gateway": {`"clock":{"source":"utc"},"t_meas":"2026-03-01T22:50:00Z","t_dev_now":"2026-03-01T23:00:00Z"`,
			event.Clock{Quality: event.ClockCorrected, OffsetMs: int64(hour), Action: mapToGateway}, now - 10*minute, nil},
		"unsynced, and its now is not told": {`"clock":{"source":"utc"},"t_meas":"2026-03-01T23:50:00Z"`,
			event.Clock{Quality: event.ClockUnsynced, Action: mapToGateway}, now - 10*minute, nil},
		"nothing said of the clock": {`"t_meas":"2026-03-02T07:50:00+08:00","t_dev_now":"2026-03-02T08:00:00+08:00"`,
			event.Clock{Quality: event.ClockCorrected, ZoneOffsetMin: ptr(480), Action: mapToGateway}, now - 10*minute, nil},
		"synchronised": {`"clock":{"source":"wall","synced":true},"t_meas":"2026-03-02T07:50:00+08:00","t_dev_now":"2026-03-02T07:59:30+08:00","t_gw":"2026-03-02T07:59:30+08:00"`,
			event.Clock{Quality: event.ClockOK, ZoneOffsetMin: ptr(480), Action: convertToUTC}, now - 10*minute, &gw},
		"local time without a zone takes the gateway's": {`"clock":{"source":"wall","synced":true},"t_meas":"2026-03-02T07:50:00","t_gw":"2026-03-02T07:59:30+08:00"`,
			event.Clock{Quality: event.ClockOK, ZoneOffsetMin: ptr(480), Action: convertWithGatewaysZone}, now - 10*minute, &gw},
		"utc in the gateway's zone": {`"clock":{"source":"utc","synced":true},"t_meas":"2026-03-01T23:50:00Z","t_gw":"2026-03-02T07:59:30+08:00"`,
			event.Clock{Quality: event.ClockOK, ZoneOffsetMin: ptr(480), Action: keepWithGatewayOffset}, now - 10*minute, &gw},
		"no time at all":          {`"clock":{"source":"none"}`, event.Clock{Quality: event.ClockUnsynced, Action: timeOfReception}, now, nil},
		"no time but a gateway's": {`"t_gw":"2026-03-01T23:59:30Z"`, event.Clock{Quality: event.ClockUnsynced, Action: timeOfReception}, gw, &gw},
		"a counter": {`"clock":{"source":"tick"},"t_meas":1000,"t_dev_now":601000`,
			event.Clock{Quality: event.ClockCorrected, OffsetMs: int64(now) - 601000, Action: mapToGateway}, now - 10*minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rec, rej := accept(`{"v":1,` + c.times + `,"obs":[{"mdc":150456,"v":95,"u":"%"}]}`)
			if rec == nil {
				t.Fatalf("rejected: %+v", rej)
			}
			o := rec.Data.(*event.ObservationRecorded)
			same := o.Clock.Quality == c.want.Quality && o.Clock.OffsetMs == c.want.OffsetMs && o.Clock.Action == c.want.Action && equal(o.Clock.ZoneOffsetMin, c.want.ZoneOffsetMin)
			if !same || o.MeasuredAt != c.at || !equal(o.GatewayAt, c.gateway) || o.ReceivedAt != now {
				t.Errorf("got %+v at %s, gateway %v", o.Clock, o.MeasuredAt, o.GatewayAt)
			}
		})
	}
}

func TestING4_ClocksThatTellNothing(t *testing.T) {
	for name, times := range map[string]string{
		"utc with an offset":             `"clock":{"source":"utc","synced":true},"t_meas":"2026-03-02T07:50:00+08:00"`,
		"no zone anywhere":               `"clock":{"source":"wall","synced":true},"t_meas":"2026-03-02T07:50:00"`,
		"one time with a zone":           `"clock":{"source":"wall"},"t_meas":"2026-03-02T07:50:00","t_dev_now":"2026-03-02T07:50:00+08:00"`,
		"a counter without its now":      `"clock":{"source":"tick"},"t_meas":1000`,
		"a counter beside a clock":       `"clock":{"source":"tick"},"t_meas":1000,"t_dev_now":"2026-03-02T07:50:00+08:00"`,
		"a counter of another start":     `"clock":{"source":"tick","timeline":"before"},"t_meas":1000,"t_dev_now":2000`,
		"a counter beyond all years":     `"clock":{"source":"tick"},"t_meas":999999999999999999,"t_dev_now":-999999999999999999`,
		"a gateway without a zone":       `"t_gw":"2026-03-02T07:50:00"`,
		"a gateway before the year one":  `"t_gw":"0001-01-01T00:00:00+08:00"`,
		"set since and not synchronised": `"clock":{"source":"wall","timeline":"previous"},"t_meas":"2026-03-02T07:50:00+08:00"`,
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"v":1,"msg_id":"m",` + times + `,"obs":[{"mdc":150456,"v":95,"u":"%"}]}`
			rec, rej := accept(body)
			checkTimes(t, body, rec, rej, 0, Clock)
		})
	}
}

func TestING6_AWeekOfBacklogIsTaken(t *testing.T) {
	for age, reason := range map[event.Time]string{7 * day: "", 8 * day: "", 8*day + 1: TooOld, -2 * minute: "", -2*minute - 1: Future} {
		body := fmt.Sprintf(`{"v":1,"msg_id":"m","clock":{"source":"utc","synced":true},"t_meas":%q,"obs":[{"mdc":150456,"v":95,"u":"%%"}]}`, now-age)
		rec, rej := accept(body)
		checkTimes(t, body, rec, rej, now-age, reason)
	}
}

func TestAsRecordedKeepsWhatIsOld(t *testing.T) {
	b := binding
	b.AsRecorded = true
	for at, quality := range map[string]event.ClockQuality{"2019-03-02T00:00:00Z": event.ClockTooOld, "2031-03-02T00:00:00Z": event.ClockFuture, "2026-03-01T00:00:00Z": event.ClockOK} {
		rec, rej := Accept(Raw{Topic: "v1/t/d/obs", Payload: []byte(`{"v":1,"clock":{"source":"utc","synced":true},"t_meas":"` + at + `","obs":[{"mdc":150456,"v":20,"u":"%"}]}`)}, b, now)
		if rec == nil || len(rej) > 0 {
			t.Fatalf("%s: %+v", at, rej)
		}
		o := rec.Data.(*event.ObservationRecorded)
		if o.Clock.Quality != quality || o.Readings[0] != (event.Reading{Quantity: event.SpO2Percent, Value: event.Int(20)}) {
			t.Errorf("%s: got %+v", at, o)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }
