package testkit

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// KafkaOptions say what cluster a test needs.
type KafkaOptions struct {
	Brokers int // 1 or 3; 0 means 1. With 3, topics get replication 3 and min.insync.replicas 2.
	// Keystore is a PEM file with a key and its certificate: then there is a second port that speaks TLS and asks by SASL who
	// comes. User and Password are known there to PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
	Keystore, User, Password string
}

// Cluster is an Apache Kafka cluster in KRaft mode; each node is broker and controller. A node holds
// 170 to 370 MB. Nodes are counted from 0.
type Cluster struct {
	dir       string
	classPath string
	clusterID string
	dirIDs    []string // one directory id a node, as the voters' list names them
	addrs     []string
	secured   []string // host:port of each port with TLS and SASL, when there are
	o         KafkaOptions
	voters    []string // host:port of each controller
	brokers   []*server
	release   func() error
}

// Kafka starts a cluster for one test and takes it away at the test's end. It is ready when it returns:
// about 4 s for one broker, 8 s for three, once the jars are there.
func Kafka(t testing.TB, o KafkaOptions) *Cluster {
	t.Helper()
	c, err := StartKafka(t.Context(), o)
	if err != nil {
		kafkaAbsent(t, err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("take Kafka away: %v", err)
		}
	})
	return c
}

var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// SharedKafka is a cluster of one broker that all tests of this process share: the first call starts
// it, and it ends with the process. Tests keep apart by topic names; whoever stops or pauses the broker
// needs a cluster of its own.
func SharedKafka(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		// Not the test's context: the cluster outlives the test that was first.
		shared.cluster, shared.err = StartKafka(context.Background(), KafkaOptions{})
	}
	if shared.err != nil {
		kafkaAbsent(t, shared.err)
	}
	return shared.cluster
}

// kafkaAbsent tells a machine without Java, Maven or network from a Kafka that does not start: only
// the first may be skipped.
func kafkaAbsent(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errFetch) {
		partKafka.absent(t, err)
	}
	t.Fatalf("start Apache Kafka: %v", err)
}

