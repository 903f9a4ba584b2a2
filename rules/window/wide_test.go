package window

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func bigOf(a u128) *big.Int {
	n := new(big.Int).Lsh(new(big.Int).SetUint64(a.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.lo))
}

func signedBig(a u128) *big.Int {
	if a.hi>>63 != 0 {
		return new(big.Int).Neg(bigOf(a.neg()))
	}
	return bigOf(a)
}

func wides(t *rapid.T, name string) u128 {
	n := rapid.IntRange(0, 127).Draw(t, name+" bits")
	a := u128{rapid.Uint64().Draw(t, name+" hi"), rapid.Uint64().Draw(t, name+" lo")}
	if n < 64 {
		return u128{0, a.lo & (1<<n - 1)}
	}
	return u128{a.hi & (1<<(n-64) - 1), a.lo}
}

// The quotient is the float64 nearest to the exact one, for all numbers.
func TestRUL7_RatioIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num, den := wides(t, "num"), wides(t, "den")
		if den == (u128{}) {
			den = narrow(1)
		}
		if rapid.Bool().Draw(t, "negative") {
			num = num.neg()
		}
		want, _ := new(big.Rat).SetFrac(signedBig(num), bigOf(den)).Float64()
		if got := ratio(num, den); got != want {
			t.Fatalf("%v / %v: %v, want %v", signedBig(num), bigOf(den), got, want)
		}
	})
}

// Half way between two floats, and a trace more, 2^-60 of one: that trace decides.
func TestRUL7_RatioSeesTheLastTrace(t *testing.T) {
	den := narrow(1).shift(60)
	half := narrow(1<<53 + 1).shift(60)
	if got := ratio(half, den); got != 1<<53 {
		t.Errorf("half way: %v", got)
	}
	if got := ratio(half.add(narrow(1)), den); got != 1<<53+2 {
		t.Errorf("above half way: %v", got)
	}
}

func TestRUL7_ProductIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if got, want := signedBig(product(a, b)), new(big.Int).Mul(big.NewInt(a), big.NewInt(b)); got.Cmp(want) != 0 {
			t.Fatalf("%d · %d: %v, want %v", a, b, got, want)
		}
	})
}

// The roots of one half are what a square root of many digits says.
func TestRUL7_HalvesAreRootsOfOneHalf(t *testing.T) {
	root := new(big.Float).SetPrec(400).SetFloat64(0.5)
	for i, got := range halves {
		root.Sqrt(root)
		scaled, _ := new(big.Float).SetMantExp(root, 64).Int(nil)
		if want := scaled.Uint64(); got != want {
			t.Errorf("root %d: %#x, want %#x", i+1, got, want)
		}
	}
	for _, age := range []uint64{0, 1, 500, 999, 1000, 1001, 25_000, 51_999, 53_000, 1 << 34} {
		got, want := float64(halving(age, 1000))/(1<<52), math.Exp2(-float64(age)/1000)
		if math.Abs(got-want) > 1e-7*want+1e-15 {
			t.Errorf("2^-%v: %v, want %v", float64(age)/1000, got, want)
		}
	}
}
