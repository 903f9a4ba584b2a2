package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// weCom writes into a group of WeCom (developer.work.weixin.qq.com, document 91770).
type weCom struct{ client *http.Client }

func (w weCom) send(ctx context.Context, l letter) (string, error) {
	return "", robot(ctx, w.client, l.to, l.text)
}

// dingTalk writes into a group of DingTalk (open.dingtalk.com, custom robots). With a secret the address is signed.
type dingTalk struct{ client *http.Client }

func (d dingTalk) send(ctx context.Context, l letter) (string, error) {
	to := l.to
	if l.secret != "" {
		u, err := url.Parse(l.to)
		if err != nil {
			return "", troubled("its address is no URL")
		}
		q := u.Query()
		q.Set("timestamp", strconv.FormatInt(l.now.UnixMilli(), 10))
		q.Set("sign", dingTalkSign(l.secret, l.now))
		u.RawQuery = q.Encode()
		to = u.String()
	}
	return "", robot(ctx, d.client, to, l.text)
}

// dingTalkSign is the HMAC-SHA256 of time, in ms, and secret under the secret, in base64.
func dingTalkSign(secret string, now time.Time) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(strconv.FormatInt(now.UnixMilli(), 10) + "\n" + secret))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// robot posts a text, and reads whether it was taken: both say 200 to everything.
func robot(ctx context.Context, c *http.Client, to, text string) error {
	type content struct {
		Content string `json:"content"`
	}
	body, err := json.Marshal(struct {
		Type string  `json:"msgtype"`
		Text content `json:"text"`
	}{"text", content{text}})
	if err != nil {
		return troubled("it could not be written as JSON")
	}
	r, err := jsonRequest(ctx, to, body)
	if err != nil {
		return err
	}
	answer, err := post(c, r, nil)
	if err != nil {
		return err
	}
	var said struct {
		Code *int `json:"errcode"`
	}
	switch {
	case json.Unmarshal(answer, &said) != nil || said.Code == nil:
		return troubled("its answer cannot be read")
	case *said.Code != 0:
		return troubled("it answered errcode %d", *said.Code)
	}
	return nil
}
