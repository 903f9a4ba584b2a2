package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/alerts"
	"tocsin/alerts/audit"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// call is what the auditor told, and when.
type call struct {
	at     event.Time
	begins bool
	audit.Finding
}

// calls hears an auditor over a log.
type calls struct {
	all []call
	was []audit.Finding
}

// hear lets an auditor read a log in virtual time. What it told may be read once stop has returned.
func hear(t *testing.T, log streams.Log) (heard *calls, stop func()) {
	heard = &calls{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newAuditor(log, 1, audit.Within).watch(ctx, heard.tell)
	}()
	return heard, func() { cancel(); <-ended }
}

func (c *calls) tell(at event.Time, now []audit.Finding) {
	for _, f := range c.was {
		if !slices.Contains(now, f) {
			c.all = append(c.all, call{at, false, f})
		}
	}
	for _, f := range now {
		if !slices.Contains(c.was, f) {
			c.all = append(c.all, call{at, true, f})
		}
	}
	c.was = now
}

// stoppedTimer is a core of warnings for which waiting brings nothing about.
type stoppedTimer struct{ alerts.Core }

func (stoppedTimer) Due(alerts.Facts, alerts.State, event.Time) []event.Event { return nil }

// stoppedParts are the cores of live, but for the timer of warnings.
func stoppedParts() streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compilePack}),
		streams.Machine[alerts.State, alerts.Facts](stoppedTimer{}),
		streams.Machine[care.State, care.Facts](care.Core{}))
}

// A grave reading that nobody answers, over an owner whose timer is broken: 15 s after the deadline that passes without
// anything, the auditor calls, and not before. Over one that works, the deadlines of an hour pass and it says nothing.
func TestALR7_AuditorFiresWhenTheTimerIsBroken_REL4(t *testing.T) {
	for name, broken := range map[string]bool{"the timer works": false, "the timer is broken": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				parts := patientParts()
				if broken {
					parts = stoppedParts()
				}
				stop := h.ownWith(parts)
				heard, hush := hear(t, h.log)
				h.spo2.Store(80)
				h.live(time.Hour)
				hush()
				stop()
				h.wg.Wait()
				raised := h.raised()
				if !broken {
					if len(heard.all) != 0 || len(h.said("alert.escalated")) < 5 {
						t.Errorf("it told %+v; escalated at %v", heard.all, h.said("alert.escalated"))
					}
					return
				}
				if len(heard.all) != 1 {
					t.Fatalf("it told %+v", heard.all)
				}
				c := heard.all[0]
				if c.Kind != audit.Overdue || c.Alert != raised.Alert || c.Subject != "t/P-0113" || c.Since != raised.AnswerBy {
					t.Errorf("it told %+v of %+v", c, raised)
				}
				if late := c.at.Sub(raised.AnswerBy); late <= audit.Within || late > audit.Within+3*time.Second {
					t.Errorf("it told so %s after the deadline", late)
				}
			})
		})
	}
}

// raised answers the first warning that was raised.
func (h *home) raised() *event.AlertRaised {
	for _, e := range h.decided() {
		if d, ok := e.Data.(*event.AlertRaised); ok {
			return d
		}
	}
	h.t.Fatal("no warning was raised")
	return nil
}

// The owner goes, the doors go, the log goes: each is told once when it has lasted 15 s, and its end is told. An hour in
// which nothing happens, and an owner that another follows at once, are told by nobody.
func TestALR7_AuditorCallsWhenAPartStandsStill_REL4(t *testing.T) {
	const lasts = time.Minute
	for name, c := range map[string]struct {
		want   audit.Kind // empty: nothing is told
		outage func(h *home, log *blindLog, stop func()) (again func())
	}{
		"nothing happens": {"", func(h *home, _ *blindLog, stop func()) func() { h.live(time.Hour); return stop }},
		"another owner follows at once": {"", func(h *home, _ *blindLog, stop func()) func() {
			stop()
			h.live(8 * time.Second)
			return h.own()
		}},
		"the owner is gone": {partitionStill, func(h *home, _ *blindLog, stop func()) func() {
			stop()
			h.live(lasts)
			return h.own()
		}},
		"the doors are shut": {partitionQuiet, func(h *home, _ *blindLog, stop func()) func() {
			h.shut.Store(true)
			h.live(lasts)
			h.shut.Store(false)
			return stop
		}},
		"the log does not answer": {logAway, func(h *home, log *blindLog, stop func()) func() {
			log.blind.Store(true)
			h.lost.Store(true)
			h.live(lasts)
			log.blind.Store(false)
			h.live(4 * time.Second) // doors are heard again a little later
			h.lost.Store(false)
			return stop
		}},
		"the auditor gets no further": {partitionUnread, func(h *home, log *blindLog, stop func()) func() {
			log.stuck.Store(true)
			h.live(lasts)
			log.stuck.Store(false)
			return stop
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				stop, log := h.own(), &blindLog{Memory: h.log}
				heard, hush := hear(t, log)
				h.live(10 * time.Minute)
				began := h.now()
				stop = c.outage(h, log, stop)
				ended := h.now()
				h.live(10 * time.Minute)
				hush()
				stop()
				h.wg.Wait()
				if c.want == "" {
					if len(heard.all) != 0 {
						t.Errorf("it told %+v", heard.all)
					}
					return
				}
				if len(heard.all) != 2 || !heard.all[0].begins || heard.all[1].begins {
					t.Fatalf("it told %+v", heard.all)
				}
				first, last := heard.all[0], heard.all[1]
				if first.Kind != c.want || first.Subject != streams.PartitionKey(0) || strings.Contains(first.Says, "\n") || last.Finding != first.Finding {
					t.Errorf("it told %+v", heard.all)
				}
				if d := first.at.Sub(began); d < 10*time.Second || d > 25*time.Second { // doors beat every 4 s, and an outage lies between two
					t.Errorf("told %s after it began", d)
				}
				if d := last.at.Sub(ended); d < -5*time.Second || d > 8*time.Second {
					t.Errorf("its end was told %s after it", d)
				}
			})
		})
	}
}

