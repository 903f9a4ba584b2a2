package directory

import (
	"context"

	"tocsin/streams"
)

// follow hands over each step of the directory that holds, from where steps stands on, until ctx ends or something fails.
// read is called behind each batch of records.
func follow(ctx context.Context, log streams.Log, steps *streams.Steps, take func(*streams.Step) error, read func()) error {
	return streams.ReadSteps(ctx, log, streams.Directory, 0, steps, take, func() (bool, error) { read(); return false, nil })
}
