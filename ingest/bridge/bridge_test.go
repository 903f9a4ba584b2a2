package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"tocsin/deploy/embedded/broker"
	"tocsin/deploy/testkit"
	"tocsin/ingest"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// everybody is a directory in which each device that begins with "d" is bound to a patient of its own.
type everybody struct {
	mu      sync.Mutex
	more    map[string]directory.Binding
	trap    string // the device that makes Device panic
	changed []func()
}

func (e *everybody) Device(id string) (directory.Binding, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id == e.trap {
		panic("a fault in the bridge")
	}
	if b, ok := e.more[id]; ok {
		return b, true
	}
	return directory.Binding{Device: id, Tenant: "t", Patient: "P-" + id}, strings.HasPrefix(id, "d")
}

func (e *everybody) bind(id string) {
	e.mu.Lock()
	e.more = map[string]directory.Binding{id: {Device: id, Tenant: "t", Patient: "P-" + id}}
	changed := e.changed
	e.mu.Unlock()
	for _, fn := range changed {
		fn()
	}
}

func (e *everybody) OnChanged(fn func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changed = append(e.changed, fn)
}

func (*everybody) Position() int64                 { return 1 }
func (*everybody) WaitReady(context.Context) error { return nil }
func (*everybody) OnRevoke(func(string))           {}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// run starts a bridge before log and ends it with the test.
func run(t testing.TB, log streams.Log, o Options) (stop func()) {
	t.Helper()
	edge := streams.OpenEdge(log, o.Name, 4)
	o.Edge = edge
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("bridge ended: %v", err)
		}
		edge.Close()
	})
	t.Cleanup(stop)
	return stop
}

// sender is a device, or a gateway that publishes for many.
type sender struct {
	t testing.TB
	c paho.Client
}

func newSender(t testing.TB, addr string) *sender {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("sender"))
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("connect: %v", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return &sender{t, c}
}

func (s *sender) publish(topic, payload string) {
	s.t.Helper()
	if token := s.c.Publish(topic, 1, false, payload); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		s.t.Fatalf("publish on %s: %v", topic, token.Error())
	}
}

func upload(seq int) string {
	return fmt.Sprintf(`{"v":1,"msg_id":"m-%d","boot_id":1,"seq":%d,"obs":[{"mdc":150456,"v":91,"u":"%%"}]}`, seq, seq)
}

func events(t testing.TB, log *streams.Memory, topic string, kind event.Type) (all []event.Envelope) {
	t.Helper()
	for p := range int32(4) {
		for _, r := range log.Records(topic, p) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if e.Data.Type() == kind {
				all = append(all, e)
			}
		}
	}
	return all
}

func seqs(all []event.Envelope) (s []int64) {
	for _, e := range all {
		s = append(s, e.Data.(*event.ObservationRecorded).Seq)
	}
	return s
}

func TestBridgeTakesWhatTheBrokerHas(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	log, dir := streams.NewMemory(4), &everybody{}
	o := Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Group: "tocsin", Directory: dir}
	stop := run(t, log, o)
	eventually(t, "the bridge beats once it has subscribed", func() bool { return len(events(t, log, streams.Inputs, "door.open")) >= 4 })
	s := newSender(t, m.Addr())
	s.publish("v1/t/d1/obs", upload(1))
	s.publish("v1/t/d1/obs", "no envelope")
	s.publish("v1/u/d1/obs", upload(2))     // of another tenant
	s.publish("v1/$x/d1/obs", upload(3))    // no topic of ours
	s.publish("v1/t/nobody/obs", upload(4)) // bound to nobody
	s.publish("v1/t/late/obs", upload(5))   // bound in a moment
	time.AfterFunc(300*time.Millisecond, func() { dir.bind("late") })
	s.publish("v1/t/d1/obs", upload(6))
	eventually(t, "three readings", func() bool { return len(events(t, log, streams.Inputs, "observation.recorded")) == 3 })
	eventually(t, "four rejected", func() bool { return len(events(t, log, streams.Rejected, "observation.rejected")) == 4 })
	reasons := map[string]bool{}
	for _, e := range events(t, log, streams.Rejected, "observation.rejected") {
		reasons[e.Data.(*event.ObservationRejected).Reason] = true
	}
	for _, r := range []string{ingest.Unreadable, ingest.ForeignTopic, ingest.UnknownDevice} {
		if !reasons[r] {
			t.Errorf("nothing was rejected as %s: %v", r, reasons)
		}
	}
	for _, e := range events(t, log, streams.Inputs, "observation.recorded") {
		o := e.Data.(*event.ObservationRecorded)
		if e.Subject != "t/P-"+o.Device || o.Door != "bridge-1" || e.ID != fmt.Sprintf("%s/1/%d", o.Device, o.Seq) {
			t.Errorf("recorded %+v", e)
		}
	}
	stop()
	// What comes while the bridge is away waits at the broker.
	s.publish("v1/t/d1/obs", upload(7))
	run(t, log, o)
	eventually(t, "the reading that waited", func() bool {
		return slices.Contains(seqs(events(t, log, streams.Inputs, "observation.recorded")), 7)
	})
}

