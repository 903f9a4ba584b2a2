package window

import (
	"encoding/json"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"tocsin/streams/event"
)

const (
	patients = 100_000
	signals  = 7
)

// home is a window of a week with a reading every six hours; ward one of a day with a reading each minute: all steps full.
func home() (*Window, event.Time) { return filled(Spec{LengthMs: 7 * dayMs}, 6*hour, 40) }
func ward() (*Window, event.Time) { return filled(Spec{LengthMs: dayMs}, minute, 3*24*60) }

func filled(s Spec, every event.Time, n int) (*Window, event.Time) {
	w := New(s)
	for i := range n {
		w.Add(noon+event.Time(i)*every, event.Int(int64(60+i*7%40)), false)
	}
	return w, noon + event.Time(n)*every
}

func ofAll(w *Window) []*Window {
	all := make([]*Window, patients*signals)
	for i := range all {
		all[i] = w.Clone()
	}
	return all
}

// BenchmarkBudget6 is one reading into the window of one of seven signals of one of 100,000 patients. An upload brings a
// reading for each signal of a patient, and hardly ever are two in a row of one patient, so that no cache helps; lone: each
// reading is of another patient. Asked: with it mean, slope, least and greatest at that moment. Near: the windows of an
// upload are read together first, as the fold does (rules.observe). Touch is the floor: a look at each window, what the memory alone takes on the machine as busy as it is.
func BenchmarkBudget6HomeTouch(b *testing.B) { budget6(b, home, 6*hour, signals, touch) }
func BenchmarkBudget6Home(b *testing.B)      { budget6(b, home, 6*hour, signals, add) }
func BenchmarkBudget6HomeAsked(b *testing.B) { budget6(b, home, 6*hour, signals, addAndAsk) }
func BenchmarkBudget6WardTouch(b *testing.B) { budget6(b, ward, minute, signals, touch) }
func BenchmarkBudget6Ward(b *testing.B)      { budget6(b, ward, minute, signals, add) }
func BenchmarkBudget6WardAsked(b *testing.B) { budget6(b, ward, minute, signals, addAndAsk) }
func BenchmarkBudget6LoneTouch(b *testing.B) { budget6(b, home, 6*hour, 1, touch) }
func BenchmarkBudget6Lone(b *testing.B)      { budget6(b, home, 6*hour, 1, add) }
func BenchmarkBudget6HomeNear(b *testing.B)  { budget6(b, home, 6*hour, signals, add, Near) }
func BenchmarkBudget6WardNear(b *testing.B)  { budget6(b, ward, minute, signals, add, Near) }

func touch(w *Window, _ event.Time, v event.Decimal) float64 {
	return (w.newest.Value + v).Float()
}

func add(w *Window, at event.Time, v event.Decimal) float64 {
	w.Add(at, v, false)
	return 0
}

func addAndAsk(w *Window, at event.Time, v event.Decimal) float64 {
	w.Add(at, v, false)
	return four(w, at)
}

func budget6(b *testing.B, of func() (*Window, event.Time), every event.Time, upload int, do func(*Window, event.Time, event.Decimal) float64, near ...func([]*Window) uint64) {
	w, at := of()
	all := ofAll(w)
	sum, i, n := 0.0, 0, 0
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if n++; n%upload == 0 {
			i = (i + upload*50_021) % len(all) // another patient; each window is visited once a round
			for _, f := range near {
				f(all[i : i+upload])
			}
		}
		if n == len(all) {
			n, at = 0, at+every
		}
		sum += do(all[i+n%upload], at, event.Int(int64(60+n%40)))
	}
	b.StopTimer()
	runtime.KeepAlive(all)
	_ = sum
}

func four(w *Window, at event.Time) float64 {
	mean, _ := w.Mean(at)
	slope, _ := w.Slope(at)
	least, _ := w.Min(at)
	most, _ := w.Max(at)
	return mean + slope + least + most
}

// cpu reports the processor's time beside the wall's: the steadier figure on a machine that others use too.
func cpu(b *testing.B) func() {
	var from, to syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &from); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return func() {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &to); err != nil {
			b.Fatal(err)
		}
		spent := to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano()
		b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
	}
}

