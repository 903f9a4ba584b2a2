// Package sim runs whole worlds in virtual time: patients with their stories, devices and doors that fail, owners that
// crash between the records of a step, are paused and come back, people who answer late or twice. The cores, the
// processor, the rule of reading and the log's order are the real ones; one goroutine, one random source, one seed.
package sim

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

type (
	state   = streams.Three[rules.State, alerts.State, care.State]
	facts   = streams.Three[rules.Facts, alerts.Facts, care.Facts]
	replica = streams.Replica[state, facts]
)

const partitions = 2

// world is everything that a seed draws.
type world struct {
	seed  uint64
	rng   *rand.Rand
	now   event.Time // the true time, which nobody in the world knows
	log   *streams.Memory
	parts streams.Parts[state, facts]

	doors    []*doorway
	patients []*patient
	owners   []*owner
	people   []*person
	readers  [partitions]*reader
	assigned [partitions]string // to whom the group has given the partition

	decoded [partitions][]streams.Input // the inputs, decoded once for all who read them

	pace    time.Duration // how much time a step takes at most: minutes are seen closely, hours from afar
	faults  bool          // while it is on, things go wrong
	version int           // of the course pack
	effects int64
	events  int // steps of the world so far
	failure string
}

func newWorld(seed uint64) *world {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), now: 1_780_000_000_000, log: streams.NewMemory(partitions), faults: true}
	w.pace = []time.Duration{2 * time.Second, 9 * time.Second, 45 * time.Second}[w.rng.IntN(3)]
	w.parts = streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
	for i := range 1 + w.rng.IntN(2) {
		w.doors = append(w.doors, &doorway{name: fmt.Sprint("gateway/g", i)})
	}
	w.publish()
	for i := range 4 + w.rng.IntN(8) {
		w.enrol(i)
	}
	for p := range int32(partitions) {
		w.readers[p] = newReader(w, p)
		for i := range 2 + w.rng.IntN(2) {
			w.owners = append(w.owners, &owner{w: w, name: fmt.Sprint("o", i), partition: p, skew: time.Duration(w.rng.IntN(600)-300) * time.Millisecond})
		}
	}
	for i := range 3 {
		w.people = append(w.people, &person{name: fmt.Sprint("nurse-", i)})
	}
	return w
}

// publish puts the packs and the groups into effect, in every partition.
func (w *world) publish() {
	library := pack.Library()
	for _, id := range slices.Sorted(mapsKeys(library)) {
		w.putPack(id, library[id])
	}
	w.version = 1
	w.putPack("course", coursePack)
	w.effect(event.Everyone, &event.GroupSet{Tenant: "t", Group: "c", Pack: "course"})
	w.effect(event.Everyone, &event.GroupSet{Tenant: "t", Group: "g", Pack: rules.DefaultPack,
		CadenceMs: map[event.Quantity]int64{event.SpO2Percent: (10 * time.Minute).Milliseconds(), event.PulsePerMin: (10 * time.Minute).Milliseconds()}})
}

func (w *world) enrol(i int) {
	p := &patient{id: fmt.Sprintf("P-%04d", i), device: fmt.Sprint("d", i), story: stories[w.rng.IntN(len(stories))], door: w.doors[w.rng.IntN(len(w.doors))], every: time.Minute * time.Duration(2+w.rng.IntN(4))}
	p.clock = drawClock(w.rng)
	p.next = w.now.Add(time.Duration(w.rng.IntN(60)) * time.Second)
	w.patients = append(w.patients, p)
	enrolled := &event.PatientEnrolled{Tenant: "t", Patient: p.id, Group: "g"}
	if w.rng.IntN(2) == 0 {
		enrolled.Also = []string{"c"}
	}
	w.effect(p.key(), enrolled)
}

