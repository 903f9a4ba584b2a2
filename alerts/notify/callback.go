package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// callback is how a gateway tells what became of a message.
type callback struct {
	CallbackSetting
	secret string
}

// The signatures that gateways use.
const (
	signedStandard = "standard-webhooks"
	signedHMAC     = "hmac-sha256"
)

func (r *reading) callback(path string, s CallbackSetting) *callback {
	if s.SecretFile == "" {
		return nil
	}
	c := &callback{CallbackSetting: s, secret: r.secret(path+".secret_file", s.SecretFile)}
	if c.Header == "" {
		c.Header = "X-Signature"
	}
	switch s.Signature {
	case signedHMAC:
	case signedStandard:
		if _, err := signer(c.secret); err != nil {
			r.fault(path+".secret_file", "holds no secret of Standard Webhooks (whsec_ and base64)")
		}
	default:
		r.fault(path+".signature", "%q is unknown; use %s or %s", s.Signature, signedStandard, signedHMAC)
	}
	if s.IDPath == "" {
		r.fault(path+".id_path", "says nowhere which message is meant; name the place of its id, such as data.id")
	}
	return c
}

// signed tells whether the gateway wrote this.
func (c *callback) signed(h http.Header, body []byte) bool {
	if c.Signature == signedStandard {
		s, err := signer(c.secret)
		return err == nil && s.Verify(body, h) == nil
	}
	given, err := hex.DecodeString(strings.TrimPrefix(h.Get(c.Header), "sha256="))
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write(body)
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

// state reads what became of the message; empty: nothing that we keep.
func (c *callback) state(v any) string {
	word := at(v, c.StatePath)
	switch {
	case word == "":
		return ""
	case slices.Contains(c.Delivered, word):
		return event.NoticeDelivered
	case slices.Contains(c.Opened, word):
		return event.NoticeOpened
	case slices.Contains(c.Failed, word):
		return event.NoticeFailed
	default:
		return ""
	}
}

// listen serves the gateways' callbacks until ctx ends.
func (n *Notifier) listen(ctx context.Context) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notify/{channel}", n.called)
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(n.o.Callback); !errors.Is(err, http.ErrServerClosed) {
			n.o.Logger.Error("gateways cannot tell any more what became of notices; restart the notifier", streams.KeyErr, err)
		}
	}()
	<-ctx.Done()
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(short) != nil {
		_ = server.Close() // the gateway asks again
	}
	<-ended
}

// called takes what a gateway tells. It answers 2xx only once the log has it.
func (n *Notifier) called(w http.ResponseWriter, r *http.Request) {
	c := n.book.channels[r.PathValue("channel")]
	if c == nil || c.callback == nil {
		http.Error(w, "nobody listens for this channel", http.StatusNotFound)
		return
	}
	status, why := n.heard(r, c)
	result := "taken"
	if status >= 300 {
		result = "refused"
	}
	n.metrics.callbacks.WithLabelValues(c.name, result).Inc()
	if why != "" {
		http.Error(w, why, status)
		return
	}
	w.WriteHeader(status)
}

func (n *Notifier) heard(r *http.Request, c *channel) (status int, why string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostAnswer))
	if err != nil {
		return http.StatusBadRequest, "the body cannot be read"
	}
	if !c.callback.signed(r.Header, body) {
		return http.StatusUnauthorized, "the signature is wrong"
	}
	v, err := fields(r.Header.Get("Content-Type"), body)
	if err != nil {
		return http.StatusBadRequest, "neither JSON nor a form"
	}
	notices := n.noticesOf(c, at(v, c.callback.IDPath))
	if len(notices) == 0 {
		return http.StatusNotFound, "there is no such message, or nobody waits for it any more"
	}
	if err := n.keep(r.Context(), notices, c.callback.state(v), c.acceptKey != "" && at(v, c.callback.KeyPath) == c.acceptKey); err != nil {
		return http.StatusServiceUnavailable, "the log did not take it; tell it again"
	}
	return http.StatusNoContent, ""
}

