package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Stepped are the topics whose records count only in steps that hold.
var Stepped = map[string]bool{"decisions": true, "directory": true, "history-ranges": true}

// TailOptions choose what Tail shows.
type TailOptions struct {
	Options
	Topics  []string  // default: inputs, decisions, rejected
	Patient string    // {tenant}/{patient}, or the patient's id alone; empty: everything
	Since   time.Time // zero: from the beginning of the log
	Follow  bool      // go on until the context ends
	JSON    bool      // one object a line
}

// Tail writes the records of the log in the order of their time, each with partition, offset, headers and
// what the rule of reading says of it. Within a partition the order of the log is kept.
//
// With Follow an event is shown when its step is settled, which takes as long as the owner takes to close
// it, or its successor to begin.
func Tail(ctx context.Context, w io.Writer, o TailOptions) error {
	if len(o.Topics) == 0 {
		o.Topics = []string{"inputs", "decisions", "rejected"}
	}
	log, hangUp := dial(o.Options)
	defer hangUp()
	sources, err := o.sources(ctx, log)
	if err != nil {
		return err
	}
	if err := merge(ctx, log, sources, o.Follow, func(j Judged) { o.show(w, j) }); err != nil {
		return err
	}
	if !o.Follow {
		return nil
	}
	err = follow(ctx, log, sources, func(j Judged) { o.show(w, j) })
	if ctx.Err() != nil {
		return nil // whoever follows ends it; that is no fault
	}
	return err
}

// source is one partition on its way: where reading begins, where the log ended when we came, and the
// rule's state, if the topic has steps.
type source struct {
	topic     string
	partition int
	span
	rule *Rule
}

func (o TailOptions) sources(ctx context.Context, log *reader) ([]*source, error) {
	known, _, err := log.topics(ctx)
	if err != nil {
		return nil, err
	}
	var all []*source
	for _, topic := range o.Topics {
		t, ok := known[topic]
		if !ok {
			return nil, fmt.Errorf("topic %s is not in the log at %s; it has %s", topic, strings.Join(o.Brokers, ","), names(known))
		}
		spans, err := log.bounds(ctx, topic, len(t.Partitions))
		if err != nil {
			return nil, err
		}
		for p, s := range spans {
			if !o.concerns(topic, p, len(spans)) {
				continue
			}
			src := &source{topic: topic, partition: p, span: s}
			if Stepped[topic] {
				src.rule = NewRule(s.first > 0) // judged from the beginning, whatever is shown
			} else if !o.Since.IsZero() {
				if src.first, err = log.from(ctx, topic, p, o.Since, s.next); err != nil {
					return nil, err
				}
			}
			all = append(all, src)
		}
	}
	return all, nil
}

// concerns tells whether a partition can hold the patient; a whole key names its partition.
func (o TailOptions) concerns(topic string, partition, of int) bool {
	if (topic != "inputs" && topic != "decisions" && topic != "checkpoints") || !strings.Contains(o.Patient, "/") {
		return true
	}
	return partition == PartitionOf(o.Patient, of)
}

// PartitionOf answers where a key belongs, by kafka-go's murmur2.
func PartitionOf(key string, partitions int) int {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	return kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(key)}, all...)
}

// read hands over one source's records with their verdicts, up to the end it had.
func (s *source) read(ctx context.Context, log *reader, to int64, fn func(Judged) error) error {
	return log.each(ctx, s.topic, s.partition, s.first, to, func(r Record) error {
		if s.rule == nil {
			return fn(Judged{Record: r, Verdict: Plain})
		}
		for _, j := range s.rule.Read(r) {
			if err := fn(j); err != nil {
				return err
			}
		}
		return nil
	})
}

