package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tocsin/alerts/notify/browsers"
)

// PushSetting says how web push goes out; it matters where a channel is of the kind webpush.
type PushSetting struct {
	KeyFile string `yaml:"key_file"` // the key that signs; empty: push.key in the data folder
	Subject string `yaml:"subject"`  // who answers for what is pushed: a mailbox or an https address; empty: desk, when it speaks https
	Private bool   `yaml:"private"`  // a push service may stand in the house, at an address that is not public, and without TLS
}

// PushSubject answers who answers for what is pushed.
func (s Settings) PushSubject() string {
	if s.Push.Subject == "" && strings.HasPrefix(s.Desk, "https://") {
		return s.Desk
	}
	return s.Push.Subject
}

// Pushes tells whether there is a channel of web push.
func (s Settings) Pushes() bool {
	return slices.ContainsFunc(s.Channels, func(c ChannelSetting) bool { return c.Kind == kindWebPush })
}

func (r *reading) push(path, channel string) {
	subject := r.whole.PushSubject()
	if _, err := mail.ParseAddress(strings.TrimPrefix(subject, "mailto:")); err != nil && (!isURL(subject) || !strings.HasPrefix(subject, "https://")) {
		r.fault(path+".subject", "%s needs somebody who answers for what is pushed: a mailbox, or an https address of the hospital", channel)
	}
}

// Browsers are the browsers in which people have turned notices on.
type Browsers interface {
	// Of answers those of an account. It must not wait.
	Of(account string) []browsers.Browser
	// Gone ends what a push service does not know any more. It must not wait.
	Gone(account, id string)
	Post(ctx context.Context, b browsers.Browser, m browsers.Message) (*http.Response, error)
}

// webPush tells every browser of an account. It counts as sent when one service took it, and never as told in person: the next channel is
// asked beside it.
type webPush struct{ browsers Browsers } // nil: there is no key

// pushed is what a browser's service worker reads. It names neither the patient nor what they have.
type pushed struct {
	Version int    `json:"v"`
	Notice  string `json:"notice"`
	Title   string `json:"title"`
	Text    string `json:"text"`
	Alert   string `json:"alert"` // where a click leads
}

func (w *webPush) send(ctx context.Context, l letter) (string, error) {
	if w.browsers == nil {
		return "", troubled("web push has no key here")
	}
	all := w.browsers.Of(l.to)
	if len(all) == 0 {
		return "", troubled("no browser of theirs has notices turned on")
	}
	p := pushed{Version: 1, Notice: l.id, Title: l.subject, Text: l.text}
	if len(l.said.Asks) > 0 {
		p.Alert = l.said.Asks[0].Alert
	}
	payload, err := json.Marshal(p)
	if err != nil || len(payload) > browsers.MaxPayload {
		return "", troubled("it is too long for web push")
	}
	m := browsers.Message{Payload: payload, Topic: l.id, Urgency: urgencyOf(l.said), TTL: ttlOf(l)}
	var (
		each  sync.WaitGroup
		mu    sync.Mutex
		taken bool
		last  error
	)
	for _, b := range all {
		each.Go(func() {
			err := w.one(ctx, l.to, b, m)
			mu.Lock()
			defer mu.Unlock()
			taken = taken || err == nil
			last = graver(last, err)
		})
	}
	each.Wait()
	if taken {
		return "", nil
	}
	return "", last
}

// one hands the message to the service of one browser.
func (w *webPush) one(ctx context.Context, account string, b browsers.Browser, m browsers.Message) error {
	resp, err := w.browsers.Post(ctx, b, m)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		w.browsers.Gone(account, b.ID())
		return troubled("the browser has notices turned off (status %d)", resp.StatusCode)
	case http.StatusTooManyRequests:
		return trouble{words: "it takes no more for now (status 429)", after: retryAfter(resp.Header)}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return trouble{words: "it answered with status " + strconv.Itoa(resp.StatusCode), after: retryAfter(resp.Header)}
	}
	return nil
}

// graver answers which of two errors tells more: one after which trying again can help, over a browser that is gone.
func graver(a, b error) error {
	var t trouble
	if a == nil || b != nil && (!errors.As(b, &t) || t.after > 0) {
		return b
	}
	return a
}

// urgencyOf says how a battery is to be weighed (RFC 8030, 5.3).
func urgencyOf(s said) string {
	urgency := "low"
	for _, a := range s.Asks {
		switch a.Severity {
		case "high":
			return "high"
		case "medium":
			urgency = "normal"
		}
	}
	return urgency
}

// leastTTL keeps what is asked at the last moment from being thrown away at once.
const leastTTL = time.Minute

// ttlOf is how long a service keeps it for a browser that is off: as long as it is asked. Then somebody else is, or it is asked anew.
func ttlOf(l letter) time.Duration {
	ttl := leastTTL
	for _, a := range l.said.Asks {
		ttl = max(ttl, a.AnswerBy.Std().Sub(l.now).Round(time.Second))
	}
	return ttl
}