// effect hands a fact of the directory on, as the registrar would.
func (w *world) effect(key string, data event.Event) {
	w.effects++
	e := event.Envelope{ID: fmt.Sprint("effect/", w.effects), Source: "registrar", Subject: key, At: w.now, Effect: event.Effect{Offset: w.effects}, Data: data}
	w.append(streams.Inputs, key, e)
}

// append writes to the log at once; the key Everyone writes to each partition.
func (w *world) append(topic, key string, e event.Envelope) {
	for p := range int32(partitions) {
		if key != event.Everyone && p != streams.PartitionOf(key, partitions) {
			continue
		}
		r, err := streams.ToRecord(topic, p, key, e)
		if err != nil {
			panic(err)
		}
		w.write(r)
	}
}

// since answers what stands in a partition from an offset on.
func (w *world) since(topic string, partition int32, from int64) []streams.Record {
	if _, next, err := w.log.Bounds(context.Background(), topic, partition); err != nil || next <= from {
		return nil
	}
	reader, err := w.log.Read(topic, partition, from)
	if err != nil {
		panic(err)
	}
	defer func() { _ = reader.Close() }()
	records, err := reader.Next(context.Background())
	if err != nil {
		panic(err)
	}
	return records
}

// inputs answers a stretch of a partition's inputs, decoded; next -1 is the end.
func (w *world) inputs(partition int32, from, next int64) []streams.Input {
	have := &w.decoded[partition]
	for _, r := range w.since(streams.Inputs, partition, int64(len(*have))) {
		in, err := streams.DecodeInput(r)
		if err != nil {
			panic(err)
		}
		*have = append(*have, in)
	}
	if next < 0 {
		return (*have)[from:]
	}
	return (*have)[from:next]
}

func (w *world) write(r streams.Record) {
	writer, err := w.log.Write("world")
	if err != nil {
		panic(err)
	}
	writer.Append(r, func(_ int64, err error) {
		if err != nil {
			panic(err)
		}
	})
	if err := writer.Close(); err != nil {
		panic(err)
	}
}

// step lets a little time pass and everybody do something, in an order that the seed draws.
func (w *world) step() {
	w.events++
	until := w.now.Add(w.pace/10 + time.Duration(w.rng.Int64N(int64(w.pace))))
	for w.now.Add(beatEvery) < until { // doors beat on while nobody else does anything
		w.now = w.now.Add(beatEvery)
		w.beat()
	}
	w.now = until
	if w.faults && w.rng.IntN(400) == 0 {
		w.now = w.now.Add(time.Duration(w.rng.IntN(20)) * time.Minute) // the whole tree stands still
	}
	w.beat()
	if w.faults {
		w.order()
	}
	for _, p := range w.patients {
		w.live(p)
	}
	for p := range int32(partitions) {
		if w.assigned[p] == "" || w.faults && w.rng.IntN(150) == 0 {
			w.assigned[p] = fmt.Sprint("o", w.rng.IntN(2))
		}
	}
	for _, i := range w.rng.Perm(len(w.owners)) {
		w.owners[i].act()
	}
	for _, r := range w.readers {
		r.readOn()
	}
	for _, p := range w.people {
		w.answer(p)
	}
}

// calm ends the faults and lets the world settle.
func (w *world) calm() {
	w.faults = false
	for _, d := range w.doors {
		d.shutUntil = 0
	}
	for _, o := range w.owners {
		o.pausedUntil = 0
	}
	for _, p := range w.patients {
		p.story = well
		p.clock = 0
	}
	w.pace = 10 * time.Second
	for range 1500 {
		w.step()
	}
}

// compile knows each text once it has seen it: every owner and reader of every world reads the same ones.
var compile = pack.Remembering()

// fail notes the first thing that went wrong, with what is needed to see it again.
func (w *world) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf("seed %d, after %d steps at %s: %s\ngo test ./deploy/sim -run TestWorlds -seed=%d -worlds=1", w.seed, w.events, w.now, fmt.Sprintf(format, args...), w.seed)
	}
}

func mapsKeys[K cmp.Ordered, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
