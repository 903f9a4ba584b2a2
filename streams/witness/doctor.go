package witness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Level says how bad a finding is.
type Level int

// The levels: nothing to do; look when there is time; act now.
const (
	OK Level = iota
	Warn
	Fault
)

// Finding is one thing that the doctor looked at, what was found, and what to do about it.
type Finding struct {
	Check string // what was looked at, such as "topic inputs"
	Level Level
	Found string
	Do    string // empty when nothing is to be done
}

// Expect is how the log should be. Whoever declares the topics fills it in; the witness knows none by itself.
type Expect struct {
	Topics   []TopicSpec
	Replicas int // copies of each partition
	Pairs    []Pair
	// DataDir is the folder of the embedded log, empty for a cluster; LimitBytes is how large it may be.
	DataDir    string
	LimitBytes int64
	// MaxAge is how long an input may lie in the log before it is folded; 0 means 30 s.
	MaxAge time.Duration
	Now    func() time.Time // nil: the machine's clock
}

// TopicSpec is one topic as it was declared.
type TopicSpec struct {
	Name       string
	Partitions int
	Config     map[string]string
}

// Pair is an input topic with its decisions, its checkpoints and the group that shares out its partitions.
type Pair struct{ Inputs, Decisions, Checkpoints, Group string }

// PrintFindings writes findings for people and answers how many are faults.
func PrintFindings(w io.Writer, findings []Finding) (faults int) {
	for _, f := range findings {
		mark := [...]string{"ok", "warn", "FAULT"}[f.Level]
		put(w, "%-5s  %s: %s\n", mark, f.Check, f.Found)
		if f.Do != "" {
			put(w, "       do: %s\n", f.Do)
		}
		if f.Level == Fault {
			faults++
		}
	}
	return faults
}

// exam is one visit of the doctor.
type exam struct {
	Expect
	log      *reader
	known    map[string]kafka.Topic
	findings []Finding
}

func (x *exam) tell(level Level, check, do, found string, args ...any) {
	x.findings = append(x.findings, Finding{Check: check, Level: level, Found: fmt.Sprintf(found, args...), Do: do})
}

// Examine looks at the log as it lies there: reachable, topics and their settings as declared, steps
// whole, checkpoints whole, lag, clock, disk. It changes nothing. What it cannot look at is a fault too.
func Examine(ctx context.Context, o Options, e Expect) []Finding {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.MaxAge == 0 {
		e.MaxAge = 30 * time.Second
	}
	log, hangUp := dial(o)
	defer hangUp()
	x := &exam{Expect: e, log: log}
	var members []kafka.Broker
	var err error
	if x.known, members, err = log.topics(ctx); err != nil {
		x.tell(Fault, "log", "start it, or correct kafka in the configuration; `tocsin up` brings an embedded one",
			"no broker answers at %s: %v", strings.Join(o.Brokers, ", "), err)
		x.disk()
		return x.findings
	}
	x.tell(OK, "log", "", "%s answer at %s", plural(len(members), "broker"), strings.Join(o.Brokers, ", "))
	for _, t := range e.Topics {
		x.topic(ctx, t, len(members))
	}
	for _, p := range e.Pairs {
		x.pair(ctx, p)
	}
	x.rejected(ctx)
	x.disk()
	return x.findings
}

