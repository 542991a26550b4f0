package proxy_test

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// sharingFleet is a fleet on whose one route CORS is on, before a backend that lets one origin in.
func sharingFleet(t testing.TB) (*fleet, *backend, *sharing) {
	b := newBackend(t)
	s := newSharing(t, b)
	f := newFleet(t, b)
	f.cfg.Routes[0].CORS = true
	return f, b, s
}

// hangsUp makes a request's connection break.
func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// refusedInAllWays are requests that are refused, one for each reason but those of which a test of its own tells.
var refusedInAllWays = []struct {
	name    string
	reason  refusal.Reason
	status  int
	asked   int  // preflights that the backend gets for a refusal to a friend
	again   bool // and one for a stranger, for what the probe found was an error
	prepare func(f *fleet, b *backend, s *sharing)
	send    func(c *client, header ...string) answer
}{
	{name: "missing", reason: refusal.Missing, status: 409, asked: 1},
	{name: "stale", reason: refusal.Stale, status: 409, send: with("PUT", "/a", "If-Match", `"v-old"`)},
	{name: "exists", reason: refusal.Exists, status: 409, send: with("PUT", "/a", "If-None-Match", "*")},
	{name: "absent", reason: refusal.Absent, status: 409, again: true, send: with("DELETE", "/none", "If-Match", `"1"`)},
	{
		name: "absent, and only successes are shared", reason: refusal.Absent, status: 409, asked: 1, send: with("DELETE", "/none", "If-Match", `"1"`),
		prepare: func(_ *fleet, _ *backend, s *sharing) { s.onErrors = false },
	},
	{
		name: "nothing is disclosed", reason: refusal.Stale, status: 409, asked: 1, send: with("DELETE", "/none", "If-Match", `"1"`),
		prepare: func(f *fleet, _ *backend, _ *sharing) { f.cfg.Refusals.Disclose = false },
	},
	{
		name: "unversioned", reason: refusal.Unversioned, status: 409, send: with("PUT", "/a", "If-Match", `"1"`),
		prepare: func(_ *fleet, b *backend, _ *sharing) { b.tag = func(string, string) string { return "" } },
	},
	{name: "malformed", reason: refusal.Malformed, status: 400, asked: 1, send: with("PUT", "/a", "If-Match", "1")},
	{
		name: "too large", reason: refusal.TooLarge, status: 413, send: with("PUT", "/a", "If-Match", `"v-one"`),
		prepare: func(f *fleet, _ *backend, _ *sharing) { f.cfg.Limits.Body = 1 },
	},
	{
		name: "no memory left", reason: refusal.Overloaded, status: 503, asked: 1, send: with("POST", "/a", "Content-Type", urlencoded),
		prepare: func(f *fleet, _ *backend, _ *sharing) { f.cfg.Held = 1 },
	},
	{
		name: "the store is away", reason: refusal.Store, status: 503, asked: 1, send: with("PUT", "/a", "If-Match", `"1"`),
		prepare: func(f *fleet, _ *backend, _ *sharing) {
			f.store.fail(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}) // which is not the backend
		},
	},
	{
		name: "grace", reason: refusal.Grace, status: 503, asked: 1, send: with("PUT", "/a", "If-Match", `"1"`),
		prepare: func(f *fleet, _ *backend, _ *sharing) { f.cache.Grace = time.Hour },
	},
	{
		name: "unverifiable", reason: refusal.Unverifiable, status: 503, again: true, send: with("PUT", "/a", "If-Match", `"1"`),
		prepare: func(_ *fleet, _ *backend, s *sharing) {
			s.last = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }
		},
	},
	{
		name: "no answer to a read", reason: refusal.Backend, status: 502, asked: 1, send: with("GET", "/a"),
		prepare: func(_ *fleet, _ *backend, s *sharing) {
			s.last = func(w http.ResponseWriter, r *http.Request) bool { hangsUp(w, r); return true }
		},
	},
	{
		name: "no answer where nothing is guarded", reason: refusal.Backend, status: 502, asked: 1,
		prepare: func(f *fleet, _ *backend, s *sharing) {
			f.cfg.Routes[0].Mode = proxy.Off
			s.last = func(w http.ResponseWriter, r *http.Request) bool { hangsUp(w, r); return true }
		},
	},
	{
		name: "no answer to a write that was judged by a probe", reason: refusal.Backend, status: 502,
		prepare: func(_ *fleet, _ *backend, s *sharing) {
			s.last = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == "PUT" {
					hangsUp(w, r)
				}
				return false
			}
		},
		send: with("PUT", "/a", "If-Match", `"v-one"`),
	},
	{
		name: "no answer in time", reason: refusal.Timeout, status: 504,
		prepare: func(f *fleet, _ *backend, s *sharing) {
			f.cfg.Timeouts.Write, f.cfg.Timeouts.Settle = time.Second, 0
			s.last = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == "PUT" {
					_, _ = io.Copy(io.Discard, r.Body) // without which a server does not notice that its client has gone
					<-r.Context().Done()
				}
				return false
			}
		},
		send: with("PUT", "/a", "If-Match", `"v-one"`),
	},
}

