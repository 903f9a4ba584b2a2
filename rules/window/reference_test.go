package window

import (
	"math"
	"math/big"
	"slices"

	"tocsin/streams/event"
)

// The reference keeps every reading in a list and answers by the words of the documentation, slowly, in fractions of
// whole numbers of any size. It shares no code with the window but Spec.

type heard struct {
	at  int64
	v   int64
	alt bool
}

type reference struct {
	spec Spec
	all  []heard
}

func (f *reference) add(at event.Time, v event.Decimal, alt bool) {
	f.all = append(f.all, heard{int64(at), int64(v), alt})
}

// sorted answers the readings by moment, then value.
func (f *reference) sorted() []heard {
	return slices.SortedStableFunc(slices.Values(f.all), func(a, b heard) int {
		if a.at != b.at {
			return big.NewInt(a.at).Cmp(big.NewInt(b.at))
		}
		if a.v != b.v {
			return big.NewInt(a.v).Cmp(big.NewInt(b.v))
		}
		return bit(f.in(a)) - bit(f.in(b))
	})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (f *reference) in(h heard) bool {
	if h.alt {
		return h.v >= int64(f.spec.AltLow) && h.v <= int64(f.spec.AltHigh)
	}
	return h.v >= int64(f.spec.Low) && h.v <= int64(f.spec.High)
}

// grid answers length and number of the steps before the current one.
func (f *reference) grid() (ms, before int64) {
	if f.spec.Days > 0 {
		return 86_400_000, int64(f.spec.Days) - 1
	}
	return int64(math.Ceil(float64(f.spec.LengthMs) / 32)), 32
}

// index numbers the steps.
func (f *reference) index(at int64) int64 {
	ms, _ := f.grid()
	q := new(big.Int).Div(big.NewInt(at+int64(f.spec.ZoneMin)*60_000), big.NewInt(ms)) // Euclid: rounds down
	return q.Int64()
}

// newest is the last by moment, then value.
func (f *reference) newest() (heard, bool) {
	s := f.sorted()
	if len(s) == 0 {
		return heard{}, false
	}
	return s[len(s)-1], true
}

// window answers the readings of the window at a moment, as far as they are still kept.
func (f *reference) window(at event.Time) []heard {
	var out []heard
	_, before := f.grid()
	now := f.index(int64(at))
	newest, _ := f.newest()
	for _, h := range f.sorted() {
		if i := f.index(h.at); i <= now && i >= now-before && i >= f.index(newest.at)-before {
			out = append(out, h)
		}
	}
	return out
}

// steps groups the window's readings.
func (f *reference) steps(at event.Time) [][]heard { return f.group(f.window(at)) }

func (f *reference) group(readings []heard) [][]heard {
	var out [][]heard
	for i, h := range readings {
		if i == 0 || f.index(h.at) != f.index(readings[i-1].at) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], h)
	}
	return out
}

func values(readings []heard) []int64 {
	var out []int64
	for _, h := range readings {
		out = append(out, h.v)
	}
	return out
}

// rat is a/b in units (a millionths).
func rat(a, b int64) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(a, b), big.NewRat(1, 1_000_000))
}

func float(r *big.Rat) float64 { f, _ := r.Float64(); return f }

func total(readings []heard) *big.Rat {
	sum := new(big.Rat)
	for _, h := range readings {
		sum.Add(sum, rat(h.v, 1))
	}
	return sum
}

func meanOf(readings []heard) *big.Rat {
	return new(big.Rat).Quo(total(readings), big.NewRat(int64(len(readings)), 1))
}

func (f *reference) count(at event.Time) (float64, bool) { return float64(len(f.window(at))), true }

func (f *reference) mean(at event.Time) (float64, bool) {
	s := f.window(at)
	if len(s) == 0 {
		return 0, false
	}
	return float(meanOf(s)), true
}

func (f *reference) min(at event.Time) (float64, bool) {
	s := f.window(at)
	if len(s) == 0 {
		return 0, false
	}
	return float(rat(slices.Min(values(s)), 1)), true
}

