package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/streams"
)

// Ensure creates every topic of streams.Topics that is not there, for a log of n partitions and with replicas copies,
// and checks those that are. A topic that was made otherwise is an error which says what to do; it is never changed.
func Ensure(ctx context.Context, brokers []string, s Security, n int32, replicas int) error {
	secure, err := s.options()
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	cl, err := kgo.NewClient(append(secure, kgo.SeedBrokers(brokers...), kgo.ClientID("tocsin/topics"),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.RetryBackoffFn(backoff), kgo.DisableClientMetrics())...)
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if err := create(ctx, adm, n, replicas); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	if err := settle(ctx, adm, n, replicas); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	return nil
}

// create makes what is missing.
func create(ctx context.Context, adm *kadm.Client, n int32, replicas int) error {
	there, err := adm.ListTopics(ctx, names()...)
	if err != nil {
		return err
	}
	configs := map[string]*string{}
	for k, v := range streams.TopicConfig(replicas) {
		configs[k] = kadm.StringPtr(v)
	}
	for _, t := range streams.Topics {
		if d, ok := there[t.Name]; ok && d.Err == nil {
			continue
		}
		_, err := adm.CreateTopic(ctx, t.Count(n), int16(replicas), anyStamp(configs), t.Name)
		if errors.Is(err, kerr.InvalidConfig) { // the embedded broker looks at no stamp and knows no such setting
			_, err = adm.CreateTopic(ctx, t.Count(n), int16(replicas), configs, t.Name)
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another process may be doing the same
			return fmt.Errorf("create topic %s with %d partitions and %d replicas: %w", t.Name, t.Count(n), replicas, err)
		}
	}
	return nil
}

// anyStamp lets in records of a host whose clock runs ahead: Apache Kafka refuses what is stamped more than an hour in
// the future, and a door with a wrong clock has to be able to keep readings all the same. No fold looks at the stamp.
func anyStamp(configs map[string]*string) map[string]*string {
	all := maps.Clone(configs)
	all["message.timestamp.after.max.ms"] = kadm.StringPtr("9223372036854775807")
	return all
}

func names() []string {
	var all []string
	for _, t := range streams.Topics {
		all = append(all, t.Name)
	}
	return all
}

// settle checks until nothing is on its way any more: what one broker has made, another may not know for a moment.
func settle(ctx context.Context, adm *kadm.Client, n int32, replicas int) error {
	for tries := 1; ; tries++ {
		underWay, err := check(ctx, adm, n, replicas)
		if underWay == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", underWay, ctx.Err())
		case <-time.After(backoff(tries)):
		}
	}
}

func leaderless(all kadm.TopicDetails) error {
	for _, name := range names() {
		d := all[name]
		if d.Err != nil || len(d.Partitions) == 0 {
			return errors.Join(fmt.Errorf("topic %s is not there yet", name), d.Err)
		}
		for _, p := range d.Partitions.Sorted() {
			if p.Err != nil || p.Leader < 0 {
				return errors.Join(fmt.Errorf("topic %s, partition %d has no leader yet", name, p.Partition), p.Err)
			}
		}
	}
	return nil
}

// check holds what exists against what we would have made; every fault is named at once. underWay is what may still
// come by itself.
func check(ctx context.Context, adm *kadm.Client, n int32, replicas int) (underWay, err error) {
	all, err := adm.ListTopics(ctx, names()...)
	if err != nil {
		return nil, err
	}
	if err := leaderless(all); err != nil {
		return err, nil
	}
	configs, err := adm.DescribeTopicConfigs(ctx, names()...)
	if err != nil {
		return nil, fmt.Errorf("read the topics' settings: %w", err)
	}
	var faults []error
	for _, t := range streams.Topics {
		c, err := configs.On(t.Name, nil)
		if err = errors.Join(err, c.Err); errors.Is(err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("topic %s is not known everywhere yet: %w", t.Name, err), nil
		} else if err != nil {
			return nil, fmt.Errorf("read the settings of topic %s: %w", t.Name, err)
		}
		faults = append(faults, partitionsOf(t, all[t.Name], n), replicasOf(t, all[t.Name], replicas), settingsOf(t, c, replicas))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("the log's topics are not as they must be: %w", err)
	}
	return nil, nil
}

func partitionsOf(t streams.Topic, d kadm.TopicDetail, n int32) error {
	if have, want := int32(len(d.Partitions)), t.Count(n); have != want {
		return fmt.Errorf("topic %s has %d partitions, %d are configured: the number is fixed when a log is created; "+
			"set it back, or begin a new log on an empty cluster", t.Name, have, want)
	}
	return nil
}

func replicasOf(t streams.Topic, d kadm.TopicDetail, replicas int) error {
	if have := d.Partitions.NumReplicas(); have < replicas {
		return fmt.Errorf("topic %s has %d replicas, %d are configured: raise them with kafka-reassign-partitions.sh, "+
			"or configure %d", t.Name, have, replicas, have)
	}
	return nil
}

// settingsOf compares what keeps records from being lost. The size of segments is a matter of taste.
func settingsOf(t streams.Topic, c kadm.ResourceConfig, replicas int) error {
	have := map[string]string{}
	for _, kv := range c.Configs {
		have[kv.Key] = kv.MaybeValue()
	}
	want := streams.TopicConfig(replicas)
	var wrong []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if k != "segment.bytes" && have[k] != want[k] {
			wrong = append(wrong, fmt.Sprintf("%s is %q and must be %q", k, have[k], want[k]))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("topic %s: %s: alter it with kafka-configs.sh --alter --entity-type topics --entity-name %s",
		t.Name, strings.Join(wrong, ", "), t.Name)
}
