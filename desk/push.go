package desk

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/alerts/notify/browsers"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Notices in the browser: whoever is signed in turns them on for the browser at which they sit. It outlasts the session, for it is meant
// for when nobody looks at the desk; what is shown there names nobody.

// Push is how browsers are told; *browsers.Way is one.
type Push interface {
	Public() string
	Check(b browsers.Browser) error
	Seal(account string, b browsers.Browser) ([]byte, error)
}

// PushView is what a browser needs to be told, and which are.
type PushView struct {
	Available bool     `json:"available" doc:"false: this hospital has no channel of web push"`
	Key       string   `json:"key" doc:"the applicationServerKey, base64url; empty when it is not available"`
	Browsers  []string `json:"browsers" doc:"ids of one's own browsers that are told; the id of an endpoint is answered when it is turned on"`
}

// PushBody is a browser's subscription (PushSubscription.toJSON), of which the desk keeps no word in clear.
type PushBody struct {
	Endpoint string `json:"endpoint" minLength:"1" maxLength:"2048"`
	P256dh   string `json:"p256dh" minLength:"1" maxLength:"128"`
	Auth     string `json:"auth" minLength:"1" maxLength:"64"`
}

// PushMade names the browser that is told from now on.
type PushMade struct {
	ID string `json:"id"`
}

// mayPush is who is told of warnings.
var mayPush = maySee

// mostBrowsers of one account: a message goes to each.
const mostBrowsers = 8

func (s *Server) pushOperations(api huma.API) {
	huma.Register(api, op(mayPush, "GET", "/v1/session/push", "getPush", "session", "Whether notices can be shown by browsers, and by which of one's own they are"),
		func(ctx context.Context, _ *struct{}) (*body[PushView], error) {
			return &body[PushView]{s.pushView(identityOf(ctx).Account)}, nil
		})
	huma.Register(api, op(mayPush, "PUT", "/v1/session/push", "turnOnPush", "session", "Have this browser show notices", http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
		func(ctx context.Context, in *body[PushBody]) (*body[PushMade], error) {
			return answer(s.turnOnPush(ctx, browsers.Browser{Endpoint: in.Body.Endpoint, P256dh: in.Body.P256dh, Auth: in.Body.Auth}))
		})
	huma.Register(api, op(mayPush, "DELETE", "/v1/session/push/{id}", "turnOffPush", "session", "Have a browser of one's own show notices no more", http.StatusServiceUnavailable, http.StatusGatewayTimeout),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64" pattern:"^b[0-9a-f]+$"`
		}) (*struct{}, error) {
			return nil, s.turnOffPush(ctx, in.ID)
		})
}

func (s *Server) pushView(account string) PushView {
	v := PushView{Browsers: []string{}}
	if s.o.Push == nil {
		return v
	}
	v.Available, v.Key = true, s.o.Push.Public()
	for _, p := range s.o.Directory.Pushes(account) {
		v.Browsers = append(v.Browsers, p.Push)
	}
	return v
}

func (s *Server) turnOnPush(ctx context.Context, b browsers.Browser) (PushMade, error) {
	id := identityOf(ctx)
	switch {
	case id.token:
		return PushMade{}, refuse(http.StatusForbidden, "token", "令牌没有浏览器", "a bearer token has no browser")
	case s.o.Push == nil:
		return PushMade{}, refuse(http.StatusServiceUnavailable, "push_off", "本院未配置浏览器推送", "this hospital has no channel of web push")
	}
	if err := s.o.Push.Check(b); err != nil {
		return PushMade{}, refuse(http.StatusUnprocessableEntity, "bad_push", "浏览器给出的推送地址不可用："+err.Error(), "what the browser says of itself cannot be used: "+err.Error())
	}
	known := s.o.Directory.Pushes(id.Account)
	if len(known) >= mostBrowsers && !isOf(known, b.ID()) {
		return PushMade{}, refuse(http.StatusConflict, "too_many", "已在 8 个浏览器中开启通知，请先关闭其中一个", "notices are on in 8 browsers already; turn one off first")
	}
	sealed, err := s.o.Push.Seal(id.Account, b)
	if err != nil {
		return PushMade{}, err
	}
	if err := s.tell(ctx, &event.PushRequested{Push: b.ID(), Account: id.Account, Sealed: sealed}); err != nil {
		return PushMade{}, err
	}
	return PushMade{b.ID()}, nil
}

func isOf(all []directory.Push, id string) bool {
	for _, p := range all {
		if p.Push == id {
			return true
		}
	}
	return false
}

func (s *Server) turnOffPush(ctx context.Context, push string) error {
	account := identityOf(ctx).Account
	return s.tell(ctx, &event.PushEndRequested{Push: push, Account: account, Reason: event.PushTurnedOff, By: account})
}
