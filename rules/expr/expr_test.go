package expr

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/rules/window"
	"tocsin/streams/event"
)

func num(x float64) Expr { return Expr{Op: LiteralNumber, Number: x} }

func named(n string) Expr { return Expr{Op: Var, Name: n} }

func op(o Op, args ...Expr) Expr { return Expr{Op: o, Args: args} }

func call(f, series string, ms int64, args ...Expr) Expr {
	return Expr{Op: Call, Func: f, Name: series, LengthMs: ms, Args: args}
}

func layout(t testing.TB, numbers, truths string) *Layout {
	t.Helper()
	l := &Layout{}
	for i, names := range []string{numbers, truths} {
		for _, n := range strings.Fields(names) {
			if _, err := l.Declare(n, Kind(i+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l
}

func TestRUL9_KleeneLogic(t *testing.T) {
	all := []Tri{True, False, Unknown}
	for i, row := range []string{"true false unknown", "false false false", "unknown false unknown"} {
		for j, want := range strings.Fields(row) {
			if got := all[i].And(all[j]); got.String() != want {
				t.Errorf("%s && %s is %s, want %s", all[i], all[j], got, want)
			}
			if got := all[i].Not().Or(all[j].Not()).Not(); got.String() != want {
				t.Errorf("!(!%s || !%s) is %s, want %s", all[i], all[j], got, want)
			}
		}
	}
	if Of(true) != True || Of(false) != False || Unknown.Not() != Unknown {
		t.Error("Of or Not answers wrong")
	}
}

// Every bound of every comparison, with the float64 next to it on both sides.
func TestRUL9_BoundsAreExact(t *testing.T) {
	l := layout(t, "x y", "")
	holds := map[Op]func(x, y float64) bool{
		Less: func(x, y float64) bool { return x < y }, AtMost: func(x, y float64) bool { return x <= y },
		Greater: func(x, y float64) bool { return x > y }, AtLeast: func(x, y float64) bool { return x >= y },
		Equal: func(x, y float64) bool { return x == y }, Differs: func(x, y float64) bool { return x != y },
	}
	for o, want := range holds {
		for _, bound := range []float64{92, 37.2, 0, -0.5, 1e9, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64} {
			written := map[string]Expr{
				"x to number": op(o, named("x"), num(bound)), "number to x": op(mirrored[o], num(bound), named("x")), "x to y": op(o, named("x"), named("y")),
				"sum to number": op(o, op(Plus, named("x"), num(0)), num(bound)), "sum to y": op(o, op(Plus, named("x"), num(0)), named("y")),
			}
			for how, e := range written {
				f, err := l.Truth(e)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range []float64{bound, math.Nextafter(bound, math.Inf(1)), math.Nextafter(bound, math.Inf(-1)), -bound} {
					if math.IsInf(x, 0) {
						continue
					}
					v := &View{}
					v.Set(0, x)
					v.Set(1, bound)
					if got := f(v); got != Of(want(x, bound)) {
						t.Errorf("%s: %v %s %v is %s", how, x, o, bound, got)
					}
					v.Forget(0)
					if got := f(v); got != Unknown {
						t.Errorf("%s: unknown %s %v is %s", how, o, bound, got)
					}
				}
			}
		}
	}
}

// A table looks up what the long way works out, for any number of questions and any that is not known.
func TestRUL9_TablesAnswerAsTheLongWayDoes(t *testing.T) {
	l := layout(t, "a b c d e f g h i j k m n o", "p q")
	names := l.Names()
	var truths *rapid.Generator[Expr]
	truths = rapid.Custom(func(t *rapid.T) Expr {
		switch o := rapid.SampledFrom([]Op{Less, AtMost, Equal, Differs, Greater, AtLeast, Var, Var, Not, And, Or, And, Or, Some, If}).Draw(t, "op"); o {
		case Var:
			return named(rapid.SampledFrom(names[14:]).Draw(t, "name"))
		case Not:
			return op(o, truths.Draw(t, "part"))
		case If:
			return op(o, truths.Draw(t, "ask"), truths.Draw(t, "then"), truths.Draw(t, "other"))
		case And, Or, Some:
			e := op(o, rapid.SliceOfN(truths, 2, 5).Draw(t, "parts")...)
			if o == Some {
				e.Number = float64(rapid.IntRange(1, len(e.Args)).Draw(t, "least"))
			}
			return e
		default:
			return op(o, named(rapid.SampledFrom(names[:14]).Draw(t, "name")), num(float64(rapid.IntRange(0, 3).Draw(t, "bound"))))
		}
	})
	sizes := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		e := truths.Draw(t, "e")
		f, err := l.Truth(e)
		if err != nil {
			return // too deep or too large
		}
		if table, ok := l.tableOf(e, maxCells); ok {
			sizes[len(table.fours())]++
		}
		for range 6 {
			v := &View{}
			for i := range names {
				if x := rapid.IntRange(-2, 4).Draw(t, "x"); x >= -1 {
					v.Set(i, math.Max(0, float64(x)))
				}
				if i >= 14 && v.Known[0]>>i&1 == 1 {
					v.SetTruth(i, v.Value[i] > 1)
				}
			}
			if got, want := f(v), slow(l, e, v); got != want {
				t.Fatalf("%s is %s, want %s", e, got, want)
			}
		}
	})
	for _, n := range []int{1, 2} {
		if sizes[n] == 0 {
			t.Errorf("no table of %d times four questions was drawn: %v", n, sizes)
		}
	}
}

// slow is what a truth over names means, word by word.
func slow(l *Layout, e Expr, v *View) Tri {
	switch e.Op {
	case Var:
		i, _, _ := l.Slot(e.Name)
		if v.Known[i/64]>>(i%64)&1 == 0 {
			return Unknown
		}
		return Of(v.Value[i] == 1)
	case Not:
		return slow(l, e.Args[0], v).Not()
	case If:
		switch slow(l, e.Args[0], v) {
		case True:
			return slow(l, e.Args[1], v)
		case False:
			return slow(l, e.Args[2], v)
		}
		return Unknown
	case And, Or, Some:
		count := map[Tri]int{}
		for _, a := range e.Args {
			count[slow(l, a, v)]++
		}
		least := map[Op]int{And: len(e.Args), Or: 1, Some: int(e.Number)}[e.Op]
		switch {
		case count[True] >= least:
			return True
		case count[True]+count[Unknown] < least:
			return False
		}
		return Unknown
	}
	i, _, _ := l.Slot(e.Args[0].Name)
	if v.Known[i/64]>>(i%64)&1 == 0 {
		return Unknown
	}
	x, y := v.Value[i], e.Args[1].Number
	return Of(map[Op]bool{Less: x < y, AtMost: x <= y, Equal: x == y, Differs: x != y, Greater: x > y, AtLeast: x >= y}[e.Op])
}

func TestRUL9_WideTables(t *testing.T) {
	l := layout(t, "a b c d e f g h i j k m n o", "")
	for n := 1; n <= 14; n++ {
		for _, o := range []Op{And, Or} {
			e := op(o)
			for i := range n {
				e.Args = append(e.Args, op(Less, named(l.Names()[i]), num(1)))
			}
			if n == 1 {
				e = e.Args[0]
			}
			f, err := l.Truth(e)
			if err != nil {
				t.Fatal(err)
			}
			for set := range 1 << n {
				v := &View{}
				for i := range n {
					v.Set(i, float64(set>>i&1))
				}
				if got, want := f(v), slow(l, e, v); got != want {
					t.Fatalf("%s of %b is %s, want %s", e, set, got, want)
				}
			}
		}
	}
}

func TestRUL9_ArithmeticThatIsNoNumberIsUnknown(t *testing.T) {
	l := layout(t, "x y", "")
	for text, e := range map[string]Expr{
		"x / 0": op(Over, named("x"), num(0)), "x / y": op(Over, named("x"), named("y")), "0 / 0": op(Over, num(0), num(0)),
		"x * max": op(Times, named("x"), num(math.MaxFloat64)), "-(x / y)": op(Negate, op(Over, named("x"), named("y"))),
	} {
		f, err := l.Number(e)
		if err != nil {
			t.Fatal(err)
		}
		v := &View{}
		v.Set(0, 5)
		v.Set(1, 0)
		if x, ok := f(v); ok {
			t.Errorf("%s of 5 and 0 is %v", text, x)
		}
	}
	l = layout(t, "", "p")
	choice := func(then, other float64) Expr { return op(If, named("p"), num(then), num(other)) }
	f, err := l.Truth(op(Greater, op(Over, choice(1, 2), choice(0, 4)), num(0.4)))
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[bool]Tri{true: Unknown, false: True} {
		v := &View{}
		v.SetTruth(0, p)
		if got := f(v); got != want {
			t.Errorf("a quotient that is chosen is %s when %v", got, p)
		}
	}
	v := &View{}
	v.Set(0, math.NaN())
	v.Set(1, math.Inf(1))
	if v.Known != [2]uint64{} {
		t.Error("what is no number is known")
	}
}

func TestRUL9_UnknownsAreNamed(t *testing.T) {
	l := layout(t, "spo2_percent weight_kg dry_weight_kg", "fever pregnant")
	low := op(Less, named("spo2_percent"), num(92))
	gain := op(Greater, op(Minus, named("weight_kg"), named("dry_weight_kg")), num(2))
	usual := call("baseline", "weight_kg", 14*dayMs)
	for name, c := range map[string]struct {
		e     Expr
		known map[string]float64
		want  string
	}{
		"nothing is missing":                     {op(And, low, named("fever")), map[string]float64{"spo2_percent": 90, "fever": 1}, ""},
		"one side is missing":                    {op(And, low, named("fever")), map[string]float64{"spo2_percent": 90}, "fever"},
		"the other decides":                      {op(And, low, named("fever")), map[string]float64{"spo2_percent": 95}, ""},
		"both sides are missing":                 {op(And, low, named("fever")), nil, "spo2_percent; fever"},
		"what is missing twice is named once":    {op(Or, low, op(And, low, gain)), map[string]float64{"weight_kg": 1}, "spo2_percent; dry_weight_kg"},
		"the question of a choice":               {op(If, named("fever"), low, gain), nil, "fever"},
		"only the side that is chosen":           {op(If, named("fever"), low, gain), map[string]float64{"fever": 0, "weight_kg": 80}, "dry_weight_kg"},
		"a function of too few readings":         {op(Greater, op(Minus, named("weight_kg"), usual), num(2)), map[string]float64{"weight_kg": 80}, `baseline(weight_kg, "14d")`},
		"an argument, not the function":          {call("below", "spo2_percent", dayMs, named("dry_weight_kg")), nil, "dry_weight_kg"},
		"arithmetic whose result is no number":   {op(Less, op(Over, named("weight_kg"), num(0)), num(1)), map[string]float64{"weight_kg": 80}, "weight_kg / 0"},
		"at_least names all that is not decided": {Expr{Op: Some, Number: 2, Args: []Expr{low, named("fever"), named("pregnant")}}, map[string]float64{"spo2_percent": 90}, "fever; pregnant"},
	} {
		f, err := l.Unknowns(c.e)
		if err != nil {
			t.Fatal(err)
		}
		v := &View{}
		for n, x := range c.known {
			i, _, _ := l.Slot(n)
			v.Set(i, x)
		}
		var got []string
		for _, e := range f(v, nil) {
			got = append(got, e.String())
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}

func TestRUL9_NothingIsMadeOfUnsoundData(t *testing.T) {
	deep, wide := named("t"), op(And)
	for range MaxDepth {
		deep = op(Not, deep)
	}
	for range MaxParts {
		wide.Args = append(wide.Args, named("t"))
	}
	l := layout(t, "x y", "t")
	for want, e := range map[string]Expr{
		"z is not declared":                                                             op(Less, named("z"), num(1)),
		"x is a number, not a truth":                                                    named("x"),
		`"^" is no operator of conditions`:                                              op("^", named("t")),
		"&& takes 2 to 2048 parts, not 1":                                               op(And, named("t")),
		"x is a number where a truth is wanted":                                         op(And, named("t"), named("x")),
		"t is a truth where a number is wanted":                                         op(Less, named("t"), num(1)),
		"< takes 2 to 2 parts, not 0":                                                   op(Less),
		"?: takes 3 parts, not 2":                                                       op(If, named("t"), named("t")),
		"== takes 2 parts, not 3":                                                       op(Equal, named("t"), named("t"), named("t")),
		"at_least(3, t, t): the number does not fit":                                    {Op: Some, Number: 3, Args: []Expr{named("t"), named("t")}},
		"at_least(1.5, t, t): the number does not fit":                                  {Op: Some, Number: 1.5, Args: []Expr{named("t"), named("t")}},
		"NaN: the number does not fit":                                                  op(Less, named("x"), num(math.NaN())),
		`median(x): no function of conditions`:                                          op(Less, call("median", "x", 0), num(1)),
		`below(, 1, "24h"): no function of conditions`:                                  call("below", "", dayMs, num(1)),
		`below(x, nothing, "24h"): want below(x, 92, "15m")`:                            call("below", "x", dayMs),
		`below(x, 1, "0h"): a length is whole minutes, from 1m`:                         call("below", "x", 0, num(1)),
		`mean(x, "60d"): mean looks back 45d at most`:                                   op(Less, call("mean", "x", 60*dayMs), num(1)),
		`last(x): want last(x)`:                                                         op(Less, call("last", "x", dayMs), num(1)),
		`in_range(x, y, 2, "24h"): y does not fit`:                                      op(Less, call("in_range", "x", dayMs, named("y"), num(2)), num(1)),
		`in_range(x, 1e-07, 2, "24h"): a bound has at most 6 decimals and is below 1e9`: op(Less, call("in_range", "x", dayMs, num(1e-7), num(2)), num(1)),
		"a condition is nested at most 64 deep":                                         deep,
		"a condition has at most 2048 parts":                                            wide,
	} {
		if _, err := l.Truth(e); err == nil || err.Error() != want {
			t.Errorf("want %q, got %v", want, err)
		}
		if _, err := l.Unknowns(e); err == nil && e.Op != Var {
			t.Errorf("%s: Unknowns takes it", e)
		}
	}
	if _, err := l.Number(named("t")); err == nil {
		t.Error("a truth is taken for a number")
	}
}

// FuzzData makes closures of any data and runs them over nothing: a checkpoint may refuse, and never break the program.
func FuzzData(f *testing.F) {
	for _, e := range []Expr{
		op(And, op(Less, named("x"), num(92)), named("t")), op(Greater, call("mean", "x", dayMs), num(2)), call("at_least", "x", dayMs, named("y")),
		op(If, named("t"), op(Equal, named("t"), named("t")), Expr{Op: Some, Number: 1, Args: []Expr{named("t")}}),
	} {
		b, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Expr
		if json.Unmarshal(b, &e) != nil {
			return
		}
		_, _ = e.String(), Inputs(e)
		l := layout(t, "x y", "t")
		if truth, err := l.Truth(e); err == nil {
			truth(&View{})
		}
		if number, err := l.Number(e); err == nil {
			number(&View{})
		}
		if unknowns, err := l.Unknowns(e); err == nil {
			unknowns(&View{}, nil)
		}
	})
}

func TestLayoutSharesWindows(t *testing.T) {
	l := layout(t, "x", "")
	l.ZoneMin = 480
	l.Other = func(series string, d event.Decimal) event.Decimal {
		if series == "x" {
			return 18 * d
		}
		return d
	}
	l.Reach = func(_ string, ms int64) int64 { return 3 * ms }
	for _, e := range []Expr{
		call("mean", "x", dayMs), call("min", "x", dayMs), call("in_range", "x", dayMs, num(3.9), num(10)), call("in_range", "x", dayMs, num(3), num(10)),
		call("mean", "y", dayMs), call("ewma", "x", dayMs), call("days", "x", 7*dayMs), call("days_in_row", "x", 0, num(1)), call("day_mean", "x", 0, num(7), num(4)),
		call("last", "x", 0), call("change", "x", 0), call("age", "y", 0),
	} {
		if _, err := l.Number(e); err != nil {
			t.Fatal(err)
		}
	}
	held := []Expr{call("below", "x", dayMs, named("x")), call("at_least", "y", dayMs, num(92)), call("above", "x", dayMs, num(10)), op(Less, call("min", "y", dayMs), num(1))}
	for _, e := range held {
		if _, err := l.Truth(e); err != nil {
			t.Fatal(err)
		}
	}
	in := window.Spec{LengthMs: dayMs, ReachMs: 3 * dayMs, Ranged: true, Low: 3_900_000, High: 10 * event.One, AltLow: 70_200_000, AltHigh: 180 * event.One}
	other, above := in, in
	other.ReachMs, other.Low, other.AltLow = 0, 3*event.One, 54*event.One
	above.Low, above.High, above.AltLow, above.AltHigh = 10_000_001, wide, 180_000_001, wide
	want := []Need{{"x", in}, {"x", other}, {"y", window.Spec{LengthMs: dayMs, ReachMs: 3 * dayMs}}, {"x", window.Spec{LengthMs: 5 * dayMs}},
		{"x", window.Spec{Days: 7, ZoneMin: 480}}, {"x", window.Spec{Days: window.MaxDays, ZoneMin: 480}}, {"x", above}}
	if !reflect.DeepEqual(l.Windows, want) {
		t.Errorf("windows are %+v\nwant %+v", l.Windows, want)
	}
	if want := []string{"x", "y"}; !reflect.DeepEqual(l.Recents, want) {
		t.Errorf("recents are %v, want %v", l.Recents, want)
	}
}

func TestLayoutRefuses(t *testing.T) {
	l := layout(t, "x", "")
	if _, err := l.Declare("x", Truth); err == nil || err.Error() != "x stands for a number and for a truth: give one of them another name" {
		t.Errorf("got %v", err)
	}
	for i := 1; i < MaxSlots; i++ {
		if slot, err := l.Declare("n"+strings.Repeat("n", i), Number); err != nil || slot != i {
			t.Fatal(slot, err)
		}
	}
	if _, err := l.Declare("y", Number); err == nil {
		t.Error("one name too many is taken")
	}
	last, err := l.Truth(op(Less, named("n"+strings.Repeat("n", MaxSlots-1)), num(1)))
	if err != nil {
		t.Fatal(err)
	}
	v := &View{}
	v.Set(MaxSlots-1, 0)
	if last(v) != True {
		t.Error("the last slot is not read")
	}
	v.Clear()
	v.Set(MaxSlots/2-1, 0)
	if last(v) != Unknown {
		t.Error("Clear leaves something known, or another slot is taken for the last")
	}
}

func TestNewestReadings(t *testing.T) {
	for count, want := range []string{"- - - -", "90 - - 5", "90 94 -4 5"} {
		l := &Layout{}
		v := &View{At: 310_000, Recents: []Recent{{At: 10_000, Last: 90, Previous: 94, Count: uint8(count)}}}
		var got []string
		for _, f := range []string{"last", "previous", "change", "age"} {
			number, err := l.Number(call(f, "x", 0))
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := number(v); ok {
				got = append(got, string(AppendNumber(nil, x)))
			} else {
				got = append(got, "-")
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("of %d readings: %s, want %s", count, s, want)
		}
	}
}

// 181 mg/dL is above 180 mg/dL although in mmol/L, rounded as it is kept, it is not above what 180 converts to.
func TestRUL9_SustainedGoesByTheUnitThatWasSent(t *testing.T) {
	for _, f := range []string{"below", "at_most", "above", "at_least"} {
		l := &Layout{Other: func(_ string, d event.Decimal) event.Decimal { return 18 * d }}
		truth, err := l.Truth(call(f, "x", dayMs, num(10)))
		if err != nil {
			t.Fatal(err)
		}
		for _, sent := range []float64{179, 180, 181} {
			w := window.New(l.Windows[0].Spec)
			w.Add(0, decimalOf(sent), true)
			w.Add(2*dayMs, decimalOf(sent), true)
			want := map[string]bool{"below": sent < 180, "at_most": sent <= 180, "above": sent > 180, "at_least": sent >= 180}[f]
			if got := truth(&View{At: 2 * dayMs, Windows: []*window.Window{w}}); got != Of(want) {
				t.Errorf("%s of %v is %s", f, sent, got)
			}
		}
	}
}

// A patient without readings has nil windows, or none at all: what is counted is 0, and all else is not known.
func TestEmptyWindows(t *testing.T) {
	for _, f := range Functions {
		e := Expr{Op: Call, Func: f.Name, Name: "x"}
		for _, p := range f.Params {
			if p == Length || p == Days {
				e.LengthMs = dayMs
			} else {
				e.Args = append(e.Args, num(2))
			}
		}
		l := &Layout{}
		for _, windows := range [][]*window.Window{nil, {nil}} {
			v := &View{Windows: windows}
			if f.Kind == Truth {
				truth, err := l.Truth(e)
				if err != nil {
					t.Fatal(err)
				}
				if got := truth(v); got != Unknown {
					t.Errorf("%s of nothing is %s", e, got)
				}
				continue
			}
			number, err := l.Number(e)
			if err != nil {
				t.Fatal(err)
			}
			x, known := number(v)
			if counts := f.Name == "count" || f.Name == "days"; known != counts || counts && x != 0 {
				t.Errorf("%s of nothing is %v, %v", e, x, known)
			}
			if f.Name == "count" {
				less, err := l.Truth(op(Less, e, num(1)))
				if err != nil {
					t.Fatal(err)
				}
				if less(v) != True {
					t.Errorf("%s < 1 does not hold of nothing", e)
				}
			}
		}
	}
}
