// Package door is what the doors of Tocsin share, whatever they speak to the world: writing what an upload gave,
// receipts in the order of the uploads and only after the log, the beat that says "this door is open", and the counters.
package door

import (
	"context"
	"errors"
	"sync/atomic"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Edge is how a door writes to the log; *streams.Edge is one. done is called exactly once, perhaps before Append returns.
type Edge interface {
	Append(topic, key string, env event.Envelope, done func(partition int32, offset int64, err error))
}

// Directory is what a door asks about devices; *directory.View is one.
type Directory interface {
	// Device answers a device's binding, also when it was revoked.
	Device(id string) (directory.Binding, bool)
	// Position answers how far the directory has been read.
	Position() int64
	// WaitReady waits until everything has been read that was there at the start.
	WaitReady(ctx context.Context) error
	// OnChanged has fn called after every step that was read. fn must not wait.
	OnChanged(fn func())
	// OnRevoke has fn called when a device has lost the access it had. fn must not wait.
	OnRevoke(fn func(device string))
}

// Keep writes all that one upload gave. done is called once, when the last of it is settled, with nil or every error:
// an upload that was half believed gets its receipt only when both halves are in the log.
func Keep(edge Edge, recorded *event.Envelope, rejected []event.Envelope, done func(error)) {
	if recorded != nil && len(rejected) == 0 {
		edge.Append(streams.Inputs, recorded.Subject, *recorded, func(_ int32, _ int64, err error) { done(err) })
		return
	}
	all := rejected
	if recorded != nil {
		all = append([]event.Envelope{*recorded}, rejected...)
	}
	if len(all) == 0 {
		done(errors.New("an upload gave nothing to keep"))
		return
	}
	var left atomic.Int64
	left.Store(int64(len(all)))
	errs := make([]error, len(all))
	for i, e := range all {
		topic, key := streams.Inputs, e.Subject
		if r, ok := e.Data.(*event.ObservationRejected); ok {
			topic, key = streams.Rejected, r.Device
		}
		edge.Append(topic, key, e, func(_ int32, _ int64, err error) {
			errs[i] = err
			if left.Add(-1) == 0 {
				done(errors.Join(errs...))
			}
		})
	}
}
