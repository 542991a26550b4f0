package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// counting counts the writes that are sent on a connection which has been used before: only those does net/http replay.
func counting(f *fleet) (reused *atomic.Int32) {
	reused = new(atomic.Int32)
	next := proxy.NewTransport()
	f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				if c.Reused {
					reused.Add(1)
				}
			}}))
		}
		return next.RoundTrip(r)
	})
	return reused
}

// A key that tells a backend that two requests are one does not make a backend one that looks at it.
func TestAnIdempotencyKeyMakesNoWriteOneThatIsSentTwice(t *testing.T) {
	passed, observed := "passed", "observed"
	for _, tc := range []struct{ how, method string }{
		{"judged", "DELETE"},
		{"judged", "PUT"},
		{"judged", "PATCH"},
		{"judged", "POST"},
		{"judged", "LOCK"},
		{passed, "POST"},
		{observed, "DELETE"},
		{observed, "POST"},
	} {
		for _, key := range []string{"Idempotency-Key", "X-Idempotency-Key", "idempotency-key"} {
			t.Run(fmt.Sprint(tc.how, " ", tc.method, ", ", key), func(t *testing.T) {
				at, writes := hangUpOn(t, func(r *http.Request) bool {
					if r.Method != http.MethodGet && r.Header.Get(key) != "k" {
						t.Errorf("the backend did not get the %s: %v", key, r.Header)
					}
					return r.Method != http.MethodGet
				})
				f := newFleet(t, newBackend(t))
				f.cfg.Upstream = at
				reused := counting(f)
				if tc.how == observed {
					f.cfg.Routes[0].Mode = proxy.Observe
				}
				c := f.replica()
				header := []string{key, "k"}
				if tag := c.get("/a").etag(); tc.how == "judged" { // it leaves an idle connection
					header = append(header, "If-Match", tag)
				}
				c.do(tc.method, "/a", "", header...).want(t, 502, refusal.Backend)
				if n := writes.Load(); n != 1 || reused.Load() != 1 {
					t.Errorf("a write was sent %d times, %d of them on a connection that was used before", n, reused.Load())
				}
				if tc.how == "judged" { // nobody knows whether it was read
					c.do(tc.method, "/a", "", header...).want(t, 409, refusal.Busy)
				}
			})
		}
	}
}

// Where no rule applies, the proxy is the reverse proxy of the standard library: a request with the key, and no content, is
// one that may be sent again, and net/http does so. This shows as well that the test above forces what it says.
func TestWhereNoRuleAppliesARequestWithAKeyIsReplayedAsNetHTTPDoes(t *testing.T) {
	for _, tc := range []struct {
		method, key, body string
		arrives           int32
	}{
		{"DELETE", "Idempotency-Key", "", 2},
		{"POST", "X-Idempotency-Key", "", 2},
		{"DELETE", "X-Other", "", 1},
		{"PUT", "Idempotency-Key", "x", 1},
	} {
		for name, change := range map[string]func(*proxy.Route){
			"mode: off":       func(r *proxy.Route) { r.Mode = proxy.Off },
			"no route at all": func(r *proxy.Route) { r.Match = "/elsewhere" },
		} {
			t.Run(fmt.Sprintf("%s, %s %q with %s", name, tc.method, tc.body, tc.key), func(t *testing.T) {
				at, writes := hangUpOn(t, func(r *http.Request) bool { return r.Method != http.MethodGet })
				f := newFleet(t, newBackend(t))
				f.cfg.Upstream = at
				reused := counting(f)
				change(&f.cfg.Routes[0])
				c := f.replica()
				c.get("/a")
				c.do(tc.method, "/a", tc.body, tc.key, "k").want(t, 502, refusal.Backend)
				if n := writes.Load(); n != tc.arrives || reused.Load() != 1 {
					t.Errorf("it was sent %d times, %d of them on a connection that was used before", n, reused.Load())
				}
			})
		}
	}
}
