package metrics_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"proxy409/etagcache"
	"proxy409/metrics"
	"proxy409/proxy"
)

var update = flag.Bool("update", false, "rewrite testdata/metrics.txt")

var (
	routes = []metrics.Route{{Name: "articles", Mode: "enforce"}, {Name: "users", Mode: "observe", Rules: []string{"unique-1", "no-orders"}}}
	build  = metrics.Build{Version: "v1.2.3", Revision: "0123456789ab", GoVersion: "go1.26"}
)

func newMetrics(t testing.TB) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m, err := metrics.New(reg, routes, build)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

// exposition is what a scrape shows.
func exposition(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("scrape: %d\n%s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func TestExpositionIsTheGoldenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t)
		play(m)
		got := exposition(t, reg)
		golden := filepath.Join("testdata", "metrics.txt")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got == string(want) {
			return
		}
		gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for _, line := range gotLines {
			if !slices.Contains(wantLines, line) {
				t.Errorf("not in %s: %s", golden, line)
			}
		}
		for _, line := range wantLines {
			if !slices.Contains(gotLines, line) {
				t.Errorf("only in %s: %s", golden, line)
			}
		}
		t.Fatal("if the new exposition is what you want: go test ./metrics -update")
	})
}

// play is an hour in the life of a proxy.
func play(m *metrics.Metrics) {
	const ms = time.Millisecond
	m.Request("articles", "GET", 200, 12*ms, 11900*time.Microsecond, 100*time.Microsecond)
	m.Request("articles", "GET", 304, 3*ms, 2900*time.Microsecond, 100*time.Microsecond)
	m.Request("articles", "PUT", 200, 40*ms, 38*ms, 2*ms)
	m.Request("articles", "PUT", 409, 600*time.Microsecond, 0, 600*time.Microsecond) // refused early: the backend was not asked
	m.Request("users", "PROPFIND", 207, 5*ms, 4*ms, ms)
	m.Request("", "GET", 101, time.Second, 2*ms, ms)
	m.Request("", "GET", 999, 2*ms, 3*ms, -ms) // no class; two probes at once

	m.Decision("articles", proxy.Enforce, proxy.Admitted, "")
	m.Decision("articles", proxy.Enforce, proxy.Refused, "stale")
	m.Decision("users", proxy.Observe, proxy.WouldRefuse, "missing")
	m.Decision("users", proxy.Observe, proxy.Passed, "")
	m.Decision("articles", proxy.Enforce, proxy.PassedThrough, "")
	m.Decision("users", proxy.Observe, proxy.WouldRefuse, "duplicate")
	m.Decision("users", proxy.Enforce, proxy.Returned, "duplicate")
	m.Decision("articles", proxy.Enforce, proxy.Refused, "reused")
	m.Decision("articles", proxy.Enforce, proxy.Replayed, "")
	m.Decision("articles", proxy.Enforce, proxy.Merged, "timeout")
	m.Decision("", proxy.Off, proxy.Refused, "malformed")
	m.Decision("articles", proxy.Enforce, proxy.Admitted, "stale") // makes no sense: a defect
	m.Decision("articles", proxy.Enforce, "postponed", "rain")

	m.Held(16384)
	m.Held(-4096)
	m.WriteStarted()
	m.WriteStarted()
	m.WriteEnded("articles", "doubt")
	m.LeaseExpired("articles")
	m.Drift("articles")
	m.RecordUnwritten("articles")
	m.Unguarded("users")
	m.MalformedETag("users")
	m.Probe("articles", proxy.ProbeVersion)
	m.Probe("articles", "sulked")
	m.Rule("users", "unique-1", proxy.RuleHeld)
	m.Rule("users", "unique-1", proxy.RuleRefused)
	m.Rule("users", "no-orders", proxy.RuleUnverifiable)
	m.Rule("users", "no-orders", "bent")
	m.Rule("articles", "unique-1", proxy.RuleHeld) // has none
	m.Idempotency("articles", proxy.IdempotencyFirst)
	m.Idempotency("articles", proxy.IdempotencyInDoubt)
	m.Idempotency("articles", "forgotten")
	m.History("users", proxy.HistoryKept)
	m.History("users", proxy.HistoryGone)
	m.History("users", "rewritten")

	ctx := context.Background()
	store := &fakeStore{took: 400 * time.Microsecond}
	instrumented := m.InstrumentStore(store)
	_, _ = instrumented.Get(ctx, etagcache.Key{})
	store.reply.Swapped = true
	_, _ = instrumented.Swap(ctx, etagcache.Key{}, etagcache.Change{})
	store.reply.Swapped = false
	_, _ = instrumented.Swap(ctx, etagcache.Key{}, etagcache.Change{})
	store.err = errors.New("connection refused")
	_, _ = instrumented.Swap(ctx, etagcache.Key{}, etagcache.Change{})
	store.err = nil
	_, _ = instrumented.Ping(ctx)
}

func TestLinterHasNothingToSay(t *testing.T) {
	_, reg := newMetrics(t)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestListIsWhatAFreshProxyShows(t *testing.T) {
	_, reg := newMetrics(t)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var shown []metrics.Info
	for _, family := range families {
		info := metrics.Info{
			Name: family.GetName(), Type: strings.ToLower(family.GetType().String()), Help: family.GetHelp(),
		}
		for _, label := range family.GetMetric()[0].GetLabel() {
			info.Labels = append(info.Labels, label.GetName())
		}
		shown = append(shown, info)
	}
	listed := metrics.List()
	slices.SortFunc(listed, func(a, b metrics.Info) int { return strings.Compare(a.Name, b.Name) })
	for i := range listed {
		slices.Sort(listed[i].Labels) // as the exposition has them
	}
	if !slices.EqualFunc(shown, listed, equalInfo) {
		t.Errorf("shown:\n%v\nlisted:\n%v", shown, listed)
	}
}

func equalInfo(a, b metrics.Info) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Help == b.Help && slices.Equal(a.Labels, b.Labels)
}

func TestListBelongsToItsCaller(t *testing.T) {
	metrics.List()[0].Labels[0] = "spoilt"
	if got := metrics.List()[0].Labels[0]; got != "route" {
		t.Errorf("the table was changed through what List returned: %q", got)
	}
}

func TestEveryHistogramIsNativeAndClassic(t *testing.T) {
	m, reg := newMetrics(t)
	m.Request("articles", "GET", 200, time.Second, time.Millisecond, time.Microsecond)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			h := metric.GetHistogram()
			if h == nil {
				continue
			}
			seen++
			// A zero bucket of some width tells a native histogram without observations from a classic one.
			if len(h.GetBucket()) == 0 || h.GetZeroThreshold() == 0 || h.GetSchema() != 3 {
				t.Errorf("%s %v is not both: %d classic buckets, zero threshold %v, schema %d", family.GetName(),
					metric.GetLabel(), len(h.GetBucket()), h.GetZeroThreshold(), h.GetSchema())
			}
		}
	}
	if want := 3*(len(routes)+1) + 3; seen != want {
		t.Errorf("%d histograms, want %d", seen, want)
	}
}
