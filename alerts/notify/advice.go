package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// What the patient is told. When a warning comes into the immediate-danger band the patient's app says what to do (ALR-17): by the
// notices and receipts of everybody else, but whoever accepts the warning does not end it, only the danger's end or the warning's does.
// The app is asked again until it says that it has the message; meanwhile who is near the patient is told by the next channels.

// PatientSetting says how patients are told what to do.
type PatientSetting struct {
	Channels  []string `yaml:"channels"`  // in the order in which they are tried, such as [app, sms, call]; empty: patients are not told
	Language  string   `yaml:"language"`  // zh (what holds when empty), en
	Emergency string   `yaml:"emergency"` // the number to call; empty: 120
}

// Advice answers the number to call in danger, and what the patient is told then.
func (s PatientSetting) Advice() (call, zh, en string) {
	if call = s.Emergency; call == "" {
		call = "120"
	}
	return call, fmt.Sprintf(adviceZh, call), fmt.Sprintf(adviceEn, call)
}

// App reaches the apps of patients.
type App interface {
	// Tell sends to every app of the patient that is connected, and answers how many those are. Whether one has it only its receipt says.
	Tell(tenant, patient string, payload []byte) int
}

// stepPatient is whom advice asks: no step of a policy.
const stepPatient = "patient"

// advice is what an app is sent.
type advice struct {
	Version int        `json:"v"`
	Notice  string     `json:"notice"` // to be named in the receipt, the same at every try
	At      event.Time `json:"at"`     // since when there is danger, as far as is known
	Call    string     `json:"call"`
	Zh      string     `json:"zh"`
	En      string     `json:"en"`
}

// The words name nothing that was measured: a message lights up on other people's tables.
const (
	adviceZh = "您最近的测量或上报处于危险范围。请立即拨打 %s，不要独自等待。医护人员也已收到预警，请勿等候来电。"
	adviceEn = "What you last measured or reported is in the danger range. Call %s now, and do not wait alone. Your care team has been warned too; do not wait for its call."
)

// appDoor is the channel to apps. A message counts as taken only when the app has said so.
type appDoor struct {
	app App // nil: no gateway runs in this process

	mu      sync.Mutex
	waiting map[string]chan struct{} // by notice
}

func (d *appDoor) send(ctx context.Context, l letter) (string, error) {
	if d.app == nil {
		return "", troubled("no gateway runs in the notifier's process, so apps cannot be reached")
	}
	payload, err := json.Marshal(l.advice)
	if err != nil {
		return "", troubled("it could not be written as JSON")
	}
	had := d.expect(l.id)
	select {
	case <-had: // it said so after the last try was over
		return "", nil
	default:
	}
	tenant, patient := streams.SplitPatientKey(l.to)
	if d.app.Tell(tenant, patient, payload) == 0 {
		return "", troubled("no app of the patient is connected")
	}
	select {
	case <-had:
		return "", nil
	case <-ctx.Done():
		return "", troubled("the app has not said that it has it")
	}
}

// expect answers what is closed when an app says that it has a notice: also one that says so later, before the next try.
func (d *appDoor) expect(notice string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[string]chan struct{}{}
	}
	ch := d.waiting[notice]
	if ch == nil {
		ch = make(chan struct{})
		d.waiting[notice] = ch
	}
	return ch
}

// has notes that an app says that it has a notice.
func (d *appDoor) has(notice string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ch := d.waiting[notice]; ch != nil {
		select {
		case <-ch:
		default:
			close(ch)
		}
	}
}

// forget lets go of a notice that nobody waits for any more.
func (d *appDoor) forget(notice string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, notice)
}

// advise has the patient told what to do while there is danger, and who is near. The caller holds the lock.
func (n *Notifier) advise(c *patient, w alerts.Warning, wanted map[string]bool) {
	if !w.Danger || w.Dangers == 0 {
		return
	}
	for _, a := range n.adviceWays(c.key) {
		j := n.job(c, w, w.Dangers, stepPatient, a.person, a.way)
		wanted[j.notice], j.over, j.high = true, "", true
		switch {
		case j.done:
			return
		case a.missing != "":
			n.cannot(j, a.missing)
			continue
		}
		n.lines[a.way.channel.name].enter(j)
		if !j.failed {
			return
		}
	}
}

// adviceWay is one way to a patient or to who is near.
type adviceWay struct {
	person  *person
	way     *way
	missing string // why it leads nowhere
}

// adviceWays answers the ways to a patient's app and to who is near, in the order in which they are tried: carers come where the first
// channel to telephones stands.
func (n *Notifier) adviceWays(key string) (all []adviceWay) {
	for i, c := range n.book.advice.channels {
		switch {
		case c.kind == kindApp:
			all = append(all, adviceWay{person: n.book.advice.patient, way: &way{channel: c, address: key}})
		case !slices.ContainsFunc(n.book.advice.channels[:i], (*channel).telephone):
			all = append(all, n.nearWays(key, slices.DeleteFunc(slices.Clone(n.book.advice.channels), func(c *channel) bool { return !c.telephone() }))...)
		}
	}
	return all
}

