package alerts

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tocsin/streams/event"
)

// TestALR13_WindowsAreDrawnWhereTheyHold: at any moment a planned window is drawn just when it excuses a silence.
func TestALR13_WindowsAreDrawnWhereTheyHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	held := 0
	for range 3000 {
		p := event.Pause{From: event.Time(rng.Int64N(int64(5 * dayMs))), ZoneMin: rng.IntN(28*30) - 14*30, StartMin: rng.IntN(1440), LengthMin: 1 + rng.IntN(1440)}
		p.Until = p.From + event.Time(rng.Int64N(int64(30*dayMs)))
		if rng.IntN(4) > 0 {
			p.Days = []int{1 + rng.IntN(7), 1 + rng.IntN(7)}
		}
		now := event.Time(rng.Int64N(int64(36 * dayMs)))
		_, in := within(p, now)
		drawn := slices.ContainsFunc(Windows(p, now-dayMs, now+1, 100), func(w event.Gap) bool { return w.From <= now && now < w.Until })
		if in != drawn {
			t.Fatalf("%+v at %d: holds %v, drawn %v", p, now, in, drawn)
		}
		if in {
			held++
		}
	}
	if held < 100 {
		t.Fatalf("only %d moments lay in a window", held)
	}
}
