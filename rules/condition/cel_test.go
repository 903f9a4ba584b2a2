package condition

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"pgregory.net/rapid"

	"tocsin/rules/expr"
	"tocsin/rules/window"
	"tocsin/streams/event"
)

// Here closures are held against cel-go. A condition is drawn and written twice: as a pack writes it, and as plain CEL, in
// which a missing value is an error, at_least is spelled out as || of &&, and arithmetic is wrapped so that a result that is
// no number is an error too. The windows of the two sides are built apart, from the same readings.

var (
	numbers = []string{"na", "nb", "nc", "nd"}
	truths  = []string{"ta", "tb", "tc"}
	trodden = []string{"na", "nb", "ta"} // with readings
	spans   = []string{"90m", "24h", "3d", "7d"}
	bounds  = []string{"0", "1", "2", "3", "5", "-1", "2.5"}
)

// choices draws from bytes; when they have run out it always draws the first, which ends every recursion.
type choices struct{ bytes []byte }

func (c *choices) of(n int) int {
	if len(c.bytes) == 0 {
		return 0
	}
	b := c.bytes[0]
	c.bytes = c.bytes[1:]
	return int(b) % n
}

func (c *choices) word(words []string) string { return words[c.of(len(words))] }

// twice is one part of a condition: as a pack has it, and as plain CEL.
type twice struct{ pack, cel string }

func both(format string, parts ...twice) twice {
	var pack, plain []any
	for _, p := range parts {
		pack, plain = append(pack, p.pack), append(plain, p.cel)
	}
	return twice{fmt.Sprintf(format, pack...), fmt.Sprintf(format, plain...)}
}

func name(n string) twice { return twice{n, n} }

func literal(s string) twice {
	if strings.Contains(s, ".") {
		return twice{s, s}
	}
	return twice{s, s + ".0"}
}

func (c *choices) truth(depth int) twice {
	if depth == 0 {
		return c.test()
	}
	switch c.of(12) {
	case 0, 1, 2:
		return c.test()
	case 3, 4:
		return c.joined(" && ", depth)
	case 5, 6:
		return c.joined(" || ", depth)
	case 7:
		return both("!(%s)", c.truth(depth-1))
	case 8:
		return both("(%s ? %s : %s)", c.truth(depth-1), c.truth(depth-1), c.truth(depth-1))
	case 9:
		return c.some(depth)
	case 10:
		return both("(("+"%s) "+c.word([]string{"==", "!="})+" (%s))", c.truth(depth-1), c.truth(depth-1))
	default:
		return c.held(depth)
	}
}

func (c *choices) test() twice {
	op := c.word([]string{"<", "<=", ">", ">=", "==", "!="})
	switch c.of(6) {
	case 0, 1:
		return both("(%s "+op+" %s)", name(c.word(numbers)), literal(c.word(bounds)))
	case 2:
		return both("(%s "+op+" %s)", literal(c.word(bounds)), name(c.word(numbers)))
	case 3:
		return name(c.word(truths))
	case 4:
		return name(c.word([]string{"true", "false"}))
	default:
		return both("(%s "+op+" %s)", c.number(2), c.number(1))
	}
}

func (c *choices) joined(op string, depth int) twice {
	parts := make([]twice, 2+c.of(3))
	for i := range parts {
		parts[i] = c.truth(depth - 1)
	}
	return both("("+strings.Repeat("%s"+op, len(parts)-1)+"%s)", parts...)
}

// some spells at_least out: one of all choices of k holds. With Kleene's logic that is the same.
func (c *choices) some(depth int) twice {
	parts := make([]twice, 1+c.of(4))
	for i := range parts {
		parts[i] = c.truth(depth - 1)
	}
	k := 1 + c.of(len(parts))
	var pack, groups []string
	for _, p := range parts {
		pack = append(pack, p.pack)
	}
	for set := range 1 << len(parts) {
		var group []string
		for i, p := range parts {
			if set>>i&1 == 1 {
				group = append(group, p.cel)
			}
		}
		if len(group) == k {
			groups = append(groups, "("+strings.Join(group, " && ")+")")
		}
	}
	return twice{fmt.Sprintf("at_least(%d, %s)", k, strings.Join(pack, ", ")), "(" + strings.Join(groups, " || ") + ")"}
}

