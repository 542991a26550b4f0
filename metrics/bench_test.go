package metrics_test

import (
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// hotPath is what every request costs.
var hotPath = []struct {
	name string
	call func(m proxy.Observer, i int)
}{
	{"Request", func(m proxy.Observer, i int) {
		m.Request("articles", "PUT", 200, time.Duration(i%1000+100)*time.Microsecond, time.Duration(i%100+1)*time.Microsecond, time.Duration(i%50+1)*time.Microsecond)
	}},
	{"RequestUnmatched", func(m proxy.Observer, _ int) {
		m.Request("", "BREW", 418, 3*time.Millisecond, 2*time.Millisecond, time.Millisecond)
	}},
	{"Decision", func(m proxy.Observer, _ int) { m.Decision("articles", proxy.Enforce, proxy.Refused, "stale") }},
	{"DecisionOther", func(m proxy.Observer, _ int) { m.Decision("articles", proxy.Enforce, "postponed", "rain") }},
	{"Probe", func(m proxy.Observer, _ int) { m.Probe("articles", proxy.ProbeVersion) }},
	{"Idempotency", func(m proxy.Observer, _ int) { m.Idempotency("articles", proxy.IdempotencyFirst) }},
	{"History", func(m proxy.Observer, _ int) { m.History("articles", proxy.HistoryKept) }},
	{"Rule", func(m proxy.Observer, _ int) { m.Rule("users", "unique-1", proxy.RuleHeld) }},
}

func BenchmarkObserver(b *testing.B) {
	for _, bench := range hotPath {
		b.Run(bench.name, func(b *testing.B) {
			m, _ := newMetrics(b)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bench.call(m, i)
			}
		})
	}
	b.Run("RequestParallel", func(b *testing.B) {
		m, _ := newMetrics(b)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				hotPath[0].call(m, i)
			}
		})
	})
}

func BenchmarkInstrumentedStore(b *testing.B) {
	m, _ := newMetrics(b)
	s := m.InstrumentStore(&fakeStore{})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.Get(b.Context(), etagcache.Key{})
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	for _, hot := range hotPath {
		m, _ := newMetrics(t)
		for i := range 2000 { // a native histogram allocates each of its buckets once
			hot.call(m, i)
		}
		i := 0
		if got := testing.AllocsPerRun(1000, func() { hot.call(m, i); i++ }); got != 0 {
			t.Errorf("%s: %v allocations", hot.name, got)
		}
	}
}
