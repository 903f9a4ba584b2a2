package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/kafka"
)

// platter is a disk that can be stopped, broken, and asked what a power cut would leave.
type platter struct {
	mu      sync.Mutex
	stopped chan struct{} // while it is not nil every sync waits until it is closed
	broken  error
	safe    map[string]int64 // file: how much of it is synced
	takes   time.Duration    // how long a sync takes
}

func (p *platter) sync(path string) error {
	p.mu.Lock()
	stopped, broken := p.stopped, p.broken
	p.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	if broken != nil {
		return broken
	}
	info, err := os.Stat(path) // before the sync: what comes during it is not counted
	if err != nil || info.IsDir() {
		return syncPath(path)
	}
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.safe[path] = max(p.safe[path], info.Size())
	return nil
}

func (p *platter) set(stopped chan struct{}, broken error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped, p.broken = stopped, broken
}

// cut copies dir as a power cut would leave it: of records only what is synced, of index files and of what groups and
// producers said nothing at all.
func (p *platter) cut(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "cut")
	p.mu.Lock()
	defer p.mu.Unlock()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		copied := filepath.Join(to, strings.TrimPrefix(path, dir))
		switch {
		case d.IsDir():
			return os.MkdirAll(copied, 0o755)
		case strings.HasSuffix(path, ".idx"), strings.HasSuffix(path, ".log"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".dat") {
			b = b[:p.safe[path]]
		}
		return os.WriteFile(copied, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func onPlatter(t *testing.T, dir string) (*Broker, *platter) {
	t.Helper()
	p := &platter{safe: map[string]int64{}}
	b, err := Start(Options{Dir: dir, Partitions: 2, sync: p.sync})
	if err != nil {
		t.Fatal(err)
	}
	if b.disk == nil {
		t.Skip("this system does not tell what was written; the broker syncs by itself")
	}
	t.Cleanup(func() {
		p.set(nil, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Stop(ctx); !errors.Is(err, b.Err()) {
			t.Error(err)
		}
	})
	return b, p
}

// While the disk is busy neither the acknowledgement nor the record itself leaves the broker.
func TestREL2_NothingLeavesTheBrokerBeforeItIsOnDisk(t *testing.T) {
	b, p := onPlatter(t, t.TempDir())
	l := open(t, b.Addr())
	write(t, l, streams.Inputs, 0, 1)
	r, err := l.Read(streams.Inputs, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	busy := make(chan struct{})
	p.set(busy, nil)
	w, err := l.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	acked, read := make(chan error, 1), make(chan error, 1)
	w.Append(streams.Record{Topic: streams.Inputs, Value: []byte("a")}, func(_ int64, err error) { acked <- err })
	go func() {
		_, err := r.Next(t.Context())
		read <- err
	}()
	select {
	case <-acked:
		t.Fatal("acknowledged while it was not on disk")
	case <-read:
		t.Fatal("read while it was not on disk")
	case <-time.After(500 * time.Millisecond):
	}
	if next := b.cluster.PartitionInfo(streams.Inputs, 0).HighWatermark; next != 2 {
		t.Fatalf("the record is not in the log at all: it ends at %d", next)
	}
	p.set(nil, nil)
	close(busy)
	if err := errors.Join(<-acked, <-read); err != nil {
		t.Fatal(err)
	}
}

// A disk that fails once is not believed again: what the system still says about that file says nothing.
func TestREL2_ABrokenDiskAcknowledgesNothing(t *testing.T) {
	dir := t.TempDir()
	b, p := onPlatter(t, dir)
	l, err := kafka.Open(kafka.Options{Brokers: []string{b.Addr()}, WriteTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	write(t, l, streams.Inputs, 0, 3)
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	p.set(nil, errors.New("input/output error"))
	for range 2 {
		w, err := l.Write("test")
		if err != nil {
			t.Fatal(err)
		}
		answer := make(chan error, 1)
		w.Append(streams.Record{Topic: streams.Inputs, Value: []byte("a")}, func(_ int64, err error) { answer <- err })
		if err := <-answer; err == nil {
			t.Fatal("acknowledged by a broken disk")
		}
		w.Close()
		p.set(nil, nil) // it says that all is well again
	}
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Fatalf("the broker says %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Stop(ctx); err == nil {
		t.Fatal("an orderly stop on a broken disk says nothing")
	}
	again, err := Start(Options{Dir: dir, Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, again)
	write(t, open(t, again.Addr()), streams.Inputs, 0, 1)
}

// The power is cut again and again in full flow, over segments that roll: what was acknowledged, or seen by a reader,
// is there.
func TestREL2_NothingAcknowledgedIsLostInAPowerCut(t *testing.T) {
	b, p := onPlatter(t, t.TempDir())
	l := open(t, b.Addr())
	book := &ledger{acked: map[int32]map[int64]string{}}
	p.takes = 3 * time.Millisecond // so that writers meet in it
	for range 8 {
		stopWriting := make(chan struct{})
		var writing sync.WaitGroup
		for range 4 {
			writing.Go(func() { pourLarge(t, l, book, stopWriting) })
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond) // a moment that nobody chose
		before := book.copy()
		left := p.cut(t, b.o.Dir)
		close(stopWriting)
		writing.Wait()
		after := start(t, Options{Dir: left, Partitions: 2})
		judge(t, open(t, after.Addr()), before, 2)
		stop(t, after)
	}
	t.Logf("%d records acknowledged", book.count)
}

func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &ledger{acked: map[int32]map[int64]string{}}
	for p, all := range l.acked {
		for offset, value := range all {
			c.note(p, offset, value)
		}
	}
	return c
}

// pourLarge writes records of 20 KiB that do not compress, so that segments of 8 MiB roll.
func pourLarge(t *testing.T, l streams.Log, book *ledger, stop chan struct{}) {
	w, err := l.Write("pour")
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Close()
	noise := make([]byte, 40<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for i := 0; ; i++ {
		select {
		case <-stop:
			if err := w.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			return
		case <-time.After(500 * time.Microsecond):
		}
		p, at := int32(i%2), rand.IntN(20<<10)
		value := append(fmt.Appendf(nil, "%d ", i), noise[at:at+20<<10]...)
		w.Append(streams.Record{Topic: streams.Inputs, Partition: p, Value: value}, func(o int64, err error) {
			if err != nil {
				t.Error(err)
				return
			}
			book.note(p, o, string(value))
		})
	}
}

// Whoever knocks without Kafka's protocol is shown out; kfake alone would end the process.
func TestAStrangerAtTheDoorHarmsNobody(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir(), Partitions: 1})
	unknown := binary.BigEndian.AppendUint32(nil, 20)
	unknown = binary.BigEndian.AppendUint16(unknown, 999)
	for _, says := range [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), {0x16, 3, 1, 2, 0, 1, 0, 1}, append(unknown, make([]byte, 18)...), {0, 0, 0, 1, 2, 3}, {0, 0},
	} {
		c, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(says); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) { // it may have been sent away already
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n > 0 || os.IsTimeout(err) {
			t.Errorf("%q was answered, or kept: %d bytes, %v", bytes.TrimSpace(says), n, err)
		}
		c.Close()
	}
	write(t, open(t, b.Addr()), streams.Inputs, 0, 1)
}