func (c *choices) number(depth int) twice {
	if depth == 0 {
		return name(c.word(numbers))
	}
	switch c.of(7) {
	case 0:
		return name(c.word(numbers))
	case 1:
		return literal(c.word(bounds))
	case 2, 3:
		sum := both("(%s "+c.word([]string{"+", "-", "*", "/"})+" %s)", c.number(depth-1), c.number(depth-1))
		return twice{sum.pack, "finite" + sum.cel}
	case 4:
		return both("(-%s)", c.number(depth-1))
	case 5:
		return both("(%s ? %s : %s)", c.truth(1), c.number(depth-1), c.number(depth-1))
	default:
		return c.function(depth)
	}
}

func (c *choices) held(depth int) twice { return c.call("truth", depth) }

func (c *choices) function(depth int) twice { return c.call("number", depth) }

// call draws a function with arguments that fit.
func (c *choices) call(kind string, depth int) twice {
	var all []expr.Function
	for _, f := range expr.Functions {
		if f.Kind.String() == kind {
			all = append(all, f)
		}
	}
	return c.with(all[c.of(len(all))], depth)
}

func (c *choices) with(f expr.Function, depth int) twice {
	series := c.word(trodden)
	pack, plain := []string{series}, []string{strconv.Quote(series)}
	for _, p := range f.Params {
		a := c.argument(f, p, depth)
		pack, plain = append(pack, a.pack), append(plain, a.cel)
	}
	if f.Name == "in_range" {
		pack[2], plain[2] = "4", "4.0" // not below what the lower bound may be
		pack[1], plain[1] = "1", "1.0"
		if c.of(2) == 1 {
			pack[1], plain[1] = "2", "2.0"
		}
	}
	return twice{f.Name + "(" + strings.Join(pack, ", ") + ")", f.Name + "(" + strings.Join(plain, ", ") + ")"}
}

func (c *choices) argument(f expr.Function, p expr.Param, depth int) twice {
	switch p {
	case expr.Length:
		if f.Name == "ewma" {
			return both("%s", name(`"36h"`))
		}
		return name(strconv.Quote(c.word(spans)))
	case expr.Days:
		return name(strconv.Quote(c.word([]string{"2d", "7d"})))
	case expr.Count:
		return literal(c.word([]string{"3", "7", "2"}))
	case expr.Fixed:
		return literal("1")
	default:
		return c.number(depth - 1)
	}
}

// look is one patient at one moment: what is known of the names, and the readings of the series.
type look struct {
	at       event.Time
	known    map[string]float64
	readings map[string][]window.Point
}

func (c *choices) look() look {
	k := look{at: event.Time(1_772_400_000_000) + event.Time(c.of(200))*7_654_321, known: map[string]float64{}, readings: map[string][]window.Point{}}
	for _, n := range numbers {
		if v := c.of(8); v > 0 {
			k.known[n] = float64(v-3) / 2 * 2.5
		}
	}
	for _, n := range truths {
		if v := c.of(4); v > 0 {
			k.known[n] = float64(v & 1)
		}
	}
	for _, n := range trodden {
		at := k.at - event.Time(c.of(3))*600_000
		for range c.of(12) {
			k.readings[n] = append(k.readings[n], window.Point{At: at, Value: event.Int(int64(c.of(7)))})
			at -= event.Time(1+c.of(90)) * 1_234_567
		}
	}
	return k
}

