package deploy

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tocsin/streams"
)

// newRegistry is where every part's metrics go; /metrics shows them. The one that matters most,
// tocsin_reading_to_desk_seconds, is the desk's.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tocsin_build_info", Help: "1; the version stands in the label.",
		ConstLabels: prometheus.Labels{"version": version()}})
	info.Set(1)
	r.MustRegister(info)
	return r
}

// owners keeps what the partitions that this process owns are doing: for /readyz and for metrics.
type owners struct {
	mu    sync.Mutex
	alive map[string]bool // topic/partition

	lag, void, lives               *prometheus.GaugeVec
	steps, inputs, events, repeats *prometheus.CounterVec
	took                           *prometheus.HistogramVec
}

func newOwners(r prometheus.Registerer) *owners {
	labels := []string{"topic", "partition"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	o := &owners{
		alive:   map[string]bool{},
		lag:     gauge("tocsin_streams_lag_records", "Inputs in the log that are not folded yet, at the owner's last look."),
		void:    gauge("tocsin_streams_void_records", "Records of the partition passed over by the rule of reading since this process began to read it."),
		lives:   gauge("tocsin_streams_life", "1 while this process owns the partition."),
		repeats: counter("tocsin_streams_repeats_total", "Inputs of steps that were confirmed which had been folded before, and so count nothing."),
		steps:   counter("tocsin_streams_steps_total", "Steps that were confirmed."),
		inputs:  counter("tocsin_streams_inputs_total", "Inputs folded in steps that were confirmed."),
		events:  counter("tocsin_streams_events_total", "Events of steps that were confirmed."),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tocsin_streams_step_seconds",
			Help: "From closing a step to seeing it hold.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"topic"}),
	}
	r.MustRegister(o.took)
	return o
}

// options fills in who hears of lives and steps of a topic.
func (o *owners) options(topic string, opt streams.OwnerOptions) streams.OwnerOptions {
	opt.OnLife = func(partition int32, alive bool) {
		label := strconv.Itoa(int(partition))
		o.mu.Lock()
		o.alive[topic+"/"+label] = alive
		o.mu.Unlock()
		o.lives.WithLabelValues(topic, label).Set(map[bool]float64{true: 1}[alive])
		if !alive { // whoever owns it now tells its lag; the last that was seen here would stand for ever
			o.lag.DeleteLabelValues(topic, label)
			o.void.DeleteLabelValues(topic, label)
		}
	}
	opt.OnStep = func(s streams.StepStats) {
		label := strconv.Itoa(int(s.Partition))
		o.lag.WithLabelValues(topic, label).Set(float64(s.Behind))
		o.void.WithLabelValues(topic, label).Set(float64(s.Void))
		o.repeats.WithLabelValues(topic, label).Add(float64(s.Repeats))
		o.steps.WithLabelValues(topic, label).Inc()
		o.inputs.WithLabelValues(topic, label).Add(float64(s.Inputs))
		o.events.WithLabelValues(topic, label).Add(float64(s.Events))
		o.took.WithLabelValues(topic).Observe(s.Took.Seconds())
	}
	return opt
}

// missing names the partitions of a topic that this process does not own.
func (o *owners) missing(topic string, n int32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := range n {
		if key := fmt.Sprintf("%s/%d", topic, p); !o.alive[key] {
			return fmt.Errorf("%s has no owner here yet", key)
		}
	}
	return nil
}
