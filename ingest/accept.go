package ingest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"tocsin/ingest/format"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Raw is an upload as it came in.
type Raw struct {
	Topic   string
	Payload []byte
	Door    string // the name of the door that took it in
	// Retained: a broker kept it for whoever would subscribe, so the moment of receipt says nothing of when it was measured.
	Retained bool
}

// Binding is whose readings a device sends, as the directory knows it.
type Binding = directory.Binding

// Owns tells whether a topic is that of the bound device, with that leaf.
func Owns(b Binding, topic string, leaf Leaf) bool {
	t, err := ParseTopic(topic)
	return err == nil && t.Device == b.Device && t.Tenant == b.Tenant && t.Leaf == leaf
}

// maxKept is how much of a payload is kept when it is too large to be read.
const maxKept = 128 << 10

// Accept says what an upload means. recorded holds what was believed or may yet be, for `inputs` under the patient's
// key, and is nil when that is nothing. rejected holds the rest, one event for each reason, for `rejected` under the
// device's id. An upload always gives at least one event, and the same upload the same ids, whichever door it came by.
func Accept(raw Raw, b Binding, now event.Time) (recorded *event.Envelope, rejected []event.Envelope) {
	a := uploads.Get().(*acceptance)
	defer uploads.Put(a)
	a.raw, a.b, a.now, a.faults = raw, b, now, nil
	recorded = a.recorded()
	return recorded, a.rejected()
}

// Reject makes the event for an upload that a door itself cannot take: of a device that nobody knows, or under
// another's topic.
func Reject(raw Raw, b Binding, now event.Time, reason, detail string) event.Envelope {
	a := &acceptance{raw: raw, b: b, now: now}
	whole := len(raw.Payload) <= streams.MaxInputBytes && a.u.Native(raw.Payload) == nil // for its msg_id; why it is refused is known
	a.identify(whole)
	a.fault(reason, detail)
	return a.rejected()[0]
}

// acceptance is one upload on its way through. They are used again, since an upload has room for many readings.
type acceptance struct {
	raw    Raw
	b      Binding
	now    event.Time
	u      format.Upload
	id     identity
	faults []format.Fault // one for each reason, in the order of their appearance
}

var uploads = sync.Pool{New: func() any { return new(acceptance) }}

func (a *acceptance) fault(reason, detail string) {
	for i := range a.faults {
		if f := &a.faults[i]; f.Reason == reason {
			f.Detail += "; " + detail
			return
		}
	}
	a.faults = append(a.faults, format.Fault{Reason: reason, Detail: detail})
}

func (a *acceptance) recorded() *event.Envelope {
	if !a.read() {
		return nil
	}
	t, fault := correct(&a.u, a.now, a.raw.Retained, a.b.AsRecorded)
	if fault != nil {
		a.fault(fault.Reason, fault.Detail)
		return nil
	}
	readings, answers := a.readings(), a.answers()
	if len(readings) == 0 && len(answers) == 0 {
		return nil
	}
	return &event.Envelope{
		ID: a.id.event(a.b.Device), Source: a.raw.Door, Subject: streams.PatientKey(a.b.Tenant, a.b.Patient), At: a.now,
		Data: &event.ObservationRecorded{
			Device: a.b.Device, MsgID: a.id.msgID, BootID: a.id.boot, Seq: a.id.seq, Sequenced: a.id.sequenced,
			MeasuredAt: t.measured, GatewayAt: t.gateway, ReceivedAt: a.now, Clock: t.clock,
			Readings: readings, Answers: answers, Door: a.raw.Door,
		},
	}
}

// read reads the envelope and asks whether it may speak for this patient. What it cannot take it notes as faults.
func (a *acceptance) read() bool {
	var fault *format.Fault
	if n := len(a.raw.Payload); n > streams.MaxInputBytes {
		a.u = format.Upload{Items: a.u.Items[:0]}
		fault = &format.Fault{Reason: TooLarge, Detail: fmt.Sprintf("%d bytes: want at most %d", n, streams.MaxInputBytes)}
	} else {
		fault = a.u.Native(a.raw.Payload)
	}
	a.identify(fault == nil)
	if fault == nil {
		fault = a.permitted()
	}
	if fault != nil {
		a.fault(fault.Reason, fault.Detail)
	}
	return fault == nil
}

