package chaos

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/deploy/testkit"
	"tocsin/streams/witness"
)

// signal sends a signal to a process.
func (w *tree) signal(name string, s syscall.Signal) {
	w.t.Helper()
	w.mu.Lock()
	p := w.procs[name]
	w.mu.Unlock()
	if err := p.cmd.Process.Signal(s); err != nil {
		w.t.Fatalf("signal %s: %v", name, err)
	}
}

// caughtUp waits until every input is folded, and answers what the log says then.
func (w *tree) caughtUp(brokers []string, within time.Duration) (*witness.Evidence, error) {
	end := time.Now().Add(within)
	for {
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		e, err := witness.Judge(ctx, witness.JudgeOptions{Options: witness.Options{Brokers: brokers}})
		cancel()
		if err == nil && e.Behind() < 20 { // the load goes on
			return e, nil
		}
		if time.Now().After(end) {
			return e, fmt.Errorf("not caught up within %s: %w, %+v", within, err, e)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// On Apache Kafka three monitors share the partitions. One is killed, one is stopped for longer than its session and
// wakes up writing, one joins again: within 20 s the others have the patients, and the log tells one story.
func TestREL10_REL7_ThreeMonitorsOnApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and a broker")
	}
	brokers := testkit.Kafka(t, testkit.KafkaOptions{Brokers: 1}).Brokers()
	w := newTree(t)
	w.roles = []string{"monitor#1", "monitor#2", "monitor#3", "gateway", "desk"}
	w.config = "log:\n  brokers: [" + strings.Join(brokers, ", ") + "]\n  partitions: 8\n  replicas: 1\nhistory:\n  off: true\n"
	for _, name := range w.roles {
		w.start(name)
	}
	if err := w.ready(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	const patients = 16
	l := startLoad(t, w, patients, 100*time.Millisecond)
	steady := func(what string, within time.Duration) {
		t.Helper()
		began := time.Now()
		if _, err := w.caughtUp(brokers, within); err != nil {
			t.Fatalf("after %s: %v\n%s", what, err, w.said())
		}
		t.Logf("after %s everything was folded within %s", what, time.Since(began).Round(100*time.Millisecond))
	}
	time.Sleep(3 * time.Second)
	steady("the start", 20*time.Second)
	w.kill("monitor#1")
	time.Sleep(time.Second)
	steady("a kill", 20*time.Second)
	w.signal("monitor#2", syscall.SIGSTOP)
	time.Sleep(8 * time.Second) // longer than its session
	steady("a pause in which the partition was taken", 20*time.Second)
	w.signal("monitor#2", syscall.SIGCONT)
	w.start("monitor#1")
	time.Sleep(2 * time.Second)
	steady("waking up and joining", 20*time.Second)
	l.grave.Store(true)
	time.Sleep(3 * time.Second)
	l.stop()
	l.wg.Wait()
	end := time.Now().Add(30 * time.Second)
	for {
		e, err := w.caughtUp(brokers, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if e.Behind() == 0 {
			judge(t, e, l.acked(), patients)
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not settled: %+v\n%s", e, w.said())
		}
		time.Sleep(200 * time.Millisecond)
	}
}
