package demo

import (
	"maps"
	"slices"
	"sort"
	"time"

	"tocsin/streams/event"
)

// upload is one envelope on its way: when it is sent, and when its values were measured.
type upload struct {
	Send     time.Duration // since the ward began
	Measured time.Duration // the same, possibly before
	Values   Values
	Says     Answers
	Clock    int64 // unix milliseconds that the device believes it is; 0: its clock is right
}

// plan lays out what a patient's device sends over the first span of the ward, in the order of sending.
func (p *Patient) plan(begin event.Time, span time.Duration) []upload {
	var all []upload
	c := p.Course
	// Everybody measures at seconds of his own, and the first time the app asks for the day's diary.
	for at := time.Duration(p.seed%40) * time.Second; at < span; at += every {
		if c != nil && c.silences(at) {
			continue
		}
		u := upload{Send: at, Measured: at, Values: p.around(begin.Add(at), c.usual(at, p.Usual))}
		if len(all) == 0 && !c.says() {
			u.Says = p.Group.calm()
		}
		all = append(all, u)
	}
	if c != nil {
		for _, b := range c.Beats {
			all = append(all, upload{Send: b.At, Measured: b.At - b.Ago, Values: b.Values, Says: b.Says})
		}
		if last := c.lasts(); last != nil { // what the last beat began goes on
			for at := last.At + every; at < span; at += every {
				all = append(all, upload{Send: at, Measured: at, Values: last.Values})
			}
		}
		for i := range all {
			c.bend(&all[i], begin)
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].Send != all[j].Send {
			return all[i].Send < all[j].Send
		}
		return all[i].Measured < all[j].Measured
	})
	return all
}

// usual answers what is usual at a moment: a course that moves it lays its beats over what was before.
func (c *Course) usual(at time.Duration, before Values) Values {
	if c == nil || !c.Moves || c.Quiet > 0 && at >= c.Quiet {
		return before
	}
	now := maps.Clone(before)
	for _, b := range c.Beats {
		if b.At <= at {
			maps.Copy(now, b.Values)
		}
	}
	return now
}

// says tells whether the course answers the app by itself.
func (c *Course) says() bool {
	return c != nil && slices.ContainsFunc(c.Beats, func(b Beat) bool { return len(b.Says) > 0 })
}

// silences tells whether the usual measurement at a moment is left out.
func (c *Course) silences(at time.Duration) bool {
	if at < c.Begins || c.Stop > 0 && at >= c.Stop {
		return true
	}
	return len(c.Beats) > 0 && !c.Also && !c.Moves && at >= c.Beats[0].At-time.Second && (c.Quiet == 0 || at < c.Quiet)
}

// lasts answers the beat that goes on for ever: the last one of a course that neither ends nor stops.
func (c *Course) lasts() *Beat {
	if len(c.Beats) == 0 || c.Moves || c.Quiet > 0 || c.Stop > 0 {
		return nil
	}
	return &c.Beats[len(c.Beats)-1]
}

// bend puts a course's faults upon an upload: an outage on the way, a clock that is wrong.
func (c *Course) bend(u *upload, begin event.Time) {
	if c.OutTo > 0 && u.Send >= c.OutFrom && u.Send < c.OutTo {
		u.Send = c.OutTo
	}
	if c.Clock1970 > 0 && u.Send >= c.Clock1970 && u.Send < c.ClockSet {
		u.Clock = int64(u.Send / time.Millisecond)
	}
}
