package broker

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams"
)

var kills = flag.Int("kills", 6, "how often the embedded broker is killed")

// child is a broker in a process of its own; it ends with its parent.
func child(dir, addr string) {
	b, err := Start(Options{Dir: dir, Addr: addr, Partitions: 2})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening", b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// spawn starts a child and answers its address and how to kill it.
func spawn(t *testing.T, dir, addr string) (string, func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TOCSIN_TEST_BROKER="+dir, "TOCSIN_TEST_BROKER_ADDR="+addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill := func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = in.Close()
		})
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "listening ") {
		t.Fatalf("the broker did not start: %s (%v)", line, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening ")), kill
}

// ledger is what was acknowledged: the record at each offset.
type ledger struct {
	mu    sync.Mutex
	acked map[int32]map[int64]string
	count int
}

func (l *ledger) note(p int32, offset int64, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked[p] == nil {
		l.acked[p] = map[int64]string{}
	}
	l.acked[p][offset] = value
	l.count++
}

// Kill -9 in full flow: nothing that was acknowledged is missing or changed, the writer goes on over every restart
// without an error, and a reader that follows sees each offset once, in order.
func TestREL2_NothingAcknowledgedIsLostWhenTheBrokerIsKilled(t *testing.T) {
	const partitions = 2
	dir := t.TempDir()
	addr, kill := spawn(t, dir, "127.0.0.1:0")
	l := open(t, addr)
	book := &ledger{acked: map[int32]map[int64]string{}}
	stopWriting, wrote := make(chan struct{}), make(chan struct{})
	go pour(t, l, book, partitions, stopWriting, wrote)

	ctx, endReading := context.WithCancel(t.Context())
	defer endReading()
	var followers sync.WaitGroup
	seen := make([]map[int64]string, partitions)
	for p := range int32(partitions) {
		followers.Go(func() { seen[p] = followed(t, ctx, l, p) })
	}
	for range *kills {
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond) // a moment that nobody chose
		kill()
		addr, kill = spawn(t, dir, addr)
	}
	close(stopWriting)
	<-wrote
	kill() // the last word has what is on disk
	_, _ = spawn(t, dir, addr)
	judge(t, l, book, partitions)
	for p := range int32(partitions) {
		_, next := bounds(t, l, streams.Inputs, p)
		t.Logf("partition %d ends at %d", p, next)
	}
	endReading()
	followers.Wait()
	for p, got := range seen {
		for offset, value := range got {
			if want, ok := book.acked[int32(p)][offset]; ok && want != value {
				t.Errorf("a follower saw %s at %d/%d, acknowledged was %s", value, p, offset, want)
			}
		}
	}
	t.Logf("%d kills, %d records acknowledged", *kills, book.count)
}

// pour writes until it is stopped, then waits for every answer. A kill may fail a writer, as when it strikes while a
// connection is being opened; then the next one goes on, and what was not acknowledged is promised to nobody.
func pour(t *testing.T, l streams.Log, book *ledger, partitions int32, stop, wrote chan struct{}) {
	defer close(wrote)
	w, err := l.Write("pour")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { w.Close() }()
	var broken atomic.Bool
	for i := 0; ; i++ {
		if broken.Swap(false) {
			w.Close()
			if w, err = l.Write("pour"); err != nil {
				t.Error(err)
				return
			}
		}
		select {
		case <-stop:
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := w.Flush(ctx); err != nil {
				t.Error(err)
			}
			return
		default:
		}
		p, value := int32(i)%partitions, fmt.Sprint("record ", i)
		w.Append(streams.Record{Topic: streams.Inputs, Partition: p, Value: []byte(value)}, func(o int64, err error) {
			if err != nil {
				broken.Store(true)
				return
			}
			book.note(p, o, value)
		})
		if i%20 == 0 {
			time.Sleep(time.Millisecond) // some 15,000 a second, in many batches
		}
	}
}

// followed reads until ctx ends; the reader itself checks that offsets have no gap.
func followed(t *testing.T, ctx context.Context, l streams.Log, p int32) map[int64]string {
	r, err := l.Read(streams.Inputs, p, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer r.Close()
	seen := map[int64]string{}
	for {
		got, err := r.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				t.Errorf("follower of partition %d after %d records: %v", p, len(seen), err)
			}
			return seen
		}
		for _, r := range got {
			seen[r.Offset] = string(r.Value)
		}
	}
}

// judge reads everything anew and looks each acknowledged record up.
func judge(t *testing.T, l streams.Log, book *ledger, partitions int32) {
	t.Helper()
	for p := range partitions {
		_, next := bounds(t, l, streams.Inputs, p)
		r, err := l.Read(streams.Inputs, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		have := map[int64]string{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for int64(len(have)) < next {
			got, err := r.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range got {
				have[r.Offset] = string(r.Value)
			}
		}
		cancel()
		r.Close()
		book.mu.Lock()
		for offset, want := range book.acked[p] {
			if have[offset] != want {
				t.Fatalf("acknowledged %.20q at %d/%d, there is %.20q", want, p, offset, have[offset])
			}
		}
		book.mu.Unlock()
	}
}
