package kafka

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"tocsin/streams"
)

// metrics count for all clients of one Log together: a writer lives as long as its owner's life, and series that come
// and go with lives would say nothing.
type metrics struct {
	reg      *registrar
	client   *kprom.Metrics
	appends  *prometheus.HistogramVec
	failures *prometheus.CounterVec
}

// newMetrics is nil without a registry. Two logs in one process need different client ids.
func newMetrics(o Options) (*metrics, error) {
	if o.Registry == nil {
		return nil, nil
	}
	label := prometheus.Labels{"client": o.ClientID}
	m := &metrics{
		reg: &registrar{Registerer: o.Registry},
		appends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tocsin_streams_append_seconds", Help: "From Append to the log's acknowledgement.", ConstLabels: label,
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"topic"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tocsin_streams_append_failures_total", Help: "Records whose Append was answered with an error.", ConstLabels: label,
		}, []string{"topic"}),
	}
	for _, t := range streams.Topics {
		m.appends.WithLabelValues(t.Name)
		m.failures.WithLabelValues(t.Name)
	}
	m.reg.MustRegister(m.appends, m.failures)
	m.client = kprom.NewMetrics("tocsin_kafka", kprom.Registerer(m.reg), kprom.WithStaticLabel(label))
	m.client.OnNewClient(nil) // registers; it asks the client only for gauges, which the registrar leaves out
	if m.reg.err != nil {
		err := fmt.Errorf("metrics of client %q: %w (give each log of a process its own client id)", o.ClientID, m.reg.err)
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// hooks are what a client calls. kprom would register anew with each client; ours is registered once.
func (m *metrics) hooks() kgo.Hook { return hooks{m.client} }

type hooks struct{ *kprom.Metrics }

func (hooks) OnNewClient(*kgo.Client)    {}
func (hooks) OnClientClosed(*kgo.Client) {}

func (m *metrics) close() error {
	if m != nil {
		m.reg.unregister()
	}
	return nil
}

// settled counts a record that was answered.
func (m *metrics) settled(topic string, took time.Duration, err error) {
	switch {
	case m == nil:
	case err != nil:
		m.failures.WithLabelValues(topic).Inc()
	default:
		m.appends.WithLabelValues(topic).Observe(took.Seconds())
	}
}

// registrar registers without panicking, and leaves out gauges that read one client: there are many.
type registrar struct {
	prometheus.Registerer
	mu   sync.Mutex
	mine []prometheus.Collector
	err  error
}

func (r *registrar) MustRegister(cs ...prometheus.Collector) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		if _, ok := c.(prometheus.GaugeFunc); ok {
			continue
		}
		if err := r.Register(c); err != nil {
			r.err = errors.Join(r.err, err)
			continue
		}
		r.mine = append(r.mine, c)
	}
}

func (r *registrar) unregister() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.mine {
		r.Unregister(c)
	}
	r.mine = nil
}