// identify gives the upload its identity. When reading ended before a msg_id that stands in the payload, it is looked
// for: what is rejected keeps the sender's id too. Of an upload that was read whole everything is known, and a msg_id
// deeper inside belongs to something else.
func (a *acceptance) identify(whole bool) {
	if !whole && len(a.u.MsgID) == 0 && !(a.u.HasBoot && a.u.HasSeq) {
		a.u.MsgID = looseMsgID(a.raw.Payload)
	}
	a.id = identify(&a.u, a.raw.Payload)
}

func (a *acceptance) permitted() *format.Fault {
	switch {
	case a.b.Revoked:
		return &format.Fault{Reason: Revoked, Detail: fmt.Sprintf("device %s has lost its access", a.b.Device)}
	case !Owns(a.b, a.raw.Topic, Observations):
		own := Topic{Tenant: a.b.Tenant, Device: a.b.Device, Leaf: Observations}
		return &format.Fault{Reason: ForeignTopic, Detail: fmt.Sprintf("device %s may publish on %s alone", a.b.Device, own)}
	case len(a.u.PatientRef) > 0 && string(a.u.PatientRef) != a.b.Patient:
		return &format.Fault{Reason: PatientMismatch, Detail: fmt.Sprintf("the device names patient %s and is bound to %s: bind it anew or mend patient_ref", a.u.PatientRef, a.b.Patient)}
	case len(a.u.Items) == 0:
		return &format.Fault{Reason: Empty, Detail: `"obs" is empty`}
	}
	return nil
}

// readings answers what was measured and believed or may yet be, each quantity once, and notes the rest as faults.
func (a *acceptance) readings() []event.Reading {
	out := make([]event.Reading, 0, min(len(a.u.Items), event.Quantities))
	var seen, twice [event.Quantities]bool
	for i := range a.u.Items {
		if isAnswer(&a.u.Items[i]) {
			continue
		}
		r, fault := reading(&a.u.Items[i], a.b.AsRecorded)
		if fault != nil {
			a.fault(fault.Reason, fault.Detail)
			continue
		}
		if seen[r.Quantity] {
			twice[r.Quantity] = twice[r.Quantity] || !slices.Contains(out, r)
			continue
		}
		seen[r.Quantity] = true
		out = append(out, r)
	}
	kept := out[:0]
	for _, r := range out {
		if twice[r.Quantity] {
			a.fault(Duplicate, r.Quantity.String()+" stands there with different values: which one holds cannot be known")
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// rejected makes the events for all that was noted.
func (a *acceptance) rejected() []event.Envelope {
	if len(a.faults) == 0 {
		return nil
	}
	device, tenant := a.b.Device, a.b.Tenant
	if device == "" { // nobody knows it: what the topic says has to do
		if t, err := ParseTopic(a.raw.Topic); err == nil {
			device, tenant = t.Device, t.Tenant
		}
	}
	kept := bytes.Clone(a.raw.Payload[:min(len(a.raw.Payload), maxKept)])
	out := make([]event.Envelope, 0, len(a.faults))
	for _, f := range a.faults {
		if len(kept) < len(a.raw.Payload) {
			f.Detail += fmt.Sprintf("; the first %d bytes of %d are kept, SHA-256 of all is %x", len(kept), len(a.raw.Payload), sha256.Sum256(a.raw.Payload))
		}
		out = append(out, event.Envelope{
			ID: a.id.event(device) + "/" + f.Reason, Source: a.raw.Door, Subject: streams.PatientKey(tenant, a.b.Patient), At: a.now,
			Data: &event.ObservationRejected{
				Device: device, Tenant: tenant, MsgID: a.id.msgID, ReceivedAt: a.now, Door: a.raw.Door,
				Topic: strings.ToValidUTF8(a.raw.Topic, "?"), Reason: f.Reason, Detail: strings.ToValidUTF8(f.Detail, "?"), Raw: kept,
			},
		})
	}
	return out
}

// looseMsgID finds the sender's id in a payload that could not be read to its end.
func looseMsgID(b []byte) []byte {
	const key = `"msg_id"`
	i := bytes.Index(b, []byte(key))
	if i < 0 {
		return nil
	}
	rest := bytes.TrimLeft(b[i+len(key):], " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' {
		return nil
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' {
		return nil
	}
	end := bytes.IndexAny(rest[1:], "\"\\")
	if end < 1 || end > format.MaxMsgID || rest[1+end] != '"' || !utf8.Valid(rest[1:1+end]) {
		return nil
	}
	return rest[1 : 1+end]
}
