package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"proxy409/proxy"
)

// routeVectors are the metrics with a route label.
type routeVectors struct {
	decisions, requests, leasesExpired, drift, unwritten, unguarded, malformed, unversioned, probes, ended, rules, keys, history *prometheus.CounterVec

	request, upstream, added *prometheus.HistogramVec
}

func newRouteVectors(cs *collectors) routeVectors {
	return routeVectors{
		decisions:     cs.counter(decisionsInfo),
		requests:      cs.counter(requestsInfo),
		request:       cs.histogram(requestDurationInfo, requestBuckets),
		upstream:      cs.histogram(upstreamDurationInfo, requestBuckets),
		added:         cs.histogram(addedLatencyInfo, addedBuckets),
		leasesExpired: cs.counter(leasesExpiredInfo),
		drift:         cs.counter(driftInfo),
		unwritten:     cs.counter(unwrittenInfo),
		unguarded:     cs.counter(unguardedInfo),
		malformed:     cs.counter(malformedInfo),
		unversioned:   cs.counter(unversionedInfo),
		probes:        cs.counter(probesInfo),
		ended:         cs.counter(endedInfo),
		rules:         cs.counter(rulesInfo),
		keys:          cs.counter(idempotencyInfo),
		history:       cs.counter(historyInfo),
	}
}

// routeSeries are all series of one route, looked up once so that a request costs no search by label.
type routeSeries struct {
	decisions                                             map[verdict]prometheus.Counter // read-only
	requests                                              [len(methods)][len(codes)]prometheus.Counter
	request, upstream, added                              prometheus.Observer
	leasesExpired, drift, unwritten, unguarded, malformed prometheus.Counter
	unversioned, probes, ended, keys, history             map[string]prometheus.Counter // read-only
	rules                                                 map[ruled]prometheus.Counter  // read-only
}

// ruled is a rule and what came of it.
type ruled struct{ rule, outcome string }

// resolve brings all series of the route into being.
func (v routeVectors) resolve(route Route) *routeSeries {
	series := &routeSeries{
		decisions:     make(map[verdict]prometheus.Counter),
		request:       v.request.WithLabelValues(route.Name),
		upstream:      v.upstream.WithLabelValues(route.Name),
		added:         v.added.WithLabelValues(route.Name),
		leasesExpired: v.leasesExpired.WithLabelValues(route.Name),
		drift:         v.drift.WithLabelValues(route.Name),
		unwritten:     v.unwritten.WithLabelValues(route.Name),
		unguarded:     v.unguarded.WithLabelValues(route.Name),
		malformed:     v.malformed.WithLabelValues(route.Name),
		unversioned:   byLabel(v.unversioned, route.Name, causes),
		probes:        byLabel(v.probes, route.Name, outcomes),
		ended:         byLabel(v.ended, route.Name, endings),
		keys:          byLabel(v.keys, route.Name, keyOutcomes),
		history:       byLabel(v.history, route.Name, historyOutcomes),
		rules:         make(map[ruled]prometheus.Counter, len(route.Rules)*len(ruleOutcomes)+1),
	}
	for _, o := range verdicts() {
		series.decisions[o] = v.decisions.WithLabelValues(route.Name, route.Mode, string(o.decision), o.reason)
	}
	for i, method := range methods {
		for j, code := range codes {
			series.requests[i][j] = v.requests.WithLabelValues(route.Name, method, code)
		}
	}
	series.rules[ruled{Other, Other}] = v.rules.WithLabelValues(route.Name, Other, Other)
	for _, rule := range route.Rules {
		for _, outcome := range ruleOutcomes {
			series.rules[ruled{rule, outcome}] = v.rules.WithLabelValues(route.Name, rule, outcome)
		}
	}
	return series
}

// byLabel are the series of a route with one more label.
func byLabel(v *prometheus.CounterVec, route string, labels []string) map[string]prometheus.Counter {
	series := make(map[string]prometheus.Counter, len(labels))
	for _, label := range labels {
		series[label] = v.WithLabelValues(route, label)
	}
	return series
}

// route returns the series of a configured route, and those of [Unmatched] for any other name.
func (m *Metrics) route(name string) *routeSeries {
	if series, ok := m.routes[name]; ok {
		return series
	}
	return m.unmatched
}

// Request implements [proxy.Observer]. An upstream of zero says that the backend was not asked: it is no observation
// of the backend.
func (m *Metrics) Request(route, method string, status int, total, upstream, added time.Duration) {
	series := m.route(route)
	series.requests[methodIndex(method)][codeIndex(status)].Inc()
	series.request.Observe(total.Seconds())
	if upstream > 0 {
		series.upstream.Observe(upstream.Seconds())
	}
	series.added.Observe(max(0, added).Seconds())
}

// Decision implements [proxy.Observer]. The mode shown is the one the route was configured with: the parameter can say
// nothing else, and is not looked at, so that it cannot bring a new series into being.
func (m *Metrics) Decision(route string, _ proxy.Mode, decision proxy.Decision, reason string) {
	if reason == "" {
		reason = None
	}
	decisions := m.route(route).decisions
	for _, v := range [...]verdict{{decision, reason}, {decision, Other}, other} {
		if count, ok := decisions[v]; ok {
			count.Inc()
			return
		}
	}
}

// WriteStarted implements [proxy.Observer].
func (m *Metrics) WriteStarted() { m.inFlight.Inc() }

// WriteEnded implements [proxy.Observer].
func (m *Metrics) WriteEnded(route, outcome string) {
	m.inFlight.Dec()
	count(m.route(route).ended, outcome)
}

// Held implements [proxy.Observer].
func (m *Metrics) Held(change int64) { m.held.Add(float64(change)) }

// LeaseExpired implements [proxy.Observer].
func (m *Metrics) LeaseExpired(route string) { m.route(route).leasesExpired.Inc() }

// Drift implements [proxy.Observer].
func (m *Metrics) Drift(route string) { m.route(route).drift.Inc() }

// RecordUnwritten implements [proxy.Observer].
func (m *Metrics) RecordUnwritten(route string) { m.route(route).unwritten.Inc() }

// Unguarded implements [proxy.Observer].
func (m *Metrics) Unguarded(route string) { m.route(route).unguarded.Inc() }

// MalformedETag implements [proxy.Observer].
func (m *Metrics) MalformedETag(route string) { m.route(route).malformed.Inc() }

// Unversioned implements [proxy.Observer].
func (m *Metrics) Unversioned(route, cause string) { count(m.route(route).unversioned, cause) }

// Probe implements [proxy.Observer].
func (m *Metrics) Probe(route, outcome string) { count(m.route(route).probes, outcome) }

// Rule implements [proxy.Observer]. A rule that the route does not have is counted as [Other], with that outcome.
func (m *Metrics) Rule(route, rule, outcome string) {
	rules := m.route(route).rules
	for _, r := range [...]ruled{{rule, outcome}, {rule, Other}, {Other, Other}} {
		if count, ok := rules[r]; ok {
			count.Inc()
			return
		}
	}
}

// Idempotency implements [proxy.Observer].
func (m *Metrics) Idempotency(route, outcome string) { count(m.route(route).keys, outcome) }

// History implements [proxy.Observer].
func (m *Metrics) History(route, outcome string) { count(m.route(route).history, outcome) }

// count counts a label that may be none of those that there are.
func count(by map[string]prometheus.Counter, label string) {
	counter, ok := by[label]
	if !ok {
		counter = by[Other]
	}
	counter.Inc()
}
