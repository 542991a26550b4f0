package proxy_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// keysOf serves one read of each target with its own replica of the fleet, and returns the keys under which they were
// looked up; the zero key for one that was not.
func keysOf(f *fleet, targets ...string) []etagcache.Key {
	f.t.Helper()
	var mu sync.Mutex
	var last etagcache.Key
	inner := f.store.Store
	f.store.Store = keySpy{inner, func(k etagcache.Key) { mu.Lock(); last = k; mu.Unlock() }}
	defer func() { f.store.Store = inner }()
	f.cache.LocalFor = 0
	c := f.replica()
	keys := make([]etagcache.Key, len(targets))
	for i, target := range targets {
		host, at, _ := strings.Cut(target, "/")
		last = etagcache.Key{}
		req, err := http.NewRequest(http.MethodGet, c.url, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		path, query, _ := strings.Cut("/"+at, "?")
		req.URL.Opaque, req.URL.RawQuery, req.Host = path, query, host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			f.t.Fatal(err)
		}
		res.Body.Close()
		mu.Lock()
		keys[i] = last
		mu.Unlock()
	}
	return keys
}

func TestAParameterOfTheQueryTellsResourcesApart(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Key.Query = map[string]string{"id": "^[1-9][0-9]*$"}
	keys := keysOf(f, "/api.php?id=7", "/api.php?id=8", "/api.php?page=2&id=7&sort=id", "/api.php?%69d=%37", "/api.php/?id=7", "/other.php?id=7")
	for i, same := range []int{0, 1, 0, 0, 0, 5} {
		if keys[i] != keys[same] || keys[i] == (etagcache.Key{}) {
			t.Errorf("request %d has the key %s, that of %d is %s", i, keys[i], same, keys[same])
		}
	}
	if keys[0] == keys[1] || keys[0] == keys[5] {
		t.Error("two resources have one key")
	}
}

// Each of these is a way to name resource 7 to some backend or other, while the guard looks at another, or at none.
func TestAKeyThatCannotBeToldForCertainIsRefused(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Key.Query = map[string]string{"id": "^[1-9][0-9]*"}
	c := f.replica()
	queries := []string{
		"", "page=7", "id=", "id", "id=x", "id=0", "id=+7", "id=%2B7", "id=07", "id=-7", "id=%EF%BC%97",
		"id=7&id=8", "id=7&id=7", "id=8&ID=7", "id=8&%69%64=7", "ID=7", "Id=7",
		"id[]=7", "id=8&id[]=7", "id=8&id%5B%5D=7", "id[0]=7", "id=8&id[a]=7",
		"id=8&+id=7", "id=8&%20id=7", "id=8&%09id=7", "id=8&id%00=7", "id=8&id%00x=7",
		"id=8;id=7", "x=1;id=7", "id=8;x=1", "id=7;", ";id=7", "id=8&x=1;id=7",
		"id=8%zz", "id=3%37%zz", "id=8%", "id=8%u0037", "id=8%00", "id=8%0A", "id=8%FF",
	}
	for _, q := range queries {
		for _, write := range []string{"PUT", "POST", "DELETE"} {
			got := c.do(write, "/api.php?"+q, "x", "If-Match", `"v-one"`)
			if got.StatusCode != 400 || !strings.Contains(got.body, `"malformed"`) {
				t.Errorf("%s ?%s: %d %s", write, q, got.StatusCode, got.body)
			}
		}
	}
	if len(b.writes()) > 0 {
		t.Errorf("the backend got %q", b.writes())
	}
	for i := range queries {
		queries[i] = "/a?" + queries[i]
	}
	for i, key := range keysOf(f, queries...) {
		if key != (etagcache.Key{}) {
			t.Errorf("a read of ?%s looked at %s", queries[i], key)
		}
	}
	if got := c.get("/a?id=8;id=7"); got.StatusCode != 200 || !strings.Contains(got.etag(), ";p409-") {
		t.Errorf("a read that tells no key: %d with %s, which nobody noted", got.StatusCode, got.etag())
	}
}

func TestParametersWhoseNamesPHPMakesAlikeAreOne(t *testing.T) {
	f := newFleet(t, newBackend(t))
	f.cfg.Routes[0].Key.Query = map[string]string{"user_id": "^[0-9]+$"}
	c := f.replica()
	for _, q := range []string{"user.id=7", "user%20id=7", "user+id=7", "user[id=7", "user_id[]=7"} {
		c.do("PUT", "/a?user_id=8&"+q, "x", "If-Match", `"v-one"`).want(t, 400, refusal.Malformed)
	}
	c.do("PUT", "/a?user_id=8&user=7&user_id2=9", "x", "If-Match", `"v-one"`).want(t, 204)
}

