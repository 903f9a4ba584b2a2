package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Options of a replay. Log, N, Asker, Broker and Token are needed.
type Options struct {
	Log    streams.Log
	N      int32 // partitions of the patient topics
	Asker  *directory.Asker
	Broker string // tcp://host:port of the gateway
	Token  string // of every replayed device; made for the run

	Tenant, Group string
	// AsRecorded believes every value as it stands and lays the hours backwards from now.
	AsRecorded bool
	// Speed is how many times faster than recorded; 0 is flat out. Without AsRecorded, a row is measured when it is sent.
	Speed float64
	// Connections is how many stays are sent at once when flat out; by default 128. With a speed all are.
	Connections int
	Progress    func(rows int) // hears of rows that are acknowledged
	Scores      io.Writer      // nil: nobody asks
	Nothing     Line           // the score of a patient of whom nothing is known
}

// AsRecordedPack is the pack and the group of --as-recorded.
const AsRecordedPack = "as-recorded"

// Took is how long the parts of a replay took.
type Took struct{ Enrol, Send, Score time.Duration }

// Run enrols the stays, sends them, and waits until the chain has decided on all of it.
func Run(ctx context.Context, stays []Stay, o Options) (Took, error) {
	var took Took
	if o.Connections == 0 {
		o.Connections = 128
	}
	if o.Speed > 0 {
		o.Connections = len(stays)
	}
	began := time.Now()
	if err := enrol(ctx, stays, o); err != nil {
		return took, fmt.Errorf("enrol the stays: %w", err)
	}
	took.Enrol, began = time.Since(began), time.Now()
	if err := send(ctx, stays, o); err != nil {
		return took, fmt.Errorf("send: %w", err)
	}
	took.Send, began = time.Since(began), time.Now()
	s := &scores{log: o.Log, n: o.N, by: map[string]Line{}, tenant: o.Tenant}
	if err := s.gather(ctx); err != nil {
		return took, err
	}
	took.Score = time.Since(began)
	if o.Scores == nil {
		return took, nil
	}
	return took, s.write(o.Scores, stays, o.Nothing)
}

// enrolWithin is how long the registrar may take for all stays: some thousands are enrolled in seconds.
const enrolWithin = 3 * time.Minute

// enrol makes the group when it is ours, binds a device for each stay, and waits until the doors know them.
func enrol(ctx context.Context, stays []Stay, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, enrolWithin)
	defer cancel()
	if o.AsRecorded {
		_, err := o.Asker.Ask(ctx, &event.GroupRequested{Tenant: o.Tenant, Group: o.Group, Pack: AsRecordedPack, AsRecorded: true,
			Zh: "按记录回放", En: "as recorded", By: "replay"})
		if err != nil {
			return err
		}
	}
	rows := make([]directory.Row, len(stays))
	for i, s := range stays {
		rows[i] = directory.Row{Line: i + 1, Tenant: o.Tenant, Patient: s.Name, Group: o.Group, Device: DeviceOf(s.Name), Token: o.Token}
	}
	outcomes, position, err := o.Asker.Import(ctx, rows, "replay", nil)
	if err != nil {
		return err
	}
	for _, out := range outcomes {
		if out.Refused != nil {
			return fmt.Errorf("stay %s: %s", out.Patient, out.Refused.En)
		}
	}
	return directory.WaitDoors(ctx, o.Log, position)
}

// send sends the stays, some at once, each as its own device.
func send(ctx context.Context, stays []Stay, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	queue := make(chan Stay)
	var all sync.WaitGroup
	for range min(o.Connections, len(stays)) {
		all.Go(func() {
			for stay := range queue {
				if err := newSender(stay, begin, o).send(ctx); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, stay := range stays {
		select {
		case queue <- stay:
		case <-ctx.Done():
		}
	}
	close(queue)
	all.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

func newSender(stay Stay, begin time.Time, o Options) *sender {
	device := DeviceOf(stay.Name)
	opts := mqtt.NewClientOptions().AddBroker(o.Broker).SetClientID(device).SetUsername(device).SetPassword(o.Token).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(10 * time.Second).
		SetKeepAlive(60 * time.Second).SetProtocolVersion(4).SetOrderMatters(false)
	s := &sender{stay: stay, topic: "v1/" + o.Tenant + "/" + device + "/obs", opts: opts, acked: func(int) {}}
	if o.Progress != nil {
		s.acked = o.Progress
	}
	s.at, s.wait = pace(stay, begin, o)
	return s
}

// pace answers when rows were measured, and when they are to be sent.
func pace(stay Stay, begin time.Time, o Options) (at func(int) event.Time, wait func(context.Context, int) error) {
	hours := func(from, to int) time.Duration {
		return time.Duration(stay.Rows[to].Hour-stay.Rows[from].Hour) * time.Hour
	}
	last := len(stay.Rows) - 1
	at = func(row int) event.Time { return event.TimeOf(begin.Add(-hours(row, last))) }
	wait = func(context.Context, int) error { return nil }
	if o.Speed == 0 {
		return at, wait
	}
	wait = func(ctx context.Context, row int) error {
		due := begin.Add(time.Duration(float64(hours(0, row)) / o.Speed))
		select {
		case <-time.After(time.Until(due)):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !o.AsRecorded {
		at = func(int) event.Time { return event.TimeOf(time.Now()) }
	}
	return at, wait
}
