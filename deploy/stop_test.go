package deploy

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The last thing started is the first thing stopped. One that hangs, whether it looks at its time or not, is named, and
// the others have time left.
func TestOneThatHangsTakesNobodysTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stops{log: slog.New(slog.DiscardHandler)}
		var order []string
		free := make(chan struct{})
		orderly := func(name string) {
			s.add(name, func(ctx context.Context) error {
				if end, ok := ctx.Deadline(); !ok || time.Until(end) < stopShare {
					t.Errorf("%s has until %s", name, end)
				}
				order = append(order, name)
				return nil
			})
		}
		orderly("log")
		orderly("monitor")
		s.add("deaf", func(context.Context) error { <-free; return nil })
		s.add("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		orderly("desk")
		began := time.Now()
		err := s.all()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "stop deaf: did not stop in time") || !strings.Contains(err.Error(), "stop slow: ") {
			t.Errorf("it says %v", err)
		}
		if !slices.Equal(order, []string{"desk", "monitor", "log"}) {
			t.Errorf("stopped in the order %v", order)
		}
		close(free)
	})
}
