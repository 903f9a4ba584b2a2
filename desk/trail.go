package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// Trail keeps who looked at whose data and who did what: the audit log is one; *trail.Writer writes it.
type Trail interface {
	// Note writes an entry and returns once the log has it. An error that wraps trail.ErrWaiting says that the entry is kept
	// and will be written; any other, that it was not kept.
	Note(ctx context.Context, e Entry) error
	// Waiting answers how many entries the log does not have yet, how many may wait, and since when one has.
	Waiting() (entries, most int, since time.Time)
}

// Entry is one thing that somebody looked at, did, or was refused.
type Entry = event.AuditNoted

// Purposes for which somebody looks at a patient.
const (
	purposeCare      = "care"
	purposeEmergency = "emergency"
	purposeReview    = "review"
	purposeAdmin     = "administration"
)

// How long one who asks waits for the audit log.
const (
	sureWithin = 5 * time.Second // where nothing is shown or done without its entry
	readWithin = 2 * time.Second // of a chart: a nurse at night must not be blind because a log hangs
)

// surely are the beginnings of actions that fail when their entry is not in the log: names and telephone numbers, and
// whatever opens what is closed otherwise.
var surely = []string{"vault.", "emergency.", "audit.", "own."}

// see lets through whoever may see a patient for a purpose, and notes it. Every way to a patient's data goes through here.
func (s *Server) see(ctx context.Context, tenant, patient, action string) error {
	return s.seeing(ctx, Entry{Action: action, Tenant: tenant, Patient: patient})
}

// seeing is see with what else the entry is about. Without a patient it is about a list, of which each reader gets what
// they may see.
func (s *Server) seeing(ctx context.Context, e Entry) error {
	e.Purpose = purposeCare
	if e.Patient != "" {
		why := s.relation(identityOf(ctx), streams.PatientKey(e.Tenant, e.Patient))
		if e.Purpose = why.purpose(); why == foreign {
			e.Refused, e.Reason = true, "relation"
			s.done(ctx, e)
			return noPatient()
		}
	}
	return s.note(ctx, e)
}

// note writes an entry of who asks. What is read waits up to readWithin and is then shown, with the entry kept; when no
// further entry can be kept it is not shown. What must not happen without its entry does not.
func (s *Server) note(ctx context.Context, e Entry) error {
	if s.o.Trail == nil {
		return nil
	}
	sure := false
	for _, begins := range surely {
		sure = sure || strings.HasPrefix(e.Action, begins)
	}
	within := readWithin
	if sure {
		within = sureWithin
	}
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	err := s.o.Trail.Note(ctx, signed(ctx, e))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, trail.ErrWaiting) && !sure:
		s.metrics.trail.WithLabelValues("late").Inc()
		return nil
	}
	s.metrics.trail.WithLabelValues("refused").Inc()
	return refuse(http.StatusServiceUnavailable, "audit", "审计日志暂时无法写入，不能查阅，请联系运维人员", "the audit log cannot be written, so this is not shown; call the operator")
}

// done notes what somebody did or was refused. It waits for nothing and stands in nobody's way: what was done lies in the
// log itself as well, with who asked.
func (s *Server) done(ctx context.Context, e Entry) {
	if s.o.Trail == nil {
		return
	}
	over, stop := context.WithCancel(ctx)
	stop()
	if err := s.o.Trail.Note(over, signed(ctx, e)); err != nil && !errors.Is(err, trail.ErrWaiting) {
		s.metrics.trail.WithLabelValues("lost").Inc()
		s.o.Logger.Error("an entry of the audit log was not kept", "account", e.Account, "action", e.Action, streams.KeyErr, err)
	}
}

// signed puts into an entry who asks and from where.
func signed(ctx context.Context, e Entry) Entry {
	if id := identityOf(ctx); e.Account == "" {
		e.Account, e.Role = id.Account, id.Role
	}
	e.From = addressOf(ctx)
	return e
}

// trailStatus says in one word whether the audit log is written.
func (s *Server) trailStatus(now time.Time) string {
	if s.o.Trail == nil {
		return "off"
	}
	n, most, since := s.o.Trail.Waiting()
	switch {
	case n >= most:
		return "full"
	case n > 0 && now.Sub(since) > readWithin:
		return "waiting"
	}
	return "on"
}

const (
	trailLook  = time.Second
	trailLate  = 10 * time.Second // entries that wait so long are a fault
	trailFault = "audit_log"
)

// watchTrail raises a technical warning when entries wait, one for each stretch of time.
func (s *Server) watchTrail(ctx context.Context) {
	tick := time.NewTicker(trailLook)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, most, since := s.o.Trail.Waiting()
		late := n > 0 && (n >= most || s.o.Now().Sub(since) > trailLate)
		if late && !told {
			s.reportTrail(n, most, since)
		}
		told = late
	}
}

// reportTrail tells of it by the technical warning of the desks.
func (s *Server) reportTrail(n, most int, since time.Time) {
	s.o.Logger.Error("the audit log cannot be written: look at the broker and its disk", "waiting", n, "most", most, "since", since)
	key := streams.PatientKey(streams.SystemTenant, "audit")
	env := event.Envelope{ID: fmt.Sprintf("%s/audit/%d", s.o.Edge.Name(), since.UnixMilli()), Source: s.o.Edge.Name(), Subject: key, At: event.TimeOf(s.o.Now()),
		Data: &event.FaultReported{Kind: trailFault, Detail: fmt.Sprintf("desk %s cannot write the audit log since %s: %d entries wait; with %d no chart can be opened",
			s.o.Edge.Name(), since.UTC().Format(time.RFC3339), n, most)}}
	go s.o.Edge.Append(streams.Inputs, key, env, func(_ int32, _ int64, err error) {
		if err != nil {
			s.o.Logger.Error("the technical warning about the audit log could not be written either", streams.KeyErr, err)
		}
	})
}
