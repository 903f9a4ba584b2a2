package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tocsin/alerts/outbox/hl7v2"
	"tocsin/streams/event"
)

// A message is made by a consent to sharing (or, for a part of the hospital's own watching, to monitoring) and carries its id. It is asked for again before every try. What was made before a withdrawal
// and not taken yet never goes out: under its number goes a word that something was withheld, and why, without a patient and without a
// finding. Of what happens later the subscriber is told nothing, and no number is used; but of a warning that it knows it is told once
// that it will hear no more of it, so that silence is not taken for being well. When the patient agrees again, it goes on.

// Shares says whether others may be told of a patient.
type Shares struct {
	Allowed bool
	Consent string // id of the consent that is asked for; empty: it is about nobody
	Why     string // when not allowed: one of the words of withheld messages
}

// SharesBy answers by how a patient stands to a purpose. A part of the watching itself is told of everybody who is watched: as with
// readings, a form that is missing or has run out leaves nobody unheard, and a withdrawal ends it.
func SharesBy(purpose string, s event.ConsentStanding) Shares {
	watched := purpose == event.ForMonitoring && s.State != event.ConsentWithdrew
	return Shares{Allowed: s.Allows() || watched, Consent: s.Consent, Why: "consent_" + s.State}
}

// consentEvery is how often a try that hangs asks whether it may still go on.
const consentEvery = time.Second

// typeWithheld is the type of a CloudEvent that says that something was withheld.
const typeWithheld = "sharing.withheld"

// withheld is what there is to say instead of a message.
type withheld struct {
	partition int32
	number    int64
	id        string // of the message that says so
	alert     string // that the subscriber hears no more of
	why       string
	at        event.Time
}

// withheldUntil counts what was withheld.
type withheldUntil struct{ count, last int64 }

// withheldID is the id of what goes out instead of a message.
func withheldID(of string) string { return of + "/withheld" }

func (s *stream) instead(m event.OutboxMessage, why string) ([]event.OutboxPart, error) {
	return s.sub.render.withheld(withheld{partition: s.p, number: m.Number, id: withheldID(m.ID), alert: m.Alert, why: why, at: m.At})
}

// ends makes the last message about a warning that the subscriber knows, and nothing for one that it does not.
func (s *stream) ends(m event.OutboxMessage, w event.OutboxWarning, may Shares) error {
	if w.Told == 0 || w.Withheld {
		return nil
	}
	var err error
	if m.Parts, err = s.instead(m, may.Why); err != nil {
		return err
	}
	m.ID, m.Of, m.Tenant, m.Patient = withheldID(m.ID), typeWithheld, "", "" // it is about nobody any more, and needs no consent
	w.Withheld = true
	s.made = append(s.made, m)
	s.tells(w, m.Number)
	return nil
}

// withheldNow tells whether a message must not go out now. One that names nobody was made before consents were kept, or says itself
// that something was withheld.
func (s *stream) withheldNow(m event.OutboxMessage) (Shares, bool) {
	if m.Patient == "" {
		return Shares{}, false
	}
	may := s.o.Shares(m.Tenant, m.Patient, s.sub.purpose)
	return may, !may.Allowed
}

// withhold writes down what goes out instead of a message. It is delivered next.
func (s *stream) withhold(ctx context.Context, m event.OutboxMessage, may Shares) error {
	parts, err := s.instead(m, may.Why)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &event.OutboxWithheld{Subscriber: s.sub.id, Number: m.Number, ID: withheldID(m.ID), Of: m.ID, Why: may.Why, Consent: m.Consent, Parts: parts}
	if err := s.put(ctx, d); err != nil {
		return err
	}
	return s.at.holdBack(d)
}

// holdBack puts what goes out instead in the place of a message: by it the subscriber knows that it hears no more of the warning.
func (s *standing) holdBack(d *event.OutboxWithheld) error {
	for i := range s.pending {
		if s.pending[i].Number != d.Number {
			continue
		}
		m := s.pending[i]
		m.ID, m.Of, m.Tenant, m.Patient, m.Consent, m.Parts = d.ID, typeWithheld, "", "", "", d.Parts
		s.pending[i] = m
		s.withheld = withheldUntil{s.withheld.count + 1, d.Number}
		if w, open := s.open[m.Alert]; open {
			w.Withheld = true
			s.open[m.Alert] = w
		}
		return nil
	}
	return fmt.Errorf("message %d of %s is withheld and does not wait to be sent", d.Number, d.Subscriber)
}

// watchConsent ends a try that hangs when the patient does not agree any more: what has not gone out yet stays here. The answer stops
// watching.
func (s *stream) watchConsent(ctx context.Context, m event.OutboxMessage, cancel context.CancelFunc) (stop func()) {
	if m.Patient == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(consentEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-done:
				return
			case <-tick.C:
			}
			if _, is := s.withheldNow(m); is {
				cancel()
				return
			}
		}
	}()
	return func() { close(done) }
}

