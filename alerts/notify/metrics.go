package notify

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/streams/event"
)

type metrics struct {
	notices   *prometheus.CounterVec
	throttled *prometheus.CounterVec
	callbacks *prometheus.CounterVec
	dropped   prometheus.Counter
}

func newMetrics(r *prometheus.Registry, n *Notifier) (*metrics, error) {
	m := &metrics{
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_notify_notices_total",
			Help: "Reports of notices, by channel and what became of them."}, []string{"channel", "state"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_notify_throttled_total",
			Help: "Notices that were held up because the settings allow a channel no more; never one of a high."}, []string{"channel"}),
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_notify_callbacks_total",
			Help: "What gateways told, by channel and whether it was taken."}, []string{"channel", "result"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_notify_receipts_dropped_total",
			Help: "Reports of what was not sent that were left out because the log took nothing for too long."}),
	}
	for name := range n.book.channels {
		for _, state := range []string{event.NoticeQueued, event.NoticeSent, event.NoticeDelivered, event.NoticeOpened, event.NoticeFailed} {
			m.notices.WithLabelValues(name, state)
		}
		m.throttled.WithLabelValues(name)
		m.callbacks.WithLabelValues(name, "taken")
		m.callbacks.WithLabelValues(name, "refused")
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.notices, m.throttled, m.callbacks, m.dropped, &looks{n}} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// looks are the gauges that are worked out when somebody looks.
type looks struct{ n *Notifier }

var (
	unsentDesc  = prometheus.NewDesc("tocsin_notify_oldest_unsent_seconds", "How long the oldest notice has waited that no channel of its recipient has taken.", nil, nil)
	waitingDesc = prometheus.NewDesc("tocsin_notify_waiting", "Notices that wait in the line of a channel, or are being tried.", []string{"channel"}, nil)
	receiptDesc = prometheus.NewDesc("tocsin_notify_receipts_waiting", "Receipts that the log has not taken yet.", nil, nil)
	gapDesc     = prometheus.NewDesc("tocsin_notify_step_gap", "1 when a step of a high warning reaches nobody in person.", []string{"step"}, nil)
)

// Describe names them.
func (l *looks) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unsentDesc, waitingDesc, receiptDesc, gapDesc} {
		c <- d
	}
}

// Collect looks.
func (l *looks) Collect(c chan<- prometheus.Metric) {
	unsent, waiting := l.n.unsent(time.Now())
	c <- prometheus.MustNewConstMetric(unsentDesc, prometheus.GaugeValue, unsent.Seconds())
	for name, count := range waiting {
		c <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(count), name)
	}
	c <- prometheus.MustNewConstMetric(receiptDesc, prometheus.GaugeValue, float64(l.n.out.waiting()))
	for _, step := range gravest {
		gap := 1.0
		if l.n.book.reaches(step) {
			gap = 0
		}
		c <- prometheus.MustNewConstMetric(gapDesc, prometheus.GaugeValue, gap, step)
	}
}

// unsent answers how long the oldest asking has waited of which one recipient was told by no channel, and how many wait by channel.
func (n *Notifier) unsent(now time.Time) (oldest time.Duration, waiting map[string]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	waiting = map[string]int{}
	for name, l := range n.lines {
		waiting[name] = len(l.waiting) + l.flying
	}
	type whom struct {
		alert  string
		person *person
	}
	for _, c := range n.cases {
		since, told := map[whom]time.Time{}, map[whom]bool{}
		for _, j := range c.jobs {
			w := whom{j.alert, j.person}
			told[w] = told[w] || j.done
			if at, ok := since[w]; !ok || j.since.Before(at) {
				since[w] = j.since
			}
		}
		for w, at := range since {
			if !told[w] {
				oldest = max(oldest, now.Sub(at))
			}
		}
	}
	return oldest, waiting
}
