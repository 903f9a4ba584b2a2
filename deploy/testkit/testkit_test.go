package testkit

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// A record that a cluster of one acknowledged is there again after kill -9 and after a pause.
func TestKafkaOneBroker(t *testing.T) {
	c := Kafka(t, KafkaOptions{})
	makeTopic(t, c, "one", 1)
	write(t, c, "one", "before")
	if err := c.KillBroker(0); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", c.Brokers()[0]); err == nil {
		conn.Close()
		t.Fatal("a killed broker still listens")
	}
	if err := c.StartBroker(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	if err := c.joined(0); err == nil {
		t.Fatal("a paused broker answers")
	}
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	write(t, c, "one", "after")
	if got := read(t, c, "one", 2); got != "before after" {
		t.Fatalf("read %q, want both records", got)
	}
}

// Three brokers go on writing with acks=all when one is killed.
func TestKafkaThreeBrokers(t *testing.T) {
	c := Kafka(t, KafkaOptions{Brokers: 3})
	makeTopic(t, c, "three", 3)
	write(t, c, "three", "all")
	if err := c.KillBroker(1); err != nil {
		t.Fatal(err)
	}
	write(t, c, "three", "two")
	if err := c.StartBroker(1); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, "three", 2); got != "all two" {
		t.Fatalf("read %q, want both records", got)
	}
}

func TestSharedKafkaIsOne(t *testing.T) {
	a, b := SharedKafka(t), SharedKafka(t)
	if a != b {
		t.Fatal("two calls started two clusters")
	}
}

// What a persistent session has not fetched is there after an orderly stop.
func TestMosquittoKeepsSessions(t *testing.T) {
	m := Mosquitto(t, MosquittoOptions{})
	host, port, err := net.SplitHostPort(m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		partMosquitto.absent(t, err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, name, append([]string{"-h", host, "-p", port, "-q", "1", "-t", "t"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("mosquitto_sub", "-i", "kept", "-c", "-E")
	run("mosquitto_pub", "-m", "hello")
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	if got := run("mosquitto_sub", "-i", "kept", "-c", "-C", "1"); got != "hello" {
		t.Fatalf("the session held %q, want hello", got)
	}
}

// When the process that asked for a server is gone, however it went, server and folder go too.
func TestJanitor(t *testing.T) {
	dir, err := os.MkdirTemp("", "tocsin-janitor-*")
	if err != nil {
		t.Fatal(err)
	}
	release, err := janitor(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{name: "sleeper", dir: dir, argv: []string{"sleep", "600"}}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	pid := s.cmd.Process.Pid
	if err := release(); err != nil { // closes the pipe, as the end of this process would
		t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Errorf("process %d lives on", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("folder %s is still there: %v", dir, err)
	}
}

func TestAbsentIsNotedAndSkippedOrFails(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, require := range []string{"0", "1"} {
		t.Setenv("TOCSIN_REQUIRE", require)
		probe := &probe{TB: t}
		func() {
			defer func() { _ = recover() }()
			part{"the moon", "wait for the night"}.absent(probe, os.ErrNotExist)
		}()
		if probe.failed != (require == "1") || probe.skipped != (require == "0") {
			t.Errorf("TOCSIN_REQUIRE=%s: failed %v, skipped %v", require, probe.failed, probe.skipped)
		}
		if !strings.Contains(probe.said, "wait for the night") {
			t.Errorf("said %q, want how to get it", probe.said)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, ".cache", "missing", "the moon")); err != nil || string(b) != "wait for the night\n" {
		t.Errorf("note is %q, %v", b, err)
	}
}

// probe stands in for a test and remembers how it was ended.
type probe struct {
	testing.TB
	failed, skipped bool
	said            string
}

func (p *probe) Fatalf(f string, a ...any) { p.failed, p.said = true, fmt.Sprintf(f, a...); panic(p) }
func (p *probe) Skipf(f string, a ...any)  { p.skipped, p.said = true, fmt.Sprintf(f, a...); panic(p) }

func makeTopic(t *testing.T, c *Cluster, name string, replicas int) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(c.Brokers()...)}
	res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: 1, ReplicationFactor: replicas}}})
	if err != nil || res.Errors[name] != nil {
		t.Fatalf("create topic %s: %v %v", name, err, res)
	}
}

func write(t *testing.T, c *Cluster, topic, value string) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(c.Brokers()...), Topic: topic, RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, MaxAttempts: 100, Transport: &kafka.Transport{MetadataTTL: 200 * time.Millisecond}}
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := w.WriteMessages(ctx, kafka.Message{Value: []byte(value)}); err != nil {
		t.Fatalf("write %q: %v", value, err)
	}
}

// read returns the values of the first n records, repeats by a retry after a kill passed over.
func read(t *testing.T, c *Cluster, topic string, n int) string {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: c.Brokers(), Topic: topic, Partition: 0, MaxWait: 100 * time.Millisecond})
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []string
	for len(got) < n {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			t.Fatalf("read record %d of %s: %v", len(got), topic, err)
		}
		if v := string(m.Value); len(got) == 0 || got[len(got)-1] != v {
			got = append(got, v)
		}
	}
	return strings.Join(got, " ")
}

func TestFreePort(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatalf("port %d is said to be free: %v", port, err)
	}
	l.Close()
}
