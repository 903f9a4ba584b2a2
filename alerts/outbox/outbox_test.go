package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/alerts/notify"
	"tocsin/streams"
	"tocsin/streams/event"
)

func to(r *receiver) Setting {
	return Setting{ID: "his", URL: notify.Hidden(r.URL), Form: formCloudEvents, From: "beginning"}
}

// A subscriber that was down for a day gets everything, in order; the warning that it is behind came in time, and ended.
func TestALR19_ASubscriberThatWasDownForADayGetsEverything(t *testing.T) {
	w := newWorld(t, 2)
	up := begin.Add(24 * time.Hour)
	r := newReceiver(t, func(_ int, _ delivery, rw http.ResponseWriter) bool {
		if w.clock.now().Before(up) {
			return refuse(rw, http.StatusServiceUnavailable)
		}
		return true
	})
	w.raise(0, "w0", event.High)
	w.raise(1, "w1", event.High)
	w.serve(w.log, nil, to(r))
	for i := range 40 {
		p := int32(i % 2)
		w.raise(p, fmt.Sprint("w", i+2), event.Medium)
		w.decide(p, fmt.Sprint("P-w", i+2), &event.AlertAccepted{Alert: fmt.Sprint("w", i+2), By: "nurse-a"})
	}
	w.until("everything has come", func() error { return w.whole(r.taken()) })
	if w.clock.now().Before(up) {
		t.Fatal("the day is not over")
	}
	tries := len(r.all()) - len(r.taken())
	if tries > 2*(24*12*2) { // every 5 minutes for a day, with a spread, in two partitions
		t.Errorf("it was tried %d times while it was down", tries)
	}
	w.until("the warning has ended in both partitions", func() error {
		ended := map[string]bool{}
		for _, e := range w.inputs() {
			switch d := e.Data.(type) {
			case *event.FaultReported:
				ended[d.Kind] = false
				if e.Subject != "tocsin/subscriber-his" || !strings.Contains(d.Detail, "status 503") && !strings.Contains(d.Detail, slow) {
					t.Errorf("%s: %+v", e.Subject, d)
				}
			case *event.FaultEnded:
				ended[d.Kind] = true
			}
		}
		if !ended["subscriber_behind/0"] || !ended["subscriber_behind/1"] {
			return fmt.Errorf("%v", ended)
		}
		return nil
	})
	for _, e := range w.inputs() {
		if _, is := e.Data.(*event.FaultReported); is {
			if late := e.At.Std().Sub(begin); late < 5*time.Minute || late > 11*time.Minute {
				t.Errorf("the first warning came after %s", late)
			}
			break
		}
	}
}

// mortal is a log as one process sees it, which dies: from then on nothing that it does reaches the log.
type mortal struct {
	streams.Log
	dead atomic.Bool
}

var errDead = errors.New("killed")

type mortalWriter struct {
	streams.Writer
	m *mortal
}

func (m *mortal) Write(owner string) (streams.Writer, error) {
	w, err := m.Log.Write(owner)
	return mortalWriter{w, m}, err
}

func (w mortalWriter) Append(r streams.Record, done func(int64, error)) {
	if w.m.dead.Load() {
		if done != nil {
			done(-1, errDead)
		}
		return
	}
	w.Writer.Append(r, done)
}

