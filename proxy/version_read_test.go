package proxy_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// targets makes the backend note what it is asked for, and returns what it was asked for since the last call.
func targets(b *backend, answer http.HandlerFunc) func() []string {
	var mu sync.Mutex
	var seen []string
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.RequestURI)
		mu.Unlock()
		answer(w, r)
		return true
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		was := seen
		seen = nil
		return was
	}
}

func tagged(tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", tag) }
}

func TestTheVersionIsAskedForWhereTheRouteSays(t *testing.T) {
	for _, tc := range []struct {
		name, match, read, write, want string
		key                            proxy.Key
		base                           string
	}{
		{name: "elsewhere", match: "/save", read: "/doc", write: "/save?x=1", want: "/doc"},
		{name: "with a query", match: "/save", read: "/doc?as=json&x", write: "/save?y=1", want: "/doc?as=json&x"},
		{name: "with a wildcard", match: "/items/{id}/save", read: "/items/{id}.json", write: "/items/7/save", want: "/items/7.json"},
		{name: "escaped", match: "/items/{id}/save", read: "/items/{id}?id={id}", write: "/items/a%20b%26c%5Bd%25/save", want: "/items/a%20b&c%5Bd%25?id=a+b%26c%5Bd%25"},
		{
			name: "with a parameter", match: "/api.php", read: "/view/{id}?id={id}&do=get", write: "/api.php?do=save&id=7&x=1", want: "/view/7?id=7&do=get",
			key: proxy.Key{Query: map[string]string{"id": "^[0-9]+"}},
		},
		{
			name: "with what the key takes of a parameter", match: "/api.php", read: "/view/{id}", write: "/api.php?id=7-title", want: "/view/7",
			key: proxy.Key{Query: map[string]string{"id": "^[0-9]+"}},
		},
		{
			name: "a slash in a parameter stays in its segment", match: "/api.php", read: "/view/{id}/raw", write: "/api.php?id=a/../b", want: "/view/a%2F..%2Fb/raw",
			key: proxy.Key{Query: map[string]string{"id": ".+"}},
		},
		{
			name: "with what the key takes of a segment", match: "/items/{id}/save", read: "/items/{id}", write: "/items/7-title/save", want: "/items/7",
			key: proxy.Key{Path: map[string]string{"id": "^[0-9]+"}},
		},
		{name: "below the upstream's path", match: "/items/{id}/save", read: "/items/{id}", write: "/items/7/save", want: "/base/items/7", base: "/base/"},
		{
			name: "not said: at the path, with the key's parameters", match: "/api.php", write: "/api.php?do=save&lang=de&id=7", want: "/base/api.php?id=7&lang=de", base: "/base",
			key: proxy.Key{Query: map[string]string{"id": "^[0-9]+$", "lang": "^[a-z]+$"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			seen := targets(b, tagged(`"1"`))
			f := newFleet(t, b)
			f.cfg.Upstream, _ = url.Parse(b.URL + tc.base)
			r := &f.cfg.Routes[0]
			r.Match, r.Version.Read, r.Key = tc.match, tc.read, tc.key
			f.replica().put(tc.write, "x", `"1"`).want(t, 200)
			if got, want := seen(), []string{"GET " + tc.want, "PUT " + strings.TrimSuffix(tc.base, "/") + tc.write}; !slices.Equal(got, want) {
				t.Errorf("the backend got %q, want %q", got, want)
			}
		})
	}
}

func TestWhereTheRouteSaysWhatToAskThereIsNoSecondQuestion(t *testing.T) {
	for read, probes := range map[string]int{"": 2, "/doc": 1} {
		b := newBackend(t)
		seen := targets(b, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
		f := newFleet(t, b)
		f.cfg.Routes[0].Version.Read = read
		f.replica().do("PUT", "/items/%37", "x", "If-Match", `"1"`).want(t, 409, refusal.Absent)
		if got := seen(); len(got) != probes {
			t.Errorf("version.read %q: the backend got %q", read, got)
		}
	}
}

func TestAMadeVersionIsReadWhereTheRouteSays(t *testing.T) {
	b := newBackend(t)
	rev := 1
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/status/7":
			fmt.Fprintf(w, `{"rev":%d}`, rev)
		case r.Method == http.MethodPut:
			rev++
		default:
			t.Errorf("the backend was asked for %s", r.URL)
		}
		return true
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/items/{id}"
	f.cfg.Routes[0].Version = fromJSON()
	f.cfg.Routes[0].Version.Source.Pointer = "/rev"
	f.cfg.Routes[0].Version.Read = "/status/{id}"
	f.cfg.Routes[0].Version.Reread = true
	c := f.replica()
	next := c.put("/items/7", "x", `"1"`)
	if next.want(t, 200); next.etag() != `"2"` {
		t.Errorf("the next tag is %s", next.etag())
	}
	c.put("/items/7", "y", `"1"`).want(t, 409, refusal.Stale)
	c.put("/items/7", "x", `"2"`).want(t, 200)
}

// actionFleet guards /do, which acts on GET; the version of what it acts on is read at /doc.
func actionFleet(t *testing.T) (f *fleet, acts, reads func() int) {
	b := newBackend(t)
	var mu sync.Mutex
	var acted, read int
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/doc" {
			read++
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, acted))
		} else {
			acted++
		}
		return true
	})
	f = newFleet(t, b)
	r := &f.cfg.Routes[0]
	r.Match, r.Guard, r.Version.Read = "/do", []string{"GET", "POST"}, "/doc"
	r.Pass = nil
	count := func(n *int) func() int {
		return func() int { mu.Lock(); defer mu.Unlock(); return *n }
	}
	return f, count(&acted), count(&read)
}

