package event

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestReaderAgreesWithDecode: one reader, record after record, answers what Decode answers of each by itself, whatever came before
// it and whatever was damaged.
func TestReaderAgreesWithDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Reader
		var kept []Envelope // strings stay good when the reader goes on
		var want []string
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			headers, value := drawInput(t)
			e, wantErr := Decode(headers, value)
			if rapid.Bool().Draw(t, "expects") {
				r.Expect(rapid.SampledFrom([]string{"", "d1", e.Subject}).Draw(t, "subject"), rapid.SampledFrom([]string{"", "d1", "a\"b"}).Draw(t, "device"))
			}
			got, err := r.Read(headers, value)
			if (err == nil) != (wantErr == nil) || errors.Is(err, ErrNewer) != errors.Is(wantErr, ErrNewer) {
				t.Fatalf("read %v, decoded %v: %s", err, wantErr, value)
			}
			if err != nil {
				continue
			}
			if !reflect.DeepEqual(*got, e) {
				t.Fatalf("read    %+v %+v\ndecoded %+v %+v", *got, got.Data, e, e.Data)
			}
			kept, want = append(kept, Envelope{ID: got.ID, Source: got.Source, Subject: got.Subject}), append(want, e.ID+"\x00"+e.Source+"\x00"+e.Subject)
		}
		for i, e := range kept {
			if s := e.ID + "\x00" + e.Source + "\x00" + e.Subject; s != want[i] {
				t.Fatalf("what was read is %q by now, and was %q", s, want[i])
			}
		}
	})
}

// drawInput draws a record as a door writes it, now and then one that is damaged, old or of another type.
func drawInput(t *rapid.T) ([]Header, []byte) {
	word := rapid.OneOf(rapid.StringMatching(`[a-z0-9/.-]{1,12}`), rapid.SampledFrom([]string{"d1", "d2", "gateway/g"}))
	moment := rapid.OneOf(rapid.Int64Range(0, int64(latest)), rapid.Int64Range(1_780_000_000_000, 1_780_000_200_000))
	e := Envelope{ID: word.Draw(t, "id"), Source: word.Draw(t, "source"), Subject: word.Draw(t, "subject"), At: Time(moment.Draw(t, "at"))}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		e.Data = &DoorOpened{Door: word.Draw(t, "door"), ReceivedAt: e.At, Directory: rapid.Int64Range(-5, 1e15).Draw(t, "directory")}
	case 1:
		e.Data, e.Effect = &PatientEnrolled{Tenant: "t", Patient: word.Draw(t, "patient"), Group: "g"}, Effect{Offset: 3, Number: 1}
	default:
		o := drawObservation(t)
		if rapid.Bool().Draw(t, "plain") {
			o.Readings, o.MeasuredAt, o.ReceivedAt = []Reading{{SpO2Percent, Int(93), ""}, {PulsePerMin, 70_500_000, LowQuality}}, e.At, e.At
		}
		if rapid.IntRange(0, 4).Draw(t, "says") == 0 {
			o.Answers = []Answer{{Code: "breathless", Value: One}, {Code: "weight", Value: 5, Unit: "kg"}}
		}
		e.Data = &o
	}
	headers, value, err := Encode(e)
	if err != nil {
		t.Skip("it cannot be written")
	}
	if rapid.IntRange(0, 5).Draw(t, "damaged") == 0 {
		b := &value
		if k := rapid.IntRange(0, len(headers)).Draw(t, "where"); k < len(headers) {
			headers[k].Value = append([]byte(nil), headers[k].Value...)
			b = &headers[k].Value
		}
		if len(*b) > 0 {
			(*b)[rapid.IntRange(0, len(*b)-1).Draw(t, "place")] = rapid.SampledFrom([]byte("09:.-TZ{}\",aé")).Draw(t, "byte")
		}
	}
	return headers, value
}

func BenchmarkReader(b *testing.B) {
	o := sampleObservation()
	headers, value, err := Encode(Envelope{ID: "74E8FFFEFF051C00/6/417", Source: "gateway/g", Subject: "t1/P-000123", At: 1772407201234, Data: &o})
	if err != nil {
		b.Fatal(err)
	}
	var r Reader
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(headers, value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	o := sampleObservation()
	headers, value, err := Encode(Envelope{ID: "74E8FFFEFF051C00/6/417", Source: "gateway/g", Subject: "t1/P-000123", At: 1772407201234, Data: &o})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(headers, value); err != nil {
			b.Fatal(err)
		}
	}
}
