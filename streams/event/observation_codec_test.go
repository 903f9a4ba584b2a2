package event

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func sampleObservation() ObservationRecorded {
	zone, gw := 480, Time(1772407200000)
	return ObservationRecorded{
		Device: "74E8FFFEFF051C00", MsgID: "74E8FFFEFF051C00/6/000417", BootID: 6, Seq: 417, Sequenced: true,
		MeasuredAt: 1772406900000, GatewayAt: &gw, ReceivedAt: 1772407201234,
		Clock:    Clock{Quality: ClockCorrected, OffsetMs: 60000, ZoneOffsetMin: &zone, Action: "map_to_gateway_timeline"},
		Readings: []Reading{{Quantity: SpO2Percent, Value: Int(91)}, {Quantity: TemperatureCel, Value: 38_050_000, Mark: Unconfirmed}},
		Door:     "gateway-1",
	}
}

func TestObservationCodecAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawObservation(t)
		hand, handErr := o.AppendJSON(nil)
		plain, plainErr := json.Marshal((*plainObservation)(&o))
		if (handErr == nil) != (plainErr == nil) || handErr == nil && !bytes.Equal(hand, plain) {
			t.Fatalf("by hand %s, %v\nencoding/json %s, %v", hand, handErr, plain, plainErr)
		}
		if handErr != nil {
			return
		}
		var a ObservationRecorded
		var b plainObservation
		if aErr, bErr := a.UnmarshalJSON(hand), json.Unmarshal(hand, &b); aErr != nil || bErr != nil || !reflect.DeepEqual(a, ObservationRecorded(b)) {
			t.Fatalf("read by hand %+v, %v\nencoding/json %+v, %v", a, aErr, b, bErr)
		}
	})
}

func drawObservation(t *rapid.T) ObservationRecorded {
	moment := rapid.Custom(func(t *rapid.T) Time {
		return Time(rapid.OneOf(rapid.Int64Range(0, int64(latest)), rapid.Int64Range(int64(earliest)-5, int64(latest)+5), rapid.Just(int64(Never))).Draw(t, "ms"))
	})
	word := rapid.OneOf(rapid.StringMatching(`[a-z0-9_/.-]{0,20}`), rapid.String())
	o := ObservationRecorded{
		Device: word.Draw(t, "device"), MsgID: word.Draw(t, "msg_id"), BootID: rapid.Int64().Draw(t, "boot"), Seq: rapid.Int64().Draw(t, "seq"),
		Sequenced: rapid.Bool().Draw(t, "sequenced"), MeasuredAt: moment.Draw(t, "measured"), ReceivedAt: moment.Draw(t, "received"),
		Clock: Clock{Quality: ClockQuality(word.Draw(t, "quality")), OffsetMs: rapid.Int64().Draw(t, "offset"), Action: word.Draw(t, "action")},
		Door:  word.Draw(t, "door"),
	}
	if rapid.Bool().Draw(t, "gateway") {
		gw := moment.Draw(t, "gateway_at")
		o.GatewayAt = &gw
	}
	if rapid.Bool().Draw(t, "zone") {
		z := rapid.Int().Draw(t, "zone_min")
		o.Clock.ZoneOffsetMin = &z
	}
	o.Readings = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Reading {
		return Reading{
			Quantity: Quantity(rapid.Uint8Range(0, uint8(quantityCount)).Draw(t, "quantity")),
			Value:    Decimal(rapid.Int64Range(-int64(MaxDecimal), int64(MaxDecimal)).Draw(t, "value")),
			Mark:     Mark(word.Draw(t, "mark")),
		}
	}), 0, 4).Draw(t, "readings")
	return o
}

// The quick form of a moment is the slow one, at every day until 2101 and at the edges of each.
func TestObservationMomentEqualsStandard(t *testing.T) {
	for at := time.Unix(0, 0).UTC(); at.Year() < 2101; at = at.Add(12*time.Hour - time.Millisecond) {
		slow := TimeOf(at).Append(nil)
		if fast := appendMoment(nil, TimeOf(at)); !bytes.Equal(fast, slow) {
			t.Fatalf("wrote %s, want %s", fast, slow)
		}
		if back, ok := momentOf(slow); !ok || back != TimeOf(at) {
			t.Fatalf("read %s as %s, %v", slow, back, ok)
		}
	}
}

func FuzzObservationRecorded(f *testing.F) {
	o := sampleObservation()
	seed, err := o.AppendJSON(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	for _, s := range []string{
		`{}`, `null`, `{"device":"d","measured_at":"2026-02-29T00:00:00.000Z"}`, `{"DEVICE":"d","device":"e","readings":[]}`,
		`{"device":"d","measured_at":"2026-03-02T07:14:00.000Z","received_at":"2026-03-02T07:14:00.000Z","clock":{"quality":"ok","offset_ms":-0},"readings":[{"quantity":"spo2_percent","value":01}],"door":"g"}`,
		`{"device":"\ud800","readings":null,"clock":{"quality":"ok","offset_ms":1e3}}`,
		`{"device":"d","measured_at":"2026-03-02T07:14:00.000Z","received_at":"2026-03-02T07:14:00.000Z","clock":{"quality":"ok","offset_ms":0},"readings":[{"quantity":"spo2_percent","value":91.5e0}],"door":"g"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var hand ObservationRecorded
		var plain plainObservation
		handErr, plainErr := hand.UnmarshalJSON(b), json.Unmarshal(b, &plain)
		if (handErr == nil) != (plainErr == nil) || !reflect.DeepEqual(hand, ObservationRecorded(plain)) {
			t.Fatalf("by hand %+v, %v\nencoding/json %+v, %v", hand, handErr, plain, plainErr)
		}
		if handErr != nil {
			return
		}
		x, xErr := hand.AppendJSON(nil)
		y, yErr := json.Marshal((*plainObservation)(&hand))
		if (xErr == nil) != (yErr == nil) || xErr == nil && !bytes.Equal(x, y) {
			t.Fatalf("by hand %s, %v\nencoding/json %s, %v", x, xErr, y, yErr)
		}
	})
}

func BenchmarkObservationEncode(b *testing.B) {
	o := sampleObservation()
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf, _ = o.AppendJSON(buf[:0])
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal((*plainObservation)(&o))
		}
	})
}

func BenchmarkObservationDecode(b *testing.B) {
	o := sampleObservation()
	j, _ := o.AppendJSON(nil)
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var o ObservationRecorded
			if err := o.UnmarshalJSON(j); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var o plainObservation
			if err := json.Unmarshal(j, &o); err != nil {
				b.Fatal(err)
			}
		}
	})
}
