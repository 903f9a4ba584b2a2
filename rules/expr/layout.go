package expr

import (
	"fmt"
	"slices"

	"tocsin/rules/window"
	"tocsin/streams/event"
)

// Layout gives each name a slot and each window a place. It is built once, for all the packs that judge a patient together:
// first ZoneMin and its kin are set and the names declared, then closures are made. After that it is only read, by any
// number of goroutines. A Need may grow as long as closures are made, so windows are built when all are.
type Layout struct {
	Windows []Need   // what View.Windows has to hold, in this order
	Recents []string // whose newest readings View.Recents has to hold, in this order

	ZoneMin int // minutes by which calendar days are ahead of UTC
	// Reach answers how long before the newest reading of a series a function that asks about lengthMs may look for the
	// reading that tells how it was before; nil: HeldReachMs, or lengthMs when that is longer.
	Reach func(series string, lengthMs int64) int64
	// Other converts a bound into the other unit in which readings of a series may have been sent; nil: there is none.
	Other func(series string, bound event.Decimal) event.Decimal

	names []string // by slot
	kinds []Kind
}

// Need is a window that some condition reads.
type Need struct {
	Series string      `json:"series"`
	Spec   window.Spec `json:"spec"`
}

// Declare gives name a slot, from 0, or answers the one that it has. It is an error to declare a name as a number and as
// a truth, or more than MaxSlots names.
func (l *Layout) Declare(name string, k Kind) (int, error) {
	if i := slices.Index(l.names, name); i >= 0 {
		if l.kinds[i] != k {
			return 0, fmt.Errorf("%s stands for a %s and for a %s: give one of them another name", name, l.kinds[i], k)
		}
		return i, nil
	}
	if len(l.names) == MaxSlots {
		return 0, fmt.Errorf("%s is one name too many: conditions that judge together use at most %d", name, MaxSlots)
	}
	l.names, l.kinds = append(l.names, name), append(l.kinds, k)
	return len(l.names) - 1, nil
}

// Slot answers the slot of a declared name and what it holds.
func (l *Layout) Slot(name string) (slot int, k Kind, ok bool) {
	i := slices.Index(l.names, name)
	if i < 0 {
		return 0, 0, false
	}
	return i, l.kinds[i], true
}

// Names are the declared names by slot.
func (l *Layout) Names() []string { return slices.Clone(l.names) }
