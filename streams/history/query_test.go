package history

import (
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/event"
)

const hour = event.Time(3_600_000)

// TestHIS1_Questions: what the desk asks, over readings that came twice, late, marked, and in two groups.
func TestHIS1_Questions(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 1)
	start := w.epoch - w.epoch%hour
	at := func(h float64) event.Time { return start + event.Time(h*float64(hour)) }
	member := func(patient, group string) {
		w.put(streams.Inputs, 0, "t1/"+patient, event.Envelope{ID: "e" + patient + group, Data: &event.PatientEnrolled{Tenant: "t1", Patient: patient, Group: group}})
	}
	reading := func(patient string, seq int64, measured event.Time, percent int64, mark event.Mark) {
		w.put(streams.Inputs, 0, "t1/"+patient, event.Envelope{ID: "dev/1/" + event.Int(seq).String(), Data: &event.ObservationRecorded{
			Device: "dev-" + patient, BootID: 1, Seq: seq, Sequenced: true, MeasuredAt: measured, ReceivedAt: measured + 100, Clock: event.Clock{Quality: event.ClockCorrected, OffsetMs: 5},
			Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(percent), Mark: mark}}}})
	}
	member("P-0001", "copd")
	member("P-0002", "heart-failure")
	member("P-0002", "copd") // moved
	member("P-0003", "copd")
	member("P-0003", "heart-failure") // moved away
	reading("P-0001", 1, at(0.1), 93, event.Plausible)
	reading("P-0001", 1, at(0.1), 93, event.Plausible) // a repeat
	reading("P-0001", 2, at(0.5), 88, event.Plausible)
	reading("P-0001", 3, at(0.3), 97, event.Plausible) // late
	reading("P-0001", 4, at(1.2), 20, event.Unconfirmed)
	reading("P-0002", 1, at(2.5), 91, event.Plausible)
	reading("P-0003", 1, at(2.5), 90, event.Plausible)
	reading("P-0003", 1, at(9.5), 90, event.Plausible) // a repeat that another offset was applied to, or none
	w.close()
	run(t, sinkFor(t, log, h, "a"))
	if checks := caughtUp(t, h, log, 30*time.Second); !equal(checks) {
		t.Fatal(checks)
	}

	t.Run("one row an identity", func(t *testing.T) {
		got, err := h.Readings(t.Context(), "t1", "P-0001", start, start+10*hour, event.Never)
		var values []int64
		for _, r := range got {
			values = append(values, int64(r.Value/event.One))
		}
		if err != nil || !reflect.DeepEqual(values, []int64{93, 97, 88, 20}) {
			t.Fatalf("got %v, %v", values, err)
		}
		last := got[3]
		want := Reading{Quantity: event.SpO2Percent, Value: event.Int(20), Mark: event.Unconfirmed, MeasuredAt: at(1.2), ReceivedAt: at(1.2) + 100,
			Clock: event.ClockCorrected, OffsetMs: 5, Device: "dev-P-0001", Offset: last.Offset}
		if last != want {
			t.Fatalf("got %+v, want %+v", last, want)
		}
	})
	t.Run("a repeat is none in any span", func(t *testing.T) {
		for _, span := range []struct {
			from, to event.Time
			want     int
		}{{start, start + 10*hour, 1}, {at(2), at(3), 1}, {at(9), at(10), 0}} {
			got, err := h.Readings(t.Context(), "t1", "P-0003", span.from, span.to, event.Never)
			if err != nil || len(got) != span.want {
				t.Errorf("%v: got %+v, %v", span, got, err)
			}
		}
	})
	t.Run("half open", func(t *testing.T) {
		got, err := h.Readings(t.Context(), "t1", "P-0001", at(0.1), at(0.5), event.Never)
		if err != nil || len(got) != 2 {
			t.Fatalf("got %v, %v", got, err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		if got, err := h.Readings(t.Context(), "t2", "P-0001", start, start+10*hour, event.Never); err != nil || len(got) != 0 {
			t.Fatalf("got %v, %v", got, err)
		}
	})
	t.Run("latest of a group", func(t *testing.T) {
		got, err := h.LatestOfGroup(t.Context(), "t1", "copd")
		want := []Latest{{"P-0001", event.SpO2Percent, event.Int(88), at(0.5), event.ClockCorrected}, {"P-0002", event.SpO2Percent, event.Int(91), at(2.5), event.ClockCorrected}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
	t.Run("hours of a group", func(t *testing.T) {
		got, err := h.HoursOfGroup(t.Context(), "t1", "copd", start, start+10*hour)
		want := []Hour{{"P-0001", event.SpO2Percent, start, event.Int(88), event.Int(97), event.Int(88)}, {"P-0002", event.SpO2Percent, start + 2*hour, event.Int(91), event.Int(91), event.Int(91)}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v", got, err)
		}
		one, err := h.Hours(t.Context(), "t1", "P-0001", start, start+10*hour)
		if err != nil || !reflect.DeepEqual(one, want[:1]) {
			t.Fatalf("got %+v, %v", one, err)
		}
	})
	t.Run("records as they lay in the log", func(t *testing.T) {
		for _, topic := range []string{streams.Inputs, streams.Decisions} {
			got, err := h.Records(t.Context(), topic, 0, 0, 1000)
			want := log.Records(topic, 0)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d of %d, %v", len(got), len(want), err)
			}
			for i := range want {
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("got %+v, want %+v", got[i], want[i])
				}
			}
		}
		of, err := h.RecordsOfPatient(t.Context(), "t1", "P-0002", 0, w.epoch+hour, 100)
		if err != nil || len(of) != 3 {
			t.Fatalf("%d records of P-0002, %v", len(of), err)
		}
	})
}

func TestHIS1_MigrateAnyTime(t *testing.T) {
	h := open(t, enginetest.Start(t, t.TempDir()))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := h.Migrate(t.Context(), 4); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := h.Migrate(t.Context(), 64); err != nil {
		t.Fatal(err)
	}
	var settings string
	if err := h.db.QueryRow(t.Context(), "SELECT engine_full FROM system.tables WHERE name = 'readings_hour'").Scan(&settings); err != nil {
		t.Fatal(err)
	}
	if want := "non_replicated_deduplication_window = 640000"; !strings.Contains(settings, want) {
		t.Fatalf("window: %s", settings)
	}
}

func TestHIS1_BadDSN(t *testing.T) {
	for _, dsn := range []string{"", "no://such", "http://ho%zzst/x"} {
		if _, err := Open(dsn); err == nil {
			t.Errorf("%q was taken", dsn)
		}
	}
	h, err := Open("http://127.0.0.1:1/tocsin")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Ping(t.Context()); err == nil {
		t.Fatal("nobody answers there")
	}
}

// TestHIS1_AClickHouseThatSaysNothing: it takes connections and answers none, as one whose disk is full or that is starting.
func TestHIS1_AClickHouseThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h, err := Open("http://" + l.Addr().String() + "/tocsin")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	began := time.Now()
	if err := h.Ping(t.Context()); err == nil || time.Since(began) > pingWithin+5*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}