// Killed at any moment, with a server that answers as servers do: no number is missing, none comes before the one before it, and
// each is the same event at every coming.
func TestALR19_KilledAtAnyMomentNothingIsMissingAndNothingChanges(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 19))
			var mu sync.Mutex
			draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
			w := newWorld(t, 2)
			r := newReceiver(t, func(_ int, _ delivery, rw http.ResponseWriter) bool {
				switch draw(8) {
				case 0:
					return refuse(rw, http.StatusInternalServerError)
				case 1:
					return refuse(rw, http.StatusBadRequest)
				case 2: // it took it, and its answer is lost
					panic(http.ErrAbortHandler)
				case 3:
					rw.Header().Set("Retry-After", "1")
					return refuse(rw, http.StatusTooManyRequests)
				}
				return true
			})
			r.Config.ErrorLog = nil
			made := 0
			some := func() {
				for range draw(12) {
					p := int32(draw(2))
					w.raise(p, fmt.Sprint("w", made), event.High)
					made++
				}
			}
			for range 8 {
				m := &mortal{Log: w.log}
				stop := w.serve(m, nil, to(r))
				some()
				enough := len(r.all()) + draw(15)
				for end := time.Now().Add(200 * time.Millisecond); len(r.all()) < enough && time.Now().Before(end); {
					time.Sleep(time.Millisecond)
				}
				m.dead.Store(draw(4) > 0)
				stop()
			}
			some()
			w.serve(w.log, nil, to(r))
			w.until("everything has come", func() error { return w.whole(r.taken()) })
		})
	}
}

// One that hangs keeps nobody else waiting.
func TestALR19_OneThatHangsDelaysNobodyElse(t *testing.T) {
	w := newWorld(t, 1)
	release := make(chan struct{})
	hangs := newReceiver(t, func(int, delivery, http.ResponseWriter) bool { <-release; return true })
	defer close(release)
	good := newReceiver(t, nil)
	slow := to(hangs)
	slow.ID, slow.Within = "slow", time.Minute
	w.serve(w.log, nil, slow, to(good))
	for i := range 20 {
		w.raise(0, fmt.Sprint("w", i), event.High)
	}
	w.until("the other has everything", func() error { return w.whole(good.taken()) })
	if n := len(hangs.all()); n != 1 {
		t.Errorf("the one that hangs was asked %d times at once", n)
	}
}

// Who says how long it wants to be left alone, is.
func TestALR19_RetryAfterIsKept(t *testing.T) {
	w := newWorld(t, 1)
	var until atomic.Int64
	r := newReceiver(t, func(n int, _ delivery, rw http.ResponseWriter) bool {
		if n == 0 {
			until.Store(w.clock.now().Add(2 * time.Minute).UnixNano())
			rw.Header().Set("Retry-After", "120")
			return refuse(rw, http.StatusTooManyRequests)
		}
		if now := w.clock.now(); now.UnixNano() < until.Load() {
			t.Errorf("asked again %s too early", time.Duration(until.Load()-now.UnixNano()))
		}
		return true
	})
	w.raise(0, "w0", event.High)
	w.serve(w.log, nil, to(r))
	w.until("it has come", func() error { return w.whole(r.taken()) })
}

