package watchdog

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Patient is the made-up patient of one partition, with the device that measures it.
type Patient struct {
	Partition int32  `json:"partition"`
	Tenant    string `json:"tenant"`
	Patient   string `json:"patient"`
	Device    string `json:"device"`
	Token     string `json:"token"` // of the device
}

// Credentials are who the watchdog is: of a file that only its owner reads.
type Credentials struct {
	Token    string    `json:"token"` // bearer token with the role watchdog
	Patients []Patient `json:"patients"`
}

// Options of a watchdog. Credentials, Broker and Desks are needed.
type Options struct {
	Credentials
	Broker string   // of the door, such as tcp://127.0.0.1:1883
	Desks  []string // every desk server, such as http://127.0.0.1:8080
	TLS    *tls.Config

	Every  time.Duration // between the rounds of a partition
	Within time.Duration // for the PUBACK, and from it to every desk
	Again  time.Duration // how often who is outside hears of what lasts

	Webhook   string // who is outside; empty: nobody
	Secret    string // of Standard Webhooks, whsec_…
	Heartbeat string // called after each stretch in which all is well; empty: nothing

	Say func(format string, args ...any) // one line for the terminal
}

// What can be missing: the first part of the way that did not do its own.
const (
	MissDoor   = "door"   // no connection, or the device was refused
	MissLog    = "log"    // connected, and no PUBACK: it comes once the log has the reading
	MissRules  = "rules"  // in the log, and no warning on desks that are there: owner, rules or warnings
	MissDesk   = "desk"   // a desk is not there, or shows not what others do
	MissClicks = "clicks" // seen, and a click on it leads to nothing
)

// Fault is a partition whose reading does not come through.
type Fault struct {
	Partition int32     `json:"partition"`
	Missing   string    `json:"missing"`
	Since     time.Time `json:"since"` // when the last reading was sent that came through, or the first that did not
	Says      string    `json:"says"`  // what is missing and what to do, for whoever can act
	Desk      string    `json:"desk,omitempty"`
}

// Watchdog is one watchdog.
type Watchdog struct {
	o       Options
	boot    int64 // of the made-up devices: each life of this process is one
	client  *http.Client
	desks   []*desk
	metrics *metrics
	began   time.Time

	mu      sync.Mutex
	clicked int64 // clicks so far
	parts   map[int32]*part
	changed chan struct{} // closed and replaced when a fault begins, changes or ends
}

// part is what is known of one partition.
type part struct {
	seq   int64     // of the device's last upload; without gaps, since what was folded is kept as intervals
	good  time.Time // when the last reading was sent that came through; zero: none did yet
	fault *Fault
}

// New makes a watchdog; Run or Once lets it watch.
func New(o Options) (*Watchdog, error) {
	switch {
	case len(o.Patients) == 0 || o.Token == "":
		return nil, fmt.Errorf("watchdog: there are no credentials; make them with `tocsin watchdog enrol`")
	case o.Broker == "" || len(o.Desks) == 0:
		return nil, fmt.Errorf("watchdog: the door (watchdog.broker) and the desks (watchdog.desks) have to be named")
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS.Clone() // which it alters
	w := &Watchdog{o: o, boot: time.Now().UnixMilli(), client: &http.Client{Transport: transport}, metrics: newMetrics(), began: time.Now(),
		parts: map[int32]*part{}, changed: make(chan struct{})}
	for _, url := range o.Desks {
		w.desks = append(w.desks, newDesk(url, o.Token, w.client))
	}
	for _, p := range o.Patients {
		w.parts[p.Partition] = &part{}
	}
	return w, nil
}

// Run watches until ctx ends.
func (w *Watchdog) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, d := range w.desks {
		all.Go(func() { d.follow(ctx) })
		all.Go(func() { w.tellDesk(ctx, d) })
	}
	all.Go(func() { w.callOutside(ctx) })
	all.Go(func() { w.beat(ctx) })
	for i, p := range w.o.Patients {
		first := w.o.Every * time.Duration(i) / time.Duration(len(w.o.Patients)) / 4 // not all in one moment, and all soon
		all.Go(func() { w.watch(ctx, p, first) })
	}
}

// watch lets round follow round.
func (w *Watchdog) watch(ctx context.Context, p Patient, first time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(first):
	}
	tick := time.NewTicker(w.o.Every)
	defer tick.Stop()
	for {
		w.once(ctx, p)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once tries every partition once and answers what did not come through.
func (w *Watchdog) Once(ctx context.Context) []Fault {
	ctx, stop := context.WithCancel(ctx)
	var following, trying sync.WaitGroup
	for _, d := range w.desks {
		following.Go(func() { d.follow(ctx) })
	}
	for _, p := range w.o.Patients {
		trying.Go(func() { w.once(ctx, p) })
	}
	trying.Wait()
	stop()
	following.Wait()
	return w.Faults()
}

// once tries a partition and keeps what came of it.
func (w *Watchdog) once(ctx context.Context, p Patient) {
	sent := time.Now()
	missed := w.round(ctx, p, sent)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	is := w.parts[p.Partition]
	was := is.fault
	if missed == nil {
		is.good, is.fault = sent, nil
		if was != nil {
			w.o.Say("partition %d ends   %s: its reading came through again", p.Partition, was.Missing)
			w.wake()
		}
		return
	}
	w.metrics.rounds.WithLabelValues(missed.Missing).Inc()
	missed.Partition, missed.Since = p.Partition, sent
	switch {
	case was != nil:
		missed.Since = was.Since
	case !is.good.IsZero():
		missed.Since = is.good
	}
	is.fault = missed
	if was == nil || was.Missing != missed.Missing {
		w.o.Say("partition %d begins %s since %s: %s", p.Partition, missed.Missing, missed.Since.UTC().Format(time.RFC3339), missed.Says)
	}
	w.wake()
}

// wake lets everybody who tells look again. The caller holds the lock.
func (w *Watchdog) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Faults answers what does not come through now, by partition.
func (w *Watchdog) Faults() []Fault {
	all, _ := w.standing()
	return all
}

// standing answers the faults and what to wait for until they change.
func (w *Watchdog) standing() (all []Fault, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.o.Patients {
		if f := w.parts[p.Partition].fault; f != nil {
			all = append(all, *f)
		}
	}
	return all, w.changed
}

// late answers the partitions of which no round has come through for longer than rounds take, whatever they say.
func (w *Watchdog) late(now time.Time) (partitions []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.o.Patients {
		good := w.parts[p.Partition].good
		if good.IsZero() {
			good = w.began
		}
		if now.Sub(good) > 2*w.o.Every+2*w.o.Within {
			partitions = append(partitions, p.Partition)
		}
	}
	return partitions
}

// upload answers the number of a partition's next upload.
func (w *Watchdog) upload(partition int32) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parts[partition].seq++
	return w.parts[partition].seq
}

// click answers the key of the next click.
func (w *Watchdog) click() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clicked++
	return fmt.Sprintf("%d/%d", w.boot, w.clicked)
}
