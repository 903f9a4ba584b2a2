package history

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/event"
)

// BenchmarkHistory copies readings (HISTORY_READINGS, by default 300,000) and asks for what screens ask for. It reports
// readings a second, bytes a reading in the table of charts, and milliseconds for each question.
func BenchmarkHistory(b *testing.B) {
	n := 300_000
	if s := os.Getenv("HISTORY_READINGS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for range b.N {
		log, h := streams.NewMemory(4), open(b, enginetest.Start(b, b.TempDir()))
		w := newWorld(b, log, 4, 1)
		ward(w, n)
		began := time.Now()
		o := sinkFor(b, log, h, "bench")
		o.MaxRecords, o.Linger, o.Idle = 0, 0, 0
		o.Linger = 100 * time.Millisecond
		stop := run(b, o)
		for stored := uint64(0); stored < uint64(n); time.Sleep(20 * time.Millisecond) {
			if err := h.db.QueryRow(b.Context(), "SELECT count() FROM readings").Scan(&stored); err != nil {
				continue // the tables are not there yet
			}
		}
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "readings/s")
		stop()
		ask(b, h, w)
	}
}

// ward writes an hour's readings of as many patients as it takes, six quantities an upload.
func ward(w *world, readings int) {
	for i := range readings / 6 {
		patient := fmt.Sprintf("P-%05d", i%5000)
		if i < 5000 {
			key := "t1/" + patient
			w.put(streams.Inputs, streams.PartitionOf(key, w.n), key, event.Envelope{ID: "e" + key, Data: &event.PatientEnrolled{Tenant: "t1", Patient: patient, Group: fmt.Sprint("g", i%10)}})
		}
		key, at := "t1/"+patient, w.epoch+event.Time(i/5000)*60_000
		o := event.ObservationRecorded{Device: "dev-" + patient, BootID: 7, Seq: int64(i / 5000), Sequenced: true, MeasuredAt: at, ReceivedAt: at + event.Time(w.rng.IntN(900)),
			Clock: event.Clock{Quality: event.ClockOK}, Door: "gateway"}
		for q := event.RespirationPerMin; q < event.RespirationPerMin+6; q++ {
			o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: event.Int(60 + int64(w.rng.IntN(40)))})
		}
		w.put(streams.Inputs, streams.PartitionOf(key, w.n), key, event.Envelope{ID: fmt.Sprintf("%s/7/%d", o.Device, o.Seq), Data: &o})
	}
	if err := w.w.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func ask(b *testing.B, h *History, w *world) {
	for _, t := range []string{"readings", "readings_hour", "records"} {
		if err := h.db.Exec(b.Context(), "OPTIMIZE TABLE "+t+" FINAL"); err != nil {
			b.Fatal(err)
		}
	}
	var bytes, raw float64
	if err := h.db.QueryRow(b.Context(), `SELECT sumIf(data_compressed_bytes, table = 'readings') / sumIf(rows, table = 'readings'),
		sumIf(data_compressed_bytes, table = 'records') / sumIf(rows, table = 'records') FROM system.parts WHERE active`).Scan(&bytes, &raw); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(bytes, "bytes/reading")
	b.ReportMetric(raw, "bytes/record")
	for name, question := range map[string]func() error{
		"ms/chart": func() error {
			_, err := h.Readings(b.Context(), "t1", "P-00042", 0, w.epoch+100*hour, event.Never)
			return err
		},
		"ms/latest": func() error { _, err := h.LatestOfGroup(b.Context(), "t1", "g3"); return err },
		"ms/hours":  func() error { _, err := h.HoursOfGroup(b.Context(), "t1", "g3", 0, w.epoch+100*hour); return err },
	} {
		began := time.Now()
		const times = 5
		for range times {
			if err := question(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds())/times, name)
	}
}

// BenchmarkCourse asks for two years of one patient who wears seven sensors that send each minute, beside as many others as there
// are readings in COURSE_READINGS (by default 8,000,000, of which the patient has 7,358,400).
func BenchmarkCourse(b *testing.B) {
	n := 8_000_000
	if s := os.Getenv("COURSE_READINGS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	h := open(b, enginetest.Start(b, b.TempDir()))
	if err := h.Migrate(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	fillCourse(b, h, n)
	to := event.Time(1_700_000_000_000).Add(730 * 24 * time.Hour)
	for name, span := range map[string]time.Duration{"ms/two-years": 730 * 24 * time.Hour, "ms/month": 30 * 24 * time.Hour, "ms/week": 7 * 24 * time.Hour, "ms/ten-minutes": 10 * time.Minute} {
		const times = 5
		began := time.Now()
		for range times {
			if _, err := h.Course(b.Context(), "t1", "P-0113", to.Add(-span), to, 600); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds())/times, name)
	}
}

// fillCourse puts two years of P-0113 into history, and others beside.
func fillCourse(b testing.TB, h *History, n int) {
	b.Helper()
	const mine = 730 * 1440 * 7
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO readings (tenant, patient, quantity, measured_at, received_at, value, mark, clock_quality, device, boot_id, seq, log_offset)
			SELECT 't1', if(number < %d, 'P-0113', concat('P-', toString(number %% 5000 + 10000))), ['spo2_percent', 'pulse_per_min', 'respiration_per_min', 'temperature_cel', 'systolic_mmhg', 'diastolic_mmhg', 'glucose_mmol_per_l'][number %% 7 + 1] AS q,
				fromUnixTimestamp64Milli(1700000000000 + intDiv(number, 7) * 60000, 'UTC') AS at, at, 60 + cityHash64(number) %% 40, '', if(number %% 9973 = 0, 'unsynced', 'ok'), 'dev', 1, number, number FROM numbers(%d)`, mine, n),
		`INSERT INTO readings_hour (tenant, patient, quantity, mark, hour, log_partition, row_count, value_min, value_max, newest)
			SELECT tenant, patient, quantity, mark, toStartOfHour(measured_at), log_partition, count(), min(value), max(value), max((toUnixTimestamp64Milli(measured_at), log_offset, toInt64(value * 1000000), toString(clock_quality)))
			FROM readings GROUP BY tenant, patient, quantity, mark, toStartOfHour(measured_at), log_partition`,
		"OPTIMIZE TABLE readings FINAL", "OPTIMIZE TABLE readings_hour FINAL",
	} {
		if err := h.db.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
}
