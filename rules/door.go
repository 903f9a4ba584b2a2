package rules

import "tocsin/streams/event"

const (
	shutMs = 15_000    // a stretch without a beat longer than this counts for nobody's silence
	deadMs = 3_600_000 // a door shut for longer than this is judged by any door, until it beats again
)

// Door counts how long a door has been open, from beat to beat. What comes after its last beat counts only once the
// next beat has come within 15 seconds.
type Door struct {
	Name string     `json:"name,omitempty"`
	Last event.Time `json:"last"` // when its last beat was folded; zero: none
	Was  event.Time `json:"was"`  // and the one before that
	Open int64      `json:"open"` // milliseconds
	Dead bool       `json:"dead,omitempty"`
	Lent int64      `json:"lent,omitempty"` // open time of any door from which on that one counts instead
}

// beat notes that a door is open at the moment at.
func (f Facts) beat(name string, at event.Time) Facts {
	f.Any = f.Any.beat(at, nil)
	doors := make([]Door, len(f.Doors), len(f.Doors)+1)
	copy(doors, f.Doors)
	found := false
	for i := range doors {
		switch d := &doors[i]; {
		case d.Name == name:
			*d, found = d.beat(at, &f.Any), true
		case !d.Dead && at.Sub(d.Last).Milliseconds() > deadMs:
			d.Dead, d.Lent = true, f.Any.Open
		}
	}
	if !found {
		doors = append(doors, Door{Name: name, Last: at})
	}
	f.Doors = doors
	return f
}

func (d Door) beat(at event.Time, anyDoor *Door) Door {
	if gap := at.Sub(d.Last).Milliseconds(); d.Last != 0 && gap <= shutMs {
		d.Open += gap
	}
	if d.Dead {
		d.Open += anyDoor.Open - d.Lent
		d.Dead, d.Lent = false, 0
	}
	d.Was, d.Last = d.Last, at
	return d
}

// counter answers the open time of the door at place (from 1; 0: any), and the beat up to which it is counted.
func (f *Facts) counter(place int16) (open int64, until event.Time) {
	if place <= 0 || int(place) > len(f.Doors) {
		return f.Any.Open, f.Any.Last
	}
	d := &f.Doors[place-1]
	if d.Dead {
		return d.Open + f.Any.Open - d.Lent, f.Any.Last
	}
	return d.Open, d.Last
}

// place answers where a door stands in Doors, from 1; 0 when it never beat.
func (f *Facts) place(name string) int16 {
	for i := range f.Doors {
		if f.Doors[i].Name == name {
			return int16(i + 1)
		}
	}
	return 0
}

// mark answers the counter of a door at the moment at, which may lie after its last beat: if the next one comes in time,
// that stretch counts. If it does not, the mark is too high by at most 15 seconds and a silence is told so much later.
func (f *Facts) mark(place int16, at event.Time) int64 {
	open, until := f.counter(place)
	if since := at.Sub(until).Milliseconds(); until != 0 && since <= shutMs {
		open += since
	}
	return open
}

func (f *Facts) anyOpen(at event.Time) int64 { return f.mark(0, at) }

// wasShut answers the stretch that the beat folded at now has ended, when it was longer than 15 seconds.
func (f *Facts) wasShut(name string, now event.Time) (from event.Time, shut bool) {
	i := f.place(name)
	if i == 0 {
		return 0, false
	}
	d := f.Doors[i-1]
	return d.Was, d.Last == now && d.Was != 0 && d.Last.Sub(d.Was).Milliseconds() > shutMs
}
