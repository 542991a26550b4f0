package metrics

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sections are those of the configuration that may name a certificate.
var sections = []string{"tls", "upstream_tls", "store.redis.tls"}

func newCertificates(cs *collectors) *prometheus.GaugeVec {
	vec := cs.gauge(certificateInfo)
	for _, section := range sections {
		vec.WithLabelValues(section).Set(math.Inf(1)) // at zero it would be one that has expired
	}
	return vec
}

// CertificateExpires notes when the certificate that a section of the configuration names expires: tls, upstream_tls or
// store.redis.tls. Any other is ignored.
func (m *Metrics) CertificateExpires(section string, at time.Time) {
	if slices.Contains(sections, section) {
		m.certificates.WithLabelValues(section).Set(float64(at.Unix()))
	}
}