// BenchmarkCloneAndAdd is what a fold pays that leaves its argument as it was: a copy and one reading.
func BenchmarkCloneAndAdd(b *testing.B) {
	for name, of := range map[string]func() (*Window, event.Time){"home": home, "ward": ward} {
		b.Run(name, func(b *testing.B) {
			w, at := of()
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				w.Clone().Add(at, event.Int(70), false)
			}
		})
	}
}

// BenchmarkAsk is each question to one window.
func BenchmarkAsk(b *testing.B) {
	for name, of := range map[string]func() (*Window, event.Time){"home": home, "ward": ward} {
		w, at := of()
		for what, q := range map[string]question{"mean": w.Mean, "spread": w.Spread, "rise": w.Rise, "slope": w.Slope, "trend": w.Trend, "baseline": w.Baseline,
			"ewma": func(at event.Time) (float64, bool) { return w.EWMA(at, 3*dayMs) },
			"held": func(at event.Time) (float64, bool) { w.AtLeast(at, 3, 3_600_000); return 0, true }} {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				defer cpu(b)()
				for b.Loop() {
					q(at)
				}
			})
		}
	}
}

// An update of a warm window allocates nothing, nor does any question.
func TestRUL7_Budget6_NothingIsAllocated(t *testing.T) {
	for name, c := range map[string]struct {
		of    func() (*Window, event.Time)
		every event.Time
	}{"home": {home, 6 * hour}, "ward": {ward, minute}, "held": {func() (*Window, event.Time) { return filled(Held(900_000, dayMs), 5*second, 1000) }, 5 * second}} {
		w, at := c.of()
		ranged := w.Spec()
		ranged.Ranged, ranged.High, ranged.AltHigh = true, event.Int(80), event.Int(90)
		for _, w := range []*Window{w, func() *Window { w, _ := filled(ranged, c.every, 4000); return w }()} {
			newest, _ := w.Newest()
			at = newest.At
			got := testing.AllocsPerRun(500, func() {
				at += c.every
				w.Add(at, event.Int(int64(60+at/1000%40)), false)
				w.Add(at-3*c.every, event.Int(99), true) // late
				four(w, at)
				w.Rise(at)
				w.Trend(at)
				w.Spread(at)
				w.EWMA(at, 3*dayMs)
				w.CusumUp(at, 70, 1)
				w.Deviation(at, 1)
				w.AtLeast(at, 3, 900_000)
				w.Within(at, 900_000)
				w.InRange(at)
			})
			if got != 0 {
				t.Errorf("%s: %v allocations for an update and its questions", name, got)
			}
		}
		if got := testing.AllocsPerRun(100, func() { sink = w.Clone(); sink.Add(at, event.Int(70), false) }); got != 1 {
			t.Errorf("%s: %v allocations for a clone and an update, want 1", name, got)
		}
	}
}

// A clone has room for one more, however full its original is.
func TestRUL7_Budget6_CloneHasRoom(t *testing.T) {
	for n := range 60 {
		w, at := filled(Spec{LengthMs: MaxLengthMs}, day, n)
		if got := testing.AllocsPerRun(20, func() { sink = w.Clone(); sink.Add(at, event.Int(70), false) }); got != 1 {
			t.Errorf("%d readings: %v allocations for a clone and an update, want 1", n, got)
		}
	}
}

var sink *Window