// StartKafka is Kafka for a TestMain or a tool; whoever calls it calls Close.
func StartKafka(ctx context.Context, o KafkaOptions) (*Cluster, error) {
	n := max(o.Brokers, 1)
	if n != 1 && n != 3 {
		return nil, fmt.Errorf("a cluster of %d brokers: only 1 and 3 are laid out", n)
	}
	if _, err := exec.LookPath("java"); err != nil {
		return nil, err
	}
	classPath, err := FetchKafka(ctx)
	if err != nil {
		return nil, err
	}
	c, err := newCluster(ctx, classPath, n, o)
	if err != nil {
		return nil, err
	}
	if err := c.StartAll(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// newCluster lays out and formats n nodes in a folder of their own, under a watcher; nothing runs yet.
func newCluster(ctx context.Context, classPath string, n int, o KafkaOptions) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "tocsin-kafka-*")
	if err != nil {
		return nil, err
	}
	release, err := janitor(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &Cluster{dir: dir, classPath: classPath, clusterID: newID(), release: release, o: o}
	if err := c.layOut(n); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.format(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// layOut picks ports and ids and writes each node's server.properties.
func (c *Cluster) layOut(n int) error {
	for range n {
		data, err := freePort()
		if err != nil {
			return err
		}
		control, err := freePort()
		if err != nil {
			return err
		}
		if c.o.Keystore != "" {
			secured, err := freePort()
			if err != nil {
				return err
			}
			c.secured = append(c.secured, net.JoinHostPort("127.0.0.1", strconv.Itoa(secured)))
		}
		c.addrs = append(c.addrs, net.JoinHostPort("127.0.0.1", strconv.Itoa(data)))
		c.voters = append(c.voters, net.JoinHostPort("127.0.0.1", strconv.Itoa(control)))
		c.dirIDs = append(c.dirIDs, newID())
	}
	for i := range n {
		if err := os.WriteFile(c.properties(i), []byte(c.settings(i)), 0o644); err != nil {
			return err
		}
		name := "broker" + strconv.Itoa(i)
		c.brokers = append(c.brokers, &server{name: name, dir: c.dir, argv: c.java("kafka.Kafka", c.properties(i))})
	}
	return nil
}

// settings of one node. What matters for tests: topics are made on purpose only, a group waits for
// nobody before its first assignment, and a dead broker is noticed after 3 s instead of 9.
func (c *Cluster) settings(i int) string {
	n := len(c.addrs)
	listeners, protocols := "CLIENT://"+c.addrs[i]+",CONTROL://"+c.voters[i], "CLIENT:PLAINTEXT,CONTROL:PLAINTEXT"
	var secured []string
	if len(c.secured) > 0 {
		listeners, protocols = listeners+",SECURED://"+c.secured[i], protocols+",SECURED:SASL_SSL"
		const at = "listener.name.secured."
		secured = []string{
			at + "ssl.keystore.type=PEM", at + "ssl.keystore.location=" + c.o.Keystore,
			at + "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			at + "plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_" + c.o.User + "=\"" + c.o.Password + "\";",
			at + "scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
			at + "scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
		}
	}
	lines := []string{
		"process.roles=broker,controller",
		"node.id=" + strconv.Itoa(i+1),
		"listeners=" + listeners,
		"advertised.listeners=" + listeners,
		"listener.security.protocol.map=" + protocols,
		"inter.broker.listener.name=CLIENT",
		"controller.listener.names=CONTROL",
		"controller.quorum.bootstrap.servers=" + strings.Join(c.voters, ","),
		"log.dirs=" + c.logDir(i),
		"auto.create.topics.enable=false",
		"default.replication.factor=" + strconv.Itoa(n),
		"min.insync.replicas=" + strconv.Itoa((n+1)/2),
		"offsets.topic.replication.factor=" + strconv.Itoa(n),
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=" + strconv.Itoa(n),
		"transaction.state.log.min.isr=" + strconv.Itoa((n+1)/2),
		"transaction.state.log.num.partitions=2",
		"share.coordinator.state.topic.replication.factor=" + strconv.Itoa(n),
		"share.coordinator.state.topic.min.isr=" + strconv.Itoa((n+1)/2),
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=1000",
		"broker.session.timeout.ms=3000",
		"broker.heartbeat.interval.ms=500",
		"controlled.shutdown.enable=true",
		"log.cleaner.dedupe.buffer.size=8388608",
		"num.network.threads=2",
		"num.io.threads=4",
	}
	return strings.Join(append(lines, secured...), "\n") + "\n"
}

// java is the command line of one of Kafka's main classes: quick to start, small, quiet below warnings.
func (c *Cluster) java(args ...string) []string {
	archive := filepath.Join(filepath.Dir(strings.SplitN(c.classPath, string(os.PathListSeparator), 2)[0]), "classes.jsa")
	argv := []string{"java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Xlog:disable", "-Xlog:all=error:stderr",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"}
	if _, err := os.Stat(archive); err == nil {
		argv = append(argv, "-XX:SharedArchiveFile="+archive)
	}
	return append(append(argv, "-cp", c.classPath), args...)
}

// format writes each node's storage folder, all nodes at once.
func (c *Cluster) format(ctx context.Context) error {
	return c.each(func(i int) error {
		var voters []string
		for j := range c.voters {
			voters = append(voters, fmt.Sprintf("%d@%s:%s", j+1, c.voters[j], c.dirIDs[j]))
		}
		argv := c.java("kafka.tools.StorageTool", "format", "-t", c.clusterID, "-c", c.properties(i),
			"--initial-controllers", strings.Join(voters, ","))
		if c.o.Keystore != "" {
			for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
				argv = append(argv, "--add-scram", mechanism+"=[name="+c.o.User+",password="+c.o.Password+"]")
			}
		}
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("format storage of broker %d: %w\n%s", i, err, out)
		}
		return nil
	})
}

// Brokers are the addresses of all nodes, running or not.
func (c *Cluster) Brokers() []string { return append([]string(nil), c.addrs...) }

// Secured answers the ports with TLS and SASL.
func (c *Cluster) Secured() []string { return append([]string(nil), c.secured...) }

// StartBroker starts node i again on its old folder and address, and waits until it knows itself to be
// a member of the cluster.
func (c *Cluster) StartBroker(i int) error {
	if err := c.brokers[i].start(); err != nil {
		return err
	}
	return c.brokers[i].await(90*time.Second, func() error { return c.joined(i) })
}

// joined asks node i itself for the cluster's members and looks for node i among them.
func (c *Cluster) joined(i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	tr := &kafka.Transport{}
	defer tr.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(c.addrs[i]), Transport: tr}
	m, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	for _, b := range m.Brokers {
		if b.ID == i+1 {
			return nil
		}
	}
	return fmt.Errorf("broker %d is not yet among the %d members", i, len(m.Brokers))
}

// StartAll starts every node that is not running; all at once, since a quorum needs more than one.
func (c *Cluster) StartAll() error { return c.each(c.StartBroker) }

// KillBroker ends node i with SIGKILL.
func (c *Cluster) KillBroker(i int) error { return c.brokers[i].kill() }

// KillAll ends every node with SIGKILL.
func (c *Cluster) KillAll() error { return c.each(c.KillBroker) }

// StopAll ends every node in order (SIGTERM, killed after 15 s); StartAll brings them back.
func (c *Cluster) StopAll() error { return c.each(func(i int) error { return c.brokers[i].stop() }) }

// Pause stops node i as it is (SIGSTOP): its connections stay open and nothing is answered.
func (c *Cluster) Pause(i int) error { return c.brokers[i].signal(syscall.SIGSTOP) }

// Resume lets a paused node go on (SIGCONT).
func (c *Cluster) Resume(i int) error { return c.brokers[i].signal(syscall.SIGCONT) }

// Close kills all nodes and removes their folder.
func (c *Cluster) Close() error {
	err := c.KillAll()
	return errors.Join(err, c.release())
}

func (c *Cluster) properties(i int) string {
	return filepath.Join(c.dir, fmt.Sprintf("broker%d.properties", i))
}

func (c *Cluster) logDir(i int) string { return filepath.Join(c.dir, fmt.Sprintf("broker%d", i)) }

// each does one thing to all nodes side by side.
func (c *Cluster) each(do func(i int) error) error {
	errs := make([]error, len(c.brokers))
	var wg sync.WaitGroup
	for i := range c.brokers {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// newID makes a Kafka Uuid: 16 random bytes in URL-safe base64, never beginning with a dash.
func newID() string {
	for {
		b := make([]byte, 16)
		_, _ = rand.Read(b) // never fails: the program ends instead
		if id := base64.RawURLEncoding.EncodeToString(b); id[0] != '-' {
			return id
		}
	}
}
