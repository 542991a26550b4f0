package metrics

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"proxy409/proxy"
)

// Route is one configured route.
type Route struct {
	Name  string   // the label; not empty, not [Unmatched], each name once
	Mode  string   // its mode, as configured; not empty
	Rules []string // the names of its rules; none is empty, each is there once
}

// Build says which build runs. A member that is empty is shown as "unknown".
type Build struct {
	Version   string // of proxy409, such as v1.2.0
	Revision  string // the commit
	GoVersion string // as runtime.Version says it
}

// Metrics counts what it is told as a [proxy.Observer], and what passes through [Metrics.InstrumentStore]. Its methods
// are safe for concurrent use, never block, and allocate nothing. The zero value is not usable; [New] makes one.
type Metrics struct {
	routes    map[string]*routeSeries // read-only after New
	unmatched *routeSeries
	inFlight  prometheus.Gauge
	held      prometheus.Gauge
	store     storeSeries

	certificates *prometheus.GaugeVec
	refused      *prometheus.CounterVec
}

var _ proxy.Observer = (*Metrics)(nil)

// New makes the metrics for these routes, all series at zero, and registers them with reg as one collector: all of
// them or, with an error, none. With reg nil they are counted and shown nowhere.
//
// The routes are fixed for the life of the result: what is said of any other counts as [Unmatched].
func New(reg prometheus.Registerer, routes []Route, build Build) (*Metrics, error) {
	if err := checkRoutes(routes); err != nil {
		return nil, err
	}
	if err := checkBuild(build); err != nil {
		return nil, err
	}

	var all collectors
	vectors := newRouteVectors(&all)
	m := &Metrics{
		routes:    make(map[string]*routeSeries, len(routes)),
		unmatched: vectors.resolve(Route{Name: Unmatched, Mode: None}),
		inFlight:  all.gauge(writesInFlightInfo).WithLabelValues(),
		held:      all.gauge(heldInfo).WithLabelValues(),
		store:     newStoreSeries(&all),

		refused:      newRefused(&all),
		certificates: newCertificates(&all),
	}
	for _, route := range routes {
		m.routes[route.Name] = vectors.resolve(route)
	}
	all.gauge(buildInfo).
		WithLabelValues(orUnknown(build.Version), orUnknown(build.Revision), orUnknown(build.GoVersion)).
		Set(1)

	if reg == nil {
		return m, nil
	}
	if err := reg.Register(&all); err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return m, nil
}

// checkRoutes reports everything that is wrong with the routes' names.
func checkRoutes(routes []Route) error {
	var errs []error
	seen := make(map[string]bool, len(routes))
	for _, route := range routes {
		switch {
		case route.Name == "" || !utf8.ValidString(route.Name):
			errs = append(errs, fmt.Errorf("route %q: the name must be text, and not empty", route.Name))
		case route.Name == Unmatched:
			errs = append(errs, fmt.Errorf("route %q: the name is taken for requests that no rule matches", route.Name))
		case seen[route.Name]:
			errs = append(errs, fmt.Errorf("route %q: there are two routes of this name", route.Name))
		}
		if route.Mode == "" || !utf8.ValidString(route.Mode) {
			errs = append(errs, fmt.Errorf("route %q: mode %q must be text, and not empty", route.Name, route.Mode))
		}
		for i, rule := range route.Rules {
			if rule == "" || !utf8.ValidString(rule) {
				errs = append(errs, fmt.Errorf("route %q: rule %q must be text, and not empty", route.Name, rule))
			} else if slices.Contains(route.Rules[:i], rule) {
				errs = append(errs, fmt.Errorf("route %q: there are two rules %q", route.Name, rule))
			}
		}
		seen[route.Name] = true
	}
	return errors.Join(errs...)
}

// checkBuild keeps out of the labels what no label may hold.
func checkBuild(build Build) error {
	for _, value := range []string{build.Version, build.Revision, build.GoVersion} {
		if !utf8.ValidString(value) {
			return fmt.Errorf("build information %q is not valid UTF-8", value)
		}
	}
	return nil
}

func orUnknown(value string) string {
	if value == "" {
		return "unknown"
	}
	return value
}
