package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/streams/event"
)

// envelope is an upload in the native format.
type envelope struct {
	V          int     `json:"v"`
	MsgID      string  `json:"msg_id"`
	BootID     int64   `json:"boot_id"`
	Seq        int64   `json:"seq"`
	PatientRef string  `json:"patient_ref"`
	Measured   string  `json:"t_meas"`
	Clock      clock   `json:"clock"`
	Obs        []entry `json:"obs"`
}

type clock struct {
	Source string `json:"source"`
	Synced bool   `json:"synced"`
}

type entry struct {
	MDC   int             `json:"mdc"`
	Value json.RawMessage `json:"v"`
	Unit  string          `json:"u"`
}

// boot is the boot of every replay: a stay that is sent again is the same stay, and counts once.
const boot = 1

// DeviceOf answers the device by which a stay is sent.
func DeviceOf(stay string) string { return "replay-" + stay }

// readingID is the id under which the log has a row.
func readingID(stay string, row int) string {
	return fmt.Sprintf("%s/%d/%d", DeviceOf(stay), boot, row)
}

// encode makes the upload of a row.
func encode(stay string, row int, r Row, at event.Time) ([]byte, error) {
	e := envelope{V: 1, MsgID: readingID(stay, row), BootID: boot, Seq: int64(row), PatientRef: stay, Measured: at.String(), Clock: clock{"utc", true}}
	for i, s := range signs {
		if v := r.Values[i]; v != "" {
			e.Obs = append(e.Obs, entry{s.mdc, json.RawMessage(v), s.unit})
		}
	}
	return json.Marshal(e)
}

const (
	inFlight     = 64 // uploads of one stay that are not acknowledged yet
	ackWithin    = 30 * time.Second
	triesAtMost  = 20
	betweenTries = time.Second
)

// sender sends one stay as its device.
type sender struct {
	stay   Stay
	topic  string
	opts   *mqtt.ClientOptions
	at     func(row int) event.Time // when a row was measured
	wait   func(ctx context.Context, row int) error
	acked  func(rows int)
	client mqtt.Client
}

// send publishes every row that has values, in order, and returns when all of them are acknowledged. When the
// connection is lost it goes on from the first row that was not acknowledged: repeats count once.
func (s *sender) send(ctx context.Context) error {
	next := 0
	for try := 1; ; try++ {
		before := next
		err := s.connect(ctx)
		if err == nil {
			next, err = s.publish(ctx, next)
			s.client.Disconnect(0)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case next > before:
			try = 1
		case try == triesAtMost:
			return fmt.Errorf("stay %s, row %d: %w", s.stay.Name, next, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(betweenTries):
		}
	}
}

func (s *sender) connect(ctx context.Context) error {
	s.client = mqtt.NewClient(s.opts)
	token := s.client.Connect()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		s.client.Disconnect(0)
		return ctx.Err()
	}
}

// publish sends from a row on, and answers the first row that is not acknowledged.
func (s *sender) publish(ctx context.Context, from int) (int, error) {
	type sent struct {
		row   int
		token mqtt.Token
	}
	var under []sent
	done := from
	settle := func() error {
		t := under[0]
		if !t.token.WaitTimeout(ackWithin) {
			return fmt.Errorf("no acknowledgement within %s", ackWithin)
		}
		if err := t.token.Error(); err != nil {
			return err
		}
		s.acked(t.row + 1 - done)
		done, under = t.row+1, under[1:]
		return nil
	}
	for row := from; row < len(s.stay.Rows); row++ {
		if err := s.wait(ctx, row); err != nil {
			return done, err
		}
		if !s.stay.Rows[row].Measured() {
			continue // it has its line in the scores all the same
		}
		b, err := encode(s.stay.Name, row, s.stay.Rows[row], s.at(row))
		if err != nil {
			return done, err
		}
		under = append(under, sent{row, s.client.Publish(s.topic, 1, false, b)})
		if len(under) == inFlight {
			if err := settle(); err != nil {
				return done, err
			}
		}
	}
	for len(under) > 0 {
		if err := settle(); err != nil {
			return done, err
		}
	}
	s.acked(len(s.stay.Rows) - done)
	return len(s.stay.Rows), nil
}