// fill is the look as the rules show it to closures.
func (k look) fill(l *expr.Layout) *expr.View {
	v := &expr.View{At: k.at}
	for i, n := range l.Names() {
		if x, ok := k.known[n]; ok {
			v.Set(i, x)
		}
	}
	for _, n := range l.Windows {
		v.Windows = append(v.Windows, k.window(n.Series, n.Spec))
	}
	for _, n := range l.Recents {
		v.Recents = append(v.Recents, k.recent(n))
	}
	return v
}

// window is nil when there is no reading.
func (k look) window(series string, s window.Spec) *window.Window {
	if len(k.readings[series]) == 0 {
		return nil
	}
	w := window.New(s)
	for _, p := range k.readings[series] {
		w.Add(p.At, p.Value, false)
	}
	return w
}

func (k look) recent(series string) expr.Recent {
	var r expr.Recent
	for i, p := range k.readings[series] {
		switch i {
		case 0:
			r.At, r.Last, r.Count = p.At, p.Value.Float(), 1
		case 1:
			r.Previous, r.Count = p.Value.Float(), 2
		}
	}
	return r
}

// values is the look as CEL sees it: what is not known is not there.
func (k look) values() map[string]any {
	m := map[string]any{}
	for n, x := range k.known {
		m[n] = x
		if slices.Contains(truths, n) {
			m[n] = x == 1
		}
	}
	return m
}

var errUnknown = errors.New("not known")

// answer is what a function of the pack says at this look, worked out apart from closures.
func (k look) answer(f string, args []ref.Val) (float64, bool) {
	series, num := string(args[0].(types.String)), []float64{}
	var length int64
	for _, a := range args[1:] {
		switch a := a.(type) {
		case types.Double:
			num = append(num, float64(a))
		case types.String:
			n, _ := strconv.ParseInt(string(a[:len(a)-1]), 10, 64)
			length = n * map[byte]int64{'m': 60_000, 'h': 3_600_000, 'd': 86_400_000}[a[len(a)-1]]
		}
	}
	spec := window.Spec{LengthMs: length}
	of := func(s window.Spec) *window.Window {
		if w := k.window(series, s); w != nil {
			return w
		}
		return window.New(s)
	}
	held := func(holds, known bool) (float64, bool) { return map[bool]float64{true: 1}[holds], known }
	const days = window.MaxDays
	reach := window.Held(length, min(max(length+86_400_000, 2*86_400_000), window.MaxLengthMs))
	r := k.recent(series)
	switch f {
	case "last":
		return r.Last, r.Count > 0
	case "previous":
		return r.Previous, r.Count > 1
	case "change":
		return r.Last - r.Previous, r.Count > 1
	case "age":
		return float64(k.at-r.At) / 60_000, r.Count > 0
	case "mean":
		return of(spec).Mean(k.at)
	case "min":
		return of(spec).Min(k.at)
	case "max":
		return of(spec).Max(k.at)
	case "count":
		return of(spec).Count(k.at)
	case "spread":
		return of(spec).Spread(k.at)
	case "delta":
		return of(spec).Delta(k.at)
	case "rise":
		return of(spec).Rise(k.at)
	case "fall":
		return of(spec).Fall(k.at)
	case "slope":
		return of(spec).Slope(k.at)
	case "trend":
		return of(spec).Trend(k.at)
	case "ewma":
		return of(window.Spec{LengthMs: 5 * length}).EWMA(k.at, length)
	case "cusum_up":
		return of(spec).CusumUp(k.at, num[0], num[1])
	case "cusum_down":
		return of(spec).CusumDown(k.at, num[0], num[1])
	case "baseline":
		return of(spec).Baseline(k.at)
	case "deviation":
		return of(spec).Deviation(k.at, num[0])
	case "in_range":
		lo, hi := event.Int(int64(num[0])), event.Int(int64(num[1]))
		return of(window.Spec{LengthMs: length, Ranged: true, Low: lo, High: hi, AltLow: lo, AltHigh: hi}).InRange(k.at)
	case "days":
		return of(window.Spec{Days: int(length / 86_400_000), ZoneMin: zone}).Days(k.at)
	case "days_in_row":
		return of(window.Spec{Days: days, ZoneMin: zone}).DaysInRow(k.at, num[0])
	case "day_mean":
		return of(window.Spec{Days: days, ZoneMin: zone}).DayMean(k.at, int(num[0]), int(num[1]))
	case "below":
		return held(of(reach).Below(k.at, num[0], length))
	case "above":
		return held(of(reach).Above(k.at, num[0], length))
	case "at_most":
		return held(of(reach).AtMost(k.at, num[0], length))
	case "at_least":
		return held(of(reach).AtLeast(k.at, num[0], length))
	}
	panic("no function " + f)
}

