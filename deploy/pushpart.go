package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tocsin/alerts/notify/browsers"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// pushWay opens the way to browsers, where a channel of web push is set. `up` makes the key at its first start, and so does a process that
// shares its data folder; on another machine the file has to be brought there.
func (a *App) pushWay() (*browsers.Way, error) {
	if a.push != nil || !a.cfg.Notify.Pushes() {
		return a.push, nil
	}
	file := a.cfg.Notify.Push.KeyFile
	if file == "" {
		file = a.cfg.path("push.key")
	}
	keys, err := browsers.ReadKeys(file)
	if errors.Is(err, browsers.ErrNoKeys) && a.cfg.Notify.Push.KeyFile == "" {
		keys, err = browsers.MakeKeys(file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (notify.push.key_file of the configuration)", err)
	}
	a.push = browsers.NewWay(keys, a.cfg.Notify.PushSubject(), a.cfg.Notify.Push.Private)
	return a.push, nil
}

// turnedOn answers the notifier from the directory which browsers of an account are told.
type turnedOn struct {
	*browsers.Way
	pushes func(account string) []directory.Push
	ask    func(ctx context.Context, r event.Event) (int64, error)
	name   string
	log    *slog.Logger

	mu     sync.Mutex
	ending map[string]bool // by id, on their way to the registrar
	told   map[string]bool // those that do not open
}

// endWithin is how long an end may take; a push that comes back with 410 once more asks again.
const endWithin = 10 * time.Second

// Of answers the browsers of an account. One that was sealed by another key is told once and left out: it has to be turned on again.
func (t *turnedOn) Of(account string) (all []browsers.Browser) {
	for _, p := range t.pushes(account) {
		b, err := t.Open(p.Push, account, p.Sealed)
		if err != nil {
			t.lost(p, err)
			continue
		}
		all = append(all, b)
	}
	return all
}

func (t *turnedOn) lost(p directory.Push, err error) {
	t.mu.Lock()
	known := t.told[p.Push]
	t.told[p.Push] = true
	t.mu.Unlock()
	if !known {
		t.log.Error("a browser cannot be told: was the key for web push replaced? The person has to turn it on again", "account", p.Account, "push", p.Push, streams.KeyErr, err)
	}
}

// Gone ends a browser that its push service does not know any more.
func (t *turnedOn) Gone(account, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ending[id] {
		return
	}
	t.ending[id] = true
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), endWithin)
		defer cancel()
		_, err := t.ask(ctx, &event.PushEndRequested{Push: id, Account: account, Reason: event.PushGone, By: t.name})
		if err != nil {
			t.log.Warn("that a browser is told no more could not be written; it is written when it is met again", "account", account, "push", id, streams.KeyErr, err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.ending, id)
	}()
}

// Post hands a message to the service of one browser.
func (t *turnedOn) Post(ctx context.Context, b browsers.Browser, m browsers.Message) (*http.Response, error) {
	return t.Way.Post(ctx, b, m)
}

// startPush lets the notifier know who has turned notices on.
func (a *App) startPush() (*turnedOn, error) {
	way, err := a.pushWay()
	if way == nil || err != nil {
		return nil, err
	}
	return &turnedOn{Way: way, pushes: a.view.Pushes, ask: a.asker.Ask, name: a.cfg.Name, log: a.log, ending: map[string]bool{}, told: map[string]bool{}}, nil
}