// What a server refuses for ever stands first, raises a warning, and is passed over when somebody asks: a fact in the log.
func TestALR19_ARefusedMessageIsPassedOverOnlyWhenSomebodyAsks(t *testing.T) {
	w := newWorld(t, 1)
	w.raise(0, "w0", event.High)
	w.raise(0, "poison", event.High)
	w.raise(0, "w2", event.High)
	r := newReceiver(t, func(_ int, d delivery, rw http.ResponseWriter) bool {
		if strings.Contains(d.body, "poison") {
			return refuse(rw, http.StatusUnprocessableEntity)
		}
		return true
	})
	w.serve(w.log, nil, to(r))
	w.until("it raises a warning", func() error {
		if w.faults("fault.reported") == 0 {
			return errors.New("none")
		}
		return nil
	})
	rows, err := Status(t.Context(), w.log)
	if err != nil || len(rows) != 1 || rows[0].Head != 2 || rows[0].Delivered > 1 || !strings.Contains(rows[0].Why, "422") {
		t.Fatalf("%+v, %v", rows, err)
	}
	if n := len(r.taken()); n != 1 {
		t.Fatalf("%d were taken", n)
	}
	for _, n := range []int64{1, 3} {
		if err := Skip(t.Context(), w.log, 0, event.SkipRequested{Subscriber: "his", Number: n, By: "lead", Reason: "mistaken"}); !errors.Is(err, ErrNotNext) {
			t.Errorf("number %d: %v", n, err)
		}
	}
	if err := Skip(t.Context(), w.log, 0, event.SkipRequested{Subscriber: "his", Number: 2, By: "lead", Reason: "cannot be read there"}); err != nil {
		t.Fatal(err)
	}
	w.until("the third has come", func() error {
		if got := r.taken(); len(got) != 2 || got[1].number != 3 {
			return fmt.Errorf("%d came", len(got))
		}
		return nil
	})
	w.until("the status is well again", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || rows[0].Delivered != 3 || rows[0].Skipped != 2 || rows[0].Why != "" || rows[0].Alarmed {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	if w.faults("fault.ended") != 1 {
		t.Error("the warning did not end")
	}
}

// archive is a history: what lay in the log before it was trimmed.
type archive struct {
	records []streams.Record
	down    atomic.Bool
}

func (a *archive) Records(_ context.Context, topic string, partition int32, from int64, limit int) (all []streams.Record, err error) {
	if a.down.Load() {
		return nil, errors.New("history does not answer")
	}
	for _, r := range a.records {
		if r.Topic == topic && r.Partition == partition && r.Offset >= from && len(all) < limit {
			all = append(all, r)
		}
	}
	return all, nil
}

// Where the log is trimmed, history is read; while that is down nothing is passed over.
func TestALR19_WhereTheLogIsTrimmedHistoryIsRead(t *testing.T) {
	w := newWorld(t, 1)
	r := newReceiver(t, nil)
	w.raise(0, "w0", event.High)
	w.serve(w.log, nil, to(r))()
	for i := 1; i < 5; i++ {
		w.raise(0, fmt.Sprint("w", i), event.High)
	}
	past := &archive{records: w.log.Records(streams.Decisions, 0)}
	past.down.Store(true)
	if err := w.log.Trim(streams.Decisions, 0, int64(len(past.records))); err != nil {
		t.Fatal(err)
	}
	w.raise(0, "w5", event.High)
	w.serve(w.log, past, to(r))
	w.until("it raises a warning", func() error {
		if w.faults("fault.reported") == 0 {
			return errors.New("none")
		}
		return nil
	})
	if n := len(r.taken()); n > 1 {
		t.Fatalf("%d were told while history is down", n)
	}
	past.down.Store(false)
	w.until("everything has come", func() error { return w.whole(r.taken()) })
}

// Without history what is trimmed is lost: it is told at once, with the range, and the stream stands still.
func TestALR19_WhatIsLostIsToldAndNothingJumps(t *testing.T) {
	for name, past := range map[string]Past{"without history": nil, "with a history that has a hole": &archive{}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			r := newReceiver(t, nil)
			for i := range 4 {
				w.raise(0, fmt.Sprint("w", i), event.High)
			}
			all := w.log.Records(streams.Decisions, 0)
			if a, ok := past.(*archive); ok {
				a.records = slices.Concat(all[:3], all[5:])
			}
			if err := w.log.Trim(streams.Decisions, 0, 7); err != nil {
				t.Fatal(err)
			}
			w.serve(w.log, past, to(r))
			want := "decisions/0 from offset 0 to 6"
			if past != nil {
				want = "decisions/0 from offset 3 to 4"
			}
			w.until("the loss is told", func() error {
				for _, e := range w.inputs() {
					if f, ok := e.Data.(*event.FaultReported); ok && strings.Contains(f.Detail, want) {
						return nil
					}
				}
				return fmt.Errorf("%d faults", w.faults("fault.reported"))
			})
			for _, d := range r.all() {
				if d.number > 1 { // the first step lies before the hole
					t.Errorf("it was told of %s, behind the hole", d.id)
				}
			}
		})
	}
}

