package window

import (
	"math"
	"math/bits"
)

// u128 is a whole number of 128 bits; where it may be negative it is read as two's complement.
type u128 struct{ hi, lo uint64 }

func (a u128) add(b u128) u128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return u128{hi, lo}
}

func (a u128) sub(b u128) u128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return u128{hi, lo}
}

func (a u128) neg() u128 { return u128{}.sub(a) }

func (a u128) less(b u128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// times is a·n, the lowest 128 bits of it: right for negative a as well.
func (a u128) times(n uint64) u128 {
	hi, lo := bits.Mul64(a.lo, n)
	return u128{hi + a.hi*n, lo}
}

func (a u128) len() int {
	if a.hi != 0 {
		return 64 + bits.Len64(a.hi)
	}
	return bits.Len64(a.lo)
}

// shift is a·2^n for 0 <= n < 128.
func (a u128) shift(n int) u128 {
	if n >= 64 {
		return u128{a.lo << (n - 64), 0}
	}
	return u128{a.hi<<n | a.lo>>(64-n), a.lo << n}
}

func narrow(n uint64) u128 { return u128{0, n} }

// product is the exact a·b: the product of what the bits say without signs, less what the signs add to it.
func product(a, b int64) u128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return u128{hi - uint64(a>>63&b) - uint64(b>>63&a), lo}
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// ratio answers the float64 nearest to the exact num/den, num signed and den above zero: one rounding, whatever the
// numbers, and so the same bits everywhere.
func ratio(num, den u128) float64 {
	sign := 1.0
	if num.hi>>63 != 0 {
		num, sign = num.neg(), -1
	}
	const exact = 53 // bits of a float64
	if num.len() <= exact && den.len() <= exact {
		return sign * (float64(num.lo) / float64(den.lo))
	}
	// Long division, bit by bit: 62 bits of the quotient from its first one on, and whether anything remains.
	e := num.len() - den.len()
	if e > 0 {
		den = den.shift(e)
	} else {
		num = num.shift(-e)
	}
	var q uint64
	for n := 0; n < 62; n++ {
		q <<= 1
		if !num.less(den) {
			num = num.sub(den)
			q |= 1
		}
		num = num.shift(1)
	}
	if num != (u128{}) {
		q |= 1
	}
	return sign * math.Ldexp(float64(q), e-61)
}
