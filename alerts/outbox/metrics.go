package outbox

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	tries   *prometheus.CounterVec
	alarms  *prometheus.CounterVec
	waiting *prometheus.GaugeVec
	behind  *prometheus.GaugeVec
}

func newMetrics(r *prometheus.Registry, subscribers []*subscriber) (*metrics, error) {
	m := &metrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_outbox_tries_total",
			Help: "Tries to hand a message to a subscriber, by what came of them."}, []string{"subscriber", "result"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_outbox_alarms_total",
			Help: "Technical warnings that a subscriber is behind, repeats among them."}, []string{"subscriber"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tocsin_outbox_waiting",
			Help: "Messages that are written down and not taken; more may wait behind them in decisions."}, []string{"subscriber", "partition"}),
		behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tocsin_outbox_troubled",
			Help: "1 while a subscriber's stream does not get on."}, []string{"subscriber", "partition"}),
	}
	for _, s := range subscribers {
		m.tries.WithLabelValues(s.id, "taken")
		m.tries.WithLabelValues(s.id, "failed")
		m.alarms.WithLabelValues(s.id)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.tries, m.alarms, m.waiting, m.behind} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// look notes how a stream stands.
func (m *metrics) look(id string, partition int32, waiting int, troubled bool) {
	p := strconv.Itoa(int(partition))
	m.waiting.WithLabelValues(id, p).Set(float64(waiting))
	value := 0.0
	if troubled {
		value = 1
	}
	m.behind.WithLabelValues(id, p).Set(value)
}