func (f *reference) max(at event.Time) (float64, bool) {
	s := f.window(at)
	if len(s) == 0 {
		return 0, false
	}
	return float(rat(slices.Max(values(s)), 1)), true
}

func (f *reference) spread(at event.Time) (float64, bool) {
	s := f.window(at)
	if len(s) < 2 {
		return 0, false
	}
	m, sum := meanOf(s), new(big.Rat)
	for _, h := range s {
		d := new(big.Rat).Sub(rat(h.v, 1), m)
		sum.Add(sum, d.Mul(d, d))
	}
	return math.Sqrt(float(sum.Quo(sum, big.NewRat(int64(len(s)-1), 1)))), true
}

// newestAndEarlier splits the window; false when the newest reading is not in it or alone.
func (f *reference) newestAndEarlier(at event.Time) (int64, []heard, bool) {
	s := f.window(at)
	newest, _ := f.newest()
	if len(s) < 2 || s[len(s)-1] != newest {
		return 0, nil, false
	}
	return newest.v, s[:len(s)-1], true
}

func (f *reference) delta(at event.Time) (float64, bool) {
	v, earlier, ok := f.newestAndEarlier(at)
	if !ok {
		return 0, false
	}
	return float(rat(v-earlier[0].v, 1)), true
}

func (f *reference) rise(at event.Time) (float64, bool) {
	v, earlier, ok := f.newestAndEarlier(at)
	if !ok {
		return 0, false
	}
	return float(rat(v-slices.Min(values(earlier)), 1)), true
}

func (f *reference) fall(at event.Time) (float64, bool) {
	v, earlier, ok := f.newestAndEarlier(at)
	if !ok {
		return 0, false
	}
	return float(rat(slices.Max(values(earlier))-v, 1)), true
}

func (f *reference) inRange(at event.Time) (float64, bool) {
	s := f.window(at)
	if len(s) == 0 || !f.spec.Ranged {
		return 0, false
	}
	n := 0
	for _, h := range s {
		n += bit(f.in(h))
	}
	return float(big.NewRat(int64(100*n), int64(len(s)))), true
}

// place is the middle of a step in days.
func place(step []heard) *big.Rat {
	sum := new(big.Rat).Add(big.NewRat(step[0].at, 1), big.NewRat(step[len(step)-1].at, 1))
	return sum.Quo(sum, big.NewRat(2*86_400_000, 1))
}

// bears tells whether there are three steps whose places are a quarter of the window apart.
func (f *reference) bears(steps [][]heard) bool {
	if len(steps) < 3 {
		return false
	}
	ms, before := f.grid()
	apart := new(big.Rat).Sub(place(steps[len(steps)-1]), place(steps[0]))
	return apart.Cmp(big.NewRat(ms*before, 4*86_400_000)) >= 0
}

func (f *reference) slope(at event.Time) (float64, bool) {
	steps := f.steps(at)
	if !f.bears(steps) {
		return 0, false
	}
	mx, my, n := new(big.Rat), meanOf(f.window(at)), big.NewRat(int64(len(f.window(at))), 1)
	for _, s := range steps {
		mx.Add(mx, new(big.Rat).Mul(place(s), big.NewRat(int64(len(s)), 1)))
	}
	mx.Quo(mx, n)
	num, den := new(big.Rat), new(big.Rat)
	for _, s := range steps {
		w := big.NewRat(int64(len(s)), 1)
		dx, dy := new(big.Rat).Sub(place(s), mx), new(big.Rat).Sub(meanOf(s), my)
		num.Add(num, new(big.Rat).Mul(w, new(big.Rat).Mul(dx, dy)))
		den.Add(den, new(big.Rat).Mul(w, new(big.Rat).Mul(dx, dx)))
	}
	return float(num.Quo(num, den)), true
}

