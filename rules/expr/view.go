package expr

import (
	"tocsin/rules/window"
	"tocsin/streams/event"
)

// MaxSlots is how many names one Layout holds.
const MaxSlots = 128

// View is one look at one patient: what every name stands for at a moment. Whoever holds one fills it anew for each look;
// closures only read it. Value and Known go by slot: a slot that is not known has no value, whatever stands there. A truth is
// 1 or 0. Windows and Recents go by their place in the layout; a list that is too short and a nil window are as empty ones.
type View struct {
	At      event.Time // the moment judged
	Known   [2]uint64  // bit slot%64 of word slot/64
	Value   [MaxSlots]float64
	Windows []*window.Window
	Recents []Recent
}

// Recent is the newest reading of a series and the one measured before it.
type Recent struct {
	At       event.Time // when the newest was measured
	Last     float64
	Previous float64
	Count    uint8 // how many of the two there are
}

// Set makes slot known. A number that is none (NaN, infinite) is not known.
func (v *View) Set(slot int, x float64) {
	if !finite(x) {
		v.Forget(slot)
		return
	}
	v.Value[slot] = x
	v.Known[slot>>6] |= 1 << (slot & 63)
}

// SetTruth is Set for a slot that holds a truth.
func (v *View) SetTruth(slot int, t bool) { v.Set(slot, float64(bit(t))) }

// Forget makes slot not known.
func (v *View) Forget(slot int) { v.Known[slot>>6] &^= 1 << (slot & 63) }

// Clear makes every slot not known.
func (v *View) Clear() { v.Known = [2]uint64{} }

// knows is 1 when the slot is known.
func (v *View) knows(slot uint8) uint8 { return uint8(v.Known[slot>>6&1]>>(slot&63)) & 1 }

// number answers what a slot holds.
func (v *View) number(slot uint8) (float64, bool) { return v.Value[slot&127], v.knows(slot) == 1 }

// recent answers the readings of a place, none when there is no such place.
func (v *View) recent(place int) *Recent {
	if place >= len(v.Recents) {
		return &none
	}
	return &v.Recents[place]
}

var none Recent

// finite tells whether x is a number: infinities and NaN are x-x != 0.
func finite(x float64) bool { return x-x == 0 }
