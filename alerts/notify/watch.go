package notify

import (
	"context"

	"tocsin/alerts"
	"tocsin/streams"
)

// Seen is what one step that holds brought to one partition.
type Seen struct {
	Partition int32
	Offset    int64 // of the closing record in decisions; -1 before the first
	Input     int64 // the next input
	Touched   []string
	Look      func(key string) alerts.State
	CaughtUp  bool
}

// Follow tells fn of each step of a partition that holds, in order, from one goroutine, until ctx ends or the log fails.
type Follow func(ctx context.Context, partition int32, fn func(Seen) error) error

// Watch follows a log of whose three cores alerts is the second.
func Watch[A, C, FA, FC any](log streams.Log, parts streams.Parts[streams.Three[A, alerts.State, C], streams.Three[FA, alerts.Facts, FC]]) Follow {
	type S = streams.Three[A, alerts.State, C]
	type F = streams.Three[FA, alerts.Facts, FC]
	return func(ctx context.Context, partition int32, fn func(Seen) error) error {
		return streams.Follow(ctx, log, streams.PatientPair, partition, parts, func(c streams.Change[S, F]) error {
			return fn(SeenOf(c))
		})
	}
}

// SeenOf answers what a step brought, as a notifier sees it.
func SeenOf[A, C, FA, FC any](c streams.Change[streams.Three[A, alerts.State, C], streams.Three[FA, alerts.Facts, FC]]) Seen {
	return Seen{Partition: c.Partition, Offset: c.Offset, Input: c.Input, Touched: c.Touched, CaughtUp: c.CaughtUp, Look: func(key string) alerts.State {
		s, _ := c.Replica.Get(key)
		return s.B
	}}
}
