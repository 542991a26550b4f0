package metrics_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"proxy409/metrics"
	"proxy409/proxy"
)

func TestNewRefusesWhatNoLabelMayHold(t *testing.T) {
	tests := []struct {
		name   string
		routes []metrics.Route
		build  metrics.Build
		want   []string
	}{
		{name: "unnamed", routes: []metrics.Route{{Mode: "enforce"}}, want: []string{`route "": the name must be text`}},
		{name: "taken", routes: []metrics.Route{{Name: "unmatched", Mode: "off"}}, want: []string{`route "unmatched": the name is taken`}},
		{name: "twice", routes: []metrics.Route{{Name: "a", Mode: "off"}, {Name: "a", Mode: "enforce"}}, want: []string{`route "a": there are two routes`}},
		{name: "no mode", routes: []metrics.Route{{Name: "a"}}, want: []string{`route "a": mode "" must be text`}},
		{name: "not text", routes: []metrics.Route{{Name: "\xff", Mode: "off"}}, want: []string{`route "\xff": the name must be text`}},
		{
			name: "a rule unnamed, one not text, and one twice", routes: []metrics.Route{{Name: "a", Mode: "off", Rules: []string{"", "\xff", "r", "r"}}},
			want: []string{`route "a": rule "" must be text`, `route "a": rule "\xff" must be text`, `route "a": there are two rules "r"`},
		},
		{name: "all at once", routes: []metrics.Route{{}, {Name: "unmatched", Mode: "off"}}, want: []string{"must be text", "is taken"}},
		{name: "build", build: metrics.Build{Version: "\xff"}, want: []string{`build information "\xff"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			m, err := metrics.New(reg, tt.routes, tt.build)
			if err == nil || m != nil {
				t.Fatalf("got %v, %v; want an error alone", m, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if n, _ := testutil.GatherAndCount(reg); n != 0 {
				t.Errorf("%d series were registered all the same", n)
			}
		})
	}
}

func TestNewRegistersAllOrNone(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "proxy409_build_info", Help: "Somebody else's."}))
	if _, err := metrics.New(reg, routes, build); err == nil {
		t.Fatal("no error although a name was taken")
	}
	if n, _ := testutil.GatherAndCount(reg); n != 1 {
		t.Errorf("%d series after a registration that failed, want only the one that stood in the way", n)
	}
}

func TestMetricsWithoutARegistererCountAllTheSame(t *testing.T) {
	m, err := metrics.New(nil, routes, metrics.Build{})
	if err != nil {
		t.Fatal(err)
	}
	play(m)
}

func TestNothingThatIsSaidMakesANewSeries(t *testing.T) {
	m, reg := newMetrics(t)
	before, err := testutil.GatherAndCount(reg)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"", "articles", "users", "GET", "get", "stale", "none", "other", "unmatched", "unique-1", "held", "\xff", "/articles/7"}
	word := func() string {
		if rand.N(2) == 0 {
			return words[rand.N(len(words))]
		}
		return fmt.Sprintf("%x", rand.Uint64())
	}
	decisions := []proxy.Decision{proxy.Admitted, proxy.Refused, proxy.Passed, proxy.WouldRefuse, proxy.PassedThrough, proxy.Returned, proxy.Replayed, proxy.Merged}
	for range 10_000 {
		route := word()
		m.Request(route, word(), rand.N(1200)-100, rand.N(time.Hour)-time.Minute, rand.N(time.Hour)-time.Minute, time.Microsecond)
		m.Decision(route, proxy.Mode(word()), proxy.Decision(word()), word())
		m.Decision(route, proxy.Mode(word()), decisions[rand.N(len(decisions))], word())
		m.Probe(route, word())
		m.Rule(route, word(), word())
		m.Idempotency(route, word())
		m.History(route, word())
		m.LeaseExpired(route)
		m.Drift(route)
		m.RecordUnwritten(route)
		m.Unguarded(route)
		m.MalformedETag(route)
	}
	after, err := testutil.GatherAndCount(reg)
	if err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Errorf("%d series became %d", before, after)
	}
}
