package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
)

// TestHIS4_TheTimeAxisOfAPatient: warnings from raising to close, also those that were raised before the span; scores with the one
// that stood at its beginning; what people did and ordered; silences, leaving, shut doors; and nothing of anybody else.
func TestHIS4_TheTimeAxisOfAPatient(t *testing.T) {
	base := event.TimeOf(time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC))
	at := func(h float64) event.Time { return base + event.Time(h*float64(hour)) }
	l := newPast(t, streams.NewMemory(1))
	decided := func(h float64, d event.Event) { l.decided(streams.Decisions, "t1/P-0113", at(h), d) }
	scored := func(h float64, lower, upper int) {
		decided(h, &event.SeverityScored{Problem: event.Deterioration, Score: &event.Score{Rule: "news2", Lower: lower, Upper: upper}})
	}
	l.decided(streams.Directory, "device/ox-1", at(-100), &event.DeviceBound{Device: "ox-1", Tenant: "t1", Patient: "P-0113"})
	l.decided(streams.Directory, "device/ox-2", at(-100), &event.DeviceBound{Device: "ox-2", Tenant: "t1", Patient: "P-0114"})
	l.told(at(-100), &event.PatientEnrolled{Tenant: "t1", Patient: "P-0113", Group: "copd"})
	l.told(at(-90), &event.PlanChanged{Tenant: "t1", Patient: "P-0113", Plan: event.Plan{OrderedBy: "dr-lin", SpO2Scale: 2}})
	scored(-50, 3, 5)
	decided(-49, &event.AlertRaised{Alert: "w1", Problem: event.Deterioration, Severity: event.Medium, Rule: "news2"})
	decided(-48, &event.AlertWorsened{Alert: "w1", Severity: event.High})
	decided(-40, &event.AlertRaised{Alert: "w0", Problem: event.Silence, Severity: event.Low})
	decided(-39, &event.AlertClosed{Alert: "w0", Outcome: event.OutcomeTechnical})
	decided(1, &event.AlertAccepted{Alert: "w1", By: "nurse-a"})
	decided(1.1, &event.AlertContacted{Alert: "w1", By: "nurse-a", Whom: event.ContactPatient, Outcome: event.Reached})
	decided(1.11, &event.AlertContacted{Alert: "w1", By: "nurse-a", Whom: event.ContactCarer, Outcome: event.NoAnswer})
	scored(2, 6, 12)
	scored(2.001, 2, 4)
	decided(3, &event.AlertClosed{Alert: "w1", By: "nurse-a", Outcome: event.OutcomeUnknown})
	decided(30, &event.AlertJudged{Alert: "w1", By: "nurse-a", Outcome: event.OutcomeReal})
	decided(5, &event.AlertRaised{Alert: "w2", Problem: event.Silence, Severity: event.Medium})
	decided(5, &event.SignalFellSilent{Quantity: event.SpO2Percent})
	l.decided(streams.Decisions, "tocsin/partition-0", at(8), &event.TechnicalFault{Kind: "door_shut", Door: "gateway"})
	l.decided(streams.Decisions, "t1/P-0114", at(8), &event.AlertNoted{Alert: "other", Text: "of somebody else"})
	decided(9, &event.SignalReturned{Quantity: event.SpO2Percent})
	l.measured(at(9), func(o *event.ObservationRecorded) {
		o.Answers = []event.Answer{{Code: "breathless", Value: event.One}}
	})
	l.n--
	l.measured(at(9), func(o *event.ObservationRecorded) { // a repeat
		o.Answers, o.ReceivedAt = []event.Answer{{Code: "breathless", Value: event.One}}, at(9.5)
	})
	l.told(at(10), &event.NoticeReported{Alert: "w2", Notice: "n", Recipient: "carer", Channel: "sms", State: event.NoticeFailed})
	l.decided(streams.Directory, "device/ox-2", at(11), &event.DeviceRevoked{Device: "ox-2"})
	l.decided(streams.Directory, "device/ox-1", at(11), &event.DeviceRevoked{Device: "ox-1"})
	decided(12, &event.PatientLeft{Why: event.LeftDischarged, By: "dr-lin"})
	h := l.kept(t)

	a, err := h.Axis(t.Context(), "t1", "P-0113", at(0), at(24), 200)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Episodes) != 2 || a.LeftOut != 0 {
		t.Fatalf("%d warnings, %d left out", len(a.Episodes), a.LeftOut)
	}
	w := a.Episodes[0]
	if w.Alert != "w1" || w.Peak != event.High || w.RaisedAt != at(-49) || w.ClosedAt != at(3) || w.Outcome != event.OutcomeReal || w.Raised == nil || w.Raised.Rule != "news2" || w.Accepted == nil || w.Accepted.By != "nurse-a" {
		t.Errorf("the first: %+v", w)
	}
	if w = a.Episodes[1]; w.Alert != "w2" || w.ClosedAt != event.Never || w.Closed != nil {
		t.Errorf("the second: %+v", w)
	}
	want := []course.ScoreStretch{
		{First: at(-50), Last: at(-50), Low: 3, High: 3, Upper: 5, EndLower: 3, EndUpper: 5},
		{First: at(2), Last: at(2.001), Low: 2, High: 6, Upper: 12, EndLower: 2, EndUpper: 4},
	}
	if !slices.Equal(a.Scores, want) {
		t.Errorf("scores %+v, want %+v", a.Scores, want)
	}
	var clusters []string
	for _, c := range a.Clusters {
		clusters = append(clusters, fmt.Sprintf("%s %d", c.Newest.Data.Type(), c.N))
	}
	if got := []string{"alert.contacted 2", "observation.recorded 1", "notice.reported 1", "device.revoked 1", "patient.left 1"}; !slices.Equal(clusters, got) {
		t.Errorf("clusters %q, want %q", clusters, got)
	}
	var turns []string
	for _, x := range a.Turns {
		turns = append(turns, fmt.Sprintf("%s %s %v", x.Type, x.About, x.At.Sub(base).Hours()))
	}
	if got := []string{"patient.enrolled  -100", "signal.fell_silent spo2_percent 5", "signal.returned spo2_percent 9", "patient.left  12"}; !slices.Equal(turns, got) {
		t.Errorf("turns %q, want %q", turns, got)
	}
	if len(a.Plans) != 1 || a.Plans[0].Data.(*event.PlanChanged).Plan.OrderedBy != "dr-lin" || len(a.Shut) != 1 {
		t.Errorf("%d plans, %d doors", len(a.Plans), len(a.Shut))
	}

	if a, err = h.Axis(t.Context(), "t1", "P-0113", at(-100), at(24), 10); err != nil || len(a.Episodes) != 3 || len(a.Scores) != 2 {
		t.Errorf("wider: %d warnings, %d scores, %v", len(a.Episodes), len(a.Scores), err)
	}
	if a, err = h.Axis(t.Context(), "t1", "nobody", at(-100), at(24), 10); err != nil || len(a.Episodes)+len(a.Scores)+len(a.Clusters)+len(a.Turns)+len(a.Plans) != 0 {
		t.Errorf("nobody: %+v, %v", a, err)
	}
}

