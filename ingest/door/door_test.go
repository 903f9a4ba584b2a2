package door

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/streams"
	"tocsin/streams/event"
)

// lateEdge keeps what it is to append, by topic and key, until the test settles it.
type lateEdge struct {
	keys []string
	done []func(int32, int64, error)
}

func (e *lateEdge) Append(topic, key string, _ event.Envelope, done func(int32, int64, error)) {
	e.keys = append(e.keys, topic+" "+key)
	e.done = append(e.done, done)
}

func TestKeepWaitsForAll(t *testing.T) {
	recorded := &event.Envelope{Subject: "t/P-0113", Data: &event.ObservationRecorded{}}
	rejected := []event.Envelope{{Data: &event.ObservationRejected{Device: "d1"}}, {Data: &event.ObservationRejected{Device: "d1"}}}
	for name, errs := range map[string][]error{"all well": {nil, nil, nil}, "the first fails": {errLog, nil, nil}, "the last fails": {nil, nil, errLog}} {
		t.Run(name, func(t *testing.T) {
			edge := &lateEdge{}
			var got []error
			Keep(edge, recorded, rejected, func(err error) { got = append(got, err) })
			if len(edge.keys) != 3 || edge.keys[0] != streams.Inputs+" t/P-0113" || edge.keys[1] != streams.Rejected+" d1" {
				t.Fatalf("appended %v", edge.keys)
			}
			for i, done := range edge.done {
				if len(got) > 0 {
					t.Fatal("done before the last was settled")
				}
				done(0, 0, errs[i])
			}
			if len(got) != 1 || errors.Is(got[0], errLog) != (name != "all well") {
				t.Fatalf("done with %v", got)
			}
		})
	}
}

func TestKeepOfNothingIsAnError(t *testing.T) {
	Keep(&lateEdge{}, nil, nil, func(err error) {
		if err == nil {
			t.Error("an upload that gave nothing was called kept")
		}
	})
}

// Two doors of one process count together, and every result stands there from the start.
func TestMetricsAreShared(t *testing.T) {
	reg := prometheus.NewRegistry()
	one, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	one.Settled(true, 0, time.Millisecond, nil)
	two.Settled(true, 2, time.Millisecond, nil)
	two.Settled(true, 0, time.Millisecond, errLog)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 1 {
				got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if got["recorded"] != 2 || got["rejected"] != 1 || got["failed"] != 1 {
		t.Errorf("counted %v", got)
	}
}