const zone = 480

// reference is cel-go with the functions bound to whatever look is set.
type reference struct {
	env  *cel.Env
	look look
}

func newReference(tb testing.TB) *reference {
	r := &reference{}
	opts := []cel.EnvOption{cel.Function("finite", cel.Overload("finite_double", []*cel.Type{cel.DoubleType}, cel.DoubleType,
		cel.UnaryBinding(func(x ref.Val) ref.Val {
			if f := float64(x.(types.Double)); math.IsNaN(f) || math.IsInf(f, 0) {
				return types.WrapErr(errUnknown)
			}
			return x
		})))}
	for _, n := range numbers {
		opts = append(opts, cel.Variable(n, cel.DoubleType))
	}
	for _, n := range truths {
		opts = append(opts, cel.Variable(n, cel.BoolType))
	}
	for _, f := range expr.Functions {
		opts = append(opts, cel.Function(f.Name, append(overloads(f)[:1], cel.SingletonFunctionBinding(r.bind(f)))...))
	}
	var err error
	if r.env, err = cel.NewEnv(opts...); err != nil {
		tb.Fatal(err)
	}
	return r
}

func (r *reference) bind(f expr.Function) func(args ...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		x, ok := r.look.answer(f.Name, args)
		switch {
		case !ok:
			return types.WrapErr(errUnknown)
		case f.Kind == expr.Truth:
			return types.Bool(x == 1)
		default:
			return types.Double(x)
		}
	}
}

// program compiles plain CEL.
func (r *reference) program(text string) (cel.Program, error) {
	tree, issues := r.env.Compile(text)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	return r.env.Program(tree)
}

func (r *reference) truth(p cel.Program, k look) expr.Tri {
	r.look = k
	out, _, err := p.Eval(k.values())
	if err != nil {
		return expr.Unknown
	}
	return expr.Of(out.Value().(bool))
}

// drawn is the Env of what is drawn. Its names have no units.
func drawn(tb testing.TB) *Env {
	var names []Name
	for _, n := range numbers {
		names = append(names, Name{n, expr.Number, "", slices.Contains(trodden, n)})
	}
	for _, n := range truths {
		names = append(names, Name{n, expr.Truth, "", slices.Contains(trodden, n)})
	}
	e, err := New(names)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Fatalf(format string, args ...any)
}

