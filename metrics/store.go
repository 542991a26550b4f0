package metrics

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"proxy409/etagcache"
)

// Outcomes of an operation on the store.
const (
	ok     = "ok"
	lost   = "lost"  // a swap only: something else was stored, or the store is in another epoch
	failed = "error" // no answer: of a swap nobody knows whether it was made
)

// operationSeries are all series of one operation on the store.
type operationSeries struct {
	ok, lost, failed prometheus.Counter // lost: nil for all but swap
	duration         prometheus.Observer
}

// storeSeries are all series of the store.
type storeSeries struct {
	get, swap, ping operationSeries
	up              prometheus.Gauge
	grace           prometheus.Gauge
	warnings        prometheus.Gauge
	unlike          prometheus.Gauge
	clockJumps      prometheus.Counter
}

func newStoreSeries(cs *collectors) storeSeries {
	operations := cs.counter(storeOperationsInfo)
	durations := cs.histogram(storeDurationInfo, storeBuckets)
	resolve := func(operation string) operationSeries {
		return operationSeries{
			ok:       operations.WithLabelValues(operation, ok),
			failed:   operations.WithLabelValues(operation, failed),
			duration: durations.WithLabelValues(operation),
		}
	}
	series := storeSeries{
		get:  resolve("get"),
		swap: resolve("swap"),
		ping: resolve("ping"),
		up:   cs.gauge(storeUpInfo).WithLabelValues(),

		grace:      cs.gauge(graceInfo).WithLabelValues(),
		warnings:   cs.gauge(warningsInfo).WithLabelValues(),
		unlike:     cs.gauge(unlikeInfo).WithLabelValues(),
		clockJumps: cs.counter(clockJumpsInfo).WithLabelValues(),
	}
	series.swap.lost = operations.WithLabelValues("swap", lost)
	return series
}

// Store is an [etagcache.Store] that counts and times the operations on another one, and changes nothing about them.
type Store struct {
	next   etagcache.Store
	series *storeSeries

	// Whether the latest of each failed. A Redis that is full or cannot save answers reads, and takes nothing.
	reads, swaps atomic.Bool
}

var _ etagcache.Store = (*Store)(nil)

// InstrumentStore returns next with its operations counted and timed in m. A process has one store: proxy409_store_up
// is 1 while the latest read and the latest swap of whichever store was instrumented got answers, and 0 before the first.
func (m *Metrics) InstrumentStore(next etagcache.Store) *Store {
	return &Store{next: next, series: &m.store}
}

// Get implements [etagcache.Store].
func (s *Store) Get(ctx context.Context, key etagcache.Key) (etagcache.Reply, error) {
	start := time.Now()
	reply, err := s.next.Get(ctx, key)
	s.note(ctx, &s.series.get, &s.reads, start, s.series.get.ok, err)
	return reply, err
}

// Swap implements [etagcache.Store].
func (s *Store) Swap(ctx context.Context, key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	start := time.Now()
	reply, err := s.next.Swap(ctx, key, c)
	outcome := s.series.swap.ok
	if !reply.Swapped {
		outcome = s.series.swap.lost
	}
	s.note(ctx, &s.series.swap, &s.swaps, start, outcome, err)
	return reply, err
}

// Ping implements [etagcache.Store].
func (s *Store) Ping(ctx context.Context) (etagcache.Reply, error) {
	start := time.Now()
	reply, err := s.next.Ping(ctx)
	s.note(ctx, &s.series.ping, &s.reads, start, s.series.ping.ok, err)
	return reply, err
}

// note records one operation: outcome where there was an answer. An operation that its caller called off says nothing
// about the store, so it leaves proxy409_store_up alone; one that ran out of time does say something.
func (s *Store) note(
	ctx context.Context, op *operationSeries, down *atomic.Bool, start time.Time, outcome prometheus.Counter, err error,
) {
	op.duration.Observe(time.Since(start).Seconds())
	if err == nil {
		outcome.Inc()
		down.Store(false)
	} else {
		op.failed.Inc()
		if errors.Is(ctx.Err(), context.Canceled) {
			return
		}
		down.Store(true)
	}
	if s.reads.Load() || s.swaps.Load() {
		s.series.up.Set(0)
	} else {
		s.series.up.Set(1)
	}
}

// StoreGrace notes how long the store's grace period lasts yet.
func (m *Metrics) StoreGrace(left time.Duration) { m.store.grace.Set(left.Seconds()) }

// StoreWarnings notes in how many ways the store is not set up as the guarantees need it.
func (m *Metrics) StoreWarnings(n int) { m.store.warnings.Set(float64(n)) }

// UnlikeReplicas notes how many replicas share the store whose key settings are not this one's.
func (m *Metrics) UnlikeReplicas(n int) { m.store.unlike.Set(float64(n)) }

// StoreClockJumped counts that the store's clock was set.
func (m *Metrics) StoreClockJumped() { m.store.clockJumps.Inc() }
