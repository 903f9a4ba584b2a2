package watchdog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// The two readings of a round. In between lies everything that a person is asked about.
const (
	usualPercent = 97
	gravePercent = 71
)

// retryEvery is how long it takes until a part of the way that failed is tried again within its time.
const retryEvery = time.Second

// round tries the way once. What it answers says only what is missing; nil: it came through.
func (w *Watchdog) round(ctx context.Context, p Patient, sent time.Time) *Fault {
	left := w.tidy(ctx, p)
	reading, f := w.measure(ctx, p)
	if f != nil {
		return f // of two that are missing the first on the way is named
	}
	if left != nil {
		return left
	}
	if f := w.seen(ctx, p, reading); f != nil {
		return f
	}
	w.metrics.rounds.WithLabelValues("well").Inc()
	w.metrics.took.Observe(time.Since(sent).Seconds())
	return w.tidy(ctx, p)
}

// measure sends the usual reading and the grave one, as a device does that has just been switched on, and answers the identity of
// the grave one. A door that is away for a moment is tried again within the time.
func (w *Watchdog) measure(ctx context.Context, p Patient) (reading string, f *Fault) {
	ctx, stop := context.WithTimeout(ctx, w.o.Within)
	defer stop()
	for {
		reading, f = w.publish(ctx, p)
		if f == nil || !pause(ctx, retryEvery) {
			return reading, f
		}
	}
}

func (w *Watchdog) publish(ctx context.Context, p Patient) (reading string, f *Fault) {
	o := mqtt.NewClientOptions().AddBroker(w.o.Broker).SetClientID(p.Device).SetUsername(p.Device).SetPassword(p.Token).
		SetAutoReconnect(false).SetCleanSession(true).SetTLSConfig(w.o.TLS.Clone()).SetConnectTimeout(w.o.Within)
	c := mqtt.NewClient(o)
	if err := waitFor(ctx, c.Connect()); err != nil {
		return "", &Fault{Missing: MissDoor, Says: fmt.Sprintf("the device cannot connect to %s (%v): look whether the gateway runs and whether the device is known; no reading of anybody may be getting in", w.o.Broker, err)}
	}
	defer c.Disconnect(0)
	for _, percent := range []int{usualPercent, gravePercent} { // each measured as it is sent: the usual one is newer than the last grave one
		seq := w.upload(p.Partition)
		reading = fmt.Sprintf("%s/%d/%d", p.Device, w.boot, seq)
		body, err := json.Marshal(envelope(w.boot, seq, time.Now().UTC(), percent))
		if err != nil {
			return "", &Fault{Missing: MissDoor, Says: err.Error()}
		}
		if err := waitFor(ctx, c.Publish("v1/"+p.Tenant+"/"+p.Device+"/obs", 1, false, body)); err != nil {
			return "", &Fault{Missing: MissLog, Says: fmt.Sprintf("the door answered no PUBACK (%v), which comes once the log has the reading: look whether the log runs and can write; devices keep what they measure meanwhile", err)}
		}
	}
	return reading, nil
}

// envelope is an upload in the native format.
func envelope(boot, seq int64, at time.Time, percent int) map[string]any {
	when := at.Format("2006-01-02T15:04:05.000Z")
	return map[string]any{
		"v": 1, "msg_id": fmt.Sprintf("watchdog/%d/%d", boot, seq), "boot_id": boot, "seq": seq, "t_meas": when,
		"clock": map[string]any{"source": "utc", "synced": true},
		"obs":   []map[string]any{{"mdc": 150456, "v": percent, "u": "%"}},
	}
}

// seen waits until every desk shows a high warning that rests on the reading.
func (w *Watchdog) seen(ctx context.Context, p Patient, reading string) *Fault {
	ctx, stop := context.WithTimeout(ctx, w.o.Within)
	defer stop()
	shown := 0
	var missing []*desk
	for _, d := range w.desks { // one after the other: the time is that of all
		if d.await(ctx, p, func(open []warning) bool { return restsOn(open, reading) }) {
			shown++
		} else {
			missing = append(missing, d)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	d := missing[0]
	away := d.away()
	switch {
	case away != nil:
		return &Fault{Missing: MissDesk, Desk: d.url, Says: fmt.Sprintf("the desk %s is not there (%v): look whether it runs", d.url, away)}
	case shown > 0:
		return &Fault{Missing: MissDesk, Desk: d.url, Says: fmt.Sprintf("the desk %s does not show a warning that others show: start it again", d.url)}
	case d.behind(p.Partition, w.o.Within/2):
		return &Fault{Missing: MissRules, Says: "what is in the log is not decided upon: look with `tocsin doctor` whether the partition's owner (role monitor) runs and keeps up"}
	default:
		return &Fault{Missing: MissRules, Says: "the reading is in the log and no warning came of it: look with `tocsin tail` at what rules and warnings said, and what was rejected"}
	}
}

func restsOn(open []warning, reading string) bool {
	for _, o := range open {
		for _, r := range o.Reasons {
			if o.Severity == "high" && r.Reading == reading {
				return true
			}
		}
	}
	return false
}

// tidy takes and closes what is open of the patient, so that the next reading raises a warning of its own: that of this round,
// and what a life before has left.
func (w *Watchdog) tidy(ctx context.Context, p Patient) *Fault {
	ctx, stop := context.WithTimeout(ctx, w.o.Within)
	defer stop()
	var err error
	for {
		d := w.there()
		if d == nil {
			return nil // that no desk is there is told by what is looked for there
		}
		if err = d.closeAll(ctx, p, w.click()); err == nil {
			return nil
		}
		if !pause(ctx, retryEvery) {
			return &Fault{Missing: MissClicks, Desk: d.url, Says: fmt.Sprintf("the warning is shown and cannot be accepted and closed (%v): people's clicks may lead to nothing either; look whether the desk %s reaches the log", err, d.url)}
		}
	}
}

// there answers the first desk that is; nil: none.
func (w *Watchdog) there() *desk {
	for _, d := range w.desks {
		if d.away() == nil {
			return d
		}
	}
	return nil
}

// pause waits and tells whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

var errNoAnswer = errors.New("no answer in time")

// waitFor waits for what paho does.
func waitFor(ctx context.Context, t mqtt.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return errNoAnswer
	}
}
