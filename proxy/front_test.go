package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
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

// TestAnUnsafeRequestInTheFormOfASafeOneIsNeverReplayed: http.Transport replays bodiless GETs on broken connections.
func TestAnUnsafeRequestInTheFormOfASafeOneIsNeverReplayed(t *testing.T) {
	var seen atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if req.Header.Get("X-HTTP-Method-Override") != "" {
						seen.Add(1)
						return
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream = &url.URL{Scheme: "http", Host: l.Addr().String()}
	c := f.replica()
	tag := c.get("/a").etag() // leaves an idle connection
	c.do("GET", "/a", "", "If-Match", tag, "X-HTTP-Method-Override", "DELETE").want(t, 502, refusal.Backend)
	if n := seen.Load(); n != 1 {
		t.Errorf("the write was sent %d times", n)
	}
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