func fields(contentType string, body []byte) (any, error) {
	if !strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		return parsed(body)
	}
	form, err := url.ParseQuery(string(body))
	v := map[string]any{}
	for k := range form {
		v[k] = form.Get(k)
	}
	return v, err
}

// told is a notice that a gateway speaks of.
type told struct {
	key string
	alerts.Told
	alert string
}

// noticesOf finds the notices that went out as one message, by our id of it or the gateway's: in what is under way here, and in
// what the log knows of open warnings.
func (n *Notifier) noticesOf(c *channel, id string) (found []told) {
	if id == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for key, p := range n.cases {
		for _, w := range p.state.Open {
			for _, t := range w.Told {
				known, _, _ := strings.Cut(t.Detail, ";")
				if t.Channel == c.name && (t.Notice == id || known == detailOf(id)) {
					found = append(found, told{key, t, w.Alert})
				}
			}
		}
		for _, j := range p.jobs { // what the fold has not seen yet
			if j.way.channel == c && (j.notice == id || j.id == id) && !slices.ContainsFunc(found, func(t told) bool { return t.Notice == j.notice }) {
				found = append(found, told{key, alerts.Told{Notice: j.notice, Ask: j.ask, To: j.step, Recipient: j.person.name, Channel: c.name, Detail: detailOf(j.id)}, j.alert})
			}
		}
	}
	return found
}

// keep writes what a gateway told, and the wish of whoever pressed the key, who must have an account with a role.
func (n *Notifier) keep(ctx context.Context, notices []told, state string, accepts bool) error {
	var all []event.Envelope
	write := func(t told, what string, d event.Event) {
		all = append(all, event.Envelope{ID: t.Notice + "/" + what, Source: n.o.Edge.Name(), Subject: t.key, At: event.TimeOf(time.Now()), Data: d})
	}
	for _, t := range notices {
		id, _, _ := strings.Cut(t.Detail, ";")
		if !strings.HasPrefix(id, "id ") {
			id = ""
		}
		if state != "" {
			n.metrics.notices.WithLabelValues(t.Channel, state).Inc()
			write(t, state+"/"+id, &event.NoticeReported{Alert: t.alert, Notice: t.Notice, Ask: t.Ask, To: t.To, Recipient: t.Recipient,
				Channel: t.Channel, State: state, Detail: id})
		}
		if role := n.book.roleOf(t.Recipient); accepts && role != "" {
			write(t, "accept", &event.AcceptRequested{Request: event.Request{Alert: t.alert, By: t.Recipient, Role: role, Desk: t.Channel}})
		}
	}
	if err := n.append(ctx, all); err != nil {
		return err
	}
	if state == event.NoticeFailed {
		n.bounced(notices)
	}
	return nil
}

// bounced has the next channel asked for what a gateway took and could not deliver, and this one again.
func (n *Notifier) bounced(notices []told) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range notices {
		c := n.cases[t.key]
		if c == nil || t.State == event.NoticeDelivered || t.State == event.NoticeOpened {
			continue
		}
		if j := c.jobs[t.Notice]; j != nil && j.done {
			j.done, j.failed, j.tries = false, true, j.tries+1
			j.due = time.Now().Add(n.backOff(j, 0))
			n.plan(c)
		}
	}
}

func (b *book) roleOf(recipient string) string {
	for _, p := range b.people {
		if p.name == recipient {
			return p.role
		}
	}
	return ""
}

// appendWithin is how long a gateway waits for the log.
const appendWithin = 5 * time.Second

func (n *Notifier) append(ctx context.Context, all []event.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	settled := make(chan error, len(all))
	for _, e := range all {
		n.o.Edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) { settled <- err })
	}
	var faults []error
	for range all {
		select {
		case err := <-settled:
			faults = append(faults, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(faults...)
}
