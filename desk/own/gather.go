package own

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// Sources is where a copy is made from.
type Sources struct {
	Log        streams.Log
	Partitions int32
	Past       Past // nil: there is no history
}

// Gather answers everything that is kept of a patient but who they are, as far as the log goes when it is asked.
func Gather(ctx context.Context, s Sources, tenant, patient string) (*Copy, error) {
	c := &Copy{Version: 1, Tenant: tenant, Patient: patient, Counts: map[string]int{}, Readings: []Reading{}, Answers: []Reading{}, Warnings: []Warning{}, Notes: []Note{},
		Consents: []Line{}, Reads: []Read{}, Shared: []Shared{}, Lines: []Line{}}
	g := gathering{reading: reading{s.Log, s.Past, c}, key: streams.PatientKey(tenant, patient), warnings: map[string]*Warning{}, why: map[string][]finding{}, changed: map[int]bool{}, uploads: map[string]event.Time{}}
	p := streams.PartitionOf(g.key, s.Partitions)
	for _, step := range []func() error{
		func() error { return g.directory(ctx) },
		func() error { return g.plain(ctx, streams.Inputs, p, g.key, g.input) },
		func() error {
			return g.held(ctx, streams.Decisions, p, g.key, func(e event.Envelope) bool { return e.Subject == g.key }, g.decision)
		},
		func() error { return g.rejected(ctx, s.Partitions) },
		func() error { return g.audit(ctx) },
		func() error { return g.outbox(ctx, p) },
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("copy of patient %s: %w", g.key, err)
		}
	}
	return c, g.finish()
}

// gathering is one copy on its way.
type gathering struct {
	reading
	key      string
	bound    []stay
	order    []string // warnings, as they were raised
	warnings map[string]*Warning
	why      map[string][]finding // of each warning, as it was found
	changed  map[int]bool         // lines from which somebody else's reading was taken
	others   []event.Disowned
	uploads  map[string]event.Time // when each was measured, by every id that it is known by
}

// stay is a time for which a device was the patient's.
type stay struct {
	device   string
	from, to event.Time
}

// line keeps a record as it is.
func (g *gathering) line(r streams.Record, e event.Envelope) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return err
	}
	g.c.Lines = append(g.c.Lines, Line{r.Topic, r.Partition, r.Offset, e.At, e.ID, e.Data.Type(), data})
	g.c.Counts[r.Topic+"/"+string(e.Data.Type())]++
	return nil
}

// decoded reads a record of the patient; one that nobody here can read is counted.
func (g *gathering) decoded(r streams.Record) (event.Envelope, bool) {
	e, err := event.Decode(r.Headers, r.Value)
	if err != nil {
		g.c.LeftOut.Unreadable++
		return e, false
	}
	return e, true
}

func (g *gathering) input(r streams.Record) error {
	e, ok := g.decoded(r)
	if !ok || e.Subject != g.key {
		return nil
	}
	switch d := e.Data.(type) {
	case *event.ObservationRecorded:
		g.uploads[e.ID] = d.MeasuredAt
		g.uploads[fmt.Sprintf("%s/%d/%d", d.Device, d.BootID, d.Seq)] = d.MeasuredAt
		for _, x := range d.Readings {
			g.c.Readings = append(g.c.Readings, Reading{MeasuredAt: d.MeasuredAt, ReceivedAt: d.ReceivedAt, What: x.Quantity.String(), Value: x.Value, Mark: x.Mark, Device: d.Device, Upload: e.ID, quantity: x.Quantity})
		}
		for _, x := range d.Answers {
			g.c.Answers = append(g.c.Answers, Reading{MeasuredAt: d.MeasuredAt, ReceivedAt: d.ReceivedAt, What: x.Code, Value: x.Value, Unit: x.Unit, Device: d.Device, Upload: e.ID})
		}
	case *event.WarnRequested:
		g.note(e, d.By, d.Text)
	}
	return g.line(r, e)
}

func (g *gathering) note(e event.Envelope, by, text string) {
	if text != "" {
		g.c.Notes = append(g.c.Notes, Note{e.At, by, e.Data.Type(), text})
	}
}

