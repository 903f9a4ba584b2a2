package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/streams"
	"tocsin/streams/kafka"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TOCSIN_TEST_BROKER"); dir != "" {
		child(dir, os.Getenv("TOCSIN_TEST_BROKER_ADDR"))
		return
	}
	os.Exit(m.Run())
}

func start(t testing.TB, o Options) *Broker {
	t.Helper()
	b, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

func stop(t testing.TB, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func open(t testing.TB, addr string) *kafka.Log {
	t.Helper()
	l, err := kafka.Open(kafka.Options{Brokers: []string{addr}, WriteTimeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// write appends count records to a partition and waits for all of them.
func write(t testing.TB, l streams.Log, topic string, partition int32, count int) {
	t.Helper()
	w, err := l.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range count {
		w.Append(streams.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, i)}, func(_ int64, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func bounds(t testing.TB, l streams.Log, topic string, partition int32) (first, next int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	first, next, err := l.Bounds(ctx, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return first, next
}

func wantBounds(t *testing.T, l streams.Log, topic string, partition int32, first, next int64) {
	t.Helper()
	if f, n := bounds(t, l, topic, partition); f != first || n != next {
		t.Fatalf("%s/%d holds %d to %d, want %d to %d", topic, partition, f, n, first, next)
	}
}

func TestAnOrderlyRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Partitions: 2})
	addr := b.Addr()
	write(t, open(t, addr), streams.Inputs, 1, 100)
	stop(t, b)
	b = start(t, Options{Dir: dir, Addr: addr, Partitions: 2})
	if b.Addr() != addr {
		t.Fatalf("listens on %s, was told %s", b.Addr(), addr)
	}
	l := open(t, addr)
	wantBounds(t, l, streams.Inputs, 1, 0, 100)
	write(t, l, streams.Inputs, 1, 1)
	wantBounds(t, l, streams.Inputs, 1, 0, 101)
}

func TestAFolderBelongsToOneBroker(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	if _, err := Start(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Fatalf("a second broker on the folder: %v", err)
	}
	stop(t, b)
	start(t, Options{Dir: dir})
}

func TestFaultsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	stop(t, start(t, Options{Dir: dir, Partitions: 2}))
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"another number of partitions": {Options{Dir: dir, Partitions: 8}, "topic inputs has 2 partitions, 8 are configured"},
		"no folder":                    {Options{}, "no folder given"},
		"listens everywhere":           {Options{Dir: t.TempDir(), Addr: "0.0.0.0:0"}, "say with Advertise"},
		"no such address":              {Options{Dir: t.TempDir(), Addr: "192.0.2.1:1"}, "192.0.2.1"},
	} {
		if _, err := Start(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	start(t, Options{Dir: dir, Partitions: 2}) // no fault left the folder locked
}

func TestSizeGrowsWithWhatIsWritten(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir(), Partitions: 1})
	before, err := b.Size()
	if err != nil {
		t.Fatal(err)
	}
	write(t, open(t, b.Addr()), streams.Inputs, 0, 1000)
	if after, err := b.Size(); err != nil || after < before+1000 {
		t.Fatalf("%d bytes, then %d (%v)", before, after, err)
	}
}

func TestTrimmingOutlivesACrash(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Partitions: 1})
	l := open(t, b.Addr())
	write(t, l, streams.Inputs, 0, 50)
	if err := l.Trim(streams.Inputs, 0, 20); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, l, streams.Inputs, 0, 20, 50)
	left := crashed(t, dir)
	b2 := start(t, Options{Dir: left, Partitions: 1})
	wantBounds(t, open(t, b2.Addr()), streams.Inputs, 0, 20, 50)
}

// The last record of a partition stays, or the broker would count offsets from 0 again after the next start.
func TestAPartitionIsNeverTrimmedEmpty(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Partitions: 1})
	l := open(t, b.Addr())
	write(t, l, streams.Inputs, 0, 50)
	if err := l.Trim(streams.Inputs, 0, 50); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, l, streams.Inputs, 0, 49, 50)
	if err := l.Trim(streams.Inputs, 0, -1); err != nil {
		t.Fatal(err)
	}
	b2 := start(t, Options{Dir: crashed(t, dir), Partitions: 1})
	wantBounds(t, open(t, b2.Addr()), streams.Inputs, 0, 49, 50)
	stop(t, b)
	b = start(t, Options{Dir: dir, Partitions: 1})
	wantBounds(t, open(t, b.Addr()), streams.Inputs, 0, 49, 50)
}

// The fault that the two above are about, shown on kfake alone. When this fails, kfake has mended it and trim.go can go.
func TestKfakeForgetsOffsetsOfAnEmptyPartition(t *testing.T) {
	dir := t.TempDir()
	run := func() *kfake.Cluster {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites(), kfake.SeedTopics(1, "t"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := run()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("a"), kgo.StringRecord("b")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	if err := c.DeleteRecords("t", 0, -1); err != nil {
		t.Fatal(err)
	}
	c.Close() // in order
	c = run()
	defer c.Close()
	if next := c.PartitionInfo("t", 0).HighWatermark; next == 2 {
		t.Fatal("kfake remembers the end of an empty partition now")
	}
}

// After an orderly stop and a start, a crash finds old sequences on disk. A producer that went on in between goes on, or is
// told that its records are not taken, and then the next writer's are: what edges and owners do with a writer that failed.
func TestAProducerOutlivesAnOrderlyRestartAndACrash(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Partitions: 1})
	addr := b.Addr()
	log := open(t, addr)
	w, err := log.Write("long-lived")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }() // it may have failed
	if err := ten(t, w); err != nil {
		t.Fatal(err)
	}
	stop(t, b)
	b = start(t, Options{Dir: dir, Addr: addr, Partitions: 1})
	if err := ten(t, w); err != nil {
		t.Fatal(err)
	}
	left := crashed(t, dir)
	stop(t, b)
	start(t, Options{Dir: left, Addr: addr, Partitions: 1})
	if err := ten(t, w); err == nil {
		return
	}
	next, err := log.Write("long-lived")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	if err := ten(t, next); err != nil {
		t.Errorf("neither the writer from before the crash nor the next: %v", err)
	}
}

// ten appends ten records and answers the first error of them.
func ten(t *testing.T, w streams.Writer) error {
	t.Helper()
	failed := make(chan error, 10)
	for i := range 10 {
		w.Append(streams.Record{Topic: streams.Inputs, Value: fmt.Append(nil, i)}, func(_ int64, err error) { failed <- err })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := w.Flush(ctx)
	for range 10 {
		select {
		case one := <-failed:
			err = errors.Join(err, one)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// crashed copies the folder as a crash would leave it.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
