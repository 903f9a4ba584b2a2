package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/streams/event"
)

func isWarning(e heard) bool { return e.Name == "warning" }

// What happens is shown at every desk within a second: a reading's warning, and who has taken it.
func TestALR14_EveryDeskShowsItWithinASecond(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	screens := map[string]<-chan heard{}
	for name, url := range map[string]string{"here": h.url, "at another desk": h.openDesk().url} {
		b := h.browser(url)
		b.token = lead.token
		screens[name], _ = b.listen("/v1/stream", "")
		await(t, screens[name], "what is there", func(e heard) bool { return e.Name == "status" })
	}
	began := time.Now()
	shown := func(what string, is func(Warning) bool) {
		t.Helper()
		for name, events := range screens {
			await(t, events, what, func(e heard) bool { return isWarning(e) && is(read[Warning](t, e.Data)) })
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s is shown %s %s later", what, name, took)
			}
		}
	}
	h.measure("P-0113", 84)
	shown("the warning", func(w Warning) bool { return w.State == "new" })
	id := lead.warnings("open")[0].ID
	began = time.Now()
	if status, _, p := lead.click("accept", id, "a", nil); status != 200 {
		t.Fatal(p)
	}
	shown("the accept", func(w Warning) bool { return w.ID == id && w.Owner == "lead-1" })
}

// What happened while a screen was away is told when it comes back with its vector, here or at another desk server.
func TestAScreenResumesAtAnyServer(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	h.enrol("P-0201", "surgery")
	lead := h.as("lead", "lead-1")
	events, leave := lead.listen("/v1/stream", "")
	h.measure("P-0113", 84)
	await(t, events, "the first warning", isWarning)
	seen := await(t, events, "a status that carries the vector on", func(e heard) bool { return e.Name == "status" })
	leave()

	h.measure("P-0201", 80)
	h.until("the second is there", func() bool { return len(lead.warnings("open")) == 2 })
	other := h.openDesk()
	for name, url := range map[string]string{"the same server": h.url, "another": other.url} {
		b := h.browser(url)
		b.token = lead.token
		events, leave := b.listen("/v1/stream", seen.ID)
		first := await(t, events, "anything", func(heard) bool { return true })
		if first.Name != "status" {
			t.Errorf("%s began with %s: it knew where the screen was", name, first.Name)
		}
		w := read[Warning](t, await(t, events, "what was missed", isWarning).Data)
		if w.Patient != "P-0201" {
			t.Errorf("%s told of %s", name, w.Patient)
		}
		leave()
	}
}

// Where changes cannot be told one by one, everything is sent: no vector, a vector that is none, one from before what the
// server remembers, and one from a future that does not come.
func TestAScreenThatCannotResumeGetsASnapshot(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	h.server.ward.mu.Lock()
	h.server.ward.floor[0] = h.server.ward.at[0] // as if it had been restored from a checkpoint there
	h.server.ward.mu.Unlock()
	for _, last := range []string{"", "nonsense", "p0:1", "p0:-1,p1:-1", "p0:1,p0:2", "p0:99999999,p1:99999999"} {
		events, leave := lead.listen("/v1/stream", last)
		first := await(t, events, "the beginning", func(heard) bool { return true })
		if s := read[Snapshot](t, first.Data); first.Name != "snapshot" || len(s.Warnings) != 1 {
			t.Errorf("with %q it began with %s of %d warnings", last, first.Name, len(s.Warnings))
		}
		if _, err := parseVector(first.ID, partitions); err != nil {
			t.Error(err)
		}
		leave()
	}
}

// Rows of a board come to who asked for that board, and to nobody else.
func TestAScreenOfABoardHearsItsRows(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	h.enrol("P-0201", "surgery")
	nurse := h.as("nurse", "nurse-a")
	copd, _ := nurse.listen("/v1/stream?group=demo/copd", "")
	queue, _ := nurse.listen("/v1/stream", "")
	if s := read[Snapshot](t, await(t, copd, "a snapshot", func(e heard) bool { return e.Name == "snapshot" }).Data); len(s.Rows) != 1 || s.Rows[0].Patient != "P-0113" {
		t.Fatalf("got %+v", s.Rows)
	}
	h.measure("P-0201", 97)
	h.measure("P-0113", 95)
	row := read[Row](t, await(t, copd, "the row", func(e heard) bool {
		return e.Name == "patient" && bytes.Contains([]byte(e.Data), []byte("spo2_percent"))
	}).Data)
	if row.Patient != "P-0113" || row.Latest["spo2_percent"].Value != event.Int(95) {
		t.Errorf("got %+v", row)
	}
	await(t, queue, "a status after it", func(e heard) bool {
		if e.Name == "patient" {
			t.Error("a row came to the queue")
		}
		return e.Name == "status"
	})
}

