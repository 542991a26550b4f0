package proxy_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// fleet is one or more replicas over one store.
type fleet struct {
	t     testing.TB
	store *faultyStore
	cfg   proxy.Config
	cache etagcache.Options
	logs  *syncBuffer
}

func newFleet(t testing.TB, b *backend) *fleet {
	u, _ := url.Parse(b.URL)
	logs := &syncBuffer{}
	return &fleet{
		t: t, store: &faultyStore{Store: memstore.New(memstore.Options{})}, logs: logs,
		cache: etagcache.Options{LocalFor: time.Second},
		cfg: proxy.Config{
			Upstream: u,
			Routes:   []proxy.Route{route()},
			Timeouts: proxy.Timeouts{Write: 2 * time.Second, Settle: 100 * time.Millisecond, BusyWait: time.Second},
			Limits:   proxy.Limits{Body: 1 << 20, Representation: 1 << 20, Tags: 64, Waiters: 64},
			Refusals: proxy.Refusals{Disclose: true},
			Logger:   slog.New(slog.NewTextHandler(logs, nil)),
		},
	}
}

func route() proxy.Route {
	return proxy.Route{
		Name: "all", Match: "/", Mode: proxy.Enforce, Missing: proxy.MissingReject,
		Guard: []string{"PUT", "PATCH", "DELETE"}, Pass: []string{"POST"},
	}
}

// replica starts one more proxy.
func (f *fleet) replica() *client {
	f.t.Helper()
	cfg := f.cfg
	cfg.Cache = etagcache.New(f.store, f.cache)
	p, err := proxy.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	s := httptest.NewServer(p)
	f.t.Cleanup(func() {
		s.Close()
		if err := p.Drain(context.Background()); err != nil {
			f.t.Error(err)
		}
	})
	return &client{t: f.t, url: s.URL, proxy: p}
}

// client sends requests to one replica.
type client struct {
	t     testing.TB
	url   string
	proxy *proxy.Proxy
}

type answer struct {
	*http.Response
	body string
}

func (a answer) etag() string { return a.Header.Get("ETag") }

func (c *client) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.attempt(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// attempt is do for an answer that may break off, or never come: then there is no response.
func (c *client) attempt(method, path, body string, header ...string) (answer, error) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	return answer{res, string(content)}, err
}

func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, "", header...)
}

func (c *client) put(path, body, match string) answer {
	c.t.Helper()
	return c.do(http.MethodPut, path, body, "If-Match", match)
}

// want checks a status and, for a refusal, its reason.
func (a answer) want(t testing.TB, status int, reason ...refusal.Reason) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d; body: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	for _, r := range reason {
		if !strings.Contains(a.body, `"reason":"`+r.String()+`"`) {
			t.Fatalf("%s %s: want reason %s; body: %s", a.Request.Method, a.Request.URL.Path, r, a.body)
		}
	}
}

// faultyStore is a store that fails on demand.
type faultyStore struct {
	etagcache.Store
	mu   sync.Mutex
	down error
	gets int
	// swaps counts them.
	swaps int
}

func (s *faultyStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *faultyStore) trips() (gets, swaps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.swaps
}

func (s *faultyStore) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	s.mu.Lock()
	s.gets++
	err := s.down
	s.mu.Unlock()
	if err != nil {
		return etagcache.Reply{}, err
	}
	return s.Store.Get(ctx, k)
}

func (s *faultyStore) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	s.mu.Lock()
	s.swaps++
	err := s.down
	s.mu.Unlock()
	if err != nil {
		return etagcache.Reply{}, err
	}
	return s.Store.Swap(ctx, k, c)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