func (g *gathering) decision(r streams.Record, e event.Envelope) error {
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		g.order = append(g.order, d.Alert)
		g.warnings[d.Alert] = &Warning{Alert: d.Alert, Problem: d.Problem, RaisedAt: e.At}
		g.found(d.Alert, d.Severity, d.Reasons)
	case *event.AlertUpdated:
		g.found(d.Alert, d.Severity, d.Reasons)
	case *event.AlertWorsened:
		g.found(d.Alert, d.Severity, d.Reasons)
	case *event.AlertClosed:
		if w := g.warnings[d.Alert]; w != nil {
			w.ClosedAt, w.ClosedBy, w.Outcome = e.At, d.By, d.Outcome
		}
		g.note(e, d.By, d.Done)
	case *event.AlertNoted:
		g.note(e, d.By, d.Text)
	case *event.AlertContacted:
		g.note(e, d.By, d.Note)
	case *event.AlertOffered:
		g.note(e, d.By, d.Note)
	case *event.AlertReturned:
		g.note(e, d.By, d.Reason)
	case *event.AlertJudged:
		g.note(e, d.By, d.Done)
	case *event.PatientLeft:
		g.note(e, d.By, d.Note)
	case *event.PatientResumed:
		g.note(e, d.By, d.Note)
	case *event.ReadingDisowned:
		g.others = append(g.others, d.Disowned)
		g.note(e, d.By, d.Why)
	}
	return g.line(r, e)
}

// found keeps how grave a warning has been, and why.
func (g *gathering) found(alert string, s event.Severity, reasons []event.Reason) {
	w := g.warnings[alert]
	if w == nil {
		return
	}
	if s != event.Technical && s > w.Severity || w.Severity == event.NoSeverity {
		w.Severity = s
	}
	g.why[alert] = append(g.why[alert], finding{len(g.c.Lines), reasons})
}

// finding is why a warning was raised or changed, and the line that says so.
type finding struct {
	line    int
	reasons []event.Reason
}

// said puts the words of its reasons to a warning, each once, but for those of findings that rest on somebody else's reading.
func (g *gathering) said(w *Warning) {
	w.Zh, w.En = []string{}, []string{}
	for _, f := range g.why[w.Alert] {
		for _, r := range f.reasons {
			if !g.changed[f.line] && !slices.Contains(w.En, r.En) {
				w.Zh, w.En = append(w.Zh, r.Zh), append(w.En, r.En)
			}
		}
	}
}

// directory gathers what the registrar decided about the patient, and whose devices were the patient's when. A request is kept as what
// followed from it.
func (g *gathering) directory(ctx context.Context) error {
	about := "patient/" + g.key
	mine := func(e event.Envelope) bool {
		switch d := e.Data.(type) {
		case *event.DeviceBound:
			return true
		case *event.EmergencyBegun:
			return streams.PatientKey(d.Tenant, d.Patient) == g.key
		case *event.DeviceRevoked:
			return true
		case *event.RequestForwarded:
			return false
		}
		return e.Subject == about
	}
	open := map[string]int{}
	return g.held(ctx, streams.Directory, 0, about, mine, func(r streams.Record, e event.Envelope) error {
		switch d := e.Data.(type) {
		case *event.DeviceBound:
			g.ends(open, d.Device, e.At)
			if streams.PatientKey(d.Tenant, d.Patient) != g.key {
				return nil
			}
			open[d.Device] = len(g.bound)
			g.bound = append(g.bound, stay{d.Device, d.From, event.Never})
		case *event.DeviceRevoked:
			if !g.ends(open, d.Device, e.At) {
				return nil
			}
		case *event.PersonSet:
			e.Data = d.Unsealed() // what was sealed stands in Person, as far as the vault opens it
		}
		if err := g.line(r, e); err != nil {
			return err
		}
		switch e.Data.(type) {
		case *event.ConsentGiven, *event.ConsentWithdrawn:
			g.c.Consents = append(g.c.Consents, g.c.Lines[len(g.c.Lines)-1])
		}
		return nil
	})
}

// ends ends the stay of a device, and tells whether it was the patient's.
func (g *gathering) ends(open map[string]int, device string, at event.Time) bool {
	i, was := open[device]
	if was {
		g.bound[i].to = at
		delete(open, device)
	}
	return was
}