// With the log away the bridge acknowledges nothing; when it is back, everything comes again, in order.
func TestING1_REL2_BridgeAcknowledgesAfterTheLog(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	log := streams.NewMemory(4)
	run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Group: "tocsin", Directory: &everybody{}, Patience: time.Second})
	eventually(t, "the bridge has subscribed", func() bool { return len(events(t, log, streams.Inputs, "door.open")) >= 4 })
	s := newSender(t, m.Addr())
	s.publish("v1/t/d1/obs", upload(1))
	recorded := func() []int64 { return seqs(events(t, log, streams.Inputs, "observation.recorded")) }
	eventually(t, "the first reading", func() bool { return len(recorded()) == 1 })
	var mu sync.Mutex
	failed := 0
	log.FailAppends(func(_ string, _ int32, r streams.Record) error {
		if string(r.Key) == event.Everyone {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		failed++
		return errors.New("the log is stopped")
	})
	for i := 2; i <= 20; i++ {
		s.publish("v1/t/d1/obs", upload(i))
	}
	eventually(t, "the bridge tried and failed, more than once", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failed > 2
	})
	log.FailAppends(nil)
	eventually(t, "all readings", func() bool { return len(unique(recorded())) == 20 })
	if got := unique(recorded()); !slices.IsSorted(got) {
		t.Errorf("came first in the order %v", got)
	}
}

// unique leaves of each number the first.
func unique(all []int64) (out []int64) {
	for _, n := range all {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// The environment by which this test program becomes a bridge.
const (
	envBroker = "TOCSIN_TEST_BRIDGE_BROKER"
	envKafka  = "TOCSIN_TEST_BRIDGE_KAFKA"
)

func TestMain(m *testing.M) {
	if os.Getenv(envBroker) == "" {
		os.Exit(m.Run())
	}
	if err := beBridge(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beBridge() error {
	log, err := kafka.Open(kafka.Options{Brokers: []string{os.Getenv(envKafka)}})
	if err != nil {
		return err
	}
	return Run(context.Background(), Options{
		Broker: os.Getenv(envBroker), Name: "bridge-1", Group: "tocsin", Directory: &everybody{}, Edge: streams.OpenEdge(log, "bridge-1", 4),
	})
}

// The bridge is killed in full flow, again and again: whatever the broker has acknowledged to the sender is in the log.
func TestING1_REL2_KilledBridgeLosesNothing(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	k, err := broker.Start(broker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := k.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	log, err := kafka.Open(kafka.Options{Brokers: []string{k.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })

	child := startChild(t, m.Addr(), k.Addr())
	// Before its first subscription the broker has no session to keep anything for.
	eventually(t, "the bridge has subscribed", func() bool { return count(t, log) >= 4 })
	flow := newFlow(newSender(t, m.Addr()))
	const kills = 6
	for i := range kills {
		if i > 0 {
			child = startChild(t, m.Addr(), k.Addr())
		}
		before := count(t, log) + 4 // beats apart
		eventually(t, "the bridge takes readings again", func() bool { return count(t, log) > before })
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // the moment of the kill is the point of it
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		t.Logf("kill %d with %d readings in the log", i+1, count(t, log))
	}
	acked := flow.stop()
	startChild(t, m.Addr(), k.Addr())
	var missing []string
	eventually(t, "everything that was acknowledged", func() bool {
		missing = lost(t, log, acked)
		return len(missing) == 0
	})
	ids, records := readAll(t, log)
	t.Logf("%d acknowledged to the sender, %d identities in %d records", len(acked), len(ids), records)
	if records == len(ids) {
		t.Log("no reading came twice: the kills may have missed the flow")
	}
}

// flow publishes until it is stopped, many at a time, and remembers what was acknowledged.
type flow struct {
	done  chan struct{}
	ended sync.WaitGroup
	mu    sync.Mutex
	acked []string
}

func newFlow(s *sender) *flow {
	f := &flow{done: make(chan struct{})}
	for d := range 8 {
		f.ended.Go(func() {
			device := fmt.Sprintf("d%d", d)
			for seq := 1; ; seq++ {
				select {
				case <-f.done:
					return
				default:
				}
				token := s.c.Publish("v1/t/"+device+"/obs", 1, false, upload(seq))
				if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
					s.t.Errorf("publish: %v", token.Error())
					return
				}
				f.mu.Lock()
				f.acked = append(f.acked, fmt.Sprintf("%s/1/%d", device, seq))
				f.mu.Unlock()
				time.Sleep(time.Millisecond) // a steady flow, not a flood: this machine has other work
			}
		})
	}
	return f
}

func (f *flow) stop() []string {
	close(f.done)
	f.ended.Wait()
	return f.acked
}

func startChild(t *testing.T, mqttAddr, kafkaAddr string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), envBroker+"=tcp://"+mqttAddr, envKafka+"="+kafkaAddr)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // perhaps it has ended
		_ = c.Wait()
	})
	return c
}

func count(t testing.TB, log streams.Log) (n int64) {
	t.Helper()
	for p := range int32(4) {
		_, next, err := log.Bounds(t.Context(), streams.Inputs, p)
		if err != nil {
			t.Fatal(err)
		}
		n += next
	}
	return n
}

func lost(t testing.TB, log streams.Log, acked []string) (missing []string) {
	ids, _ := readAll(t, log)
	for _, id := range acked {
		if !ids[id] {
			missing = append(missing, id)
		}
	}
	return missing
}

// readAll answers the ids of all readings in the log, and how many records they are.
func readAll(t testing.TB, log streams.Log) (ids map[string]bool, records int) {
	t.Helper()
	ids = map[string]bool{}
	for p := range int32(4) {
		first, next, err := log.Bounds(t.Context(), streams.Inputs, p)
		if err != nil {
			t.Fatal(err)
		}
		if first == next {
			continue
		}
		r, err := log.Read(streams.Inputs, p, first)
		if err != nil {
			t.Fatal(err)
		}
		for at := first; at < next; {
			batch, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range batch {
				at = rec.Offset + 1
				e, kind, err := event.Attributes(rec.Headers)
				if err != nil {
					t.Fatal(err)
				}
				if kind == "observation.recorded" {
					ids[e.ID] = true
					records++
				}
			}
		}
		r.Close()
	}
	return ids, records
}
