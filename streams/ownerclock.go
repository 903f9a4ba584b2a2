package streams

import (
	"time"

	"tocsin/streams/event"
)

// leap is how far the wall may run ahead of the owner's clock before it counts as a leap.
const leap = 2 * time.Second

// OwnerClock is the clock of one life. It is monotonic from the take-over. While the wall is behind the partition's
// clock it runs at half speed and never stops: a deadline may come late by what the wall was put back, but it comes. A
// leap of the wall forward is followed only once a door's ReceivedAt agrees with it, since one wrong clock must not make every
// deadline pass at once.
type OwnerClock struct {
	wall func() event.Time    // what the host says
	mono func() time.Duration // since some moment, never set by anybody
	last time.Duration
	now  event.Time
	sub  time.Duration // what has passed and is not yet in now
	leap bool          // the wall has leapt and nobody has agreed yet
}

// NewOwnerClock starts at the later of the wall and the partition's clock.
func NewOwnerClock(wall func() event.Time, mono func() time.Duration, partition event.Time) *OwnerClock {
	return &OwnerClock{wall: wall, mono: mono, last: mono(), now: max(wall(), partition)}
}

// Now answers the owner's present.
func (c *OwnerClock) Now() event.Time {
	wall, mono := c.wall(), c.mono()
	c.sub += mono - c.last
	c.last = mono
	whole, half := c.sub.Truncate(time.Millisecond), (c.sub / 2).Truncate(time.Millisecond)
	if next := c.now.Add(whole); next <= wall {
		c.now, c.sub = next, c.sub-whole
	} else { // what is not yet a millisecond at half speed is kept too, or a busy owner's clock would stand still
		c.now, c.sub = max(wall, c.now.Add(half)), c.sub-2*half
	}
	ahead := wall.Sub(c.now)
	c.leap = ahead > leap
	if ahead > 0 && !c.leap {
		c.now = wall
	}
	return c.now
}

// Agree hears a door's ReceivedAt. When the wall has leapt and the door says the same time, the clock follows, and the
// answer tells from where to where it went.
func (c *OwnerClock) Agree(receivedAt event.Time) (from, to event.Time, followed bool) {
	if !c.leap {
		return 0, 0, false
	}
	wall := c.wall()
	if d := receivedAt.Sub(wall); d > leap || d < -leap || wall <= c.now {
		return 0, 0, false
	}
	from, c.now, c.leap = c.now, wall, false
	return from, wall, true
}
