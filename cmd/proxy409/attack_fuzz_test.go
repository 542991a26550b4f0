package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// TestNoSpellingReachesADocumentPastItsRecord sends requests that are put together from all kinds of spellings. Whatever the lenient
// backend applies to a document was sent with its present tag, and moved the one record that the document has.
func TestNoSpellingReachesADocumentPastItsRecord(t *testing.T) {
	rapid.Check(t, pastNoRecord)
}

// FuzzSpellings does so for as long as it is let.
func FuzzSpellings(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(pastNoRecord))
}

func pastNoRecord(t *rapid.T) {
	r := newFuzzRange(t)
	for range rapid.IntRange(1, 12).Draw(t, "requests") {
		r.send(t, drawRequest(t, r))
	}
}

// fuzzRange is a proxy and the lenient backend without a network between them.
type fuzzRange struct {
	t       *rapid.T
	backend *lenient
	proxy   *proxy.Proxy
	store   *spy
	keys    map[string]etagcache.Key // of each document, in plain spelling
	raw     string                   // the request under way
}

func newFuzzRange(t *rapid.T) *fuzzRange {
	r := &fuzzRange{
		t: t, backend: newLenient(framing{chunkedWins: true}),
		store: &spy{Store: memstore.New(memstore.Options{})}, keys: map[string]etagcache.Key{},
	}
	id := proxy.Key{Query: map[string]string{"id": "^[1-9][0-9]*$"}}
	writes := []string{"PUT", "PATCH", "DELETE"}
	cfg := proxy.Config{
		Upstream: &url.URL{Scheme: "http", Host: "lenient.invalid"}, Transport: wireless{r.backend},
		Cache:    etagcache.New(r.store, etagcache.Options{}),
		Timeouts: proxy.Timeouts{Write: time.Minute, BusyWait: time.Second},
		Limits:   proxy.Limits{Body: 1 << 16, Representation: 1 << 16, Tags: 64, Waiters: 8},
		Logger:   slog.New(slog.DiscardHandler),
		Routes: []proxy.Route{
			{Name: "items", Match: "/items/{id}"},
			{Name: "folded", Match: "/folded/{id}", Key: proxy.Key{FoldCase: true}},
			{Name: "allowed", Match: "/allowed/{id}", AllowOdd: true},
			{Name: "hosted", Match: "api.example.com/hosted/{id}"},
			{Name: "shut", Match: "/shut/", Mode: proxy.Closed},
			{Name: "strict", Match: "/strict/{id}", Guard: append(writes, "POST")},
			{Name: "legacy", Match: "/legacy.php", Guard: append(writes, "POST"), Key: id},
		},
		Refusals: proxy.Refusals{Style: refusal.Style{}, Disclose: true},
	}
	for i := range cfg.Routes {
		p := &cfg.Routes[i]
		if p.Mode == "" {
			p.Mode = proxy.Enforce
		}
		if p.Missing = proxy.MissingReject; p.Guard == nil {
			p.Guard, p.Pass = writes, []string{"POST"}
		}
	}
	var err error
	if r.proxy, err = proxy.New(cfg); err != nil {
		t.Fatal(err)
	}
	for _, name := range documents {
		if name != "/shut/a" {
			r.send(t, "GET "+name+" HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
			r.keys[name] = r.store.last
		}
	}
	r.backend.applies = r.applies
	return r
}

// send lets the proxy serve the request, if net/http takes it for one.
func (r *fuzzRange) send(t *rapid.T, raw string) {
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return
	}
	req.RemoteAddr = "192.0.2.1:1234"
	r.raw = raw
	r.store.forget()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	rec := httptest.NewRecorder()
	r.proxy.ServeHTTP(rec, req.WithContext(ctx))
	if rec.Code >= http.StatusInternalServerError {
		t.Logf("%q is answered %d: %s", raw, rec.Code, rec.Body)
	}
}

// applies is told of a write just before it is applied.
func (r *fuzzRange) applies(a application, d *item) {
	key, guarded := r.keys[a.document]
	switch {
	case !guarded:
		r.t.Fatalf("%q reaches %s, which is closed, as\n%s", r.raw, a.document, a.message.head)
	case !r.store.moved(key):
		r.t.Fatalf("%q is applied to %s, whose record was not moved:\n%s", r.raw, a.document, a)
	case a.method != "MOVE" && a.method != "COPY" && !strings.Contains(r.raw, d.tag()):
		r.t.Fatalf("%q is applied to %s, whose tag is %s:\n%s", r.raw, a.document, d.tag(), a)
	}
}

// wireless hands requests to the lenient backend as the bytes that would be sent.
type wireless struct{ backend *lenient }

// RoundTrip implements http.RoundTripper.
func (w wireless) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent bytes.Buffer
	if err := req.Write(&sent); err != nil {
		return nil, err
	}
	m, err := w.backend.framing.read(bufio.NewReader(&sent), func() {})
	if err != nil {
		return nil, err
	}
	if sent.Len() > 0 {
		return nil, fmt.Errorf("the backend has read only a part of the request, and left %q", sent.String())
	}
	return http.ReadResponse(bufio.NewReader(strings.NewReader(w.backend.answer(m))), req)
}

// spy is a store that tells which records were asked for and moved.
type spy struct {
	etagcache.Store
	mu      sync.Mutex
	last    etagcache.Key
	swapped []etagcache.Key
}

// Get implements etagcache.Store.
func (s *spy) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	s.mu.Lock()
	s.last = k
	s.mu.Unlock()
	return s.Store.Get(ctx, k)
}

// Swap implements etagcache.Store.
func (s *spy) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	reply, err := s.Store.Swap(ctx, k, c)
	if err == nil && reply.Swapped {
		s.mu.Lock()
		s.swapped = append(s.swapped, k)
		s.mu.Unlock()
	}
	return reply, err
}

func (s *spy) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swapped = nil
}

func (s *spy) moved(k etagcache.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.swapped, k)
}