func middle(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

func (f *reference) trend(at event.Time) (float64, bool) {
	steps := f.steps(at)
	if !f.bears(steps) {
		return 0, false
	}
	var slopes []float64
	for i, a := range steps {
		for _, b := range steps[i+1:] {
			dx := new(big.Rat).Sub(place(b), place(a))
			dx.Mul(dx, big.NewRat(172_800_000, 1)) // whole half milliseconds
			slopes = append(slopes, (float(meanOf(b))-float(meanOf(a)))*172_800_000/float(dx))
		}
	}
	return middle(slopes), true
}

func (f *reference) ewma(at event.Time, half int64) (float64, bool) {
	steps := f.steps(at)
	if len(steps) == 0 {
		return 0, false
	}
	num, den := 0.0, 0.0
	for _, s := range steps {
		age := new(big.Rat).Sub(place(steps[len(steps)-1]), place(s))
		w := math.Exp2(-float(age.Mul(age, big.NewRat(86_400_000, half))))
		num += w * float(total(s))
		den += w * float64(len(s))
	}
	return num / den, true
}

func (f *reference) cusum(at event.Time, target, k, sign float64) (float64, bool) {
	steps, sum := f.steps(at), 0.0
	for _, s := range steps {
		sum = math.Max(0, sum+(sign*(float(meanOf(s))-target)-k))
	}
	return sum, len(steps) > 0
}

func (f *reference) usual(at event.Time) (means []float64, ok bool) {
	newest, _ := f.newest()
	for _, s := range f.steps(at) {
		if s[len(s)-1].at <= newest.at-86_400_000 {
			means = append(means, float(meanOf(s)))
		}
	}
	return means, len(means) >= 3
}

func (f *reference) baseline(at event.Time) (float64, bool) {
	means, ok := f.usual(at)
	if !ok {
		return 0, false
	}
	return middle(means), true
}

func (f *reference) deviation(at event.Time, floor float64) (float64, bool) {
	means, ok := f.usual(at)
	s := f.window(at)
	newest, _ := f.newest()
	if !ok || s[len(s)-1] != newest {
		return 0, false
	}
	var off []float64
	for _, m := range means {
		off = append(off, math.Abs(m-middle(means)))
	}
	unit := math.Max(1.4826*middle(off), floor)
	if unit <= 0 {
		return 0, false
	}
	return (float(rat(newest.v, 1)) - middle(means)) / unit, true
}

// held is the documentation of Below and its kin.
func (f *reference) held(at event.Time, forMs int64, beyond func(heard) bool, whole bool) (bool, bool) {
	newest, ok := f.newest()
	reach := max(f.spec.ReachMs, f.spec.LengthMs)
	if !ok || int64(at)-newest.at > reach || forMs <= 0 || forMs > f.spec.LengthMs {
		return false, false
	}
	var before []heard // at least forMs older
	for _, h := range f.sorted() {
		if h.at <= newest.at-forMs && h.at >= newest.at-reach {
			before = append(before, h)
		}
	}
	all := true
	for _, h := range f.all {
		if h.at > newest.at-forMs || h == newest {
			all = all && beyond(h)
		}
	}
	if len(before) == 0 {
		return false, !all
	}
	last := before[len(before)-1]
	for _, h := range f.all {
		// The words: from that reading on. As answered: from the beginning of its step.
		if h.at >= last.at || whole && f.index(h.at) >= f.index(last.at) {
			all = all && beyond(h)
		}
	}
	return all, true
}

func (f *reference) days(at event.Time) (float64, bool) {
	seen := map[int64]bool{}
	for _, h := range f.window(at) {
		seen[f.index(h.at)] = true
	}
	return float64(len(seen)), f.spec.Days > 0
}

func (f *reference) daysInRow(at event.Time, level float64) (float64, bool) {
	days := f.steps(at)
	slices.Reverse(days)
	n := 0
	for i, d := range days {
		if float(rat(slices.Max(values(d)), 1)) < level || i > 0 && f.index(days[i-1][0].at)-f.index(d[0].at) > 2 {
			break
		}
		n++
	}
	return float64(n), len(days) > 0 && f.spec.Days > 0
}

func (f *reference) dayMean(at event.Time, days, least int) (float64, bool) {
	observed := f.steps(at)
	if len(observed) > days {
		observed = observed[len(observed)-days:]
	}
	if f.spec.Days == 0 || len(observed) < least || len(observed) < 2 {
		return 0, false
	}
	return float(meanOf(slices.Concat(observed[1:]...))), true
}