// The ward never waits for a screen: with one that reads nothing, and one that left without a word, changes go on and
// reach the others.
func TestASlowScreenHoldsUpNobody(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	stuck := &stuckWriter{header: http.Header{}, release: make(chan struct{})}
	r := httptest.NewRequest("GET", "/v1/stream", nil)
	r.Header.Set("Authorization", "Bearer "+lead.token)
	gone := make(chan struct{})
	go func() { defer close(gone); h.server.Handler().ServeHTTP(stuck, r) }()
	h.until("it is stuck", func() bool { return h.server.screens.Load() == 1 })

	events, _ := lead.listen("/v1/stream", "")
	await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" })
	h.measure("P-0113", 84)
	await(t, events, "the warning", isWarning)
	close(stuck.release)
	<-gone
	h.until("the broken one is forgotten", func() bool { return h.server.screens.Load() == 1 })
}

// stuckWriter is a browser that takes nothing, and whose connection then breaks.
type stuckWriter struct {
	header  http.Header
	release chan struct{}
}

func (w *stuckWriter) Header() http.Header { return w.header }
func (w *stuckWriter) WriteHeader(int)     {}
func (w *stuckWriter) Write([]byte) (int, error) {
	<-w.release
	return 0, errors.New("connection reset")
}

// A stream ends when who reads it may no longer.
func TestAStreamEndsWithItsRight(t *testing.T) {
	h := open(t)
	nurse := h.as("nurse", "nurse-a")
	events, _ := nurse.listen("/v1/stream", "")
	await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" })
	if _, err := h.asker.Ask(soon(t), &event.TokenRequested{Token: "nurse-a", SHA256: sumOf("another"), Role: "nurse", By: "test"}); err != nil {
		t.Fatal(err)
	}
	late := time.After(10 * time.Second)
	for {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-late:
			t.Fatal("it goes on")
		}
	}
}

// After an error of the log following begins again at a checkpoint, which lies before what is shown: nothing goes back.
func TestShownStateNeverGoesBack(t *testing.T) {
	w := newWard(1, isPerson)
	at := func(offset int64, alert string, first bool) Seen {
		s := Seen{Offset: offset, Touched: []string{"demo/P-0113"}, Look: func(string) (Patient, bool) {
			return Patient{Alerts: alerts.State{Open: []alerts.Warning{{Alert: alert, Problem: event.Deterioration, Phase: alerts.New, Severity: event.High}}}, Care: care.State{}}, true
		}}
		if !first {
			s.Inputs = []event.Envelope{{ID: "i"}}
		}
		return s
	}
	w.take(at(10, "w1", true))
	w.take(at(20, "w2", false))
	w.take(at(10, "w1", true))
	w.take(at(15, "w1", false))
	if w.at[0] != 20 || len(w.people["demo/P-0113"].p.Alerts.Open) != 1 || w.people["demo/P-0113"].p.Alerts.Open[0].Alert != "w2" {
		t.Errorf("at %v it shows %+v", w.at, w.people["demo/P-0113"].p.Alerts.Open)
	}
}

// Closed warnings are kept up to a number; who has not heard of the forgotten ones gets a snapshot.
func TestClosedWarningsAreForgottenInOrder(t *testing.T) {
	w := newWard(1, isPerson)
	for i := range keptClosed + 10 {
		past := alerts.Past{Warning: alerts.Warning{Alert: "w" + itoa(i), Problem: event.Deterioration, Episode: i + 1, Phase: alerts.Closed}}
		w.take(Seen{Offset: int64(i), Inputs: []event.Envelope{{}}, Touched: []string{"demo/P-0113"}, Look: func(string) (Patient, bool) {
			return Patient{Alerts: alerts.State{Closed: []alerts.Past{past}}}, true
		}})
	}
	if len(w.shown) != keptClosed || w.recent.Len() != keptClosed || w.floor[0] != 9 {
		t.Errorf("%d kept, %d in the list, floor %v", len(w.shown), w.recent.Len(), w.floor)
	}
	if _, _, _, _, ok := w.resume(vector{8}, ""); ok {
		t.Error("a screen that missed a forgotten one could resume")
	}
	if ws, _, _, _, ok := w.resume(vector{9}, ""); !ok || len(ws) != keptClosed {
		t.Errorf("a screen that missed none: %v, %d", ok, len(ws))
	}
}

