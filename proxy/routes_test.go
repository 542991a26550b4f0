package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// whens are three routes of one match: writes of the action save are guarded, of view not, and all else is closed.
func whens(f *fleet) {
	save, view, rest := route(), route(), route()
	save.Name, save.When = "save", map[string]string{"action": "save|delete"}
	view.Name, view.When, view.Mode = "view", map[string]string{"action": "view.*"}, proxy.Off
	rest.Name, rest.Mode = "rest", proxy.Closed
	f.cfg.Routes = []proxy.Route{rest, save, view}
}

func TestTheFirstRouteWhoseWhenFitsCounts(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	whens(f)
	first := route()
	first.When, first.Mode = map[string]string{"action": "view", "draft": "1"}, proxy.Closed
	f.cfg.Routes = append([]proxy.Route{first}, f.cfg.Routes...)
	c := f.replica()
	for _, tc := range []struct {
		query  string
		status int
	}{
		{"action=save", 409},
		{"action=delete", 409},
		{"x=1&action=save&y=2", 409},
		{"%61ction=s%61ve", 409},
		{"action=view", 204},
		{"action=viewer", 204},
		{"action=view&draft=1", 403},
		{"action=view&draft=2", 204},
		{"action=saved", 403}, // the whole value must match
		{"action=", 403},
		{"", 403},
	} {
		if got := c.do("PUT", "/a?"+tc.query, "one"); got.StatusCode != tc.status {
			t.Errorf("?%s: %d, want %d", tc.query, got.StatusCode, tc.status)
		}
	}
}

// Which action the backend takes these for depends on the backend. None may find the way round the guard.
func TestAnActionThatCannotBeToldIsTakenForTheStrictest(t *testing.T) {
	queries := []string{
		"action=view&action=save", "action=save&action=view", "action=view&Action=save", "Action=view", "action[]=view",
		"action=view&action[]=save", "action=view&%20action=save", "x=1;action=view", "action=view;action=save", "action=view%zz",
		"action=view&action%00=save",
	}
	for name, strictest := range map[string]struct {
		mode   proxy.Mode
		status int
	}{"closed": {proxy.Closed, 403}, "enforce": {proxy.Enforce, 400}} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			whens(f)
			f.cfg.Routes[0].Mode = strictest.mode
			c := f.replica()
			for _, q := range queries {
				if got := c.do("PUT", "/a?"+q, "x", "If-Match", `"v-one"`); got.StatusCode != strictest.status {
					t.Errorf("?%s: %d", q, got.StatusCode)
				}
				if got := c.get("/a?" + q); strictest.mode != proxy.Closed && !strings.Contains(got.etag(), ";p409-") {
					t.Errorf("a read of ?%s taught %s", q, got.etag())
				}
			}
			if len(b.writes()) > 0 {
				t.Errorf("the backend got %q", b.writes())
			}
		})
	}
}

func TestARouteHasItsOwnBackendAndHost(t *testing.T) {
	hosts := make(chan string, 10)
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host + r.URL.Path
		w.Header().Set("ETag", `"own"`)
	}))
	t.Cleanup(own.Close)
	b := newBackend(t)
	f := newFleet(t, b)
	at, _ := url.Parse(own.URL + "/base")
	theirs, kept := route(), route()
	theirs.Match, theirs.Upstream, theirs.UpstreamHost = "/theirs/", at, true
	kept.Match, kept.Upstream = "/kept/", at
	f.cfg.Routes = append(f.cfg.Routes, theirs, kept)
	c := f.replica()
	inbound := strings.TrimPrefix(c.url, "http://")
	for path, host := range map[string]string{"/theirs/x": at.Host, "/kept/x": inbound} {
		c.get(path)
		c.put(path, "x", `"unseen"`).want(t, 409, refusal.Stale) // a probe
		c.put(path, "x", `"own"`).want(t, 200)
		for range len(hosts) {
			if got, want := <-hosts, host+"/base"+path; got != want {
				t.Errorf("the backend saw %s, want %s", got, want)
			}
		}
	}
	if got := c.get("/a"); got.body != "one" {
		t.Errorf("another route: %q", got.body)
	}
}

func TestARouteHasItsOwnTimesLimitsAndRefusals(t *testing.T) {
	b := newBackend(t)
	b.texts["/own/a"] = "one"
	f := newFleet(t, b)
	own := route()
	own.Match = "/own/"
	own.Timeouts = &proxy.Timeouts{Write: 150 * time.Millisecond, BusyWait: 10 * time.Millisecond}
	own.Limits = &proxy.Limits{Body: 3, Representation: 3, Tags: 1, Waiters: 1}
	own.Refusals = &proxy.Refusals{Style: refusal.Style{Profile: refusal.RFC9110}}
	f.cfg.Routes = append(f.cfg.Routes, own)
	c := f.replica()
	for path, want := range map[string]struct {
		large, tags, missing, stale int
		stuck                       int
	}{"/a": {204, 204, 409, 409, 204}, "/own/a": {413, 400, 428, 412, 504}} {
		b.set(path, "one")
		c.put(path, "four", c.get(path).etag()).want(t, want.large)
		tag := c.get(path).etag()
		c.put(path, "two", `"x", `+tag).want(t, want.tags)
		c.do("PUT", path, "x").want(t, want.missing)
		c.put(path, "x", `"unseen"`).want(t, want.stale)
		b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return true
				}
				select {
				case <-r.Context().Done():
				case <-time.After(400 * time.Millisecond):
				}
			}
			return false
		})
		c.put(path, "two", c.get(path).etag()).want(t, want.stuck)
		b.intercept(nil)
	}
}

func TestARoutesOwnLimitHoldsForTheVersionsItMakes(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	own := route()
	own.Match, own.Version, own.Limits = "/a", fromBody(), &proxy.Limits{Body: 1 << 20, Representation: 2, Tags: 64, Waiters: 64}
	f.cfg.Routes = []proxy.Route{own}
	f.replica().put("/a", "x", `"x"`).want(t, 409, refusal.Unversioned)
}

func TestAPatternMatchesWhatTheResourceIsCalled(t *testing.T) {
	for _, tc := range []struct{ match, path, read, want string }{
		{"/items/{id}", "/items/7", "/r/{id}", "/r/7"},
		{"/items/{id}/", "/items/7", "/r/{id}", "/r/7"},
		{"/items/{id}/{$}", "/items/7", "/r/{id}", "/r/7"},
		{"/items/{rest...}", "/items", "/r/{rest}", "/r/"},
		{"/items/{rest...}", "/items/7/parts/a%20b", "/r/{rest}", "/r/7/parts/a%20b"},
		{"/{rest...}", "/", "/r/{rest}", "/r/"},
		{"/items/{a}/x/{b...}", "/items/1/x/2/3", "/r?a={a}&b={b}", "/r?a=1&b=2%2F3"},
	} {
		t.Run(tc.match+" "+tc.path, func(t *testing.T) {
			b := newBackend(t)
			var asked atomic.Value
			answering(b, func(w http.ResponseWriter, r *http.Request) {
				asked.Store(r.URL.RequestURI())
				fmt.Fprint(w, "one")
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Match, f.cfg.Routes[0].Version.Read = tc.match, tc.read
			f.replica().put(tc.path, "x", `"of-the-backend"`).want(t, 204)
			if asked.Load() != tc.want {
				t.Errorf("the backend was asked for %v", asked.Load())
			}
		})
	}
}
