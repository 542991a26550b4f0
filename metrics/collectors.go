package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collectors makes vectors from their [Info] and is, with all that it has made, one collector: so they are registered
// all or none.
type collectors []prometheus.Collector

// Describe implements [prometheus.Collector].
func (cs *collectors) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range *cs {
		c.Describe(descs)
	}
}

// Collect implements [prometheus.Collector].
func (cs *collectors) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range *cs {
		c.Collect(metrics)
	}
}

func (cs *collectors) counter(info Info) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: info.Name, Help: info.Help}, info.Labels)
	*cs = append(*cs, vec)
	return vec
}

func (cs *collectors) gauge(info Info) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: info.Name, Help: info.Help}, info.Labels)
	*cs = append(*cs, vec)
	return vec
}

// histogram makes a native histogram that carries classic buckets too, for whoever does not scrape native ones. A
// native bucket is at most 10% wider than the one before. There are at most 100: one more resets the histogram or,
// within an hour of the last reset, halves its resolution until the hour is over.
func (cs *collectors) histogram(info Info, buckets []float64) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            info.Name,
		Help:                            info.Help,
		Buckets:                         buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, info.Labels)
	*cs = append(*cs, vec)
	return vec
}

// The upper bounds of the classic buckets, in seconds.
var (
	// Up to what timeouts.write and timeouts.settle are by default, together.
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	// From what a proxied read costs on one machine, up to more than timeouts.busy_wait is by default.
	addedBuckets = []float64{50e-6, 100e-6, 250e-6, 500e-6, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	// From memory, up to more than store.redis.timeout is by default.
	storeBuckets = []float64{10e-6, 50e-6, 100e-6, 250e-6, 500e-6, .001, .0025, .005, .01, .025, .05, .1, .3, 1}
)