// reasonMismatch is that of an upload which names another patient (ingest.PatientMismatch).
const reasonMismatch = "patient_mismatch"

// rejected gathers what came from the patient's devices while they were the patient's and was not taken, with its bytes.
func (g *gathering) rejected(ctx context.Context, partitions int32) error {
	take := func(r streams.Record) error {
		e, err := event.Decode(r.Headers, r.Value)
		d, ok := e.Data.(*event.ObservationRejected)
		if err != nil || !ok || !slices.ContainsFunc(g.bound, func(b stay) bool { return b.device == d.Device && b.from <= d.ReceivedAt && d.ReceivedAt < b.to }) {
			return nil
		}
		if d.Reason == reasonMismatch {
			g.c.LeftOut.Mismatched++
			return nil
		}
		return g.line(r, e)
	}
	for p := range partitions {
		first, end, err := g.log.Bounds(ctx, streams.Rejected, p)
		if err == nil {
			g.c.Sources = append(g.c.Sources, Source{streams.Rejected, p, first, end, first > 0})
			err = streams.Each(ctx, g.log, streams.Rejected, p, first, end, take)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// audit gathers who looked.
func (g *gathering) audit(ctx context.Context) error {
	first, end, err := g.log.Bounds(ctx, streams.Audit, 0)
	if err != nil {
		return err
	}
	g.c.Sources = append(g.c.Sources, Source{streams.Audit, 0, first, end, first > 0})
	for q := (trail.Query{Tenant: g.c.Tenant, Patient: g.c.Patient}); ; {
		page, err := trail.Read(ctx, g.log, q)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			g.c.Reads = append(g.c.Reads, Read{e.At, e.Account, e.Role, e.Action, e.Purpose, e.Refused, e.Reason})
			g.c.Counts[streams.Audit+"/"+string(e.Type())]++
		}
		if q.After = page.Next; !page.More {
			return nil
		}
	}
}

// outbox gathers what went to machines of others.
func (g *gathering) outbox(ctx context.Context, p int32) error {
	place := map[string]int{}
	at := func(subscriber string, number int64) string { return fmt.Sprintf("%s/%d", subscriber, number) }
	mine := func(e event.Envelope) bool {
		switch d := e.Data.(type) {
		case *event.OutboxMessage:
			return d.Patient != "" && streams.PatientKey(d.Tenant, d.Patient) == g.key
		case *event.OutboxWithheld:
			_, is := place[at(d.Subscriber, d.Number)]
			return is
		}
		return false
	}
	return g.held(ctx, streams.Outbox, p, "", mine, func(_ streams.Record, e event.Envelope) error {
		switch d := e.Data.(type) {
		case *event.OutboxMessage:
			place[at(d.Subscriber, d.Number)] = len(g.c.Shared)
			g.c.Shared = append(g.c.Shared, Shared{d.At, d.Subscriber, d.Number, d.Of, d.Consent, false})
			g.c.Counts[streams.Outbox+"/"+string(d.Type())]++
		case *event.OutboxWithheld:
			g.c.Shared[place[at(d.Subscriber, d.Number)]].Withheld = true
		}
		return nil
	})
}

// finish takes out what is somebody else's and puts the rest in order.
func (g *gathering) finish() error {
	var faults []error
	for i := range g.c.Lines {
		changed, err := g.withoutOthers(&g.c.Lines[i])
		if g.changed[i] = changed; err != nil {
			faults = append(faults, err)
		}
	}
	for _, alert := range g.order {
		g.said(g.warnings[alert])
		g.c.Warnings = append(g.c.Warnings, *g.warnings[alert])
	}
	before := len(g.c.Readings)
	g.c.Readings = slices.DeleteFunc(g.c.Readings, func(r Reading) bool { return g.taken(r.MeasuredAt, r.What, r.Value) })
	g.c.LeftOut.Disowned = before - len(g.c.Readings)
	order := func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.MeasuredAt, b.MeasuredAt), strings.Compare(a.What, b.What))
	}
	slices.SortStableFunc(g.c.Readings, order)
	slices.SortStableFunc(g.c.Answers, order)
	slices.SortStableFunc(g.c.Notes, func(a, b Note) int { return cmp.Compare(a.At, b.At) })
	return errors.Join(faults...)
}
