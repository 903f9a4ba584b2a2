package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// job is one notice on its way.
type job struct {
	notice string
	of     *patient
	alert  string
	ask    int
	step   string
	person *person
	way    *way
	high   bool

	waiting bool      // it stands in its channel's line
	flying  bool      // a try is under way
	done    bool      // the channel has taken it
	failed  bool      // the last try failed, or none could be made: the next channel is asked meanwhile
	held    bool      // by a throttle or a full line, which has been reported
	tries   int       // that failed
	since   time.Time // when it was first wanted
	due     time.Time // of the next try
	over    string    // why nobody waits for it any more, when that came during a try
	id      string    // the channel's own
}

// noticeID names one asking of one warning to one recipient by one channel, and tells nothing of them.
func noticeID(alert string, ask int, recipient, channel string) string {
	sum := sha256.Sum256([]byte(alert + "\x00" + strconv.Itoa(ask) + "\x00" + recipient + "\x00" + channel))
	return "n" + hex.EncodeToString(sum[:12])
}

// asks tells whether a warning waits for somebody to take it, be it from a shift that is over.
func asks(w alerts.Warning) bool {
	return (w.Phase == alerts.New || w.Phase == alerts.Returned || w.Handover) && w.Asks > 0
}

// plan brings what is done about a patient in line with what is asked. The caller holds the lock.
func (n *Notifier) plan(c *patient) {
	wanted := map[string]bool{}
	if n.parts[c.partition].live && !streams.IsWatched(c.key) { // nobody is to be woken for a made-up patient
		for _, w := range c.state.Open {
			if asks(w) {
				n.want(c, w, wanted)
			}
			n.advise(c, w, wanted)
		}
	}
	for id, j := range c.jobs {
		if !wanted[id] {
			if j.over = c.overBecause(j); j.way.near && !n.stands(j) {
				j.over = "who is near the patient has changed"
			}
			n.lines[j.way.channel.name].leave(j)
			if d, is := j.way.channel.sender.(*appDoor); is {
				d.forget(id)
			}
			if !j.flying {
				delete(c.jobs, id)
			}
		}
	}
}

// want has everybody told whom the asked step names, each by the first of their channels that takes it: a channel is asked as
// soon as all before it have failed, and those are tried again for as long as the warning asks. Nobody waits for web push: the next is
// asked beside it, whatever becomes of it.
func (n *Notifier) want(c *patient, w alerts.Warning, wanted map[string]bool) {
	step := alerts.Asked(w.Policy, w.Level)
	people, reached := n.book.answering(step, w.OnDuty)
	if w.Peak == event.High && !reached {
		n.gap(step, w.OnDuty)
	}
	for _, p := range people {
		for _, by := range p.ways {
			j := n.job(c, w, w.Asks, step, p, by)
			wanted[j.notice], j.over = true, ""
			if !j.done {
				n.lines[by.channel.name].enter(j)
			}
			if (j.done || !j.failed) && by.channel.reliable() {
				break
			}
		}
	}
}

// job answers the notice, with what the log knows of it when it is new here.
func (n *Notifier) job(c *patient, w alerts.Warning, ask int, step string, p *person, by *way) *job {
	id := noticeID(w.Alert, ask, p.name+by.mark, by.channel.name)
	if j := c.jobs[id]; j != nil {
		j.high, j.person, j.way = w.Peak == event.High, p, by
		return j
	}
	now := time.Now()
	j := &job{notice: id, of: c, alert: w.Alert, ask: ask, step: step, person: p, way: by, high: w.Peak == event.High, since: now, due: now}
	c.jobs[id] = j
	i := slices.IndexFunc(w.Told, func(t alerts.Told) bool { return t.Notice == id })
	switch {
	case i < 0:
		n.report(j, event.NoticeQueued, "")
	case w.Told[i].State == event.NoticeFailed:
		j.failed, j.since = true, w.Told[i].At.Std()
	case w.Told[i].State != event.NoticeQueued:
		j.done = true
	default:
		j.since = w.Told[i].At.Std()
	}
	return j
}

// overBecause says why nobody waits for a notice any more.
func (c *patient) overBecause(j *job) string {
	for _, w := range c.state.Open {
		switch {
		case w.Alert != j.alert:
		case j.step == stepPatient && !w.Danger:
			return "the danger is over"
		case j.step == stepPatient:
			return "another channel took it meanwhile"
		case w.Owner != "":
			return "already accepted by " + w.Owner
		case w.Phase == alerts.Shelved:
			return "already shelved"
		case w.Asks != j.ask:
			return "asked anew meanwhile"
		default:
			return "another channel took it meanwhile"
		}
	}
	for _, p := range c.state.Closed {
		if p.Alert == j.alert && p.ClosedBy != "" {
			return "already closed by " + p.ClosedBy
		}
	}
	return "already over"
}

// gapEvery is how often a step that reaches nobody is told of while highs ask it.
const gapEvery = 10 * time.Minute

// gap raises a technical fault: a high asks a step that reaches nobody in person. Its id holds for a while, so that a restart
// tells it once.
func (n *Notifier) gap(step string, onDuty []string) {
	slot := time.Now().UnixMilli() / gapEvery.Milliseconds()
	if n.gaps[step] == slot {
		return
	}
	n.gaps[step] = slot
	key := streams.PatientKey(streams.SystemTenant, "notify")
	words := alerts.StepWords(step)
	en := "a high warning asks " + words[1] + ", for which only group robots, web push, or nobody, answers in notify.recipients"
	zh := "高优先级预警须通知" + words[0] + "，但 notify.recipients 中仅有群机器人、浏览器推送或无人"
	if len(onDuty) > 0 {
		who := strings.Join(onDuty, ", ")
		en = "a high warning asks " + words[1] + ": of those on duty (" + who + ") notify.recipients has nobody with a channel in person"
		zh = "高优先级预警须通知" + words[0] + "：值班人员（" + who + "）在 notify.recipients 中均无可直接联系本人的渠道"
	}
	n.out.put(key, "rota/"+step+"/"+strconv.FormatInt(slot, 10), &event.FaultReported{Kind: "rota_gap", Detail: en, DetailZh: zh})
}

// report writes what became of a notice.
func (n *Notifier) report(j *job, state, detail string) {
	n.metrics.notices.WithLabelValues(j.way.channel.name, state).Inc()
	id := j.notice + "/" + state
	if state == event.NoticeFailed || state == event.NoticeSent { // each is news
		id += "/" + strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	n.out.put(j.of.key, id, &event.NoticeReported{Alert: j.alert, Notice: j.notice, Ask: j.ask, To: j.step,
		Recipient: j.person.name, Channel: j.way.channel.name, State: state, Detail: detail})
}