// TestHIS4_OfTooManyWarningsTheGravestStand: and how many are left out is said.
func TestHIS4_OfTooManyWarningsTheGravestStand(t *testing.T) {
	l := newPast(t, streams.NewMemory(1))
	base := event.TimeOf(time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC))
	for i := range mostEpisodes + 20 {
		severity := event.Low
		if i == 3 {
			severity = event.High
		}
		l.decided(streams.Decisions, "t1/P-0113", base+event.Time(i)*hour, &event.AlertRaised{Alert: fmt.Sprint("w", i), Severity: severity})
		l.decided(streams.Decisions, "t1/P-0113", base+event.Time(i)*hour+minuteMs, &event.AlertClosed{Alert: fmt.Sprint("w", i)})
	}
	a, err := l.kept(t).Axis(t.Context(), "t1", "P-0113", base, base+730*dayMs, 200)
	if err != nil || len(a.Episodes) != mostEpisodes || a.LeftOut != 20 {
		t.Fatalf("%d warnings, %d left out, %v", len(a.Episodes), a.LeftOut, err)
	}
	if first := a.Episodes[0]; first.Alert != "w3" || first.Peak != event.High {
		t.Errorf("the high one is not among them: %+v", first)
	}
}

// TestHIS3_SEC4_GRP2_ConsentsAndWhoAnswersStandOnTheTimeAxis: what was agreed to, what was withdrawn and who was chosen to answer, each
// once however often it was handed on; and a rebuild gives the same.
func TestHIS3_SEC4_GRP2_ConsentsAndWhoAnswersStandOnTheTimeAxis(t *testing.T) {
	base := event.TimeOf(time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC))
	l := newPast(t, streams.NewMemory(1))
	given := &event.ConsentGiven{Tenant: "t1", Patient: "P-0113", By: "nurse-a", Consent: event.Consent{ID: "F-7", Purposes: []string{event.ForMonitoring, event.ForSharing}}}
	l.told(base, &event.PatientEnrolled{Tenant: "t1", Patient: "P-0113", Group: "copd"})
	l.told(base+hour, given)
	l.n--
	l.told(base+hour, given) // handed on twice
	l.told(base+2*hour, &event.ResponsibleSet{Tenant: "t1", Patient: "P-0113", Coordinator: "dr-lin", Why: "knows her", By: "lead-wu"})
	l.told(base+3*hour, &event.ConsentWithdrawn{Tenant: "t1", Patient: "P-0113", Purposes: []string{event.ForSharing}, How: "spoken", By: "nurse-b"})
	h := l.kept(t)
	axis := func() (all []string) {
		t.Helper()
		a, err := h.Axis(t.Context(), "t1", "P-0113", base, base+dayMs, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range a.Clusters {
			all = append(all, fmt.Sprintf("%s %d at %v", c.Newest.Data.Type(), c.N, c.Last.Sub(base).Hours()))
		}
		return all
	}
	want := []string{"patient.enrolled 1 at 0", "consent.given 1 at 1", "responsible.set 1 at 2", "consent.withdrawn 1 at 3"}
	if got := axis(); !slices.Equal(got, want) {
		t.Errorf("clusters %q, want %q", got, want)
	}
	if err := h.Rebuild(t.Context(), l.log, RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := axis(); !slices.Equal(got, want) {
		t.Errorf("after a rebuild %q, want %q", got, want)
	}
	if checks, err := h.Verify(t.Context(), l.log); err != nil || !equal(checks) {
		t.Error(checks, err)
	}
}
