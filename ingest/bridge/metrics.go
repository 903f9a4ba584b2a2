package bridge

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/ingest/door"
)

type metrics struct {
	*door.Metrics
	connected prometheus.Gauge
	panics    prometheus.Counter
	lost      prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	shared, err := door.NewMetrics(r)
	if err != nil {
		return nil, err
	}
	m := &metrics{
		Metrics:   shared,
		connected: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tocsin_bridge_connected", Help: "1 while the bridge is subscribed at its broker."}),
		panics:    prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_bridge_panics_total", Help: "Messages that were kept aside because reading them panicked."}),
		lost:      prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_bridge_sessions_lost_total", Help: "Sessions that the broker did not keep, with what it had queued for the bridge."}),
	}
	if r == nil {
		return m, nil
	}
	if err := errors.Join(r.Register(m.connected), r.Register(m.panics), r.Register(m.lost)); err != nil {
		return nil, fmt.Errorf("register the metrics of the bridge: %w", err)
	}
	return m, nil
}