func (x *exam) topic(ctx context.Context, want TopicSpec, members int) {
	check := "topic " + want.Name
	t, ok := x.known[want.Name]
	if !ok {
		x.tell(Fault, check, "start any role of tocsin once against this log; it creates what is missing", "is not there")
		return
	}
	if len(t.Partitions) != want.Partitions {
		x.tell(Fault, check, "never change the number of partitions of a log in use: keys would move; correct log.partitions in the configuration",
			"has %d partitions, declared are %d", len(t.Partitions), want.Partitions)
		return
	}
	sick := x.copies(check, t, members)
	res, err := x.log.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: want.Name}}})
	if err != nil || len(res.Resources) != 1 || res.Resources[0].Error != nil {
		x.tell(Fault, check, "let tocsin's user describe configurations", "its settings cannot be read: %v", errors.Join(err, firstError(res)))
		return
	}
	have := map[string]string{}
	for _, c := range res.Resources[0].ConfigEntries {
		have[c.ConfigName] = c.ConfigValue
	}
	for _, name := range sortedKeys(want.Config) {
		if have[name] != want.Config[name] {
			sick = true
			x.tell(Fault, check, fmt.Sprintf("kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s", want.Name, name, want.Config[name]),
				"%s is %q, declared is %q", name, have[name], want.Config[name])
		}
	}
	if !sick {
		x.tell(OK, check, "", "%s, settings as declared", plural(len(t.Partitions), "partition"))
	}
}

// copies looks for partitions without a leader or with too few copies, and tells whether there are any.
func (x *exam) copies(check string, t kafka.Topic, members int) (sick bool) {
	var leaderless, few, behind []int
	for _, p := range t.Partitions {
		switch {
		case p.Leader.Host == "":
			leaderless = append(leaderless, p.ID)
		case len(p.Replicas) < x.Replicas:
			few = append(few, p.ID)
		case len(p.Isr) < len(p.Replicas):
			behind = append(behind, p.ID)
		}
	}
	if len(leaderless) > 0 {
		x.tell(Fault, check, "bring the brokers back that hold them", "partitions %v have no leader: nothing can be written there", leaderless)
	}
	if len(few) > 0 {
		x.tell(Fault, check, "raise the replication with kafka-reassign-partitions.sh", "partitions %v have fewer than %d copies", few, x.Replicas)
	}
	if len(behind) > 0 {
		x.tell(Warn, check, "look at the broker that is missing; it catches up by itself when it is back", "partitions %v have copies that are behind, with %s up", behind, plural(members, "broker"))
	}
	return len(leaderless)+len(few)+len(behind) > 0
}

func firstError(res *kafka.DescribeConfigsResponse) error {
	if res == nil || len(res.Resources) == 0 {
		return nil
	}
	return res.Resources[0].Error
}

// rejected counts what was set aside; it waits for somebody to look.
func (x *exam) rejected(ctx context.Context) {
	t, ok := x.known["rejected"]
	if !ok {
		return
	}
	spans, err := x.log.bounds(ctx, "rejected", len(t.Partitions))
	if err != nil {
		x.tell(Fault, "rejected", "look at the broker's own log", "%v", err)
		return
	}
	var n int64
	for _, s := range spans {
		n += s.next - s.first
	}
	if n == 0 {
		x.tell(OK, "rejected", "", "nothing was set aside")
		return
	}
	x.tell(OK, "rejected", "tocsin tail --topic rejected", "%d records were set aside with their reasons", n)
}

// disk looks at the embedded log's folder.
func (x *exam) disk() {
	if x.DataDir == "" {
		return
	}
	var size int64
	err := filepath.WalkDir(x.DataDir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a segment was taken away while we walked
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	switch _, absent := os.Stat(x.DataDir); {
	case absent != nil || err != nil:
		x.tell(Fault, "disk", "look at the folder and its rights", "%s cannot be read: %v", x.DataDir, errors.Join(absent, err))
	case x.LimitBytes > 0 && size > x.LimitBytes:
		x.tell(Fault, "disk", "move to Apache Kafka, or keep less: the embedded log is made for one machine",
			"the log in %s holds %d MB, more than the %d MB it is made for", x.DataDir, size>>20, x.LimitBytes>>20)
	case x.LimitBytes > 0 && size > x.LimitBytes/5*4:
		x.tell(Warn, "disk", "plan for Apache Kafka, or for trimming", "the log in %s holds %d of %d MB", x.DataDir, size>>20, x.LimitBytes>>20)
	default:
		x.tell(OK, "disk", "", "the log in %s holds %d MB", x.DataDir, size>>20)
	}
	x.free()
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
