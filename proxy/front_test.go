package proxy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// oneBad is a store that cannot give one record.
type oneBad struct {
	etagcache.Store
	bad atomic.Pointer[etagcache.Key]
}

func (s *oneBad) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	reply, err := s.Store.Get(ctx, k)
	if bad := s.bad.Load(); err == nil && bad != nil && *bad == k {
		reply.Value = []byte{255, 255} // of an encoding that a newer replica knows
	}
	return reply, err
}

func TestARecordThatCannotBeReadBlindsNoReadOfAnother(t *testing.T) {
	b := newBackend(t)
	b.texts["/bad"] = "bad"
	f := newFleet(t, b)
	f.cache.LocalFor = 0
	s := &oneBad{Store: f.store.Store}
	f.store.Store = s
	c := f.replica()
	var bad etagcache.Key
	f.store.Store = keySpy{s, func(k etagcache.Key) { bad = k }}
	c.get("/bad")
	f.store.Store = s
	s.bad.Store(&bad)
	c.get("/bad")
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
}

func TestTheHostsSpellingLeadsRoundNoGuard(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "api.example.com/"
	c := f.replica()
	for _, host := range []string{"api.example.com", "api.example.com:80", "API.example.com", "api.example.com."} {
		req, _ := http.NewRequest(http.MethodPut, c.url+"/a", strings.NewReader("x"))
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 409 {
			t.Errorf("Host %s: %d", host, res.StatusCode)
		}
	}
}

func TestAConditionalReadMayUseTheTagThatItWasGiven(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	c := newFleet(t, b).replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	tag := c.get("/a").etag()
	if got := c.get("/a", "If-Match", tag); got.StatusCode != 200 {
		t.Errorf("If-Match: %s, which is current: %d", tag, got.StatusCode)
	}
}

func TestTheQueryReachesTheBackendAsItCame(t *testing.T) {
	b := newBackend(t)
	var got atomic.Value
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool { got.Store(r.URL.RawQuery); return false })
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/guarded/"
	c := f.replica()
	for _, query := range []string{"a=1;b=2", "page=2&sort=a;b", "q=100%", "plain=1"} {
		c.get("/a?" + query)
		if got.Load() != query {
			t.Errorf("?%s came as ?%s", query, got.Load())
		}
	}
}

func TestATagThatNobodyNotedLeavesBareOnNoAnswer(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	c := newFleet(t, b).replica()
	failed := c.get("/a", "If-Match", `"none"`)
	failed.want(t, 412)
	tag := failed.etag() // names the state "one"
	c.do("POST", "/a", "two").want(t, 204)
	c.put("/a", "new", tag).want(t, 409, refusal.Stale)
}

func TestSpellingsOfOneResourceShareItsRecord(t *testing.T) {
	for _, match := range []string{"/", "/items/", "/items/{id}", "/items/{id}/", "/items/{path...}"} {
		t.Run(match, func(t *testing.T) {
			b := newBackend(t)
			for _, p := range []string{"/items/7", "/items/7/", "/items/7;v=1", "/items/%37"} {
				b.texts[p] = "one"
			}
			f := newFleet(t, b)
			f.cfg.Routes[0].Match = match
			c := f.replica()
			tag := c.get("/items/7").etag()
			c.put("/items/7/", "two", tag).want(t, 204)
			c.put("/items/7", "three", tag).want(t, 409, refusal.Stale)
			c.put("/items/%37", "three", tag).want(t, 409, refusal.Stale)
			c.put("/items/x/../7", "three", tag).want(t, 400, refusal.Malformed)
			c.put("/items//7", "three", tag).want(t, 400, refusal.Malformed)
			c.do("PUT", "/items/7", "x", "If_Match", tag).want(t, 409, refusal.Missing)
			c.do("POST", "/items/7", "x", "X-HTTP-Method-Override", "PUT").want(t, 409, refusal.Missing)
			c.do("PUT", "/items/7", "x", "If-Match", tag, "Connection", "If-Match").want(t, 400, refusal.Malformed)
		})
	}
}

func TestUnguardedTrafficPassesAsItIs(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Link", "</s.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "Checksum")
		w.Header().Set("ETag", "not a tag")
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(body)
		w.Header().Set("Checksum", "42")
		return true
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/guarded/"
	c := f.replica()
	hints := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/free//path/%2e", strings.NewReader("second"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if hints != 1 || string(body) != "first second" || res.Trailer.Get("Checksum") != "42" || res.Header.Get("ETag") != "not a tag" {
		t.Errorf("%d hints, body %q, trailer %v, header %v", hints, body, res.Trailer, res.Header)
	}
}
