// Package kafka is streams.Log over Apache Kafka's protocol, by franz-go. Whoever imports it says which brokers; the
// rest of Tocsin knows the interface alone.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options say which cluster it is and how this process appears there.
type Options struct {
	Brokers  []string // host:port of some of the brokers; the others are found through them
	ClientID string   // names this process in the brokers' logs and in metrics; tocsin when empty

	// Linger is how long a record may wait for company before it is sent. The embedded broker syncs twice for each batch
	// on one goroutine, so a few milliseconds at the doors buy throughput; owners, whose steps are batches already,
	// want none. 0 is none: with one request in flight, what comes meanwhile is one batch anyway.
	Linger time.Duration
	// WriteTimeout is after how long without an acknowledgement a record fails, and its writer with it for that
	// partition. It covers the change of a leader (3.7 s measured, 9 s with Kafka's defaults). 10 s when 0.
	WriteTimeout time.Duration

	Security Security // zero: neither TLS nor a name

	Registry prometheus.Registerer // nil: no metrics
	Logger   *slog.Logger          // nil: silent

	secure []kgo.Opt // what Security comes to
	// dial replaces the network in tests.
	dial func(ctx context.Context, network, host string) (net.Conn, error)
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Brokers) == 0 {
		return o, errors.New("no brokers given: name at least one as host:port")
	}
	var err error
	if o.secure, err = o.Security.options(); err != nil {
		return o, err
	}
	o.ClientID = cmp.Or(o.ClientID, "tocsin")
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// maxBatch is what one batch weighs at most. The topics' max.message.bytes is 1 MiB and counts the batch; the largest
// event is 256 KiB.
const maxBatch = 1 << 20

const (
	sessionTimeout = 6 * time.Second
	// confirmWithin is how old an answer to a heartbeat may be. It must stay below sessionTimeout: the coordinator gives
	// nothing of ours away until that long after our heartbeat, so an answer younger than this is still true. A process
	// that was stopped between sending and reading finds an older one, and may not believe it.
	confirmWithin = sessionTimeout / 2
)

// common are the options of every client.
func (l *Log) common(name string) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(l.o.Brokers...),
		kgo.ClientID(l.o.ClientID + "/" + name),
		// With the default of 5 s each new topic or moved leader costs up to 5 s.
		kgo.MetadataMinAge(100 * time.Millisecond),
		// A broker that is gone must not hold up the way to those that are there.
		kgo.DialTimeout(3 * time.Second),
		// The default waits up to 5 s between tries, which would be most of an outage of a second.
		kgo.RetryBackoffFn(backoff),
		// A broker that answers nothing is given up after this much beyond what a request may take by itself.
		kgo.RequestTimeoutOverhead(5 * time.Second),
		// Nobody reads them, and with them each Close waits for a last push of up to a second.
		kgo.DisableClientMetrics(),
		kgo.WithLogger(logger{l.o.Logger, name}),
	}
	opts = append(opts, l.o.secure...)
	if l.o.dial != nil {
		opts = append(opts, kgo.Dialer(l.o.dial))
	}
	if l.metrics != nil {
		opts = append(opts, kgo.WithHooks(l.metrics.hooks()))
	}
	return opts
}

// backoff is 50 ms, doubled with every try up to 1 s, a fifth more or less so that clients do not come all at once.
func backoff(tries int) time.Duration {
	d := min(50*time.Millisecond<<min(tries, 10), time.Second)
	return d*4/5 + rand.N(d*2/5)
}

// writing are the options of a writer.
func (l *Log) writing(owner string) []kgo.Opt {
	return append(l.common(owner),
		// Accepted means kept: all replicas that are in sync have it. Idempotent is the default.
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// streams.PartitionOf decides, so that whoever reads the log need not know our client.
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(l.o.Linger),
		// One request at a time for each broker, so that the order never depends on sequence numbers, which the embedded
		// broker forgets in a crash.
		kgo.MaxProduceRequestsInflightPerBroker(1),
		// A hole in the sequence means that the log lost what it had acknowledged: stop and say so, never go on.
		kgo.StopProducerOnDataLossDetected(),
		// A write that has not been answered must fail some day, so that a door can refuse a reading. What it costs, a
		// repeat when the record had arrived all the same, the identity of every input and the rule of reading put right.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.ProduceRequestTimeout(l.o.WriteTimeout/2),
		// A broker that has just started may not know its topics yet.
		kgo.UnknownTopicRetries(20),
		kgo.ProducerBatchMaxBytes(maxBatch-1024),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		// Back-pressure: Append waits beyond this.
		kgo.MaxBufferedRecords(20_000),
		kgo.MaxBufferedBytes(64<<20),
	)
}

// reading are the options of a reader. Each has a client of its own: a client buffers one fetch for each broker, so
// with a shared one whoever is slow would hold up all others.
func (l *Log) reading(topic string, partition int32, from int64) []kgo.Opt {
	return append(l.common("read-"+topic),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
		// A trimmed range is a loud fault, never a jump.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// The broker answers as soon as there is anything; else it is asked again after 5 s.
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(5*time.Second),
		kgo.FetchMaxBytes(8<<20),
		kgo.FetchMaxPartitionBytes(8<<20),
		// Of use to those who fetch many partitions at once.
		kgo.DisableFetchSessions(),
		// With them the offsets have no gaps, so that a gap is a fault; they are dropped behind the check.
		kgo.KeepControlRecords(),
	)
}

// joining are the options of a member of a group. It never fetches: only the sharing-out counts.
func (l *Log) joining(group, topic string, m *membership) []kgo.Opt {
	return append(l.common("member-"+group),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		// What does not move goes on undisturbed while partitions are shared out anew.
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// A killed process gives its patients to the others after this long; hence the heartbeats, twelve to a session.
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(500*time.Millisecond),
		// Whoever does not let go within this long is put out of the group, and the others go on.
		kgo.RebalanceTimeout(12*time.Second),
		kgo.OnPartitionsAssigned(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.revoked),
		// Positions come from the log itself. What is committed is for lag displays.
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
	)
}

// logger hands franz-go's lines to slog. They tell of brokers that come and go, which heals: nothing above a warning.
type logger struct {
	to   *slog.Logger
	name string
}

func (g logger) Level() kgo.LogLevel {
	switch ctx := context.Background(); {
	case g.to.Enabled(ctx, slog.LevelDebug):
		return kgo.LogLevelInfo
	case g.to.Enabled(ctx, slog.LevelWarn):
		return kgo.LogLevelWarn
	default:
		return kgo.LogLevelNone
	}
}

func (g logger) Log(level kgo.LogLevel, what string, facts ...any) {
	at := slog.LevelDebug
	if level <= kgo.LogLevelWarn {
		at = slog.LevelWarn
	}
	g.to.Log(context.Background(), at, "kafka client", slog.String("client", g.name), slog.String("what", what), slog.Group("facts", facts...))
}
