package trail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
	"tocsin/streams/witness"
)

// desk is one process that writes the audit log.
type desk struct {
	*trail.Writer
	public string
	heads  string
	stop   func()
}

func start(t *testing.T, log streams.Log, dir, name string, change ...func(*trail.Options)) *desk {
	t.Helper()
	key, _, err := trail.Key(filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{public: trail.Public(key), heads: filepath.Join(dir, "heads.jsonl")}
	o := trail.Options{Log: log, Process: name, Key: key, Heads: d.heads}
	for _, c := range change {
		c(&o)
	}
	if d.Writer, err = trail.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Run(ctx) }()
	var once atomic.Bool
	d.stop = func() {
		if !once.Swap(true) {
			cancel()
			<-done
		}
	}
	t.Cleanup(d.stop)
	return d
}

func (d *desk) note(t *testing.T, account, action string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.Note(ctx, event.AuditNoted{Account: account, Role: "nurse", Action: action, Tenant: "t1", Patient: "P-1", Purpose: "care", From: "10.0.0.7"}); err != nil {
		t.Fatal(err)
	}
}

// records answers the audit log as the witness reads it.
func records(log *streams.Memory) (all []witness.Record) {
	for _, r := range log.Records(streams.Audit, 0) {
		w := witness.Record{Topic: r.Topic, Offset: r.Offset, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}
		for _, h := range r.Headers {
			w.Headers = append(w.Headers, kafka.Header{Key: h.Key, Value: slices.Clone(h.Value)})
		}
		all = append(all, w)
	}
	return all
}

// story is two desks, one of which was started again.
func story(t *testing.T) (all []witness.Record, keys []string, heads string) {
	t.Helper()
	log, dir := streams.NewMemory(2), t.TempDir()
	a := start(t, log, dir, "desk-a")
	a.note(t, "nurse-a", "chart.read")
	b := start(t, log, dir, "desk-b")
	b.note(t, "nurse-b", "warning.read")
	a.note(t, "nurse-a", "plan.read")
	a.stop()
	again := start(t, log, dir, "desk-a")
	again.note(t, "nurse-a", "chart.read")
	again.stop()
	b.stop()
	text, err := os.ReadFile(a.heads)
	if err != nil {
		t.Fatal(err)
	}
	return records(log), []string{a.public, b.public}, string(text)
}