// with makes a request; a write has a body.
func with(method, path string, header ...string) func(*client, ...string) answer {
	return func(c *client, more ...string) answer {
		c.t.Helper()
		body := "two"
		if method == "GET" || method == "DELETE" {
			body = ""
		}
		return c.do(method, path, body, slices.Concat(header, more)...)
	}
}

func TestARefusalIsReadableToTheOriginThatTheBackendLetsInAndToNoOther(t *testing.T) {
	for _, tc := range refusedInAllWays {
		if tc.send == nil {
			tc.send = with("PUT", "/a")
		}
		again := tc.asked
		if tc.again {
			again++
		}
		for _, who := range []struct {
			name, header string
			asked        int
		}{
			{"a friend", friend, tc.asked},
			{"a stranger", stranger, again},
			{"the null origin", "null", 0},
			{"what is no origin", friend + "/", 0},
			{"nobody", "", 0},
		} {
			t.Run(tc.name+" "+who.name, func(t *testing.T) {
				t.Parallel()
				f, b, s := sharingFleet(t)
				if tc.prepare != nil {
					tc.prepare(f, b, s)
				}
				var header []string
				if who.header != "" {
					header = []string{"Origin", who.header}
				}
				got := tc.send(f.replica(), header...)
				got.want(t, tc.status, tc.reason)
				want := map[string]string{}
				if who.header == friend {
					want = granted(got)
				}
				if !maps.Equal(got.shared(), want) {
					t.Errorf("it has %q, want %q", got.shared(), want)
				}
				if vary := got.Header.Values("Vary"); !slices.Equal(vary, []string{"Accept, Origin"}) {
					t.Errorf("Vary: %q", vary)
				}
				if asked := len(s.preflights()); asked != who.asked {
					t.Errorf("the backend was asked %d times, want %d", asked, who.asked)
				}
			})
		}
	}
}

// granted are the fields that a refusal has for a friend.
func granted(a answer) map[string]string {
	expose := "Proxy-Status"
	if a.Header.Get("Retry-After") != "" {
		expose = "Retry-After, Proxy-Status"
	}
	return map[string]string{
		"Access-Control-Allow-Origin": friend, "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": expose,
	}
}

func TestWithCORSOffNothingIsAskedAndNothingAdded(t *testing.T) {
	for _, tc := range refusedInAllWays {
		if tc.send == nil {
			tc.send = with("PUT", "/a")
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, b, s := sharingFleet(t)
			f.cfg.Routes[0].CORS = false
			if tc.prepare != nil {
				tc.prepare(f, b, s)
			}
			got := tc.send(f.replica(), "Origin", friend)
			got.want(t, tc.status, tc.reason)
			if len(got.shared()) > 0 || got.Header.Get("Vary") != "Accept" || len(s.preflights()) > 0 {
				t.Errorf("%q", got.Header)
			}
		})
	}
	f, _, s := sharingFleet(t)
	f.cfg.Routes[0].CORS = false
	c := f.replica()
	if got := c.get("/a", "Origin", friend); got.Header.Get("Access-Control-Expose-Headers") != "" {
		t.Errorf("an answer of the backend has %q", got.shared())
	}
	got := c.do("OPTIONS", "/a", "", "Origin", friend, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "if-match")
	got.want(t, 403)
	if asked := s.preflights(); len(asked) != 1 || asked[0].Header.Get("Access-Control-Request-Headers") != "if-match" || len(got.shared()) > 0 {
		t.Errorf("a preflight got %q", got.Header)
	}
}

func TestABusyRefusalIsReadable(t *testing.T) {
	f, _, s := sharingFleet(t)
	f.cfg.Timeouts.BusyWait = 0
	arrived, goOn := make(chan struct{}), make(chan struct{})
	s.last = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == "PUT" {
			close(arrived)
			<-goOn
		}
		return false
	}
	c := f.replica()
	tag := c.get("/a").etag()
	done := make(chan answer, 1)
	go func() { done <- c.put("/a", "two", tag) }()
	<-arrived
	got := c.do("PUT", "/a", "three", "If-Match", tag, "Origin", friend)
	close(goOn)
	(<-done).want(t, 204)
	if got.want(t, 409, refusal.Busy); !maps.Equal(got.shared(), granted(got)) || got.Header.Get("Retry-After") == "" {
		t.Errorf("it has %q", got.Header)
	}
}