func TestAGETThatWritesIsJudged(t *testing.T) {
	f, acts, _ := actionFleet(t)
	c := f.replica()
	for _, method := range []string{"GET", "HEAD"} {
		for _, tc := range []struct {
			match  string
			status int
		}{{"", 409}, {`"old"`, 409}, {"*", 409}} {
			header := []string{"If-Match", tc.match}
			if tc.match == "" {
				header = nil
			}
			if got := c.do(method, "/do", "", header...); got.StatusCode != tc.status || method == "HEAD" && got.body != "" {
				t.Errorf("%s with If-Match %s: %d %q", method, tc.match, got.StatusCode, got.body)
			}
		}
	}
	if acts() != 0 {
		t.Errorf("the backend acted %d times", acts())
	}
	for i, method := range []string{"GET", "HEAD", "POST", "GET"} {
		c.do(method, "/do", "", "If-Match", fmt.Sprintf(`"%d"`, i)).want(t, 200)
		c.do(method, "/do", "", "If-Match", fmt.Sprintf(`"%d"`, i), "X-Caller", "another").want(t, 409)
		if acts() != i+1 {
			t.Errorf("%s: the backend acted %d times", method, acts())
		}
	}
	f.store.fail(errors.New("down"))
	c.do("GET", "/do", "", "If-Match", `"4"`).want(t, 503, refusal.Store)
	if acts() != 4 {
		t.Errorf("without the store the backend acted")
	}
}

func TestOfManyGETsThatWriteOneActs(t *testing.T) {
	f, acts, _ := actionFleet(t)
	replicas := []*client{f.replica(), f.replica()}
	var clients sync.WaitGroup
	for i := range 10 {
		clients.Go(func() { replicas[i%2].do("GET", "/do", "", "If-Match", `"0"`) })
	}
	clients.Wait()
	if acts() != 1 {
		t.Errorf("the backend acted %d times", acts())
	}
}

func TestAGETThatWritesIsNeverReplayed(t *testing.T) {
	at, writes := hangUpOn(t, func(r *http.Request) bool { return r.URL.Path == "/do" })
	f, _, _ := actionFleet(t)
	f.cfg.Upstream = at
	c := f.replica()
	c.do("GET", "/do", "", "If-Match", `"1"`).want(t, 502, refusal.Backend) // the probe leaves an idle connection
	c.do("OPTIONS", "/do", "")
	if n := writes.Load(); n > 2 {
		t.Errorf("the write was sent %d times", n)
	}
	before := writes.Load()
	f.cfg.Routes[0].Mode = proxy.Observe
	o := f.replica()
	o.do("HEAD", "/do", "")
	if n := writes.Load() - before; n != 1 {
		t.Errorf("a HEAD that writes was sent %d times", n)
	}
}

func TestARouteThatGuardsGETMustSayWhereToRead(t *testing.T) {
	f, _, _ := actionFleet(t)
	f.cfg.Routes[0].Version.Read = ""
	if err := f.configured(); err == nil || !strings.Contains(err.Error(), "routes[0].version.read") {
		t.Errorf("%v", err)
	}
}

func TestABadTargetOfReadsIsAProblemOfTheConfiguration(t *testing.T) {
	for _, read := range []string{"doc", "/doc/{id", "/doc/{no}", "/doc/%zz", "/doc/%2{id}"} {
		f := newFleet(t, newBackend(t))
		f.cfg.Routes[0].Match, f.cfg.Routes[0].Version.Read = "/items/{id}", read
		if err := f.configured(); err == nil || !strings.Contains(err.Error(), "routes[0].version.read") {
			t.Errorf("%s: %v", read, err)
		}
	}
}