// blindLog is a log that at times does not say where its topics end, or hands out nothing of what it holds.
type blindLog struct {
	*streams.Memory
	blind, stuck atomic.Bool
}

func (l *blindLog) Bounds(ctx context.Context, topic string, partition int32) (int64, int64, error) {
	if l.blind.Load() {
		return 0, 0, errors.Join(errors.New("no route to host"), errors.New("no host"))
	}
	return l.Memory.Bounds(ctx, topic, partition)
}

func (l *blindLog) Read(topic string, partition int32, from int64) (streams.Reader, error) {
	r, err := l.Memory.Read(topic, partition, from)
	return stuckReader{r, l}, err
}

type stuckReader struct {
	streams.Reader
	log *blindLog
}

func (r stuckReader) Next(ctx context.Context) ([]streams.Record, error) {
	records, err := r.Reader.Next(ctx)
	for r.log.stuck.Load() {
		time.Sleep(time.Second)
	}
	return records, err
}

// An auditor that starts beside an owner, after a night in which both were off, says nothing of deadlines that the owner is
// about to make up for.
func TestALR7_AuditorGivesAnOwnerTimeToTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		stop := h.own()
		h.spo2.Store(80)
		h.live(7 * time.Minute)
		stop()
		h.live(8 * time.Hour)
		heard, hush := hear(t, h.log)
		h.live(5 * time.Second)
		stop = h.own()
		h.live(10 * time.Minute)
		hush()
		stop()
		h.wg.Wait()
		if escalated := h.said("alert.escalated"); len(heard.all) != 0 || len(escalated) == 0 {
			t.Errorf("it told %+v; escalated at %v", heard.all, escalated)
		}
	})
}

// slowDecisions hands out decisions one by one.
type slowDecisions struct{ streams.Log }

func (l slowDecisions) Read(topic string, partition int32, from int64) (streams.Reader, error) {
	r, err := l.Log.Read(topic, partition, from)
	return &slowReader{Reader: r}, err
}

// A log that takes longer to read than anything may stand still is no finding as long as reading gets on, and what is
// wrong is told once it has been read.
func TestALR7_AuditorReadsALongLogFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		stop := h.ownWith(stoppedParts())
		h.spo2.Store(80)
		h.live(20 * time.Minute)
		began := h.now()
		heard, hush := hear(t, slowDecisions{h.log})
		h.live(5 * time.Minute)
		hush()
		stop()
		h.wg.Wait()
		if len(heard.all) != 1 || heard.all[0].Kind != audit.Overdue {
			t.Fatalf("it told %+v", heard.all)
		}
		if d := heard.all[0].at.Sub(began); d < 2*audit.Within {
			t.Errorf("the log was read in %s already, so nothing is shown", d)
		}
	})
}

// What the auditor cannot read for good is told as its own fault and not as silence, and what it had found stands.
func TestALR7_AuditorSaysWhatItCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		stop := h.own()
		h.spo2.Store(80)
		h.live(2 * time.Minute)
		stop()
		h.wg.Wait()
		if err := h.log.Trim(streams.Decisions, 0, 1); err != nil {
			t.Fatal(err)
		}
		heard, hush := hear(t, h.log)
		h.live(time.Minute)
		hush()
		if len(heard.all) != 1 || heard.all[0].Kind != partitionUnread || !strings.Contains(heard.all[0].Says, "trimmed") {
			t.Errorf("it told %+v", heard.all)
		}
	})
}
