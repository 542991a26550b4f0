package proxy_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// asks sends a preflight for a PUT with these fields.
func (c *client) asks(path, origin, fields string, more ...string) answer {
	c.t.Helper()
	header := []string{"Origin", origin, "Access-Control-Request-Method", "PUT"}
	if fields != "" {
		header = append(header, "Access-Control-Request-Headers", fields)
	}
	return c.do("OPTIONS", path, "", append(header, more...)...)
}

// lets reports whether a browser would send a request of the method with these fields, credentials and all.
func (a answer) lets(origin, method string, fields ...string) bool {
	has := func(name, want string) bool {
		return slices.ContainsFunc(strings.Split(a.Header.Get(name), ","), func(s string) bool {
			return strings.EqualFold(strings.TrimSpace(s), want)
		})
	}
	for _, f := range fields {
		if !has("Access-Control-Allow-Headers", f) {
			return false
		}
	}
	return a.StatusCode/100 == 2 && slices.Equal(a.Header.Values("Access-Control-Allow-Origin"), []string{origin}) &&
		a.Header.Get("Access-Control-Allow-Credentials") == "true" && has("Access-Control-Allow-Methods", method)
}

func TestAPageMaySendIfMatchWhereTheBackendLetsItIn(t *testing.T) {
	f, b, s := sharingFleet(t)
	c := f.replica()
	if got := c.asks("/a", friend, "content-type,if-match,if-none-match"); !got.lets(friend, "PUT", "content-type", "if-match", "if-none-match") {
		t.Errorf("%d %q", got.StatusCode, got.Header)
	}
	if asked := s.preflights(); len(asked) != 1 || !slices.Equal(asked[0].Header["Access-Control-Request-Headers"], []string{"content-type"}) {
		t.Errorf("the backend was asked otherwise: %v", asked)
	}
	if got := c.asks("/a", friend, "if-match"); !got.lets(friend, "PUT", "if-match") || got.lets(friend, "PUT", "if-none-match") {
		t.Errorf("%d %q", got.StatusCode, got.Header)
	}
	got := c.asks("/a", friend, "content-type")
	if want := "content-type"; got.Header.Get("Access-Control-Allow-Headers") != want {
		t.Errorf("what the browser did not ask for is allowed: %q", got.Header)
	}
	for _, tc := range []struct{ origin, fields string }{{stranger, "if-match"}, {friend, "if-match,x-secret"}, {stranger, ""}, {"null", "if-match"}} {
		got := c.asks("/a", tc.origin, tc.fields)
		if got.want(t, 403); len(got.shared()) > 0 {
			t.Errorf("%v: %q", tc, got.shared())
		}
	}
	if len(b.writes()) > 0 {
		t.Errorf("the backend got %q", b.writes())
	}
}

func TestNoMethodIsAddedToWhatAPageMaySend(t *testing.T) {
	f, _, s := sharingFleet(t)
	s.preflight = func(w http.ResponseWriter, r *http.Request) {
		allow(w, r)
		w.Header().Set("Access-Control-Allow-Methods", "GET")
		w.WriteHeader(http.StatusNoContent)
	}
	got := f.replica().asks("/a", friend, "if-match")
	if got.Header.Get("Access-Control-Allow-Methods") != "GET" || got.lets(friend, "PUT", "if-match") {
		t.Errorf("%q", got.shared())
	}
}

func TestWhatIsNotGuardedIsNotTouched(t *testing.T) {
	f, _, s := sharingFleet(t)
	f.cfg.Routes[0].Mode = proxy.Off
	c := f.replica()
	c.asks("/a", friend, "if-match").want(t, 403)
	if asked := s.preflights(); asked[0].Header.Get("Access-Control-Request-Headers") != "if-match" {
		t.Errorf("%v", asked[0].Header)
	}
	if got := c.get("/a", "Origin", friend); got.shared()["Access-Control-Expose-Headers"] != "" {
		t.Errorf("%q", got.shared())
	}
}