// withheldData is the data of such a CloudEvent.
type withheldData struct {
	Version int    `json:"version"` // of this shape
	Why     string `json:"why"`
	Alert   string `json:"alert"` // our opaque id: nothing more is told of it
}

func (cloudEvents) withheld(w withheld) ([]event.OutboxPart, error) {
	body, err := json.Marshal(struct {
		SpecVersion  string       `json:"specversion"`
		ID           string       `json:"id"`
		Source       string       `json:"source"`
		Type         string       `json:"type"`
		Time         string       `json:"time"`
		ContentType  string       `json:"datacontenttype"`
		Sequence     string       `json:"sequence"`
		SequenceType string       `json:"sequencetype"`
		Partition    int32        `json:"tocsinpartition"`
		Data         withheldData `json:"data"`
	}{"1.0", w.id, fmt.Sprintf("/tocsin/decisions/%d", w.partition), typeWithheld, w.at.Std().Format(time.RFC3339Nano), "application/json",
		strconv.FormatInt(w.number, 10), "Integer", w.partition, withheldData{1, w.why, w.alert}})
	if err != nil {
		return nil, fmt.Errorf("write %s as CloudEvent: %w", w.id, err)
	}
	return []event.OutboxPart{{Method: "POST", Type: "application/cloudevents+json", Body: string(body)}}, nil
}

// sharesNoMore says in words why.
var sharesNoMore = map[string]string{
	"consent_" + event.ConsentWithdrew: "no longer shared: consent was withdrawn",
	"consent_" + event.ConsentExpired:  "no longer shared: consent has expired",
	"consent_" + event.ConsentNone:     "not shared: no consent is on record",
}

// withheld replaces the issue by one of which nothing is known any more: status unknown, without patient and without findings.
func (f fhir) withheld(w withheld) ([]event.OutboxPart, error) {
	id := fhirID(w.alert)
	body, err := json.Marshal(struct {
		resource
		Status string `json:"status"`
		Detail string `json:"detail"`
	}{resource{"DetectedIssue", id, []identifier{{systemWarning, w.alert}}}, "unknown", sharesNoMore[w.why]})
	if err != nil {
		return nil, fmt.Errorf("write %s as FHIR: %w", w.id, err)
	}
	return []event.OutboxPart{{Method: "PUT", Path: "DetectedIssue/" + id, Type: "application/fhir+json", Body: string(body)}}, nil
}

// withheld ends the alert at whoever receives it, without a patient: they must not go on asking people about it.
func (r r40) withheld(w withheld) ([]event.OutboxPart, error) {
	at := w.at.Std().In(r.zone).Format(hl7Time)
	sum := sha256.Sum256([]byte(w.id))
	id := fmt.Sprintf("%d.%d.%s", w.partition, w.number, hex.EncodeToString(sum[:3]))
	m := hl7v2.Message{
		hl7v2.New("MSH", "|", `^~\&`, sendingApp, "", hl7v2.Escape(r.receiver), "", at, "", "ORU^R40^ORU_R40", id, "P", "2.6").
			Set(15, "AL").Set(16, "NE").Set(18, "UNICODE UTF-8").Set(21, profileACM),
		hl7v2.New("OBR", "1", hl7v2.Fields(id, sendingApp), hl7v2.Fields(id, sendingApp), alarmEvent).Set(7, at).Set(29, hl7v2.Fields(w.alert, w.alert)),
	}
	o := obx{message: &m}
	o.facet("ST", alarmEvent, 1, hl7v2.Escape(sharesNoMore[w.why])).Set(8, "A~PN~ST").Set(14, at)
	o.facet("ST", "68481^MDC_ATTR_EVENT_PHASE^MDC", 3, "end")
	o.facet("ST", "68482^MDC_ATTR_ALARM_STATE^MDC", 4, "inactive")
	o.facet("ST", "68484^MDC_ATTR_ALARM_PRIORITY^MDC", 6, "PN")
	o.facet("ST", "68485^MDC_ATTR_ALERT_TYPE^MDC", 7, "ST")
	return []event.OutboxPart{{Method: "MLLP", Type: "x-application/hl7-v2+er7", Body: m.String()}}, nil
}

// consentNote is what stands in MSH-8 (Security, at most 40 characters): by which consent it is told.
func consentNote(id string) string {
	const begins, most = "CONSENT=", 40
	switch {
	case id == "":
		return ""
	case len(begins)+len(id) > most:
		return begins + id[:most-len(begins)]
	}
	return begins + id
}
