package event

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Decimal is a measured number, held exactly in millionths: 38.05 is 38050000. Binary floats are not used for
// readings, because 38.05 has no float and two code paths would round it two ways (clinical rule 1.1, pitfall 7).
type Decimal int64

// One is the Decimal 1.
const One Decimal = 1_000_000

// Int answers the Decimal of a whole number.
func Int(n int64) Decimal { return Decimal(n) * One }

// MaxDecimal keeps every sum of a few thousand readings inside an int64.
const MaxDecimal = Decimal(1e15)

var errDecimal = errors.New("want a decimal number such as 37.2, at most 6 decimals, below 1e9")

// ParseDecimal reads an exact decimal: digits, a point, up to six decimals (more only when they are zeros), and an
// exponent as JSON allows it. It refuses what it cannot hold exactly.
func ParseDecimal(s string) (Decimal, error) {
	d, exact, err := parseDecimal(s)
	if err == nil && !exact {
		err = errDecimal
	}
	if err != nil {
		return 0, fmt.Errorf("number %q: %w", s, err)
	}
	return d, nil
}

// RoundDecimal is ParseDecimal for numbers with more than six decimals: it rounds half away from zero.
func RoundDecimal(s string) (Decimal, error) {
	d, _, err := parseDecimal(s)
	if err != nil {
		return 0, fmt.Errorf("number %q: %w", s, err)
	}
	return d, nil
}

func parseDecimal(s string) (d Decimal, exact bool, err error) {
	i, neg := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	var digits []byte
	point, seen := 0, false
	for ; i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.'); i++ {
		if s[i] == '.' {
			if seen {
				return 0, false, errDecimal
			}
			seen = true
			continue
		}
		digits = append(digits, s[i])
		if !seen {
			point++
		}
	}
	if len(digits) == 0 || len(digits) > 400 {
		return 0, false, errDecimal
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 400 || e < -400 {
			return 0, false, errDecimal
		}
		point, i = point+e, len(s)
	}
	if i != len(s) {
		return 0, false, errDecimal
	}
	return scale(digits, point, neg)
}

// scale moves the point of digits (before which point of them stand) six places to the right and cuts there.
func scale(digits []byte, point int, neg bool) (Decimal, bool, error) {
	var d Decimal
	exact := true
	end := point + 6
	for k := 0; k < end; k++ {
		c := byte('0')
		if k < len(digits) {
			c = digits[k]
		} else if d == 0 {
			break
		}
		if d = d*10 + Decimal(c-'0'); d > MaxDecimal {
			return 0, false, errDecimal
		}
	}
	for k := max(end, 0); k < len(digits); k++ {
		exact = exact && digits[k] == '0'
	}
	if end >= 0 && end < len(digits) && digits[end] >= '5' {
		d++
	}
	if neg {
		d = -d
	}
	return d, exact, nil
}

// RoundTo rounds d half up (half away from zero below it) to the given step, such as One for whole numbers or
// One/10 for tenths.
func (d Decimal) RoundTo(step Decimal) Decimal {
	if d < 0 {
		return -(-d).RoundTo(step)
	}
	return (d + step/2) / step * step
}

// Append writes d without trailing zeros: 91, 37.2, -0.5.
func (d Decimal) Append(b []byte) []byte {
	if d < 0 {
		b, d = append(b, '-'), -d
	}
	b = strconv.AppendInt(b, int64(d/One), 10)
	frac := d % One
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for p := One / 10; frac > 0; p /= 10 {
		b = append(b, byte('0'+frac/p))
		frac %= p
	}
	return b
}

// String is Append as a string.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Float is for charts and statistics; no rule compares it.
func (d Decimal) Float() float64 { return float64(d) / float64(One) }

// DecimalOf answers the Decimal nearest to x; false when x is no number or too large.
func DecimalOf(x float64) (Decimal, bool) {
	x = math.Round(x * float64(One))
	if !(math.Abs(x) <= float64(MaxDecimal)) { // NaN too
		return 0, false
	}
	return Decimal(x), true
}

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.Append(nil), nil }

// UnmarshalJSON reads a JSON number exactly and refuses one that it cannot hold.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	p, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}
