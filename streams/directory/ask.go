package directory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Refused is the error of a request that the registrar did not grant, in words for the person who asked.
type Refused struct{ event.RequestRefused }

func (r *Refused) Error() string { return r.En }

// Asker brings requests to the registrar and waits for its answer. Its view must be running.
type Asker struct {
	edge *streams.Edge
	view *View
	now  func() event.Time
}

// NewAsker makes an asker that writes by edge and hears the answers by view.
func NewAsker(edge *streams.Edge, view *View, now func() event.Time) *Asker {
	return &Asker{edge, view, now}
}

// NewID answers a fresh random id for a request.
func NewID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// NewToken answers a fresh token for a device or a program, safe in URLs and on a command line.
func NewToken() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// Ask brings one request to the registrar and waits until it has answered. It answers how far the directory reaches
// with it; the error is a *Refused when the registrar refused.
func (a *Asker) Ask(ctx context.Context, r event.Event) (position int64, err error) {
	refused, position, err := a.askAll(ctx, []event.Event{r}, nil)
	if err == nil && refused[0] != nil {
		err = &Refused{*refused[0]}
	}
	return position, err
}

// askAll brings requests to the registrar in their order, many under way, and answers the refusals beside them. progress
// is told how many are answered.
func (a *Asker) askAll(ctx context.Context, requests []event.Event, progress func(done int)) (refused []*event.RequestRefused, position int64, err error) {
	ids := make([]string, len(requests))
	for i := range ids {
		ids[i] = NewID()
	}
	defer a.view.forget(ids)
	a.view.expect(ids)
	offsets, err := a.append(ctx, requests, ids)
	if err != nil {
		return nil, 0, err
	}
	for i, offset := range offsets {
		if err := a.view.until(ctx, func() bool { return a.view.inputs > offset }); err != nil {
			return nil, 0, fmt.Errorf("wait for the registrar: %w; is a part with the role monitor running?", err)
		}
		if progress != nil {
			progress(i + 1)
		}
	}
	return a.view.answers(ids)
}

// append writes the requests and answers their offsets once all of them are in the log.
func (a *Asker) append(ctx context.Context, requests []event.Event, ids []string) ([]int64, error) {
	offsets := make([]int64, len(requests))
	var mu sync.Mutex
	var first error
	var left sync.WaitGroup
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	failed := func() bool { mu.Lock(); defer mu.Unlock(); return first != nil }
	for i, r := range requests {
		if ctx.Err() != nil || failed() {
			break
		}
		key, err := KeyOf(r)
		if err != nil {
			fail(err)
			break
		}
		left.Add(1)
		env := event.Envelope{ID: ids[i], Source: a.edge.Name(), Subject: key, At: a.now(), Data: r}
		a.edge.Append(streams.DirectoryInputs, key, env, func(_ int32, offset int64, err error) {
			defer left.Done()
			offsets[i] = offset
			if err != nil {
				fail(fmt.Errorf("request %d of %d: %w", i+1, len(requests), err))
			}
		})
	}
	left.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return offsets, first
}

// expect has the view keep the refusals of these requests until forget.
func (v *View) expect(ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		v.expected[id] = nil
	}
}

func (v *View) forget(ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		delete(v.expected, id)
	}
}

func (v *View) answers(ids []string) ([]*event.RequestRefused, int64, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	refused := make([]*event.RequestRefused, len(ids))
	for i, id := range ids {
		refused[i] = v.expected[id]
	}
	return refused, v.position, nil
}