// agree draws a condition and some looks, and fails when closures and cel-go do not say the same.
func agree(t failer, env *Env, peer *reference, bytes []byte) {
	c := &choices{bytes}
	text := c.truth(1 + c.of(4))
	program, err := peer.program(text.cel)
	if err != nil {
		t.Fatalf("cel-go refuses what is drawn: %s: %v", text.cel, err)
	}
	e, err := env.Truth(text.pack)
	if err != nil {
		t.Fatalf("%s is refused: %v", text.pack, err)
	}
	l := &expr.Layout{ZoneMin: zone}
	for i, n := range append(slices.Clone(truths), numbers...) {
		k := expr.Number
		if i < len(truths) {
			k = expr.Truth
		}
		if _, err := l.Declare(n, k); err != nil {
			t.Fatalf("%v", err)
		}
	}
	ours, err := l.Truth(e)
	if err != nil {
		t.Fatalf("no closure of %s: %v", e, err)
	}
	unknowns, err := l.Unknowns(e)
	if err != nil {
		t.Fatalf("no unknowns of %s: %v", e, err)
	}
	for range 4 {
		look := c.look()
		view := look.fill(l)
		got, want := ours(view), peer.truth(program, look)
		if got != want {
			t.Fatalf("%s is %s, and by cel-go %s\nwritten %s\nin CEL  %s\n%+v", e, got, want, text.pack, text.cel, look)
		}
		if missing := unknowns(view, nil); (len(missing) > 0) != (want == expr.Unknown) {
			t.Fatalf("%s is %s and %v is not known\n%+v", e, got, missing, look)
		}
	}
}

func TestRUL9_ClosuresAnswerAsCELDoes(t *testing.T) {
	env, peer := drawn(t), newReference(t)
	rapid.Check(t, func(t *rapid.T) {
		agree(t, env, peer, rapid.SliceOfN(rapid.Byte(), 80, 400).Draw(t, "bytes"))
	})
}

// Each function by itself, over many looks, and known in some of them.
func TestRUL9_EveryFunctionReadsItsWindow(t *testing.T) {
	env, peer := drawn(t), newReference(t)
	r := rand.New(rand.NewPCG(3, 0))
	bytes := make([]byte, 200)
	for _, f := range expr.Functions {
		known := 0
		for range 60 {
			for i := range bytes {
				bytes[i] = byte(r.Uint32())
			}
			c := &choices{bytes}
			text := c.with(f, 1)
			e, err := env.read(text.pack, f.Kind)
			if err != nil {
				t.Fatalf("%s: %v", text.pack, err)
			}
			l, look := &expr.Layout{ZoneMin: zone}, c.look()
			for _, n := range numbers {
				if _, err := l.Declare(n, expr.Number); err != nil {
					t.Fatal(err)
				}
			}
			got, ok := value(t, l, e, f.Kind, look)
			program, err := peer.program(text.cel)
			if err != nil {
				t.Fatal(err)
			}
			peer.look = look
			out, _, err := program.Eval(look.values())
			if (err == nil) != ok || ok && got != out.Value() {
				t.Errorf("%s is %v (known: %v), and by cel-go %v (%v)\n%+v", text.pack, got, ok, out, err, look)
			}
			if ok {
				known++
			}
		}
		if known < 5 || f.Kind == expr.Number && f.Name != "count" && f.Name != "days" && known == 60 {
			t.Errorf("%s was known in %d of 60 looks", f.Name, known)
		}
	}
}

// value is what a closure of e answers, as CEL has it.
func value(t *testing.T, l *expr.Layout, e expr.Expr, k expr.Kind, look look) (any, bool) {
	t.Helper()
	if k == expr.Truth {
		f, err := l.Truth(e)
		if err != nil {
			t.Fatal(err)
		}
		view := look.fill(l)
		got := f(view)
		idle(t, e, func() { f(view) })
		return got == expr.True, got != expr.Unknown
	}
	f, err := l.Number(e)
	if err != nil {
		t.Fatal(err)
	}
	view := look.fill(l)
	x, ok := f(view)
	idle(t, e, func() { f(view) })
	return x, ok
}

func idle(t *testing.T, e expr.Expr, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(1, f); n != 0 {
		t.Errorf("%s allocates %v times", e, n)
	}
}

func FuzzTruthAgainstCEL(f *testing.F) {
	env, peer := drawn(f), newReference(f)
	for i := range 64 {
		seed := make([]byte, 200)
		for j := range seed {
			seed[j] = byte(i*j*j + 31*j + 7*i)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 1000 {
			return
		}
		agree(t, env, peer, bytes)
	})
}
