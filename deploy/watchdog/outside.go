package watchdog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// message is what whoever is outside is told.
type message struct {
	Type string    `json:"type"` // watchdog.failing, watchdog.well
	At   time.Time `json:"timestamp"`
	Data said      `json:"data"`
}

type said struct {
	Faults []Fault `json:"faults"`
	Of     int     `json:"partitions"` // that are watched
}

const (
	failing = "watchdog.failing"
	well    = "watchdog.well"

	postWithin  = 10 * time.Second
	firstGap    = time.Second
	longestGap  = time.Minute
	idleForever = 24 * time.Hour
)

// outside is what has been told outside, and what waits to be.
type outside struct {
	told    map[string]bool // what stands, by partition and what is missing
	toldAt  time.Time
	pending []message
	gap     time.Duration
	try     time.Time
}

// callOutside tells whoever is outside when something begins to fail, every so often while it lasts, and when all is well
// again. It needs nothing of Tocsin, and tries each message until it is taken.
func (w *Watchdog) callOutside(ctx context.Context) {
	if w.o.Webhook == "" {
		return
	}
	o := &outside{told: map[string]bool{}, gap: firstGap}
	for {
		faults, changed := w.standing()
		now := time.Now()
		o.look(faults, len(w.o.Patients), now, w.o.Again)
		wait := idleForever
		if len(o.told) > 0 {
			wait = o.toldAt.Add(w.o.Again).Sub(now)
		}
		if len(o.pending) > 0 {
			if !now.Before(o.try) {
				o.tried(w.post(ctx, o.pending[0]), time.Now(), w.o.Say)
				continue
			}
			wait = min(wait, o.try.Sub(now))
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(max(wait, time.Millisecond)):
		}
	}
}

// look adds what there is to tell. What still waits is told as it is now.
func (o *outside) look(faults []Fault, of int, now time.Time, again time.Duration) {
	fresh, standing := false, map[string]bool{}
	for _, f := range faults {
		key := strconv.Itoa(int(f.Partition)) + f.Missing
		standing[key] = true
		fresh = fresh || !o.told[key]
	}
	m := message{Type: failing, At: now.UTC(), Data: said{Faults: faults, Of: of}}
	switch {
	case len(faults) == 0 && len(o.told) == 0:
		return
	case len(faults) == 0:
		m.Type, m.Data.Faults = well, []Fault{}
	case !fresh && now.Sub(o.toldAt) < again:
		o.told = standing
		return
	}
	if n := len(o.pending); n > 0 && o.pending[n-1].Type == m.Type {
		o.pending = o.pending[:n-1]
	}
	o.pending, o.told, o.toldAt = append(o.pending, m), standing, now
}

// tried takes off what was taken, and lets the next try of what was not wait longer.
func (o *outside) tried(err error, now time.Time, say func(string, ...any)) {
	if err == nil {
		o.pending, o.gap, o.try = o.pending[1:], firstGap, time.Time{}
		return
	}
	say("the webhook was not called (%v); it is tried again in %s", err, o.gap)
	o.try, o.gap = now.Add(o.gap), min(2*o.gap, longestGap)
}

// post sends one message, signed as Standard Webhooks has it where there is a secret. Its error names no address, which may
// hold a secret.
func (w *Watchdog) post(ctx context.Context, m message) error {
	ctx, stop := context.WithTimeout(ctx, postWithin)
	defer stop()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.Webhook, bytes.NewReader(body))
	if err != nil {
		return withoutAddress(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if w.o.Secret != "" {
		if err := sign(r, w.o.Secret, fmt.Sprintf("watchdog-%d", m.At.UnixMilli()), time.Now(), body); err != nil {
			return err
		}
	}
	return w.send(r)
}

func sign(r *http.Request, secret, id string, now time.Time, body []byte) error {
	s, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return errors.New("the secret is none of Standard Webhooks")
	}
	signature, err := s.Sign(id, now, body)
	if err != nil {
		return errors.New("it could not be signed")
	}
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

func (w *Watchdog) send(r *http.Request) error {
	resp, err := w.client.Do(r)
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

// beat calls the heartbeat's address each stretch in which every partition has come through: who waits for it there calls
// people when it does not come, also when this process is dead.
func (w *Watchdog) beat(ctx context.Context) {
	if w.o.Heartbeat == "" {
		return
	}
	for pause(ctx, w.o.Every) {
		if w.Well(time.Now()) != nil {
			continue
		}
		short, stop := context.WithTimeout(ctx, postWithin)
		r, err := http.NewRequestWithContext(short, http.MethodGet, w.o.Heartbeat, nil)
		if err == nil {
			err = w.send(r)
		}
		if err != nil && ctx.Err() == nil {
			w.o.Say("the heartbeat was not taken: %v", withoutAddress(err))
		}
		stop()
	}
}
