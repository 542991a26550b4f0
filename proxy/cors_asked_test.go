package proxy_test

import (
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// A browser sends no credentials with a preflight, and neither does the proxy: what the backend says of an origin must not
// depend on the caller. What the way was it may know.
func TestTheQuestionIsAPreflightWithoutCredentials(t *testing.T) {
	f, _, s := sharingFleet(t)
	f.replica().do("PATCH", "/a%20b?x=1&y", "x", "Origin", friend, "Cookie", "session=1", "Authorization", "Bearer x", "X-Api-Key", "k",
		"If-Match", "x", "X-HTTP-Method-Override", "PUT", "User-Agent", "browser/1", "Content-Type", "application/json", "Idempotency-Key", "1").
		want(t, 400)
	asked := s.preflights()
	if len(asked) != 1 {
		t.Fatalf("the backend was asked %d times", len(asked))
	}
	r := asked[0]
	if r.RequestURI != "/a%20b?x=1&y" || r.ContentLength != 0 {
		t.Errorf("it was asked for %s, with %d bytes", r.RequestURI, r.ContentLength)
	}
	want := map[string]string{"Origin": friend, "Access-Control-Request-Method": "PATCH", "User-Agent": "browser/1"}
	for name, value := range want {
		if r.Header.Get(name) != value {
			t.Errorf("%s: %q", name, r.Header[name])
		}
	}
	for name := range r.Header {
		if want[name] == "" && !strings.HasPrefix(name, "X-Forwarded-") && name != "Accept-Encoding" {
			t.Errorf("it was told %s: %q", name, r.Header[name])
		}
	}
	if r.Header.Get("X-Forwarded-For") == "" {
		t.Error("it was not told who asks")
	}
}

func TestTheBackendIsNotAskedWhereItMayNotBe(t *testing.T) {
	closed := func(f *fleet) { f.cfg.Routes[0].Mode = proxy.Closed }
	for name, tc := range map[string]struct {
		prepare func(*fleet)
		path    string
		header  []string
		status  int
	}{
		"a closed route":          {prepare: closed, path: "/a", status: 403},
		"an odd path":             {path: "//a", status: 400},
		"an odd path to a write":  {path: "/x/%2e%2e/a", status: 400},
		"of the same origin":      {path: "/a", header: []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, status: 409},
		"a form's, not a page's":  {path: "/a", header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, status: 409},
		"two Origin lines":        {path: "/a", header: []string{"Origin", friend}, status: 409},
		"an ambiguous choice":     {path: "/a?action=save&action=x", status: 400, prepare: chosenByAction},
		"a backend that is gone":  {path: "/a", header: []string{"If-Match", `"1"`}, status: 503, prepare: noBackend},
		"gone, and nothing rules": {path: "/a", status: 502, prepare: func(f *fleet) { noBackend(f); f.cfg.Routes[0].Mode = proxy.Off }},
	} {
		t.Run(name, func(t *testing.T) {
			f, b, s := sharingFleet(t)
			if tc.prepare != nil {
				tc.prepare(f)
			}
			dials := &dialled{next: proxy.NewTransport()}
			f.cfg.Transport = dials
			got := f.replica().do("PUT", tc.path, "x", append([]string{"Origin", friend}, tc.header...)...)
			got.want(t, tc.status)
			if len(got.shared()) > 0 || len(s.preflights()) > 0 || dials.options > 0 || len(b.writes()) > 0 {
				t.Errorf("it was asked %d times, the answer has %q", dials.options, got.shared())
			}
			if got.Header.Get("Vary") != "Accept, Origin" {
				t.Errorf("Vary: %q", got.Header["Vary"])
			}
		})
	}
}

// dialled counts the OPTIONS that a transport is given.
type dialled struct {
	next    http.RoundTripper
	options int
}

func (d *dialled) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodOptions {
		d.options++
	}
	return d.next.RoundTrip(r)
}

func noBackend(f *fleet) {
	at := *f.cfg.Upstream
	at.Host = "127.0.0.1:1"
	f.cfg.Upstream = &at
}

func chosenByAction(f *fleet) {
	one, other := f.cfg.Routes[0], f.cfg.Routes[0]
	one.Name, one.When = "save", map[string]string{"action": "save"}
	f.cfg.Routes = []proxy.Route{one, other}
}

