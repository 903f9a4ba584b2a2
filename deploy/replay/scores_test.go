package replay

import (
	"strings"
	"testing"
	"testing/synctest"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Nobody owns the partition: whoever waits for scores is told so instead of waiting for ever.
func TestScoresAreNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := streams.NewMemory(1)
		edge := streams.OpenEdge(log, "test", 1)
		wrote := make(chan error, 1)
		e := event.Envelope{ID: "beat", Subject: event.Everyone, Data: &event.DoorOpened{Door: "test"}}
		edge.Append(streams.Inputs, event.Everyone, e, func(_ int32, _ int64, err error) { wrote <- err })
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		s := &scores{log: log, n: 1, by: map[string]Line{}, tenant: "replay"}
		if err := s.gather(t.Context()); err == nil || !strings.Contains(err.Error(), "role monitor") {
			t.Errorf("gathered from nobody: %v", err)
		}
		if err := edge.Close(); err != nil {
			t.Error(err)
		}
	})
}
