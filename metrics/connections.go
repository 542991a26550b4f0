package metrics

import "github.com/prometheus/client_golang/prometheus"

// The causes for which a client's connection is refused.
const (
	causeFraming   = "framing"
	causeHandshake = "handshake"
)

func newRefused(cs *collectors) *prometheus.CounterVec {
	vec := cs.counter(refusedInfo)
	for _, cause := range []string{causeFraming, causeHandshake} {
		vec.WithLabelValues(cause)
	}
	return vec
}

// FramingRefused counts a connection that was closed because of an HTTP/1 request that others could read differently.
func (m *Metrics) FramingRefused() { m.refused.WithLabelValues(causeFraming).Inc() }

// HandshakeFailed counts a connection of a client whose TLS handshake failed.
func (m *Metrics) HandshakeFailed() { m.refused.WithLabelValues(causeHandshake).Inc() }
