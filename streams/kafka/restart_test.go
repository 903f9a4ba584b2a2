package kafka_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/kafka"
)

// A member gets its partitions again after the embedded broker was restarted in order, or came back from a crash
// without knowing anybody.
func TestAMemberOutlivesARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]bool{"in order": false, "crash": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := restart(t, dir, "")
			addr := b.Addr()
			m, err := open(t, kafka.Options{Brokers: []string{addr}}).Join("g", streams.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for {
					a, err := m.Next(ctx)
					if err != nil {
						return
					}
					a.Ack()
				}
			}()
			confirmed := func() bool { return m.Confirm(within(t, 2*time.Second), 0) == nil }
			until(t, "partition 0 is ours", confirmed)
			if crash {
				left := filepath.Join(t.TempDir(), "left")
				if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				dir = left
			}
			stop(t, b)
			if confirmed() {
				t.Fatal("confirmed without a broker")
			}
			restart(t, dir, addr)
			since := time.Now()
			until(t, "partition 0 is ours again", confirmed)
			t.Logf("ours again after %s", time.Since(since).Round(time.Millisecond))
		})
	}
}

// One of three brokers is killed in full flow: writing goes on, and nothing that was acknowledged is missing.
func TestREL2_NothingAcknowledgedIsLostWhenABrokerOfThreeIsKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three brokers")
	}
	c := testkit.Kafka(t, testkit.KafkaOptions{Brokers: 3})
	if err := kafka.Ensure(within(t, time.Minute), c.Brokers(), kafka.Security{}, 3, 3); err != nil {
		t.Fatal(err)
	}
	l := open(t, kafka.Options{Brokers: c.Brokers(), WriteTimeout: 30 * time.Second})
	f := pour(t, l)
	until(t, "writing has begun", func() bool { return f.count() > 300 })
	if err := c.KillBroker(0); err != nil {
		t.Fatal(err)
	}
	killed, before := time.Now(), f.count()
	// Some were under way when it fell; a third of these goes to the partition that it led.
	until(t, "all partitions are written again", func() bool { return f.since(killed.Add(time.Second)) == 3 })
	t.Logf("all partitions are written %s after the kill, %d records later", time.Since(killed).Round(100*time.Millisecond), f.count()-before)
	f.end(t)
	found := 0
	for p := range int32(3) {
		found += f.judge(t, l, p)
	}
	if found != f.count() {
		t.Fatalf("%d records were acknowledged, %d are there", f.count(), found)
	}
}

// flow writes a record a millisecond to three partitions and keeps what was acknowledged.
type flow struct {
	w           streams.Writer
	ended, done chan struct{}

	mu    sync.Mutex
	acked map[string]string   // partition/offset: value
	last  map[int32]time.Time // of the last acknowledgement
}

func pour(t *testing.T, l streams.Log) *flow {
	t.Helper()
	w, err := l.Write("pour")
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{w: w, ended: make(chan struct{}), done: make(chan struct{}), acked: map[string]string{}, last: map[int32]time.Time{}}
	go func() {
		defer close(f.done)
		for i := 0; ; i++ {
			select {
			case <-f.ended:
				return
			case <-time.After(time.Millisecond):
				f.append(t, int32(i%3), fmt.Sprint(i))
			}
		}
	}()
	return f
}

func (f *flow) append(t *testing.T, p int32, value string) {
	f.w.Append(streams.Record{Topic: streams.Inputs, Partition: p, Value: []byte(value)}, func(o int64, err error) {
		if err != nil {
			t.Errorf("%s: %v", value, err)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.acked[fmt.Sprint(p, "/", o)], f.last[p] = value, time.Now()
	})
}

func (f *flow) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.acked)
}

// since is how many partitions had an acknowledgement after at.
func (f *flow) since(at time.Time) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, last := range f.last {
		if last.After(at) {
			n++
		}
	}
	return n
}

func (f *flow) end(t *testing.T) {
	t.Helper()
	close(f.ended)
	<-f.done
	if err := f.w.Flush(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	f.w.Close()
}

// judge reads a partition and answers how many of the acknowledged records lie there.
func (f *flow) judge(t *testing.T, l streams.Log, p int32) (found int) {
	t.Helper()
	_, next, err := l.Bounds(within(t, 10*time.Second), streams.Inputs, p)
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Read(streams.Inputs, p, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for at := int64(0); at < next; {
		got, err := r.Next(within(t, 30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range got {
			at = k.Offset + 1
			if want, ok := f.acked[fmt.Sprint(p, "/", k.Offset)]; ok {
				found++
				if want != string(k.Value) {
					t.Fatalf("%d/%d holds %s, acknowledged was %s", p, k.Offset, k.Value, want)
				}
			}
		}
	}
	return found
}