func TestAnotherOriginsPermissionIsNotPassedOn(t *testing.T) {
	for _, allowed := range [][]string{{stranger}, {friend, friend}, {"null"}, {friend + ", " + stranger}, {""}} {
		f, _, s := sharingFleet(t)
		s.preflight = func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Access-Control-Allow-Origin"] = allowed
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		if got := f.replica().do("PUT", "/a", "x", "Origin", friend); len(got.shared()) > 0 || len(s.preflights()) != 1 {
			t.Errorf("%q: %q", allowed, got.shared())
		}
	}
}

func TestAPermissionForEverybodyHasNoCredentials(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.preflight = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	got := f.replica().do("PUT", "/a", "x", "Origin", stranger)
	want := map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Proxy-Status"}
	if got.want(t, 409, refusal.Missing); !maps.Equal(got.shared(), want) {
		t.Errorf("%q", got.shared())
	}
}

// A page of which the backend says, to the probe, that it may not read the resource is told nothing by another question either.
func TestASuccessWithoutPermissionIsTheLastWord(t *testing.T) {
	f, b, s := sharingFleet(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodOptions && s.serve(w, r) // GETs are nobody's to read
	})
	got := f.replica().do("PUT", "/a", "x", "Origin", friend, "If-Match", `"old"`)
	if got.want(t, 409, refusal.Stale); len(got.shared()) > 0 || len(s.preflights()) > 0 {
		t.Errorf("%q", got.shared())
	}
}

// What a preflight is answered that a browser would not take for a permission is none.
func TestAPreflightThatFailsAllowsNothing(t *testing.T) {
	for _, status := range []int{302, 400, 403, 404, 405, 500} {
		f, _, s := sharingFleet(t)
		s.preflight = func(w http.ResponseWriter, r *http.Request) { allow(w, r); w.WriteHeader(status) }
		if got := f.replica().do("PUT", "/a", "x", "Origin", friend); len(got.shared()) > 0 || len(s.preflights()) != 1 {
			t.Errorf("%d: %q", status, got.shared())
		}
	}
}

// Whom a cache let in some time ago, the backend may not let in now.
func TestWhatACacheHasKeptIsNoPermission(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.preflight = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	s.last = func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set("Age", "60"); return false }
	got := f.replica().do("PUT", "/a", "x", "Origin", friend, "If-Match", `"old"`)
	if got.want(t, 503, refusal.Unverifiable); len(got.shared()) > 0 || len(s.preflights()) != 1 {
		t.Errorf("%q", got.shared())
	}
}

func TestInterimAnswersToTheQuestionAreNotTheClients(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.preflight = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		s.strict(w, r)
	}
	c, interim := f.replica(), 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { interim++; return nil },
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", nil)
	req.Header.Set("Origin", friend)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := (answer{Response: res}); len(got.shared()) == 0 || interim > 0 {
		t.Errorf("%d interim answers, %q", interim, got.shared())
	}
}

// No page reads the answer to a preflight.
func TestNothingIsAskedAboutAPreflight(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.preflight = hangsUp
	got := f.replica().asks("/a", friend, "if-match")
	if got.want(t, 502, refusal.Backend); len(got.shared()) > 0 || len(s.preflights()) != 1 {
		t.Errorf("%q", got.shared())
	}
}

func TestAForbiddenCallerGetsTheBackendsOwnAnswer(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.last = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }
	got := f.replica().do("PUT", "/a", "x", "Origin", friend, "If-Match", `"old"`)
	want := map[string]string{"Access-Control-Allow-Origin": friend, "Access-Control-Allow-Credentials": "true"}
	if got.want(t, 401); !maps.Equal(got.shared(), want) || len(s.preflights()) > 0 || got.Header.Get("Vary") != "Origin" {
		t.Errorf("%q", got.Header)
	}
}

// Where refusals show nothing, their fields of CORS must not show either what the probe has found.
func TestWhatIsNotDisclosedDoesNotShowInTheFieldsOfCORS(t *testing.T) {
	for _, let := range []bool{true, false} {
		f, _, s := sharingFleet(t)
		f.cfg.Refusals.Disclose = false
		s.onErrors = false // so that what is there looks otherwise than what is not
		if !let {
			s.preflight = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		}
		c := f.replica()
		there, not := c.do("PUT", "/a", "x", "If-Match", `"1"`, "Origin", friend), c.do("PUT", "/none", "x", "If-Match", `"1"`, "Origin", friend)
		there.want(t, 409, refusal.Stale)
		not.want(t, 409, refusal.Stale)
		if !maps.Equal(there.shared(), not.shared()) || (len(there.shared()) > 0) != let {
			t.Errorf("what is there: %q; what is not: %q", there.shared(), not.shared())
		}
	}
}