// merge reads all sources up to the ends they had and shows the oldest head first. What is unsettled at
// the end is shown as open, unless following goes on from there.
func merge(ctx context.Context, log *reader, sources []*source, goesOn bool, show func(Judged)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heads := make([]chan Judged, len(sources))
	errs := make([]error, len(sources))
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, s := range sources {
		heads[i] = make(chan Judged, 256)
		wg.Go(func() {
			defer close(heads[i])
			send := func(j Judged) error {
				select {
				case heads[i] <- j:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			errs[i] = s.read(ctx, log, s.next, send)
			if s.rule == nil || goesOn || errs[i] != nil {
				return
			}
			for _, j := range s.rule.Rest() {
				if errs[i] = send(j); errs[i] != nil {
					return
				}
			}
		})
	}
	mergeHeads(heads, show)
	wg.Wait()
	return errors.Join(errs...)
}

func mergeHeads(heads []chan Judged, show func(Judged)) {
	front := make([]*Judged, len(heads))
	pull := func(i int) {
		front[i] = nil
		if j, ok := <-heads[i]; ok {
			front[i] = &j
		}
	}
	for i := range heads {
		pull(i)
	}
	for {
		oldest := -1
		for i, j := range front {
			if j != nil && (oldest < 0 || j.Time.Before(front[oldest].Time)) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		show(*front[oldest])
		pull(oldest)
	}
}

// follow shows what comes after the ends, as it comes, until the context ends or a source fails.
func follow(ctx context.Context, log *reader, sources []*source, show func(Judged)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	errs := make([]error, len(sources))
	var wg sync.WaitGroup
	for i, s := range sources {
		wg.Go(func() {
			defer cancel()
			s.first = s.next
			errs[i] = s.read(ctx, log, forever, func(j Judged) error {
				mu.Lock()
				defer mu.Unlock()
				show(j)
				return nil
			})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// show writes one record, if it is one that was asked for.
func (o TailOptions) show(w io.Writer, j Judged) {
	if j.Time.Before(o.Since) || !o.matches(string(j.Key)) && !o.matches(j.Header("ce_subject")) {
		return
	}
	if o.JSON {
		line, err := json.Marshal(toJSON(j))
		if err != nil { // toJSON holds plain strings and checked JSON
			line = fmt.Appendf(nil, `{"topic":%q,"partition":%d,"offset":%d,"error":%q}`, j.Topic, j.Partition, j.Offset, err)
		}
		put(w, "%s\n", line)
		return
	}
	put(w, "%s/%d@%d  %s  %-6s  %s  key=%s\n", j.Topic, j.Partition, j.Offset, j.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		j.Verdict, j.Header("ce_type"), j.Key)
	if j.Why != "" {
		put(w, "    (%s)\n", j.Why)
	}
	var heads []string
	for _, h := range j.Headers {
		if h.Key != "ce_type" && h.Key != "ce_specversion" && h.Key != "content-type" {
			heads = append(heads, h.Key+"="+string(h.Value))
		}
	}
	put(w, "    %s\n    %s\n", strings.Join(heads, " "), printable(j.Value))
}

// matches looks at a key or a subject: what was rejected is keyed by its device, and names the patient as its subject.
func (o TailOptions) matches(key string) bool {
	return o.Patient == "" || key == o.Patient || strings.HasSuffix(key, "/"+o.Patient)
}

// printable keeps control bytes of a foreign record away from the terminal.
func printable(value []byte) string {
	if json.Valid(value) {
		return string(value)
	}
	return fmt.Sprintf("%q", value)
}

// lineJSON is one record as Tail writes it with JSON.
type lineJSON struct {
	Topic     string            `json:"topic"`
	Partition int               `json:"partition"`
	Offset    int64             `json:"offset"`
	Time      time.Time         `json:"time"`
	Key       string            `json:"key"`
	Verdict   Verdict           `json:"verdict"`
	Why       string            `json:"why,omitempty"`
	Headers   map[string]string `json:"headers"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Bytes     []byte            `json:"bytes,omitempty"` // base64, when the value is no JSON
}

func toJSON(j Judged) lineJSON {
	l := lineJSON{Topic: j.Topic, Partition: j.Partition, Offset: j.Offset, Time: j.Time.UTC(), Key: string(j.Key),
		Verdict: j.Verdict, Why: j.Why, Headers: map[string]string{}}
	for _, h := range j.Headers {
		l.Headers[h.Key] = string(h.Value)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, j.Value) == nil {
		l.Value = compact.Bytes()
	} else {
		l.Bytes = j.Value
	}
	return l
}

func names(topics map[string]kafka.Topic) string {
	var all []string
	for name := range topics {
		all = append(all, name)
	}
	if len(all) == 0 {
		return "none"
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}