// Steps that are full, and readings in any number, keep within the size that Clone's comment promises.
func TestRUL7_Budget9_FullWindow(t *testing.T) {
	if size := unsafe.Sizeof(Window{}); size != 64 {
		t.Errorf("a window without cells takes %d bytes", size)
	}
	for name, c := range map[string]struct {
		spec  Spec
		every event.Time
		n     int
		most  uint64
	}{
		"a week, once a day":          {Spec{LengthMs: 7 * dayMs}, day, 20, 128},
		"a week, four times a day":    {Spec{LengthMs: 7 * dayMs}, 6 * hour, 80, 320},
		"two weeks, twice a day":      {Spec{LengthMs: 14 * dayMs}, 12 * hour, 80, 320},
		"full":                        {Spec{LengthMs: dayMs}, 10 * second, 30_000, 2304},
		"full, with a range":          {Spec{LengthMs: dayMs, Ranged: true, High: event.Int(80), AltHigh: 1}, 10 * second, 30_000, 2688},
		"full, with range and reach":  {Spec{LengthMs: dayMs, ReachMs: 3 * dayMs, Ranged: true, High: event.Int(80), AltHigh: 1}, 10 * second, 30_000, 2688},
		"full, of calendar days":      {Spec{Days: 16}, minute, 30_000, 1152},
		"full, of single readings":    {Spec{LengthMs: dayMs}, 340 * second, 2000, 2304},
		"full, of values of any size": {Spec{LengthMs: dayMs}, 100 * second, 2000, 2304},
	} {
		w := New(c.spec)
		for i := range c.n {
			v := event.Int(int64(60 + i*7%40))
			if name == "full, of values of any size" {
				v = event.Decimal(i*i*i) * 1_000_003
			}
			w.Add(noon+event.Time(i)*c.every, v, false)
		}
		all := make([]*Window, 1000)
		before := heap()
		for i := range all {
			all[i] = w.Clone()
		}
		each := (heap() - before) / uint64(len(all))
		t.Logf("%s: %d cells, %d bytes", name, len(w.cells), each)
		if each > c.most+16 { // the heap is not ours alone
			t.Errorf("%s: a window takes %d bytes, more than %d", name, each, c.most)
		}
		runtime.KeepAlive(all)
	}
}

// Seven signals as homes send them, each with a window, beside the 2 KiB that the rest of a patient may take: 4 KiB in all.
// Measured as they come from a checkpoint, and as they are after a reading.
func TestRUL7_Budget9_PatientAtHome(t *testing.T) {
	daily := []struct {
		spec    Spec
		times   []event.Time
		comment string
	}{
		{Spec{LengthMs: 14 * dayMs}, []event.Time{0}, "weight"},
		{Spec{Days: 14, ZoneMin: 480}, []event.Time{0, minute, 12 * hour, 12*hour + minute}, "systolic"},
		{Spec{LengthMs: 7 * dayMs}, []event.Time{0, 12 * hour}, "diastolic"},
		{Spec{LengthMs: 7 * dayMs}, []event.Time{0, 12 * hour}, "pulse"},
		{Spec{LengthMs: 7 * dayMs}, []event.Time{0, 6 * hour, 12 * hour}, "spo2"},
		{Held(3_600_000, dayMs), []event.Time{0, 12 * hour}, "temperature"},
		{Spec{LengthMs: 7 * dayMs, Ranged: true, High: 10_000_000, AltHigh: 9_991_341}, []event.Time{0, 5 * hour, 10 * hour, 15 * hour}, "glucose"},
	}
	var patient []*Window
	var texts [][]byte
	for _, s := range daily {
		w := New(s.spec)
		for d := range event.Time(30) {
			for _, off := range s.times {
				w.Add(noon+d*day+off, 85_300_000, false)
			}
		}
		text, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		patient, texts = append(patient, w), append(texts, text)
	}
	const n = 500
	for name, make1 := range map[string]func(i int) *Window{
		"cloned": func(i int) *Window { return patient[i].Clone() },
		"restored": func(i int) *Window {
			w := new(Window)
			if err := json.Unmarshal(texts[i], w); err != nil {
				t.Fatal(err)
			}
			return w
		},
	} {
		all := make([][signals]*Window, n)
		before := heap()
		for p := range all {
			for i := range daily {
				all[p][i] = make1(i)
			}
		}
		each := (heap() - before) / n
		t.Logf("%s: windows of one patient: %d bytes", name, each)
		if each > 2048 {
			t.Errorf("%s: windows of one patient take %d bytes, more than 2048", name, each)
		}
		runtime.KeepAlive(all)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