// writeAdvice words what the patient is to do.
func (n *Notifier) writeAdvice(j *job, now time.Time) letter {
	call := n.book.advice.emergency
	a := advice{Version: 1, Notice: j.notice, At: event.TimeOf(j.since), Call: call, Zh: fmt.Sprintf(adviceZh, call), En: fmt.Sprintf(adviceEn, call)}
	text := a.Zh
	switch {
	case j.way.near:
		text = writeNear(j.person.language, call, j.way.local)
	case j.person.language == "en":
		text = a.En
	}
	s := said{Notice: j.notice, Recipient: j.person.name, Step: j.step, Language: j.person.language, Asks: []saidLine{}, Text: text}
	return letter{id: j.notice, to: j.way.address, text: text, said: s, now: now, advice: a}
}

// Receipt takes what an app says of a notice to the patient: event.NoticeDelivered or NoticeOpened. done is called once, with nil when
// the log has it, or when nobody waits for it any more. It does not wait.
func (n *Notifier) Receipt(tenant, patient, notice, state string, done func(error)) {
	key := streams.PatientKey(tenant, patient)
	r, known := n.adviceOf(key, notice)
	if !known {
		n.o.Logger.Debug("an app speaks of a notice that nobody waits for", streams.KeyPatient, key, "notice", notice)
		done(nil)
		return
	}
	r.State = state
	n.metrics.notices.WithLabelValues(r.Channel, state).Inc()
	e := event.Envelope{ID: notice + "/" + state + "/app", Source: n.o.Edge.Name(), Subject: key, At: event.TimeOf(time.Now()), Data: &r}
	n.o.Edge.Append(streams.Inputs, key, e, func(_ int32, _ int64, err error) {
		if err == nil {
			n.acknowledged(key, r)
		}
		done(err)
	})
}

// Listens has what waits for a patient's app be tried at once: one has just connected.
func (n *Notifier) Listens(tenant, patient string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.cases[streams.PatientKey(tenant, patient)]
	if c == nil {
		return
	}
	for _, j := range c.jobs {
		if j.way.channel.kind == kindApp && !j.done && !j.flying {
			j.due = time.Now()
			n.lines[j.way.channel.name].nudge()
		}
	}
}

// acknowledged ends the trying of a notice, wherever it stands.
func (n *Notifier) acknowledged(key string, r event.NoticeReported) {
	if d, is := n.book.channels[r.Channel].sender.(*appDoor); is {
		d.has(r.Notice)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.cases[key]
	if c == nil {
		return
	}
	if j := c.jobs[r.Notice]; j != nil && !j.flying { // a try that is under way hears of it by itself
		j.done, j.failed = true, false
		n.lines[r.Channel].leave(j)
		n.plan(c)
	}
}

// adviceOf finds a notice to a patient's app in what is under way, or in what the log knows of open warnings.
func (n *Notifier) adviceOf(key, notice string) (r event.NoticeReported, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.cases[key]
	if c == nil {
		return r, false
	}
	if j := c.jobs[notice]; j != nil && j.way.channel.kind == kindApp {
		return event.NoticeReported{Alert: j.alert, Notice: notice, Ask: j.ask, To: j.step, Recipient: j.person.name, Channel: j.way.channel.name}, true
	}
	for _, w := range c.state.Open {
		for _, t := range w.Told {
			if ch := n.book.channels[t.Channel]; t.Notice == notice && ch != nil && ch.kind == kindApp {
				return event.NoticeReported{Alert: w.Alert, Notice: notice, Ask: t.Ask, To: t.To, Recipient: t.Recipient, Channel: t.Channel}, true
			}
		}
	}
	return r, false
}

// patients is the setting, read and checked.
type patients struct {
	channels  []*channel
	patient   *person
	language  string
	emergency string
}

func (r *reading) patients(s PatientSetting) {
	p := patients{patient: &person{name: stepPatient}}
	p.emergency, _, _ = s.Advice()
	language := s.Language
	switch language {
	case "":
		language = "zh"
	case "zh", "en":
	default:
		r.fault("notify.patients.language", "%q is unknown; use zh or en", s.Language)
	}
	p.patient.language, p.language = language, language
	for i, name := range s.Channels {
		path := fmt.Sprintf("notify.patients.channels[%d]", i)
		switch c := r.b.channels[name]; {
		case c == nil:
			r.fault(path, "there is no channel %q", name)
		case c.group():
			r.fault(path, "%s is a room: no patient is in it", name)
		case c.kind != kindApp && !c.telephone():
			r.fault(path, "%s is a %s: patients are told by an app, and who is near them by sms or voice", name, c.kind)
		default:
			p.channels = append(p.channels, c)
		}
	}
	r.b.advice = p
}
