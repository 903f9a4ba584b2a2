package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// A click is answered by the log: the wish is written to `inputs`, the one owner of the patient decides, and the answer
// is what a step that holds says about it. Nothing here decides who has a warning.

// answered is what a click led to; refused is nil when it was granted.
type answered struct {
	sum     string // of the body of what was asked; empty: not known
	alert   string
	refused *event.RequestRefused
	silent  bool // folded without a word: what was asked for was so already
}

// waiter waits for the answer to one click; a repeat that comes meanwhile waits with it.
type waiter struct {
	sum       string        // of the body
	done      chan struct{} // closed when answer or err is set
	answer    *answered
	err       error
	written   bool
	partition int32
	offset    int64 // of the wish in inputs, once it is written
	alert     string
	key       string // of the patient
}

// ask writes a wish about a warning and waits for its answer.
func (s *Server) ask(ctx context.Context, verb string, c Click, desk string, wish func(event.Request) event.Event) (*body[Warning], error) {
	ward := s.wardOf(ctx)
	key, ok := ward.keyOf(c.ID)
	id := identityOf(ctx)
	if !ok || s.relation(id, key) == foreign {
		return nil, noWarning()
	}
	answer, err := s.asked(ctx, verb, key, c, wish(event.Request{Alert: c.ID, By: id.Account, Role: id.Role, Desk: desk}))
	if err != nil {
		return nil, err
	}
	now, _ := ward.find(c.ID)
	if answer.silent {
		if p := silently(verb, now.w, id.Account); p != nil {
			return nil, p
		}
	}
	return &body[Warning]{s.named(now.warning())}, nil
}

// asked writes a wish that concerns the patient of a key and waits for its answer, which may be a refusal.
func (s *Server) asked(ctx context.Context, verb, key string, c Click, wish event.Event) (*answered, error) {
	click := identityOf(ctx).Account + "/" + verb + "/" + c.ID + "/" + c.Key
	sum := bodySum(ctx)
	ward := s.wardOf(ctx)
	wait, first := ward.wait(click, sum, c.ID, key)
	if wait.sum != sum && wait.sum != "" {
		return nil, refuse(http.StatusConflict, "key_reused", "此 Idempotency-Key 已用于内容不同的请求；请换一个新的",
			"this Idempotency-Key was sent with another body before: a repeat is the same request, and another request has a key of its own")
	}
	if first {
		env := event.Envelope{ID: wishID(click, sum), Source: s.o.Edge.Name(), Subject: key, At: event.TimeOf(s.o.Now()), Data: wish}
		go s.o.Edge.Append(streams.Inputs, key, env, func(partition int32, offset int64, err error) {
			ward.written(click, wait, partition, offset, err)
		})
	}
	answer, err := s.answerTo(ctx, ward, click, wait)
	if ward == s.ward { // the watchdog's clicks are nobody's
		s.metrics.click(verb, answer, err)
	}
	switch {
	case err != nil:
		return nil, err
	case answer.refused != nil:
		return nil, refused(answer.refused)
	}
	return answer, nil
}

// The id of a wish in the log is that of the click, who asks, what, of what and by which Idempotency-Key, and behind it the sum of
// the body: so a repeat is known after a restart as well, and from another request that came with the same key.
func wishID(click, sum string) string { return click + "/" + sum }

// clickOf takes an id of a wish apart.
func clickOf(wish string) (click, sum string) {
	if i := strings.LastIndexByte(wish, '/'); i >= 0 {
		return wish[:i], wish[i+1:]
	}
	return wish, ""
}

// silently answers what is wrong when a wish was folded without a word and is not so: an answer from so long ago that
// nobody has it any more, or a wish that could not be judged. Nobody may read "done" then.
func silently(verb string, w alerts.Warning, account string) *Problem {
	done := false
	switch verb {
	case "unshelve":
		done = w.Phase != alerts.Shelved && w.Phase != alerts.Suppressed
	case "shelve":
		done = w.Phase == alerts.Shelved
	case "accept":
		done = w.Owner == account
	case "return":
		done = w.Owner != account
	case "close":
		done = w.Phase == alerts.Closed
	}
	switch {
	case done:
		return nil
	case verb == "accept" && w.Owner != "":
		zh, en := alerts.Words(alerts.RefusedHeld, w.Owner)
		return refused(&event.RequestRefused{Reason: alerts.RefusedHeld, Holder: w.Owner, Zh: zh, En: en})
	default:
		return notDone()
	}
}

func notDone() *Problem {
	return refuse(http.StatusConflict, "not_done", "操作未生效，请查看当前状态后再试", "it changed nothing; look at what is and press again")
}