func TestAnAnswerOfTheBackendExposesItsETagToWhoMayReadIt(t *testing.T) {
	f, b, s := sharingFleet(t)
	s.last = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Access-Control-Expose-Headers", "X-Total")
		return false
	}
	b.answerWrites(func(w http.ResponseWriter, _ *http.Request) int {
		w.Header().Set("ETag", `"v-two"`)
		return 200
	})
	c := f.replica()
	first := c.get("/a", "Origin", friend)
	want := map[string]string{
		"Access-Control-Allow-Origin": friend, "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-Total, ETag",
	}
	for _, got := range []answer{
		first, c.do("HEAD", "/a", "", "Origin", friend), c.get("/a", "Origin", friend, "If-None-Match", first.etag()),
		c.do("PUT", "/a", "two", "Origin", friend, "If-Match", first.etag()),
	} {
		if !maps.Equal(got.shared(), want) || got.etag() == "" {
			t.Errorf("%s %d: %q", got.Request.Method, got.StatusCode, got.Header)
		}
	}
	if got := c.get("/a", "Origin", stranger).shared(); got["Access-Control-Expose-Headers"] != "X-Total" || len(got) != 1 {
		t.Errorf("a stranger gets %q", got)
	}
	if got := c.get("/none", "Origin", friend).shared(); got["Access-Control-Expose-Headers"] != "X-Total" {
		t.Errorf("an ETag that is not there is exposed: %q", got)
	}
	if len(s.preflights()) > 0 {
		t.Error("the backend was asked about what it answered itself")
	}
}

func TestAMadeETagIsExposed(t *testing.T) {
	f, _, _ := sharingFleet(t)
	f.cfg.Routes[0].Version = fromBody()
	c := f.replica()
	got := c.get("/a", "Origin", friend)
	if got.etag() == "" || got.shared()["Access-Control-Expose-Headers"] != "ETag" {
		t.Errorf("%q", got.Header)
	}
	c.do("PUT", "/a", "two", "If-Match", got.etag(), "Origin", friend).want(t, 204)
	stale := c.do("PUT", "/a", "three", "If-Match", got.etag(), "Origin", friend)
	if stale.want(t, 409, refusal.Stale); !maps.Equal(stale.shared(), granted(stale)) {
		t.Errorf("%q", stale.shared())
	}
}

// writesOnAnything is a backend whose script looks at the parameters alone, whatever the method is, as PHP does. It has the
// fields of CORS on everything.
func writesOnAnything(t *testing.T, read string) (c *client, saved *atomic.Int32, asked func() []string) {
	b := newBackend(t)
	saved = &atomic.Int32{}
	asked = targets(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Query().Get("action") == "save" {
			saved.Add(1)
		}
		allow(w, r)
		w.Header().Set("Access-Control-Allow-Methods", "PUT")
		w.Header().Set("ETag", `"1"`)
	})
	f := newFleet(t, b)
	r := &f.cfg.Routes[0]
	r.Match, r.Guard, r.Pass, r.CORS, r.Version.Read = "/api.php", []string{"GET", "POST"}, nil, true, read
	r.Key.Query = map[string]string{"id": "^[0-9]+$"}
	return f.replica(), saved, asked
}

