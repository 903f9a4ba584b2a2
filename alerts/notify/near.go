package notify

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Who is near a patient is told what to do while the patient's app does not say that it has the advice (ALR-17): carers, by the SMS and
// voice channels of the setting. Their numbers reach neither the log nor any line of ours: there they are carer-1, carer-2 …

// Near is who is near a patient, as far as is known.
type Near struct {
	Phones    []NearPhone // in the order in which they are tried; after mostNear nobody is tried
	Emergency string      // of the 120 centre where the patient lives: who calls 120 from another city reaches another one
	Version   int         // of what is known: after a change nobody counts as told
	Missing   string      // why there are no telephones, in words for the desk; empty: there are some, or it is being looked up
}

// NearPhone is one telephone of somebody near a patient.
type NearPhone struct {
	Carer    int    // from 1, in the order in which they are called
	Number   string // as somebody would dial it
	Language string // zh, en; empty: as notify.patients says
}

// ReachesTelephones tells whether who is near patients is told.
func (s Settings) ReachesTelephones() bool {
	return slices.ContainsFunc(s.Channels, func(c ChannelSetting) bool {
		return (c.Kind == kindSMS || c.Kind == kindVoice) && slices.Contains(s.Patients.Channels, c.Name)
	})
}

// mostNear is how many telephones are tried: by two channels they leave room for the receipts of staff, of which a warning keeps 48.
const mostNear = 10

// The words to carers name neither the patient nor what was measured.
const (
	nearZh      = "您所照护的人最近的测量或上报处于危险范围。请立即拨打 %s，并马上联系或前往其身边。%s医护人员也已收到预警，请勿等候来电。"
	nearEn      = "Somebody you care for has measured or reported something in the danger range. Call %s now, and reach them or go to them. %sTheir care team has been warned too; do not wait for its call."
	nearLocalZh = "您若不在同一城市，请拨打其所在地急救中心：%s。"
	nearLocalEn = "If you are in another city, call the emergency centre where they live: %s. "
)

// writeNear words what a carer is to do.
func writeNear(language, call, local string) string {
	text, also := nearZh, nearLocalZh
	if language == "en" {
		text, also = nearEn, nearLocalEn
	}
	if local != "" && local != call {
		also = fmt.Sprintf(also, local)
	} else {
		also = ""
	}
	return fmt.Sprintf(text, call, also)
}

// carerName answers how a carer is called in receipts; nobody of the staff may be called so.
func carerName(n int) string { return fmt.Sprintf("%s%d", carerPrefix, n) }

const carerPrefix = "carer-"

// isAdviceName tells whether receipts of advice use a name.
func isAdviceName(name string) bool {
	return name == stepPatient || strings.HasPrefix(name, carerPrefix)
}

// dialled answers a number as gateways take it: digits, and a + before them.
func dialled(number string) string {
	plus := strings.HasPrefix(number, "+")
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if plus {
		return "+" + digits
	}
	return digits
}

// nearWays answers the ways to who is near a patient: each telephone by each channel, before the next telephone.
func (n *Notifier) nearWays(key string, by []*channel) (all []adviceWay) {
	if n.o.Near == nil || len(by) == 0 {
		return nil
	}
	tenant, patient := streams.SplitPatientKey(key)
	near := n.o.Near(tenant, patient)
	if near.Missing != "" {
		who := &person{name: carerName(1), language: n.book.advice.language}
		return []adviceWay{{person: who, way: &way{channel: by[0], near: true, mark: "/none"}, missing: near.Missing}}
	}
	for i, p := range near.Phones[:min(len(near.Phones), mostNear)] {
		who := n.carer(p)
		for _, c := range by {
			all = append(all, adviceWay{person: who, way: &way{channel: c, address: dialled(p.Number), near: true, local: near.Emergency,
				mark: fmt.Sprintf("/%d/%d", near.Version, i)}})
		}
	}
	return all
}

// carer answers a carer as a recipient, the same each time.
func (n *Notifier) carer(p NearPhone) *person {
	language := p.Language
	if language == "" {
		language = n.book.advice.language
	}
	of := person{name: carerName(p.Carer), language: language}
	known := n.carers[of.name+of.language]
	if known == nil {
		known = &of
		n.carers[of.name+of.language] = known
	}
	return known
}

// NearChanged has it looked at anew who is near a patient: it has been found out, or has changed.
func (n *Notifier) NearChanged(tenant, patient string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.cases[streams.PatientKey(tenant, patient)]; c != nil {
		n.plan(c)
	}
}

// cannot notes once that a way leads nowhere, so that the desk sees it.
func (n *Notifier) cannot(j *job, why string) {
	if !j.held {
		j.held, j.failed = true, true
		n.report(j, event.NoticeFailed, why)
	}
}

// stands tells whether advice still goes where it was to go, and has it go where it goes now: somebody may have corrected a number, or
// who is near may have been erased. The caller holds the lock.
func (n *Notifier) stands(j *job) bool {
	for _, a := range n.adviceWays(j.of.key) {
		if a.missing == "" && noticeID(j.alert, j.ask, a.person.name+a.way.mark, a.way.channel.name) == j.notice {
			j.person, j.way = a.person, a.way
			return true
		}
	}
	return false
}
