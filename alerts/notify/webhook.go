package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// webhook posts what a message says to a program, signed as Standard Webhooks has it (standardwebhooks.com). The webhook-id is
// the same for every try, so whoever receives it twice can tell.
type webhook struct{ client *http.Client }

// signer reads a secret of Standard Webhooks.
func signer(secret string) (*standardwebhooks.Webhook, error) {
	if secret == "" {
		return nil, errors.New("there is no secret")
	}
	return standardwebhooks.NewWebhook(secret)
}

func (w webhook) send(ctx context.Context, l letter) (string, error) {
	body, err := json.Marshal(struct {
		Type string `json:"type"`
		At   string `json:"timestamp"`
		Data said   `json:"data"`
	}{"warning.asks", l.now.UTC().Format("2006-01-02T15:04:05.000Z"), l.said})
	if err != nil {
		return "", troubled("it could not be written as JSON")
	}
	s, err := signer(l.secret)
	if err != nil {
		return "", troubled("its secret cannot be read")
	}
	signature, err := s.Sign(l.id, l.now, body)
	if err != nil {
		return "", troubled("it could not be signed")
	}
	r, err := jsonRequest(ctx, l.to, body)
	if err != nil {
		return "", err
	}
	r.Header.Set(standardwebhooks.HeaderWebhookID, l.id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(l.now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	_, err = post(w.client, r, nil)
	return "", err
}