// Who begins now is told of what comes from now on, and of what is open as it is.
func TestALR19_ANewSubscriberBeginsNow(t *testing.T) {
	w := newWorld(t, 1)
	w.raise(0, "old", event.Medium)
	r := newReceiver(t, nil)
	s := to(r)
	s.From = ""
	stop := w.serve(w.log, nil, s)
	w.until("it has begun", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Offset < 0 {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	stop()
	w.want = map[int32][]string{}
	w.decide(0, "P-old", &event.AlertAccepted{Alert: "old", By: "nurse-a"})
	w.serve(w.log, nil, s)
	w.until("it has come", func() error { return w.whole(r.taken()) })
	if d := r.taken()[0]; !strings.Contains(d.body, `"owner":"nurse-a"`) || !strings.Contains(d.body, `"severity":"medium"`) {
		t.Errorf("it says %s", d.body)
	}
}

// Two processes share the partitions; when one is killed the other goes on with its numbers.
func TestALR19_AnotherNodeGoesOnExactlyThere(t *testing.T) {
	w := newWorld(t, 4)
	r := newReceiver(t, nil)
	first, second := &mortal{Log: w.log}, &mortal{Log: w.log}
	stop := w.serve(first, nil, to(r))
	w.serve(second, nil, to(r))
	tell := func(from int) {
		for i := range 40 {
			w.raise(int32(i%4), fmt.Sprint("w", from+i), event.High)
		}
	}
	tell(0)
	w.until("everything has come", func() error { return w.whole(r.taken()) })
	first.dead.Store(true)
	stop()
	tell(100)
	w.until("everything has come", func() error { return w.whole(r.taken()) })
}

// Only what was asked for comes, under numbers without a hole; a change of that changes no number that was given out.
func TestALR19_FiltersLeaveNoHolesInTheNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		only OnlySetting
		want []string
	}{
		"everything but what is Tocsin's own": {OnlySetting{}, []string{"e-0-1-0", "e-0-2-0", "e-0-3-0", "e-0-4-0", "e-0-5-0"}},
		"severity, as grave as it has been":   {OnlySetting{Severities: []string{"high"}}, []string{"e-0-1-0", "e-0-3-0", "e-0-5-0"}},
		"types":                               {OnlySetting{Types: []string{"alert.raised"}}, []string{"e-0-1-0", "e-0-2-0", "e-0-4-0"}},
		"a group":                             {OnlySetting{Groups: []string{"group-of-P-2"}}, []string{"e-0-2-0", "e-0-4-0"}},
		"a tenant":                            {OnlySetting{Tenants: []string{"t1"}, Problems: []string{event.Deterioration}}, []string{"e-0-1-0", "e-0-2-0", "e-0-3-0", "e-0-4-0", "e-0-5-0"}},
		"another tenant":                      {OnlySetting{Tenants: []string{"t2"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			r := newReceiver(t, nil)
			s := to(r)
			s.Only = c.only
			w.decide(0, "P-1", raisedAlert("w1", event.High))
			w.decide(0, "P-2", raisedAlert("w2", event.Low))
			w.decide(0, "P-1", &event.AlertUpdated{Alert: "w1", Severity: event.Medium}, &event.AlertNoted{Alert: "w1", Text: "words"})
			w.decide(0, "P-2", raisedAlert("w3", event.Medium))
			w.decide(0, "P-1", &event.AlertClosed{Alert: "w1", By: "nurse-a", Done: "words", Outcome: event.OutcomeReal}, &event.SignalReturned{Quantity: event.SpO2Percent})
			w.want = map[int32][]string{0: c.want}
			w.serve(w.log, nil, s)
			w.until("it has come", func() error { return w.whole(r.taken()) })
			w.until("it has looked at everything", func() error {
				if got := len(r.all()); got != len(c.want) {
					return fmt.Errorf("%d", got)
				}
				return nil
			})
		})
	}
}

// A server's address may hold a token, and its words repeat it: neither is in any log, nor is a secret; the signature is right.
func TestALR19_SecretsAreNowhere(t *testing.T) {
	w := newWorld(t, 1)
	dir := t.TempDir()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	r := newReceiver(t, nil)
	s := to(r)
	s.URL, s.URLFile = "", write(t, dir, "url", r.URL+"/hook?token=s3cr3t-token")
	s.SecretFile = write(t, dir, "secret", secret)
	s.Headers = []HeaderSetting{{Name: "Authorization", ValueFile: write(t, dir, "auth", "Bearer s3cr3t-bearer")}}
	dead := s
	dead.ID, dead.URLFile = "dead", write(t, dir, "dead", "http://127.0.0.1:1/s3cr3t-token")
	w.raise(0, "w0", event.High)
	w.serve(w.log, nil, s, dead)
	w.until("it has come, and the other has raised a warning", func() error {
		if w.faults("fault.reported") == 0 {
			return errors.New("no warning yet")
		}
		return w.whole(r.taken())
	})
	d := r.taken()[0]
	if d.header.Get("Authorization") != "Bearer s3cr3t-bearer" {
		t.Error("the header did not come")
	}
	hook := must(t)(openSecret(secret))
	d.header.Set("webhook-timestamp", d.header.Get("webhook-timestamp"))
	if err := hook.VerifyIgnoringTimestamp([]byte(d.body), d.header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	everything := w.logged.String() + fmt.Sprintf("%+v %#v", s, s)
	for _, topic := range []string{streams.Outbox, streams.Inputs} {
		for _, rec := range w.log.Records(topic, 0) {
			everything += string(rec.Value)
		}
	}
	for _, hidden := range []string{"s3cr3t", "MfKQ9r8"} {
		if strings.Contains(everything, hidden) {
			t.Errorf("%s can be read in a log", hidden)
		}
	}
}

// A subscriber that falls behind twice within one hour raises a warning twice: the second is no repeat of the first.
func TestALR19_EachFallingBehindIsTold(t *testing.T) {
	w := newWorld(t, 1)
	var deaf atomic.Bool
	r := newReceiver(t, func(_ int, _ delivery, rw http.ResponseWriter) bool {
		if deaf.Load() {
			return refuse(rw, http.StatusBadGateway)
		}
		return true
	})
	s := to(r)
	s.AlarmAfter = time.Minute
	w.serve(w.log, nil, s)
	for i := range 2 {
		deaf.Store(true)
		w.raise(0, fmt.Sprint("w", i), event.High)
		w.until("it raises a warning", func() error {
			if n := w.faults("fault.reported"); n <= i {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
		deaf.Store(false)
		w.until("it ends", func() error {
			if n := w.faults("fault.ended"); n <= i {
				return fmt.Errorf("%d", n)
			}
			return w.whole(r.taken())
		})
	}
	ids := map[string]bool{}
	for _, e := range w.inputs() {
		if ids[e.ID] {
			t.Errorf("%s is there twice: the fold passes over the second", e.ID)
		}
		ids[e.ID] = true
	}
}

// FHIR is put part by part; a second part has an id of its own, and a message counts once all parts were taken.
func TestINT2_BothResourcesArePut(t *testing.T) {
	w := newWorld(t, 1)
	r := newReceiver(t, func(n int, d delivery, rw http.ResponseWriter) bool {
		if n == 1 { // the first Communication
			return refuse(rw, http.StatusServiceUnavailable)
		}
		return true
	})
	s := to(r)
	s.Form, s.URL = formFHIR, notify.Hidden(r.URL+"/r4")
	w.raise(0, "w0", event.High)
	w.serve(w.log, nil, s)
	w.until("it is done", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Delivered != 1 {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	got := r.all()
	if len(got) != 4 || got[0].path != "PUT /r4/DetectedIssue/w0" || got[2].path != got[0].path || got[1].path != got[3].path || !strings.HasPrefix(got[1].path, "PUT /r4/Communication/c") {
		t.Fatalf("%d requests came: %+v", len(got), got)
	}
	if got[0].id == got[1].id || got[0].id != got[2].id || got[1].id != got[3].id || got[0].body != got[2].body || got[1].body != got[3].body {
		t.Errorf("ids %s, %s, %s, %s", got[0].id, got[1].id, got[2].id, got[3].id)
	}
	if got[0].header.Get("Content-Type") != "application/fhir+json" {
		t.Error("it is not said to be FHIR")
	}
}
