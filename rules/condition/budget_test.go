package condition

import (
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	lang "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"golang.org/x/sys/unix"

	"tocsin/rules/expr"
	"tocsin/rules/window"
	"tocsin/streams/event"
)

// rated are rules as packs have them. Where the peers have no at_least they count, as one does in them.
var rated = []struct{ name, text, peer string }{
	{"Limit", `spo2_percent < 92`, ""},
	{"Target", `weight_kg - dry_weight_kg > 2 && (breathless || swollen)`, ""},
	{"COPD", `spo2_percent < 88 || spo2_percent < 92 && respiration_per_min > 24 && (breathless || cough)`, ""},
	{"BeatHF", `breathless ? systolic_mmhg < 90 || systolic_mmhg > 160 || pulse_per_min < 50 || pulse_per_min > 100 : ` +
		`systolic_mmhg < 80 || systolic_mmhg > 170 || pulse_per_min < 40 || pulse_per_min > 110`, ""},
	{"SIRS", `at_least(2, temperature_cel > 38 || temperature_cel < 36, pulse_per_min > 90, respiration_per_min > 20)`,
		`(temperature_cel > 38.0 || temperature_cel < 36.0 ? 1 : 0) + (pulse_per_min > 90.0 ? 1 : 0) + (respiration_per_min > 20.0 ? 1 : 0) >= 2`},
	{"NEWS2", `(respiration_per_min <= 8 || respiration_per_min >= 25 ? 3 : (respiration_per_min >= 21 ? 2 : (respiration_per_min <= 11 ? 1 : 0))) + ` +
		`(spo2_percent <= 91 ? 3 : (spo2_percent <= 93 ? 2 : (spo2_percent <= 95 ? 1 : 0))) + ` +
		`(systolic_mmhg <= 90 || systolic_mmhg >= 220 ? 3 : (systolic_mmhg <= 100 ? 2 : (systolic_mmhg <= 110 ? 1 : 0))) + ` +
		`(pulse_per_min <= 40 || pulse_per_min >= 131 ? 3 : (pulse_per_min >= 111 ? 2 : (pulse_per_min >= 91 || pulse_per_min <= 50 ? 1 : 0))) + ` +
		`(temperature_cel <= 35 ? 3 : (temperature_cel > 39 ? 2 : (temperature_cel > 38 || temperature_cel <= 36 ? 1 : 0))) >= 7`, ""},
	{"Rise", `rise(weight_kg, "72h") > 2 || rise(weight_kg, "7d") > 2.3 && count(weight_kg, "7d") >= 3`, ""},
	{"Mean", `mean(weight_kg, "7d") - dry_weight_kg > 2 && breathless`, ""},
}

var bedside = []Name{
	{"spo2_percent", expr.Number, "%", true}, {"respiration_per_min", expr.Number, "/min", true}, {"pulse_per_min", expr.Number, "/min", true},
	{"systolic_mmhg", expr.Number, "mm[Hg]", true}, {"temperature_cel", expr.Number, "Cel", true}, {"weight_kg", expr.Number, "kg", true},
	{"dry_weight_kg", expr.Number, "kg", false}, {"breathless", expr.Truth, "", true}, {"cough", expr.Truth, "", true}, {"swollen", expr.Truth, "", true},
}

// usual are where readings lie: centre and width.
var usual = map[string][2]float64{"spo2_percent": {93, 10}, "respiration_per_min": {18, 14}, "pulse_per_min": {85, 60}, "systolic_mmhg": {125, 80},
	"temperature_cel": {37.3, 4}, "weight_kg": {81, 4}, "dry_weight_kg": {79, 2}}

// shown is what both sides judge: sixteen looks, in the form that each of them reads fastest.
type shown struct {
	views []*expr.View
	cel   []cel.Activation
	lang  []map[string]any
	held  map[string]*window.Window // by length
	at    event.Time
}

func showing(tb testing.TB, l *expr.Layout) *shown {
	tb.Helper()
	r := rand.New(rand.NewPCG(5, 0))
	s := &shown{at: 1_772_400_000_000, held: map[string]*window.Window{}}
	for _, length := range []int64{3, 7} {
		w := window.New(window.Spec{LengthMs: length * 86_400_000})
		for day := range event.Time(length) {
			w.Add(s.at-day*86_400_000, event.Int(80)+event.Decimal(r.IntN(3_000_000)), false)
		}
		s.held[expr.LengthText(length*86_400_000)] = w
	}
	s.held["72h"] = s.held["3d"]
	for range 16 {
		view, plain, boxed := &expr.View{At: s.at}, map[string]any{}, map[string]any{}
		for i, n := range l.Names() {
			_, k, _ := l.Slot(n)
			if k == expr.Truth {
				t := r.IntN(3) == 0
				view.SetTruth(i, t)
				plain[n], boxed[n] = t, types.Bool(t)
				continue
			}
			x := float64(int((usual[n][0]+usual[n][1]*(r.Float64()-0.5))*10)) / 10
			view.Set(i, x)
			plain[n], boxed[n] = x, types.Double(x)
		}
		for _, need := range l.Windows {
			view.Windows = append(view.Windows, s.held[expr.LengthText(need.Spec.LengthMs)])
		}
		act, err := cel.NewActivation(boxed)
		if err != nil {
			tb.Fatal(err)
		}
		s.bind(plain)
		s.views, s.cel, s.lang = append(s.views, view), append(s.cel, act), append(s.lang, plain)
	}
	return s
}

