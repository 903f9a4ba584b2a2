package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/deploy/testkit"
	"tocsin/streams"
)

// brokers runs a test against the embedded broker and against Apache Kafka.
func brokers(t *testing.T, test func(t *testing.T, addrs []string)) {
	t.Run("kfake", func(t *testing.T) { test(t, fake(t)) })
	t.Run("ApacheKafka", func(t *testing.T) { test(t, testkit.SharedKafka(t).Brokers()) })
}

func fake(t *testing.T) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

func makeTopic(t *testing.T, addrs []string, name string, partitions int) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(addrs...)}
	res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err != nil || res.Errors[name] != nil {
		t.Fatalf("create topic %s: %v %v", name, err, res)
	}
	log, hangUp := dial(Options{Brokers: addrs})
	defer hangUp()
	poll(t, 20*time.Second, func() error { // until a leader answers for each partition
		_, err := log.bounds(t.Context(), name, partitions)
		return err
	})
}

// poll asks until it is so.
func poll(t *testing.T, within time.Duration, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not so after %s: %v", within, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// message is what every client must agree on: where a record lies and what its bytes are.
type message struct {
	Partition   int
	Key, Header string
	Value       string
}

func (m message) String() string {
	return fmt.Sprintf("%d %q %q %q", m.Partition, m.Key, m.Header, m.Value)
}

// keys are patients as tenants write them: one byte to many, every length modulo four, also Chinese.
func keys() []string {
	all := []string{"a", "ab", "abc", "abcd", "demo/P-0113", "病区/P-0113", "tocsin/partition-3", strings.Repeat("k", 255)}
	for i := range 60 {
		all = append(all, fmt.Sprintf("demo/P-%04d", i))
	}
	return all
}

// What three clients write, each with its own code for murmur2, lies on the partition that Tocsin names;
// and each reads the bytes of all three.
func TestThreeClientsAgree(t *testing.T) {
	kcat := testkit.Kcat(t)
	const n = 7
	brokers(t, func(t *testing.T, addrs []string) {
		makeTopic(t, addrs, "agree", n)
		var want []message
		for _, writer := range []string{"franz-go", "kafka-go", "kcat"} {
			for _, key := range keys() {
				want = append(want, message{int(streams.PartitionOf(key, n)), key, writer, `{"by":"` + writer + `","值":"84 %"}`})
			}
		}
		third := len(want) / 3
		writeFranz(t, addrs, want[:third])
		writeKafkaGo(t, addrs, want[third:2*third])
		writeKcat(t, kcat, addrs, want[2*third:])
		for name, read := range map[string]func() []message{
			"franz-go": func() []message { return readFranz(t, addrs, len(want)) },
			"kafka-go": func() []message { return readWitness(t, addrs, n) },
			"kcat":     func() []message { return readKcat(t, kcat, addrs) },
		} {
			if got, want := sorted(read()), sorted(want); got != want {
				t.Errorf("%s reads\n%s\nwant\n%s", name, got, want)
			}
		}
		for _, m := range want {
			if got := PartitionOf(m.Key, n); got != m.Partition {
				t.Errorf("the witness puts %q on partition %d, streams on %d", m.Key, got, m.Partition)
			}
		}
	})
}

func sorted(all []message) string {
	var lines []string
	for _, m := range all {
		lines = append(lines, m.String())
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func writeFranz(t *testing.T, addrs []string, all []message) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic("agree"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range all {
		r := &kgo.Record{Key: []byte(m.Key), Value: []byte(m.Value), Headers: []kgo.RecordHeader{{Key: "ce_source", Value: []byte(m.Header)}}}
		if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if int(r.Partition) != m.Partition {
			t.Errorf("franz-go puts %q on partition %d, want %d", m.Key, r.Partition, m.Partition)
		}
	}
}

func writeKafkaGo(t *testing.T, addrs []string, all []message) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(addrs...), Topic: "agree", Balancer: kafka.Murmur2Balancer{}, BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
	defer w.Close()
	for _, m := range all {
		err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte(m.Key), Value: []byte(m.Value), Headers: []kafka.Header{{Key: "ce_source", Value: []byte(m.Header)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func writeKcat(t *testing.T, kcat string, addrs []string, all []message) {
	t.Helper()
	var in strings.Builder
	for _, m := range all {
		fmt.Fprintf(&in, "%s\t%s\n", m.Key, m.Value)
	}
	cmd := exec.CommandContext(t.Context(), kcat, "-P", "-b", strings.Join(addrs, ","), "-t", "agree", "-K", "\t",
		"-H", "ce_source="+all[0].Header, "-X", "topic.partitioner=murmur2", "-X", "acks=all")
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v\n%s", err, out)
	}
}

func readFranz(t *testing.T, addrs []string, n int) (all []message) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumeTopics("agree"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(all) < n && ctx.Err() == nil {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			m := message{Partition: int(r.Partition), Key: string(r.Key), Value: string(r.Value)}
			for _, h := range r.Headers {
				m.Header = string(h.Value)
			}
			all = append(all, m)
		})
	}
	return all
}

func readWitness(t *testing.T, addrs []string, n int) (all []message) {
	log, hangUp := dial(Options{Brokers: addrs})
	defer hangUp()
	spans, err := log.bounds(t.Context(), "agree", n)
	if err != nil {
		t.Fatal(err)
	}
	for p, s := range spans {
		err := log.each(t.Context(), "agree", p, s.first, s.next, func(r Record) error {
			all = append(all, message{r.Partition, string(r.Key), r.Header("ce_source"), string(r.Value)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func readKcat(t *testing.T, kcat string, addrs []string) (all []message) {
	out, err := exec.CommandContext(t.Context(), kcat, "-C", "-b", strings.Join(addrs, ","), "-t", "agree", "-o", "beginning", "-e", "-q", "-J").Output()
	if err != nil {
		t.Fatalf("kcat: %v", err)
	}
	lines := json.NewDecoder(bytes.NewReader(out))
	for {
		var l struct {
			Partition    int
			Key, Payload string
			Headers      []string
		}
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		m := message{Partition: l.Partition, Key: l.Key, Value: l.Payload}
		if len(l.Headers) > 1 {
			m.Header = l.Headers[1]
		}
		all = append(all, m)
	}
}

// produce writes scripted records to one partition with the client that all production traffic uses.
func produce(t *testing.T, addrs []string, topic string, records []Record) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, r := range records {
		k := &kgo.Record{Topic: topic, Partition: int32(r.Partition), Key: r.Key, Value: r.Value, Timestamp: r.Time}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		c.Produce(t.Context(), k, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Tail shows what lies in the log with what the rule of reading says of it, on both brokers, and goes on
// with what comes.
func TestTail(t *testing.T) {
	brokers(t, func(t *testing.T, addrs []string) {
		topics := []string{"inputs", "decisions", "rejected"}
		for _, topic := range topics {
			makeTopic(t, addrs, topic, 2)
		}
		p := PartitionOf("demo/P-0113", 2)
		log := script("A! A1.0 A1#1 A2.0 B! A2#1 B2.0")
		for i := range log {
			log[i].Partition, log[i].Time = p, time.UnixMilli(1_780_000_000_000+int64(i))
		}
		produce(t, addrs, "decisions", log)
		junk := Record{Partition: p, Key: []byte("dev-1"), Value: []byte("\x1b[31mnot json"), Time: time.UnixMilli(1_700_000_000_000)}
		mismatch := Record{Partition: p, Key: []byte("dev-2"), Value: []byte(`{}`), Time: time.UnixMilli(1_780_000_000_100),
			Headers: []kafka.Header{{Key: "ce_subject", Value: []byte("demo/P-0113")}}}
		produce(t, addrs, "rejected", []Record{junk, mismatch})

		var out bytes.Buffer
		if err := Tail(t.Context(), &out, TailOptions{Options: Options{Brokers: addrs}, JSON: true}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			var l lineJSON
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			got = append(got, fmt.Sprintf("%s@%d:%s", l.Topic, l.Offset, l.Verdict))
		}
		want := "rejected@0:- decisions@0:life decisions@1:holds decisions@2:holds decisions@3:void decisions@4:life decisions@5:void decisions@6:open rejected@1:-"
		if got := strings.Join(got, " "); got != want {
			t.Errorf("tail shows\n%s\nwant\n%s", got, want)
		}

		out.Reset()
		err := Tail(t.Context(), &out, TailOptions{Options: Options{Brokers: addrs}, Since: time.UnixMilli(1_780_000_000_003), Patient: "P-0113"})
		if err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if strings.Contains(text, "@2 ") || !strings.Contains(text, fmt.Sprintf("decisions/%d@3  2026-05-28T20:26:40.003Z  void    alert.eased  key=demo/P-0113\n    (its life ended before its step was closed)\n", p)) ||
			!strings.Contains(text, "ce_life=B") || strings.Contains(text, "\x1b") || strings.Contains(text, "dev-1") || !strings.Contains(text, "key=dev-2") {
			t.Errorf("since the fourth record tail shows\n%s", text)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		pr, pw := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- Tail(ctx, pw, TailOptions{Options: Options{Brokers: addrs}, JSON: true, Follow: true, Topics: []string{"decisions"}})
			pw.Close()
		}()
		lines := json.NewDecoder(pr)
		next := func() (l lineJSON) {
			if err := lines.Decode(&l); err != nil {
				t.Fatal(err)
			}
			return l
		}
		for want := range int64(6) {
			if l := next(); l.Offset != want {
				t.Fatalf("follow shows offset %d, want %d", l.Offset, want)
			}
		}
		more := script("B2#1")
		more[0].Partition = p
		produce(t, addrs, "decisions", more)
		for want := int64(6); want < 8; want++ {
			if l := next(); l.Offset != want || l.Verdict != Holds {
				t.Fatalf("follow shows offset %d %s, want %d holds", l.Offset, l.Verdict, want)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("following that was ended answers %v", err)
		}
	})
}

func TestTailNamesATopicThatIsNotThere(t *testing.T) {
	addrs := fake(t)
	makeTopic(t, addrs, "other", 1)
	err := Tail(t.Context(), io.Discard, TailOptions{Options: Options{Brokers: addrs}})
	if err == nil || !strings.Contains(err.Error(), "topic inputs is not in the log") || !strings.Contains(err.Error(), "other") {
		t.Errorf("tail answers %v", err)
	}
}

// The witness is worth something only as long as it shares nothing with what it judges.
func TestWitnessImportsNothingOfTocsin(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tocsin/", "github.com/twmb/"} {
			if !strings.HasSuffix(f, "_test.go") && strings.Contains(string(src), `"`+name) {
				t.Errorf("%s imports %s…", f, name)
			}
		}
	}
}

// Every record comes once and in order, also where an answer of the log ends in the middle of a batch,
// under each compression.
func TestReadingPassesOverNothing(t *testing.T) {
	const n = 12_000 // of 1 KiB: three answers of 4 MiB
	noise := make([]byte, 1024)
	for i := range noise {
		noise[i] = byte('a' + (i*i*7+i/13)%26)
	}
	brokers(t, func(t *testing.T, addrs []string) {
		for name, codec := range map[string]kgo.CompressionCodec{
			"none": kgo.NoCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
			topic := "whole-" + name
			makeTopic(t, addrs, topic, 1)
			c, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec))
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				value := fmt.Appendf(nil, "%d %s", i, noise[i%512:])
				c.Produce(t.Context(), &kgo.Record{Key: []byte("k"), Value: value, Headers: []kgo.RecordHeader{{Key: "ce_id", Value: fmt.Append(nil, i)}}}, nil)
			}
			if err := c.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Close()
			log, hangUp := dial(Options{Brokers: addrs})
			next := 0
			err = log.each(t.Context(), topic, 0, 0, n, func(r Record) error {
				if id := r.Header("ce_id"); int(r.Offset) != next || id != fmt.Sprint(next) || !bytes.HasPrefix(r.Value, []byte(id+" ")) {
					return fmt.Errorf("offset %d carries %s, want %d", r.Offset, id, next)
				}
				next++
				return nil
			})
			hangUp()
			if err != nil || next != n {
				t.Errorf("%s: read %d of %d: %v", name, next, n, err)
			}
		}
	})
}

// An offset that the log does not have is an error, never a jump.
func TestReadingBeyondTheEndIsAnError(t *testing.T) {
	addrs := fake(t)
	makeTopic(t, addrs, "short", 1)
	log, hangUp := dial(Options{Brokers: addrs})
	defer hangUp()
	err := log.each(t.Context(), "short", 0, 5, 9, func(Record) error { return nil })
	if !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("reading beyond the end answers %v", err)
	}
}