func TestAPreflightToABackendThatWritesOnEverythingWritesNothing(t *testing.T) {
	const save = "/api.php?action=save&id=7"
	c, saved, asked := writesOnAnything(t, "/api.php?action=get&id={id}")
	got := c.asks(save, friend, "if-match", "Cookie", "session=1", "X-HTTP-Method-Override", "GET", "X-Original-URL", save)
	if !got.lets(friend, "PUT", "if-match") {
		t.Errorf("%d %q", got.StatusCode, got.Header)
	}
	if got := asked(); !slices.Equal(got, []string{"OPTIONS /api.php?action=get&id=7"}) {
		t.Errorf("the backend got %q", got)
	}
	if got := c.asks(save, stranger, "if-match"); len(got.shared()) != 1 { // the methods
		t.Errorf("a stranger gets %q", got.shared())
	}
	asked()
	// What is refused there is asked about there.
	refused := c.do("GET", save, "", "Origin", friend)
	if refused.want(t, 409, refusal.Missing); !maps.Equal(refused.shared(), granted(refused)) {
		t.Errorf("%q", refused.shared())
	}
	if got := asked(); !slices.Equal(got, []string{"OPTIONS /api.php?action=get&id=7"}) {
		t.Errorf("the backend got %q", got)
	}
	// What is no preflight, or has no one resource, is judged as ever.
	c.do("OPTIONS", save, "").want(t, 409, refusal.Missing)
	c.do("OPTIONS", save, "", "Origin", friend).want(t, 409, refusal.Missing)
	c.asks(save, friend, "if-match", "X-HTTP-Method-Override", "PUT").want(t, 409, refusal.Missing)
	c.asks("/api.php?action=save", friend, "if-match").want(t, 400, refusal.Malformed)
	c.asks("/api.php?action=save&id=7&id=8", friend, "if-match").want(t, 400, refusal.Malformed)
	c.asks("/api.php;x?action=save&id=7", friend, "if-match").want(t, 409, refusal.Missing)
	c.asks("//api.php?action=save&id=7", friend, "if-match").want(t, 400, refusal.Malformed)
	asked()
	c.do("GET", "/api.php?action=save", "", "Origin", friend).want(t, 400, refusal.Malformed)
	if got := asked(); len(got) > 0 {
		t.Errorf("the backend got %q", got)
	}
	if n := saved.Load(); n != 0 {
		t.Errorf("%d preflights were taken for writes", n)
	}
}

func TestAPreflightIsExplainedAsItIsSent(t *testing.T) {
	c, _, _ := writesOnAnything(t, "/api.php?action=get&id={id}")
	r := httptest.NewRequest("OPTIONS", "/api.php?action=save&id=7", nil)
	r.Header = http.Header{"Origin": {friend}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"if-match"}}
	e := c.proxy.Explain(r)
	if e.Kind != proxy.KindUntouched || e.Refused != nil || e.Sent.URL.RequestURI() != "/api.php?action=get&id=7" || e.Sent.Header.Get("Access-Control-Request-Headers") != "" {
		t.Errorf("%+v", e)
	}
	r = httptest.NewRequest("OPTIONS", "/api.php?action=save&id=7", nil)
	if e := c.proxy.Explain(r); e.Kind != proxy.KindJudged || e.Refused == nil {
		t.Errorf("what is no preflight: %+v", e)
	}
}

// By the path of another resource the backend may let others in.
func TestAPreflightIsNotAnsweredByThePolicyOfAnotherPath(t *testing.T) {
	c, saved, asked := writesOnAnything(t, "/doc/{id}")
	got := c.asks("/api.php?action=save&id=7", friend, "if-match")
	if got.want(t, 409, refusal.Missing); len(got.shared()) > 0 || len(asked()) > 0 || saved.Load() > 0 {
		t.Errorf("%q", got.Header)
	}
}

// What the preflight is for is the point of it: the page reads, writes, and reads why it was refused.
func TestAPageReadsWritesAndReadsWhyItWasRefused(t *testing.T) {
	f, b, _ := sharingFleet(t)
	c := f.replica()
	tag := c.get("/a", "Origin", friend).etag()
	if !c.asks("/a", friend, "if-match").lets(friend, "PUT", "if-match") {
		t.Fatal("the page may not write")
	}
	c.do("PUT", "/a", "two", "Origin", friend, "If-Match", tag).want(t, 204)
	got := c.do("PUT", "/a", "three", "Origin", friend, "If-Match", tag)
	if got.want(t, 409, refusal.Stale); !maps.Equal(got.shared(), granted(got)) {
		t.Errorf("%q", got.shared())
	}
	if want := []string{"PUT /a two"}; !slices.Equal(b.writes(), want) {
		t.Errorf("the backend got %q", b.writes())
	}
}