// A patient whose last warning was closed long ago measures again: what was forgotten does not come back as news, push
// out another and keep every screen from resuming.
func TestAForgottenWarningIsNoNews(t *testing.T) {
	w := newWard(1, isPerson)
	offset := int64(0)
	step := func(key string) {
		past := alerts.Past{Warning: alerts.Warning{Alert: "of " + key, Problem: event.Deterioration, Episode: 1, Phase: alerts.Closed}}
		w.take(Seen{Offset: offset, Inputs: []event.Envelope{{}}, Touched: []string{key}, Look: func(string) (Patient, bool) {
			return Patient{Alerts: alerts.State{Closed: []alerts.Past{past}}}, true
		}})
		offset++
	}
	for i := range keptClosed + 1 {
		step("demo/P-" + itoa(i))
	}
	before := w.seq
	step("demo/P-0")
	if ws, _, _, _, _ := w.changes(before, ""); len(ws) != 0 || w.floor[0] != 0 {
		t.Errorf("%d warnings were told anew, floor %v", len(ws), w.floor)
	}
}

// Who is in another group now leaves the board on which a screen shows them.
func TestABoardHearsWhoHasLeft(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	nurse := h.as("nurse", "nurse-a")
	events, leave := nurse.listen("/v1/stream?group=demo/copd", "")
	first := await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" })
	h.enrol("P-0113", "surgery")
	left := func(e heard) bool { return e.Name == "patient" && read[Row](t, e.Data).Group == "surgery" }
	await(t, events, "the row with its new group", left)
	leave()
	events, _ = nurse.listen("/v1/stream?group=demo/copd", first.ID)
	await(t, events, "the row, for who was away meanwhile", left)
	h.enrol("P-0113", "copd")
	await(t, events, "the row that is back", func(e heard) bool { return e.Name == "patient" && read[Row](t, e.Data).Group == "copd" })
}

// What a board says is worked out as of now and not as of the patient's last reading.
func TestABoardIsAsOfNow(t *testing.T) {
	w := newWard(1, isPerson)
	var asked event.Time
	who := Patient{Care: care.State{Groups: []care.Membership{{Group: "copd"}}}, Looked: Looked{Vitals: func(clock event.Time) Vitals { asked = clock; return Vitals{} }}}
	w.take(Seen{Offset: 1, Clock: 1000, Inputs: []event.Envelope{{}}, Touched: []string{"demo/P-0113"}, Look: func(string) (Patient, bool) { return who, true }})
	w.take(Seen{Offset: 2, Clock: 90_000_000, Inputs: []event.Envelope{{}}})
	if rows := w.board("demo", "copd"); len(rows) != 1 || asked != 90_000_000 {
		t.Errorf("%d rows, as of %d", len(rows), asked)
	}
	if _, rows, _, _ := w.snapshot("demo/copd"); len(rowsOf(rows)) != 1 || asked != 90_000_000 {
		t.Errorf("a snapshot as of %d", asked)
	}
}

func TestVectorReadsWhatItWrites(t *testing.T) {
	v := vector{-1, 0, 1 << 40}
	back, err := parseVector(v.String(), 3)
	if err != nil || back.String() != v.String() {
		t.Errorf("%v, %v", back, err)
	}
	for _, s := range []string{"", "p0:1", "p0:1,p1:2", "p0:1,p1:2,p3:3", "p0:1,p1:2,p1:3", "p0:1,p1:2,p2:x", "p0:1,p1:2,p2:-2", "0:1,1:2,2:3"} {
		if _, err := parseVector(s, 3); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}

// The board's points are pairs, so that a chart takes them as they are.
func TestPointIsAPair(t *testing.T) {
	b, err := json.Marshal([]Point{{At: 1_772_434_800_000, Value: 38_050_000}})
	if err != nil || string(b) != "[[1772434800000,38.05]]" {
		t.Errorf("%s, %v", b, err)
	}
	var back []Point
	if err := json.Unmarshal(b, &back); err != nil || back[0].Value != 38_050_000 {
		t.Errorf("%+v, %v", back, err)
	}
}
