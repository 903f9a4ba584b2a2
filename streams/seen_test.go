package streams

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

// Against a memory that never forgets: what Seen calls a repeat was there before, what it calls new was not. Only what
// is older than its memory may be late.
func TestING2_SeenAgreesWithAMemoryThatNeverForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type upload struct{ boot, seq int64 }
		all := map[upload]uint32{}
		var s Seen
		for range rapid.IntRange(1, 400).Draw(t, "n") {
			u := upload{rapid.Int64Range(1, 6).Draw(t, "boot"), rapid.Int64Range(0, 60).Draw(t, "seq")}
			mask := uint32(1) << rapid.IntRange(1, 3).Draw(t, "quantity")
			before := all[u]
			copied := s.clone()
			fresh, v := copied.Upload("d", u.boot, u.seq, mask)
			s = copied
			switch {
			case v == IsNew && before&fresh != 0:
				t.Fatalf("%+v: %b is called new, but %b was there", u, fresh, before)
			case v == IsRepeat && mask&^before != 0:
				t.Fatalf("%+v is called a repeat, but %b of it never came", u, mask&^before)
			}
			all[u] |= mask
		}
	})
}

func TestSeenIsBounded(t *testing.T) {
	var s Seen
	rng := rand.New(rand.NewPCG(1, 0))
	for i := range 50_000 {
		s.Upload("d", int64(i/10_000), rng.Int64N(1<<40), 2)
	}
	for i := range 1000 {
		s.ID(string(rune(i)), event.Time(i))
	}
	b, err := json.Marshal(s)
	if err != nil || len(b) > 900_000 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	var back Seen
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Fatalf("a state that is read back differs: %v", err)
	}
}

func TestSeenKeepsOneSpanWhenNothingIsMissing(t *testing.T) {
	var s Seen
	for _, i := range rand.New(rand.NewPCG(2, 0)).Perm(4000) {
		if _, v := s.Upload("d", 1, int64(i), 2); v != IsNew {
			t.Fatalf("upload %d of a shuffled backlog is %v", i, v)
		}
	}
	if n := len(s.Devices[0].Boots[0].Spans); n != 1 {
		t.Errorf("%d spans for 4,000 uploads without a gap", n)
	}
}

func TestSeenStaysSmallWhenADeviceAlternates(t *testing.T) {
	var s Seen
	for i := range int64(10_000) {
		if _, v := s.Upload("d", 1, i, 1<<(1+i%2)); v != IsNew {
			t.Fatalf("upload %d is %v", i, v)
		}
	}
	if n := len(s.Devices[0].Boots[0].Spans); n > seenMixAfter {
		t.Errorf("%d spans", n)
	}
	if _, v := s.Upload("d", 1, 9_999, 1<<2); v != IsRepeat {
		t.Errorf("the newest upload again is %v", v)
	}
	if fresh, v := s.Upload("d", 1, 10, 1<<5); v != IsNew || fresh != 1<<5 {
		t.Errorf("a quantity that never came is %v, %b", v, fresh)
	}
	if _, v := s.Upload("d", 1, 10, 1<<1); v != IsLate {
		t.Errorf("what nobody remembers is %v", v)
	}
}

func TestWhatMayHaveBeenForgottenIsLate(t *testing.T) {
	var s Seen
	for i := range 300 {
		s.ID(string(rune('a'+i)), event.Time(1000+i))
	}
	if v := s.ID("new and old", 1001); v != IsLate {
		t.Errorf("an id from before the memory is %v", v)
	}
	if v := s.ID("new", 2000); v != IsNew {
		t.Errorf("a new id is %v", v)
	}
	if v := s.ID("new", 2000); v != IsRepeat {
		t.Errorf("the same id again is %v", v)
	}
}

func TestAForgottenBootIsLate(t *testing.T) {
	var s Seen
	for boot := int64(10); boot < 20; boot++ {
		s.Upload("d", boot, 1, 2)
	}
	if _, v := s.Upload("d", 3, 1, 2); v != IsLate {
		t.Errorf("an upload of a boot from before the memory is %v", v)
	}
}

// A gateway that ran an hour fast is mended. What its devices sent meanwhile must not make late all that comes in the
// hour after: what is late pages nobody.
func TestING3_AMendedClockMakesNobodyLate(t *testing.T) {
	var pat Patient[struct{}]
	now := event.Time(1_780_000_000_000)
	for i := range 600 {
		now = now.Add(10 * time.Second)
		measured := now
		if i < 300 {
			measured = now.Add(time.Hour)
		}
		e := event.Envelope{ID: fmt.Sprint("m", i), At: measured, Data: &event.ObservationRecorded{MeasuredAt: measured, ReceivedAt: measured}}
		e, fresh := pat.admit(e, now)
		if !fresh || e.Data.(*event.ObservationRecorded).Late {
			t.Fatalf("reading %d, measured just now, is a repeat (%t) or late", i, !fresh)
		}
	}
}

// An upload that comes twice counts its answers once; readings that come later under the same number come without them.
func TestING2_AnswersOfAnUploadCountOnce(t *testing.T) {
	o := event.ObservationRecorded{Device: "d", BootID: 6, Seq: 417, Sequenced: true, Answers: []event.Answer{{Code: "cough", Value: event.One}}}
	withReading := o
	withReading.Readings = []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(91)}}
	for name, first := range map[string]event.ObservationRecorded{"answers alone": o, "answers with a reading": withReading} {
		var pat Patient[struct{}]
		e, fresh := pat.admit(event.Envelope{Data: &first}, 1)
		if got := e.Data.(*event.ObservationRecorded); !fresh || !reflect.DeepEqual(*got, first) {
			t.Fatalf("%s: the first came as %+v, %t", name, got, fresh)
		}
		if e, fresh := pat.admit(event.Envelope{Data: &first}, 2); fresh {
			t.Fatalf("%s: a repeat came as %+v", name, e.Data)
		}
		more := withReading
		more.Readings = append([]event.Reading{{Quantity: event.PulsePerMin, Value: event.Int(80)}}, withReading.Readings...)
		e, fresh = pat.admit(event.Envelope{Data: &more}, 3)
		got := e.Data.(*event.ObservationRecorded)
		if !fresh || len(got.Answers) != 0 || len(got.Readings) != 2-len(first.Readings) || got.Late {
			t.Fatalf("%s: with more beside it, it came as %+v, %t", name, got, fresh)
		}
	}
	var pat Patient[struct{}]
	plain := withReading
	plain.Answers = nil
	pat.admit(event.Envelope{Data: &plain}, 1)
	if e, fresh := pat.admit(event.Envelope{Data: &withReading}, 2); !fresh || len(e.Data.(*event.ObservationRecorded).Answers) != 1 || len(e.Data.(*event.ObservationRecorded).Readings) != 0 {
		t.Errorf("answers behind their reading came as %+v, %t", e.Data, fresh)
	}
}