func TestAParameterWithBracketsInItsNameMayBePartOfTheKey(t *testing.T) {
	f := newFleet(t, newBackend(t))
	f.cfg.Routes[0].Key.Query = map[string]string{"filter[id]": "^[0-9]+$"}
	c := f.replica()
	c.do("PUT", "/a?filter[name]=x&filter%5Bid%5D=8", "x", "If-Match", `"v-one"`).want(t, 204)
	c.do("PUT", "/a?filter[id]=8&filter[id][]=7", "x", "If-Match", `"v-x"`).want(t, 400, refusal.Malformed)
}

func TestOfASegmentWhatTheKeyTakesTellsResourcesApart(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/items/{id}"
	f.cfg.Routes[0].Key.Path = map[string]string{"id": "^[0-9]+"}
	plain := newFleet(t, b)
	plain.store = f.store
	plain.cfg.Upstream = f.cfg.Upstream
	keys := keysOf(f, "/items/7", "/items/7-title.json", "/items/7-other", "/items/%37.xml", "/items/7/", "/items/7;v=1", "/items/70", "/items/title-7")
	for i, key := range keys[:6] {
		if key != keys[0] || key == (etagcache.Key{}) {
			t.Errorf("spelling %d has another key", i)
		}
	}
	if keys[6] == keys[0] || keys[7] != (etagcache.Key{}) {
		t.Error("other resources have its key")
	}
	if got := keysOf(plain, "/items/7"); got[0] != keys[0] {
		t.Error("a route that takes the whole segment has another key for /items/7")
	}
	f.replica().do("PUT", "/items/title-7", "x", "If-Match", `"v-one"`).want(t, 400, refusal.Malformed)
}

func TestTheNamesOfOneResourceDoNotDriftEachOther(t *testing.T) {
	b := newBackend(t)
	answering(b, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("this is " + r.URL.Path)) })
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	f.cfg.Routes[0].Match = "/items/{id}"
	f.cfg.Routes[0].Key.Path = map[string]string{"id": "^[0-9]+"}
	f.cfg.Routes[0].Version = fromBody()
	c := f.replica()
	tag := c.get("/items/7-title").etag()
	c.get("/items/7")
	if o.count("drift") > 0 {
		t.Error("a drift, though nobody wrote")
	}
	c.put("/items/7-title", "x", tag).want(t, 204)
	c.put("/items/7", "x", tag).want(t, 409, refusal.Stale)
}

func TestRoutesOverOneResourceShareItsKey(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	id := proxy.Key{Query: map[string]string{"id": "^[0-9]+$"}}
	base := func(change func(u *url.URL)) *url.URL {
		u := *f.cfg.Upstream
		u.Path = "/base"
		change(&u)
		return &u
	}
	slash := base(func(u *url.URL) { u.Path = "/base/" })
	view, save, elsewhere := route(), route(), route()
	view.Match, view.Key, view.Upstream = "/api.php", id, base(func(*url.URL) {})
	save.Match, save.Key, save.Upstream, save.When = "/api.php", id, slash, map[string]string{"action": "save"}
	elsewhere.Match, elsewhere.Upstream = "/base/", f.cfg.Upstream
	elsewhere.Key = id
	f.cfg.Routes = []proxy.Route{save, view, elsewhere}
	keys := keysOf(f, "/api.php?id=7", "/api.php?id=7&action=save", "/base/api.php?id=7")
	if slices.Contains(keys, etagcache.Key{}) || keys[1] != keys[0] || keys[2] != keys[0] {
		t.Errorf("keys %v", keys)
	}
}

func TestAnUpstreamsSpellingLeadsRoundNoRecord(t *testing.T) {
	f := newFleet(t, newBackend(t))
	f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Etag": {`"1"`}}, Body: http.NoBody, Request: r}, nil
	})
	var want etagcache.Key
	for _, spelling := range []string{"http://backend.example", "http://backend.example:80", "http://Backend.Example/"} {
		f.cfg.Upstream, _ = url.Parse(spelling)
		got := keysOf(f, "/a")[0]
		if want == (etagcache.Key{}) {
			want = got
		}
		if got != want {
			t.Errorf("%s has a key of its own", spelling)
		}
	}
}

func TestTwoRequestsForOneResourceOfTheQueryCannotBothWin(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Key.Query = map[string]string{"id": "^[1-9][0-9]*$"}
	c := f.replica()
	tag := c.get("/a?id=7").etag()
	c.put("/a?id=7&x=1", "two", tag).want(t, 204)
	c.put("/a?x=2&%69%64=%37", "three", tag).want(t, 409, refusal.Stale)
}
