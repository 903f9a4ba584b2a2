package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// letter is one message to one address.
type letter struct {
	id      string // the same for every try
	to      string
	secret  string
	subject string
	text    string
	said    said // what it says, for machines
	now     time.Time
	advice  advice // for an app
}

// sender hands a letter to whoever carries it. id is theirs, when they give one. An error is a trouble.
type sender interface {
	send(ctx context.Context, l letter) (id string, err error)
}

// trouble is why a letter was not taken, in words of our own: what servers and the network say of themselves repeats addresses and
// tokens, and this goes into the log.
type trouble struct {
	words string
	after time.Duration // not before this; 0: as one likes
}

func (t trouble) Error() string { return t.words }

func troubled(format string, args ...any) error { return trouble{words: fmt.Sprintf(format, args...)} }

// troubleOf words an error of the network.
func troubleOf(err error, within time.Duration) trouble {
	var (
		known   trouble
		network net.Error
		name    *net.DNSError
		cert    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return trouble{words: "the notifier was stopped during the try"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return trouble{words: "no answer within " + within.String()}
	case errors.As(err, &name):
		return trouble{words: "its host was not found"}
	case errors.As(err, &cert):
		return trouble{words: "its certificate is not trusted"}
	default:
		return trouble{words: "no connection, or it broke"}
	}
}

// newHTTP makes the client of a channel. It follows nobody elsewhere: a message goes where the settings say.
func newHTTP(c *channel) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = max(c.atOnce, 4)
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

// post sends a request and answers what came back. Who throttles says for how long.
func post(c *http.Client, r *http.Request, success []int) ([]byte, error) {
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, trouble{words: "it takes no more for now (status 429)", after: retryAfter(resp.Header)}
	case !isSuccess(resp.StatusCode, success):
		return nil, trouble{words: "it answered with status " + strconv.Itoa(resp.StatusCode), after: retryAfter(resp.Header)}
	}
	return body, nil
}

func isSuccess(status int, success []int) bool {
	if len(success) == 0 {
		return status >= 200 && status <= 299
	}
	for _, s := range success {
		if s == status {
			return true
		}
	}
	return false
}

// retryAfter reads how long a server wants to be left alone.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// jsonRequest makes a POST of JSON.
func jsonRequest(ctx context.Context, url string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, troubled("its address is no URL")
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// at answers what stands at a path such as data.id in what JSON gave, as text; empty: nothing.
func at(v any, path string) string {
	if path == "" {
		return ""
	}
	for _, part := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(in) {
				return ""
			}
			v = in[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case nil, map[string]any, []any:
		return ""
	default:
		return fmt.Sprint(v) // numbers are read as json.Number
	}
}