func verify(t *testing.T, all []witness.Record, keys []string, heads string) witness.AuditReport {
	t.Helper()
	report, err := witness.AuditRecords(witness.AuditOptions{Keys: keys, Heads: strings.NewReader(heads)}, all)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestSEC2_AnUntouchedAuditLogIsWhole(t *testing.T) {
	all, keys, heads := story(t)
	r := verify(t, all, keys, heads)
	if len(r.Faults) > 0 {
		t.Fatalf("an untouched log has faults: %v", r.Faults)
	}
	if r.Records != int64(len(all)) || len(r.Chains) != 3 || r.Lines != 6 || r.Held < r.Lines+2 {
		t.Errorf("read %d records, %d chains, %d lines, %d heads: %+v", r.Records, len(r.Chains), r.Lines, r.Held, r)
	}
	for _, c := range r.Chains {
		if !c.Ended {
			t.Errorf("chain %s of %s did not end with its head", c.Chain, c.Process)
		}
	}
}

// One bit of every byte of a record of each kind, of the log's last one too: of its key, the names and the values of its
// headers, its value.
func TestSEC2_OneChangedBitAnywhereIsFound(t *testing.T) {
	all, keys, heads := story(t)
	flips := 0
	flip := func(what string, r int, b []byte, changed func()) {
		for i := range b {
			bit := byte(1) << (i % 8)
			b[i] ^= bit
			changed()
			report := verify(t, all, keys, heads)
			if len(report.Faults) == 0 {
				t.Errorf("record %d, %s, byte %d: nothing is found", r, what, i)
			} else if f := report.Faults[0]; f.Offset >= 0 && f.Offset > all[r].Offset {
				t.Errorf("record %d, %s, byte %d: the first fault is told of offset %d: %s", r, what, i, f.Offset, f.What)
			}
			b[i] ^= bit
			changed()
			flips++
		}
	}
	for _, r := range []int{0, 1, len(all) - 2, len(all) - 1} {
		flip("key", r, all[r].Key, func() {})
		flip("value", r, all[r].Value, func() {})
		for h := range all[r].Headers {
			header := &all[r].Headers[h]
			flip("header "+header.Key, r, header.Value, func() {})
			name := []byte(header.Key)
			flip("name of header "+header.Key, r, name, func() { header.Key = string(name) })
		}
	}
	if r := verify(t, all, keys, heads); len(r.Faults) > 0 || flips < 2000 {
		t.Errorf("%d bits were changed and changed back, and there is %v", flips, r.Faults)
	}
}

func TestSEC2_WhatIsRemovedSwappedRepeatedCutOrForgedIsFound(t *testing.T) {
	all, keys, heads := story(t)
	chainOf := func(r witness.Record) string { return string(r.Key) }
	without := func(gone func(i int) bool) []witness.Record {
		var left []witness.Record
		for i := range all {
			if !gone(i) {
				left = append(left, all[i])
			}
		}
		return left
	}
	found := func(name string, changed []witness.Record, heads, word string) {
		t.Helper()
		r := verify(t, changed, keys, heads)
		if len(r.Faults) == 0 {
			t.Errorf("%s: nothing is found", name)
		} else if !slices.ContainsFunc(r.Faults, func(f witness.AuditFault) bool { return strings.Contains(f.What, word) }) {
			t.Errorf("%s: want a fault that says %q, have %v", name, word, r.Faults)
		}
	}
	for i := range all {
		found(fmt.Sprintf("record %d removed", i), without(func(j int) bool { return i == j }), heads, "not there")
		found(fmt.Sprintf("record %d repeated", i), slices.Insert(slices.Clone(all), i+1, all[i]), heads, "second time")
		for j := range i {
			if chainOf(all[i]) == chainOf(all[j]) {
				swapped := slices.Clone(all)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				found(fmt.Sprintf("records %d and %d swapped", i, j), swapped, heads, "chain")
			}
		}
		if i > 0 {
			found(fmt.Sprintf("cut from record %d on", i), all[:i], heads, "cut or removed")
		}
	}
	found("emptied", nil, heads, "empty")
	for _, chain := range []string{chainOf(all[0]), chainOf(all[2]), chainOf(all[len(all)-3])} {
		found("chain "+chain+" removed", without(func(i int) bool { return chainOf(all[i]) == chain }), heads, "cut or removed")
	}
	// The first chain is held by the others, also without a heads file.
	found("first chain removed", without(func(i int) bool { return chainOf(all[i]) == chainOf(all[0]) }), "", "offset")
	lines := strings.SplitAfter(heads, "\n")
	found("a forged line", all, strings.Replace(lines[0], `"number":1`, `"number":2`, 1), "another than that")
	found("a line of another sum", all, strings.Replace(lines[0], `"sum":"`, `"sum":"0`, 1), "not signed")
}

// Whoever can write the log but has no key makes a chain of their own, or goes on with one of ours.
func TestSEC2_AForgedRecordOrHeadIsFound(t *testing.T) {
	log, dir := streams.NewMemory(1), t.TempDir()
	a := start(t, log, dir, "desk-a")
	a.note(t, "nurse-a", "chart.read")
	a.stop()
	forger := start(t, log, t.TempDir(), "desk-a")
	forger.note(t, "nurse-z", "chart.read")
	forger.stop()
	r := verify(t, records(log), []string{a.public}, "")
	if len(r.Faults) == 0 || !strings.Contains(r.Faults[0].What, "not among those given") {
		t.Errorf("a chain that is signed by a foreign key: %v", r.Faults)
	}
	if r = verify(t, records(log), nil, ""); len(r.Faults) > 0 {
		t.Errorf("without keys the chains' own are believed: %v", r.Faults)
	}
}

func TestSEC2_ARepeatOfTheSenderCanBeAllowed(t *testing.T) {
	all, keys, heads := story(t)
	twice := slices.Insert(slices.Clone(all), 2, all[1])
	r, err := witness.AuditRecords(witness.AuditOptions{Keys: keys, Heads: strings.NewReader(heads), Repeats: true}, twice)
	if err != nil || len(r.Faults) > 0 || r.Repeats != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The log fails for a while: entries wait, a new chain writes them, and none is lost or in the way of the judge.
func TestSEC2_EntriesWaitWhileTheLogFailsAndFollowInANewChain(t *testing.T) {
	log, dir := streams.NewMemory(1), t.TempDir()
	a := start(t, log, dir, "desk-a", func(o *trail.Options) { o.Most = 3 })
	a.note(t, "nurse-a", "chart.read")
	log.FailAppends(func(topic string, _ int32, _ streams.Record) error {
		if topic == streams.Audit {
			return errors.New("the disk is full")
		}
		return nil
	})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := a.Note(short, event.AuditNoted{Account: "nurse-a", Action: "waiting.1"}); !errors.Is(err, trail.ErrWaiting) {
		t.Fatalf("the log fails: %v", err)
	}
	for i := 2; i <= 3; i++ {
		if err := a.Post(event.AuditNoted{Account: "nurse-a", Action: fmt.Sprintf("waiting.%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Post(event.AuditNoted{Account: "nurse-a", Action: "waiting.4"}); !errors.Is(err, trail.ErrFull) {
		t.Fatalf("a fourth entry of three that may wait: %v", err)
	}
	if n, most, since := a.Waiting(); n != 3 || most != 3 || since.IsZero() {
		t.Errorf("%d of %d wait since %v", n, most, since)
	}
	log.FailAppends(nil)
	for n, _, _ := a.Waiting(); n > 0; n, _, _ = a.Waiting() {
		if t.Context().Err() != nil {
			t.Fatal("what waits is not written")
		}
		runtime.Gosched()
	}
	a.note(t, "nurse-a", "chart.again")
	a.stop()
	var actions []string
	for _, r := range log.Records(streams.Audit, 0) {
		if e, err := event.Decode(r.Headers, r.Value); err == nil {
			if n, ok := e.Data.(*event.AuditNoted); ok {
				actions = append(actions, n.Action)
			}
		}
	}
	if want := []string{"chart.read", "waiting.1", "waiting.2", "waiting.3", "chart.again"}; !slices.Equal(actions, want) {
		t.Errorf("the log has %v, not %v", actions, want)
	}
	text, _ := os.ReadFile(a.heads)
	if r := verify(t, records(log), []string{a.public}, string(text)); len(r.Faults) > 0 || len(r.Chains) != 2 {
		t.Errorf("%d chains, faults %v", len(r.Chains), r.Faults)
	}
}

func TestSEC2_AHeadIsWrittenEveryDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, dir := streams.NewMemory(1), t.TempDir()
		log.Now = time.Now
		a := start(t, log, dir, "desk-a")
		b := start(t, log, dir, "desk-b")
		a.note(t, "nurse-a", "chart.read")
		time.Sleep(49 * time.Hour)
		a.stop()
		b.stop()
		days := 0
		for _, r := range log.Records(streams.Audit, 0) {
			if e, err := event.Decode(r.Headers, r.Value); err == nil {
				if h, ok := e.Data.(*event.AuditHead); ok && h.Why == "day" {
					days++
				}
			}
		}
		if days != 4 {
			t.Errorf("two desks over two days wrote %d heads of a day, not 4", days)
		}
		text, _ := os.ReadFile(a.heads)
		if r := verify(t, records(log), []string{a.public, b.public}, string(text)); len(r.Faults) > 0 {
			t.Error(r.Faults)
		}
	})
}

func TestSEC2_TheKeyIsItsOwnersAloneAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.key")
	key, made, err := trail.Key(path)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, made, err := trail.Key(path)
	if err != nil || made || !bytes.Equal(again, key) {
		t.Errorf("the second start has another key: %v, %v", made, err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := trail.Key(path); err == nil {
		t.Error("a broken key was replaced in silence")
	}
}

func TestSEC2_WhoLookedAtAPatientIsAnsweredFromTheLog(t *testing.T) {
	log, dir := streams.NewMemory(1), t.TempDir()
	var hours atomic.Int64
	log.Now = func() time.Time {
		return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours.Load()) * time.Hour)
	}
	a := start(t, log, dir, "desk-a", func(o *trail.Options) { o.Now = log.Now })
	note := func(account, patient string) {
		t.Helper()
		hours.Add(1)
		if err := a.Note(t.Context(), event.AuditNoted{Account: account, Action: "chart.read", Tenant: "t1", Patient: patient}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		note(fmt.Sprintf("nurse-%d", i%3), fmt.Sprintf("P-%d", i%2))
	}
	a.stop()
	read := func(q trail.Query) (all []trail.Entry) {
		t.Helper()
		for {
			page, err := trail.Read(t.Context(), log, q)
			if err != nil {
				t.Fatal(err)
			}
			if all = append(all, page.Entries...); !page.More {
				return all
			}
			q.After = page.Next
		}
	}
	begin := event.TimeOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	hour := event.Time(3600 * 1000)
	if all := read(trail.Query{Tenant: "t1", Patient: "P-1", Most: 4}); len(all) != 15 {
		t.Errorf("15 looked at P-1, and there are %d", len(all))
	}
	if all := read(trail.Query{Account: "nurse-2"}); len(all) != 10 {
		t.Errorf("nurse-2 looked 10 times, and there are %d", len(all))
	}
	if all := read(trail.Query{From: begin + 11*hour, To: begin + 21*hour}); len(all) != 10 || all[0].At != begin+11*hour {
		t.Errorf("10 looked within ten hours, and there are %d: %+v", len(all), all)
	}
	if all := read(trail.Query{Tenant: "t2", Patient: "P-1"}); len(all) != 0 {
		t.Errorf("another tenant's patient of the same id: %+v", all)
	}
}