// answerTo waits for the answer, and not for ever.
func (s *Server) answerTo(ctx context.Context, ward *ward, click string, w *waiter) (*answered, error) {
	late := time.NewTimer(s.o.AnswerWithin)
	defer late.Stop()
	select {
	case <-w.done:
	case <-ctx.Done():
	case <-late.C:
	}
	answer, err := ward.outcome(click, w)
	switch {
	case errors.Is(err, streams.ErrTooLarge):
		return nil, tooLarge()
	case err != nil:
		return nil, refuse(http.StatusServiceUnavailable, "not_written", "操作未能写入，请重试",
			"it could not be written; press again (the same Idempotency-Key does no harm)")
	case answer == nil:
		return nil, refuse(http.StatusGatewayTimeout, "unanswered", "已提交，尚无结果，请重试或稍候",
			"asked, not yet answered; ask again with the same Idempotency-Key to hear the answer")
	}
	return answer, nil
}

// wait joins whoever waits for a click already, or begins: then the caller writes the wish. A click that was answered
// before gets its first answer.
func (w *ward) wait(click, sum, alert, key string) (wait *waiter, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait, ok := w.waiting[click]; ok {
		return wait, false
	}
	wait = &waiter{sum: sum, done: make(chan struct{}), alert: alert, key: key}
	if a := w.known(click, key); a != nil {
		wait.answer, wait.sum = a, a.sum
		close(wait.done)
		return wait, false
	}
	w.waiting[click] = wait
	return wait, true
}

// known answers what a click led to, from what was heard or from the patient's state. The caller holds the lock.
func (w *ward) known(click, key string) *answered {
	if a, ok := w.answers[click]; ok {
		return a
	}
	p := w.people[key]
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.p.Alerts.Answers, func(a alerts.Answer) bool {
		of, _ := clickOf(a.Request)
		return of == click || a.Request == click // as programs wrote it that kept no sum
	})
	if i < 0 {
		return nil
	}
	a, sum := p.p.Alerts.Answers[i], ""
	if a.Request != click {
		_, sum = clickOf(a.Request)
	}
	if a.Reason == "" {
		return &answered{sum: sum, alert: a.Alert}
	}
	zh, en := alerts.Words(a.Reason, a.Holder)
	return &answered{sum: sum, alert: a.Alert, refused: &event.RequestRefused{Request: click, Alert: a.Alert, Reason: a.Reason, Holder: a.Holder, Zh: zh, En: en}}
}

// written hears where a wish stands in the log, or that it could not be written.
func (w *ward) written(click string, wait *waiter, partition int32, offset int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait.answer != nil || wait.err != nil {
		return
	}
	if err != nil {
		wait.err = err
		w.release(click, wait)
		return
	}
	wait.written, wait.partition, wait.offset = true, partition, offset
	if w.parts[partition].input > offset {
		w.decided(click, wait)
	}
}

// settle hears the answers of a step, then answers those whose wish it folded without a word: a repeat, or the wish of
// who had it already.
func (w *ward) settle(s Seen) {
	for _, e := range s.Events {
		if wish, a := answerIn(e.Data); wish != "" && w.shows(e.Subject) {
			click, sum := clickOf(wish)
			a.sum = sum
			w.keep(click, a)
			if wait, ok := w.waiting[click]; ok {
				wait.answer = a
				w.release(click, wait)
			}
		}
	}
	for click, wait := range w.waiting {
		if wait.written && wait.partition == s.Partition && wait.offset < s.Input {
			w.decided(click, wait)
		}
	}
}

// decided answers a wish that has been folded and led to nothing new: what it asked for is so.
func (w *ward) decided(click string, wait *waiter) {
	if wait.answer = w.known(click, wait.key); wait.answer == nil {
		wait.answer = &answered{sum: wait.sum, alert: wait.alert, silent: true}
	}
	w.release(click, wait)
}

func (w *ward) release(click string, wait *waiter) {
	delete(w.waiting, click)
	close(wait.done)
}

// outcome answers what has come of a click; nobody waits for it any more after that.
func (w *ward) outcome(click string, wait *waiter) (*answered, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait.answer == nil && wait.err == nil {
		delete(w.waiting, click) // a repeat writes it again, which the fold passes over
		wait.answer = w.known(click, wait.key)
		if wait.answer == nil {
			wait.err = errUnanswered
		}
		close(wait.done)
	}
	if errors.Is(wait.err, errUnanswered) {
		return nil, nil
	}
	return wait.answer, wait.err
}

var errUnanswered = errors.New("asked, not yet answered")

// keep remembers an answer for repeats, and lets the oldest go.
func (w *ward) keep(click string, a *answered) {
	if _, known := w.answers[click]; known {
		return
	}
	w.answers[click] = a
	w.order = append(w.order, click)
	if len(w.order) > 2*keptAnswers {
		for _, old := range w.order[:keptAnswers] {
			delete(w.answers, old)
		}
		w.order = append([]string(nil), w.order[keptAnswers:]...)
	}
}

// answerIn answers which wish an event answers, and how.
func answerIn(d event.Event) (wish string, a *answered) {
	if r, ok := d.(*event.RequestRefused); ok {
		return r.Request, &answered{alert: r.Alert, refused: r}
	}
	wish, alert := alerts.AnswerTo(d)
	if wish == "" {
		return "", nil
	}
	return wish, &answered{alert: alert}
}
