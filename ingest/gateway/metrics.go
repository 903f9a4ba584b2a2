package gateway

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/ingest/door"
)

// refusal is why a device was not let in.
type refusal string

const (
	badName       refusal = "name"    // client id and user name are not one device id
	unknownDevice refusal = "unknown" // bound to nobody
	badToken      refusal = "token"
	revoked       refusal = "revoked"
	badCertified  refusal = "certificate" // which is another device's
)

type metrics struct {
	*door.Metrics
	connections prometheus.Gauge
	panics      prometheus.Counter
	refused     map[refusal]prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	shared, err := door.NewMetrics(r)
	if err != nil {
		return nil, err
	}
	m := &metrics{
		Metrics:     shared,
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tocsin_gateway_connections", Help: "Open MQTT connections."}),
		panics:      prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_gateway_panics_total", Help: "Uploads that were kept aside, and connections that were closed, because reading them panicked."}),
		refused:     map[refusal]prometheus.Counter{},
	}
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tocsin_gateway_refused_total", Help: "Devices that were not let in, by reason.",
	}, []string{"reason"})
	for _, reason := range []refusal{badName, unknownDevice, badToken, revoked, badCertified} {
		m.refused[reason] = refusals.WithLabelValues(string(reason))
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.connections, m.panics, refusals} {
		errs = append(errs, r.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register the metrics of the gateway: %w", err)
	}
	return m, nil
}
