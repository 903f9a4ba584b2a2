package desk

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tocsin/streams/event"
)

type metrics struct {
	registry      *prometheus.Registry
	readingToDesk prometheus.Histogram
	streams       prometheus.Gauge
	clicks        *prometheus.CounterVec
	signIns       *prometheus.CounterVec
	trail         *prometheus.CounterVec
}

func newMetrics(r *prometheus.Registry, s *Server) (*metrics, error) {
	m := &metrics{
		registry: r,
		readingToDesk: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tocsin_reading_to_desk_seconds",
			Help:    "From a reading's receipt at a door until the warning it led to, or changed, stands on this desk.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60}}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tocsin_desk_streams", Help: "Screens that listen."}),
		clicks:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_desk_clicks_total", Help: "Wishes about warnings, by what came of them."}, []string{"verb", "result"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_desk_sign_ins_total", Help: "Passwords that were checked."}, []string{"result"}),
	}
	for _, verb := range []string{"accept", "return", "close"} {
		for _, result := range []string{"granted", "refused", "unanswered"} {
			m.clicks.WithLabelValues(verb, result)
		}
	}
	m.trail = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_desk_audit_trouble_total",
		Help: "Entries of the audit log that were late (shown all the same), refused (so nothing was shown), lost (of an act that the log has anyway) or left out (refusals of strangers who ask in vain all the time)."}, []string{"result"})
	for _, result := range []string{"late", "refused", "lost", "left_out"} {
		m.trail.WithLabelValues(result)
	}
	m.signIns.WithLabelValues("granted")
	m.signIns.WithLabelValues("refused")
	for _, c := range []prometheus.Collector{m.readingToDesk, m.streams, m.clicks, m.signIns, m.trail, &looks{s}} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// click counts what came of a wish.
func (m *metrics) click(verb string, a *answered, err error) {
	result := "granted"
	switch {
	case err != nil:
		result = "unanswered"
	case a.refused != nil:
		result = "refused"
	}
	m.clicks.WithLabelValues(verb, result).Inc()
}

// looks are the gauges that are worked out when somebody looks.
type looks struct{ s *Server }

var (
	ageDesc  = prometheus.NewDesc("tocsin_desk_data_age_seconds", "How long ago everything that had come in was taken into account.", []string{"partition"}, nil)
	lagDesc  = prometheus.NewDesc("tocsin_desk_lag_records", "Records of inputs that this desk has not seen folded.", []string{"partition"}, nil)
	dogDesc  = prometheus.NewDesc("tocsin_desk_watchdog", "1 for what this desk says of the watchdog: off, well, failing or silent.", []string{"state"}, nil)
	openDesc = prometheus.NewDesc("tocsin_desk_open_warnings", "Open warnings, by severity and whether somebody has taken them.", []string{"severity", "state"}, nil)
)

// Describe names them.
func (l *looks) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ageDesc, lagDesc, dogDesc, openDesc} {
		c <- d
	}
}

// Collect looks.
func (l *looks) Collect(c chan<- prometheus.Metric) {
	st := l.s.status()
	for _, state := range []string{"off", "well", "failing", "silent"} {
		is := 0.0
		if st.Watchdog.State == state {
			is = 1
		}
		c <- prometheus.MustNewConstMetric(dogDesc, prometheus.GaugeValue, is, state)
	}
	for _, p := range st.Parts {
		name := strconv.Itoa(int(p.Partition))
		c <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, float64(p.AgeMs)/1000, name)
		c <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(p.Lag), name)
	}
	count := map[[2]string]int{}
	for _, severity := range []event.Severity{event.Low, event.Medium, event.High, event.Technical} {
		for _, state := range []string{"new", "accepted", "returned"} {
			count[[2]string{severity.String(), state}] = 0
		}
	}
	for _, w := range l.s.ward.warnings(false, everyone) {
		count[[2]string{w.Severity.String(), w.State}]++
	}
	for k, n := range count {
		c <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(n), k[0], k[1])
	}
}
