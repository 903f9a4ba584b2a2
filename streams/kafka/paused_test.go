package kafka_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/kafka"
)

const partitions = 4

func TestMain(m *testing.M) {
	if brokers := os.Getenv("TOCSIN_TEST_MEMBER"); brokers != "" {
		believer(strings.Split(brokers, ","), os.Getenv("TOCSIN_TEST_GROUP"))
		return
	}
	os.Exit(m.Run())
}

// believer is a member in a process of its own, so that it can be stopped as a whole. It says what it is assigned and
// asks all the time whether partition 0 is its own: "asked MOMENT" before, "yes" or "no" after.
func believer(brokers []string, group string) {
	log, err := kafka.Open(kafka.Options{Brokers: brokers})
	if err != nil {
		fmt.Println("fault", err)
		return
	}
	m, err := log.Join(group, streams.Inputs)
	if err != nil {
		fmt.Println("fault", err)
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		os.Exit(0)
	}()
	go func() {
		for {
			a, err := m.Next(context.Background())
			if err != nil {
				return
			}
			a.Ack()
			fmt.Println("assigned", len(a.Partitions))
		}
	}()
	for {
		// The wall clock is the same in both processes; the moment is taken before the call begins.
		at := time.Now().UnixNano()
		err := m.Confirm(context.Background(), 0)
		fmt.Println("asked", at, time.Now().UnixNano(), err == nil, errors.Is(err, streams.ErrNotOurs))
		// No pause between: it is to be stopped within a call.
	}
}

// belief is one line of a believer.
type belief struct {
	began, ended time.Time
	ours, denied bool
}

type paused struct {
	cmd *exec.Cmd

	mu       sync.Mutex
	assigned int
	beliefs  []belief
}

func pausable(t *testing.T, brokers []string, group string) *paused {
	t.Helper()
	p := &paused{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), "TOCSIN_TEST_MEMBER="+strings.Join(brokers, ","), "TOCSIN_TEST_GROUP="+group)
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.hear(t, strings.Fields(lines.Text()))
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-heard
		_ = p.cmd.Wait()
		_ = in.Close()
	})
	return p
}

func (p *paused) hear(t *testing.T, words []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch words[0] {
	case "assigned":
		p.assigned, _ = strconv.Atoi(words[1])
	case "asked":
		began, _ := strconv.ParseInt(words[1], 10, 64)
		ended, _ := strconv.ParseInt(words[2], 10, 64)
		p.beliefs = append(p.beliefs, belief{time.Unix(0, began), time.Unix(0, ended), words[3] == "true", words[4] == "true"})
	default:
		t.Errorf("the other member: %v", words)
	}
}

func (p *paused) last() (assigned int, b belief) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.beliefs) > 0 {
		b = p.beliefs[len(p.beliefs)-1]
	}
	return p.assigned, b
}

func (p *paused) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 60 s:", what)
		}
	}
}

func all(t *testing.T, m streams.Membership) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		a, err := m.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a.Ack()
		if len(a.Partitions) == partitions {
			return
		}
	}
}

// A process that was stopped as a whole (SIGSTOP) while another took its partitions must not believe for a moment that
// it still has them, whatever it was doing when it was stopped.
func pauseAndWake(t *testing.T, brokers []string) {
	t.Parallel()
	group := fmt.Sprint("paused-", time.Now().UnixNano())
	p := pausable(t, brokers, group)
	until(t, "the other member has all and is confirmed", func() bool {
		n, b := p.last()
		return n == partitions && b.ours
	})
	p.signal(t, syscall.SIGSTOP)
	stopped := time.Now()
	m, err := open(t, kafka.Options{Brokers: brokers}).Join(group, streams.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	all(t, m)
	took := time.Since(stopped)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := m.Confirm(ctx, 0); err != nil {
		t.Fatalf("the one that took over is not confirmed: %v", err)
	}
	woke := time.Now()
	p.signal(t, syscall.SIGCONT)
	until(t, "the woken member was denied", func() bool { _, b := p.last(); return b.ended.After(woke) && b.denied })
	// It joins again; what it then gets was let go by us first.
	a, err := m.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	acked := time.Now()
	a.Ack()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.beliefs {
		if b.ours && b.ended.After(woke) && b.ended.Before(acked) {
			t.Errorf("woken at %s, at %s it believed that partition 0 is its own (asked at %s)", woke, b.ended, b.began)
		}
	}
	if !slices.ContainsFunc(p.beliefs, func(b belief) bool { return b.ended.After(woke) && b.ended.Before(acked) }) {
		t.Error("the woken member was not asked at all")
	}
	t.Logf("handed over %s after the stop", took.Round(10*time.Millisecond))
}

func TestAPausedMemberKnowsOnEmbedded(t *testing.T) { pauseAndWake(t, []string{embedded(t).Addr()}) }

func TestAPausedMemberKnowsOnApacheKafka(t *testing.T) {
	c := testkit.SharedKafka(t)
	if err := kafka.Ensure(t.Context(), c.Brokers(), kafka.Security{}, partitions, 1); err != nil {
		t.Fatal(err)
	}
	pauseAndWake(t, c.Brokers())
}

// A killed member's partitions are with the other within 20 s.
func TestAKilledMemberIsReplaced(t *testing.T) {
	t.Parallel()
	brokers := []string{embedded(t).Addr()}
	p := pausable(t, brokers, "killed")
	until(t, "the first member has all", func() bool { n, _ := p.last(); return n == partitions })
	m, err := open(t, kafka.Options{Brokers: brokers}).Join("killed", streams.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if a, err := m.Next(ctx); err != nil || len(a.Partitions) != partitions/2 {
		t.Fatalf("the second member gets %v (%v)", a.Partitions, err)
	} else {
		a.Ack()
	}
	p.signal(t, syscall.SIGKILL)
	killed := time.Now()
	if a, err := m.Next(ctx); err != nil || len(a.Partitions) != partitions {
		t.Fatalf("after the kill: %v (%v)", a.Partitions, err)
	}
	if took := time.Since(killed); took > 20*time.Second {
		t.Fatalf("took %s", took)
	} else {
		t.Logf("handed over %s after the kill", took.Round(10*time.Millisecond))
	}
}
