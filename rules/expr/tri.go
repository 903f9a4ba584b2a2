package expr

// Tri is a truth that may be unknown. It is two bits, "holds" and "does not hold", so that Kleene's logic takes no branch:
// which way a reading falls cannot be guessed by a processor either.
type Tri uint8

// The three truths. The zero value is Unknown.
const (
	Unknown Tri = 0
	True    Tri = 1
	False   Tri = 2
)

// Of answers the Tri of a bool.
func Of(b bool) Tri { return False >> bit(b) }

// And is False where either is, True where both are.
func (t Tri) And(u Tri) Tri { return t&u&True | (t|u)&False }

// Or is True where either is, False where both are.
func (t Tri) Or(u Tri) Tri { return (t|u)&True | t&u&False }

// Not swaps True and False.
func (t Tri) Not() Tri { return t>>1 | t<<1&False }

// String is "true", "false" or "unknown".
func (t Tri) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	default:
		return "unknown"
	}
}

// bit is 1 for true. The compiler makes no branch of it.
func bit(b bool) uint8 {
	var n uint8
	if b {
		n = 1
	}
	return n
}