// reads are the functions that the rated rules use, over the same windows.
func (s *shown) reads() map[string]func(string, string) float64 {
	read := func(f func(*window.Window, event.Time) (float64, bool)) func(string, string) float64 {
		return func(_, length string) float64 { x, _ := f(s.held[length], s.at); return x }
	}
	return map[string]func(string, string) float64{"rise": read((*window.Window).Rise), "mean": read((*window.Window).Mean), "count": read((*window.Window).Count)}
}

func (s *shown) bind(env map[string]any) {
	for name, f := range s.reads() {
		env[name] = f
	}
}

// peers compiles a rule for cel-go, with its optimizer on, and for expr-lang.
func (s *shown) peers(tb testing.TB, text string) (cel.Program, *vm.Program) {
	tb.Helper()
	opts := []cel.EnvOption{cel.ClearMacros()}
	for _, n := range bedside {
		opts = append(opts, cel.Variable(n.Name, celType(n.Kind)))
	}
	for name, f := range s.reads() {
		opts = append(opts, cel.Macros(cel.GlobalVarArgMacro(name, named(name))),
			cel.Function(name, cel.Overload(name, []*cel.Type{cel.StringType, cel.StringType}, cel.DoubleType, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Double(f(string(a.(types.String)), string(b.(types.String))))
			}))))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		tb.Fatal(issues.Err())
	}
	pointed(parsed.NativeRep().Expr())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		tb.Fatal(issues.Err())
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		tb.Fatal(err)
	}
	other, err := lang.Compile(quoted(text), lang.Env(s.lang[0]), lang.AsBool())
	if err != nil {
		tb.Fatal(err)
	}
	return program, other
}

// quoted writes rise(weight_kg, "7d") as rise("weight_kg", "7d"): expr-lang has no macros.
func quoted(text string) string {
	return seriesIn.ReplaceAllString(text, `$1("$2"`)
}

var seriesIn = regexp.MustCompile(`\b(rise|mean|count)\((\w+)`)

// spent is the CPU time of this thread in ns: the machine has other work.
func spent() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// each answers the ns that one call of f takes, out of n.
func each(n int, f func(n int)) float64 {
	from := spent()
	f(n)
	return float64(spent()-from) / float64(n)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// BenchmarkBudget5 is budget 5: a rule of a pack against the same rule in cel-go and expr-lang. Peers and ours take turns on one
// thread; what counts is the ratio of the medians of the CPU time a look takes.
func BenchmarkBudget5(b *testing.B) {
	for _, r := range rated {
		b.Run(r.name, func(b *testing.B) {
			l := &expr.Layout{}
			ours, s := compiled(b, l, r.text)
			peer := r.text
			if r.peer != "" {
				peer = r.peer
			}
			inCEL, inLang := s.peers(b, peer)
			same(b, s, ours, inCEL, inLang)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var own, byCEL, byLang []float64
			var machine vm.VM
			held := 0
			b.ReportAllocs()
			for b.Loop() {
				own = append(own, each(20_000, func(n int) {
					for i := range n {
						held += int(ours(s.views[i&15]))
					}
				}))
				byCEL = append(byCEL, each(500, func(n int) {
					for i := range n {
						_, _, _ = inCEL.Eval(s.cel[i&15]) // same has compared what comes out
					}
				}))
				byLang = append(byLang, each(500, func(n int) {
					for i := range n {
						_, _ = machine.Run(inLang, s.lang[i&15]) // likewise
					}
				}))
			}
			b.ReportMetric(median(own), "ns/look")
			b.ReportMetric(median(byCEL)/median(own), "x-cel-go")
			b.ReportMetric(median(byLang)/median(own), "x-expr-lang")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func compiled(tb testing.TB, l *expr.Layout, text string) (func(*expr.View) expr.Tri, *shown) {
	tb.Helper()
	env, err := New(bedside)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := env.Truth(text)
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range bedside {
		if _, err := l.Declare(n.Name, n.Kind); err != nil {
			tb.Fatal(err)
		}
	}
	f, err := l.Truth(e)
	if err != nil {
		tb.Fatal(err)
	}
	return f, showing(tb, l)
}

// same fails when the three do not answer alike.
func same(tb testing.TB, s *shown, ours func(*expr.View) expr.Tri, inCEL cel.Program, inLang *vm.Program) {
	tb.Helper()
	for i, v := range s.views {
		a := ours(v)
		b, _, err := inCEL.Eval(s.cel[i])
		if err != nil {
			tb.Fatal(err)
		}
		c, err := lang.Run(inLang, s.lang[i])
		if err != nil {
			tb.Fatal(err)
		}
		if expr.Of(b.Value().(bool)) != a || expr.Of(c.(bool)) != a {
			tb.Fatalf("look %d: ours %s, cel-go %v, expr-lang %v", i, a, b, c)
		}
	}
}

func TestBudget5_AllocatesNothing(t *testing.T) {
	for _, r := range rated {
		l := &expr.Layout{}
		f, s := compiled(t, l, r.text)
		v := s.views[0]
		if n := testing.AllocsPerRun(100, func() { f(v) }); n != 0 {
			t.Errorf("%s allocates %v times", r.name, n)
		}
		blank := &expr.View{At: s.at}
		if n := testing.AllocsPerRun(100, func() { f(blank) }); n != 0 {
			t.Errorf("%s over nothing allocates %v times", r.name, n)
		}
	}
}
