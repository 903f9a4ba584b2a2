package outbox

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/alerts/notify"
	"tocsin/streams/event"
)

// web posts or puts to one HTTP server. What it signs, it signs as Standard Webhooks has it (standardwebhooks.com): webhook-id is the
// same at every try.
type web struct {
	base    *url.URL
	headers map[string]string
	secret  *standardwebhooks.Webhook // nil: nothing is signed
	client  *http.Client
}

func newHTTP(u *url.URL, headers map[string]string, secret *standardwebhooks.Webhook, trust *tls.Config) *web {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if trust != nil {
		t.TLSClientConfig = trust
	}
	t.MaxIdleConnsPerHost = 8
	return &web{u, headers, secret, &http.Client{Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}} // a message goes where the settings say
}

func (w *web) send(ctx context.Context, m message) error {
	for i, p := range m.Parts {
		id := m.ID
		if i > 0 { // whoever passes over what has come already must not take it for the first part
			id += "/" + strconv.Itoa(i+1)
		}
		if err := w.part(ctx, m, p, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *web) close() { w.client.CloseIdleConnections() }

// The headers that every request has.
const (
	headerSubscriber = "Tocsin-Subscriber"
	headerPartition  = "Tocsin-Partition"
	headerNumber     = "Tocsin-Number"  // from 1, without a hole within subscriber and partition
	headerConsent    = "Tocsin-Consent" // id of the patient's consent by which it is told
)

func (w *web) part(ctx context.Context, m message, p event.OutboxPart, id string) error {
	to := *w.base
	if p.Path != "" {
		to = *w.base.JoinPath(p.Path)
	}
	r, err := http.NewRequestWithContext(ctx, p.Method, to.String(), strings.NewReader(p.Body))
	if err != nil {
		return &refused{words: "its address is no URL"}
	}
	for name, value := range w.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", p.Type)
	r.Header.Set(headerSubscriber, m.Subscriber)
	r.Header.Set(headerPartition, strconv.Itoa(int(m.partition)))
	r.Header.Set(headerNumber, strconv.FormatInt(m.Number, 10))
	if m.Consent != "" {
		r.Header.Set(headerConsent, m.Consent)
	}
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	if w.secret != nil {
		signature, err := w.secret.Sign(id, m.now, []byte(p.Body))
		if err != nil {
			return &refused{words: "it could not be signed"}
		}
		r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(m.now.Unix(), 10))
		r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read so that the connection can be used again; once the status is there, that the rest does not come changes nothing.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &refused{words: "it takes no more for now (status 429)", after: notify.RetryAfter(resp.Header)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return &refused{words: "it answered with status " + strconv.Itoa(resp.StatusCode), after: notify.RetryAfter(resp.Header)}
	}
	return nil
}
