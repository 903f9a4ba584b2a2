package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tocsin/alerts/audit"
	"tocsin/streams/event"
)

// teller says each finding once when it begins and once when it ends.
type teller struct {
	mu       sync.Mutex
	out      io.Writer
	begun    func(audit.Finding)
	standing map[audit.Finding]audit.Finding // by what stays while it stands
}

func newTeller(out io.Writer) *teller {
	return &teller{out: out, begun: func(audit.Finding) {}, standing: map[audit.Finding]audit.Finding{}}
}

// tell compares what is wrong now with what was.
func (t *teller) tell(at event.Time, now []audit.Finding) {
	standing := map[audit.Finding]audit.Finding{}
	var begun, ended []audit.Finding
	for _, f := range now {
		if _, known := t.standing[same(f)]; !known {
			begun = append(begun, f)
		}
		standing[same(f)] = f
	}
	for key, f := range t.standing {
		if _, still := standing[key]; !still {
			ended = append(ended, f)
		}
	}
	t.standing = standing
	audit.Sort(ended)
	audit.Sort(begun)
	for _, f := range ended {
		t.say("%s ends   %s", at, named(f))
	}
	for _, f := range begun {
		t.say("%s begins %s since %s: %s", at, named(f), f.Since, f.Says)
		t.begun(f)
	}
}

// same is a finding without what may change while it stands.
func same(f audit.Finding) audit.Finding {
	f.Severity = event.NoSeverity
	return f
}

func named(f audit.Finding) string {
	if f.Alert == "" {
		return fmt.Sprintf("%s %s", f.Kind, f.Subject)
	}
	if f.Problem == "" {
		return fmt.Sprintf("%s %s %s", f.Kind, f.Subject, f.Alert)
	}
	return fmt.Sprintf("%s %s %s (%s, %s)", f.Kind, f.Subject, f.Alert, f.Problem, f.Severity)
}

func (t *teller) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}

// hook hands findings on to whoever calls people, one after the other in their order.
type hook struct {
	url   string
	say   func(format string, args ...any)
	wait  time.Duration // after the first failure; it doubles
	queue chan audit.Finding
	ended chan struct{}
}

const (
	hookTries    = 10 // over four minutes
	hookLongest  = time.Minute
	hookWithin   = 10 * time.Second // for an answer
	hookQueue    = 4096
	hookFirstGap = time.Second
)

// startHook begins to post what send is given, until ctx ends or finish is called.
func startHook(ctx context.Context, url string, say func(string, ...any)) *hook {
	h := &hook{url: url, say: say, wait: hookFirstGap, queue: make(chan audit.Finding, hookQueue), ended: make(chan struct{})}
	go func() {
		defer close(h.ended)
		for f := range h.queue {
			if err := h.deliver(ctx, f); err != nil {
				h.say("webhook: %s was not handed on: %v", named(f), err)
			}
		}
	}()
	return h
}

// send never waits: what is wrong is told on the terminal in any case.
func (h *hook) send(f audit.Finding) {
	select {
	case h.queue <- f:
	default:
		h.say("webhook: %s was not handed on: %d wait already", named(f), hookQueue)
	}
}

// finish waits until everything was handed on or given up; nothing may be sent after it.
func (h *hook) finish() {
	close(h.queue)
	<-h.ended
}

// deliver posts a finding, again and again with a growing wait.
func (h *hook) deliver(ctx context.Context, f audit.Finding) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	wait := h.wait
	for try := 1; ; try++ {
		err := h.post(ctx, body)
		if err == nil || try == hookTries || ctx.Err() != nil {
			return err
		}
		if try == 1 {
			h.say("webhook: %v; it is tried again", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		wait = min(2*wait, hookLongest)
	}
}

// post sends one request. Its error does not name the address, which may hold a secret.
func (h *hook) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, hookWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return withoutAddress(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return withoutAddress(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}

func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
