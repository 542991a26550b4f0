package proxy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
	"proxy409/metrics"
	"proxy409/proxy"
)

// The benchmarks measure what the guard adds to httputil.ReverseProxy: the backend is a function in this process, and
// the client throws the answer away. All but bare and unguarded are as shipped, with metrics and a log.
//
//	go test ./proxy -run '^$' -bench . -benchmem
const benchResources = 4096

// manyResources is for the benchmark of what grows.
const manyResources = 100_000

// versions is a backend in memory: a counter for each resource.
type versions struct{ counts [manyResources]atomic.Int64 }

func (v *versions) RoundTrip(req *http.Request) (*http.Response, error) {
	i, _ := strconv.Atoi(req.URL.Path[len("/items/"):])
	n := v.counts[i].Load()
	if req.Method == http.MethodPut {
		_ = req.Body.Close()
		n = v.counts[i].Add(1)
	}
	body := `{"id":1,"title":"as short as can be"}`
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Etag": {tagFor(n)}, "Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func tagFor(n int64) string { return `"v` + strconv.FormatInt(n, 10) + `"` }

// sink is a client that throws away what it gets.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func benchRequest(method string, i int) *http.Request {
	req, _ := http.NewRequest(method, fmt.Sprintf("http://proxy.example/items/%d", i), http.NoBody)
	req.RemoteAddr, req.RequestURI = "127.0.0.1:4711", req.URL.Path
	req.Header["User-Agent"], req.Header["Accept"] = []string{"bench"}, []string{"*/*"}
	return req
}

// serve runs one request and checks its status.
func serve(b *testing.B, h http.Handler, req *http.Request, want int) {
	s := &sink{header: make(http.Header, 8)}
	h.ServeHTTP(s, req)
	if s.status != want {
		b.Fatalf("%s %s: %d, want %d", req.Method, req.URL, s.status, want)
	}
}

func bare(backend http.RoundTripper) http.Handler {
	upstream, _ := url.Parse("http://backend.example")
	return &httputil.ReverseProxy{
		Transport: backend,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(upstream)
			pr.SetXForwarded()
		},
	}
}

// shipped is the proxy with everything that the command puts around it.
func shipped(
	b *testing.B, backend http.RoundTripper, store etagcache.Store, options etagcache.Options, routes int, change ...func(*proxy.Route),
) http.Handler {
	rules := []proxy.Route{route()}
	rules[0].Version.TrustWrites = true
	for _, c := range change {
		c(&rules[0])
	}
	for i := 1; i < routes; i++ {
		other := route()
		other.Name, other.Match = fmt.Sprintf("r%d", i), fmt.Sprintf("/r%d/{id}", i)
		rules = append(rules, other)
	}
	var labels []metrics.Route
	for _, r := range rules {
		labels = append(labels, metrics.Route{Name: r.Name, Mode: string(r.Mode)})
	}
	m, err := metrics.New(prometheus.NewRegistry(), labels, metrics.Build{})
	if err != nil {
		b.Fatal(err)
	}
	upstream, _ := url.Parse("http://backend.example")
	p, err := proxy.New(proxy.Config{
		Upstream: upstream, Routes: rules, Transport: backend, Observer: m,
		Cache:    etagcache.New(m.InstrumentStore(store), options),
		Timeouts: proxy.Timeouts{Write: 30 * time.Second, Settle: 30 * time.Second, BusyWait: 2 * time.Second},
		Limits:   proxy.Limits{Body: 16 << 20, Representation: 1 << 20, Tags: 64, Waiters: 64},
		Refusals: proxy.Refusals{Disclose: true},
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Drain(context.Background()) })
	return p
}

func BenchmarkBareReverseProxy(b *testing.B) {
	v := &versions{}
	benchReads(b, bare(v))
}

func BenchmarkUnguarded(b *testing.B) {
	p := shipped(b, &versions{}, memstore.New(memstore.Options{}), etagcache.Options{}, 1, func(r *proxy.Route) { r.Mode = proxy.Off })
	benchReads(b, p)
}

func benchReads(b *testing.B, h http.Handler) {
	for i := range benchResources {
		serve(b, h, benchRequest(http.MethodGet, i), http.StatusOK)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		serve(b, h, benchRequest(http.MethodGet, i%benchResources), http.StatusOK)
		i++
	}
}

func BenchmarkGuarded(b *testing.B) {
	stores := map[string]func(*testing.B) (etagcache.Store, etagcache.Options){
		"memory": func(*testing.B) (etagcache.Store, etagcache.Options) {
			return memstore.New(memstore.Options{}), etagcache.Options{}
		},
		"redis": benchRedis,
	}
	for name, open := range stores {
		guarded := func(b *testing.B, change ...func(*proxy.Route)) (*versions, http.Handler) {
			store, options := open(b)
			v := &versions{}
			return v, shipped(b, v, store, options, 1, change...)
		}
		b.Run("ReadKnown/"+name, func(b *testing.B) {
			_, p := guarded(b)
			benchReads(b, p)
		})
		b.Run("ReadLearns/"+name, func(b *testing.B) {
			v, p := guarded(b)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				v.counts[i%benchResources].Add(1)
				serve(b, p, benchRequest(http.MethodGet, i%benchResources), http.StatusOK)
				i++
			}
		})
		admitted := func(b *testing.B, change ...func(*proxy.Route)) {
			v, p := guarded(b, change...)
			for i := range benchResources {
				serve(b, p, benchRequest(http.MethodGet, i), http.StatusOK)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				req := benchRequest(http.MethodPut, i%benchResources)
				req.Header["If-Match"] = []string{tagFor(v.counts[i%benchResources].Load())}
				serve(b, p, req, http.StatusOK)
				i++
			}
		}
		b.Run("WriteAdmitted/"+name, func(b *testing.B) { admitted(b) })
		b.Run("WriteWithoutReplay/"+name, func(b *testing.B) { admitted(b, func(r *proxy.Route) { r.NoReplay = true }) })
		b.Run("WriteRefused/"+name, func(b *testing.B) {
			_, p := guarded(b)
			for i := range benchResources {
				serve(b, p, benchRequest(http.MethodGet, i), http.StatusOK)
				req := benchRequest(http.MethodPut, i)
				req.Header["If-Match"], req.Header["User-Agent"] = []string{tagFor(0)}, []string{"another"}
				serve(b, p, req, http.StatusOK)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				req := benchRequest(http.MethodPut, i%benchResources)
				req.Header["If-Match"] = []string{tagFor(0)}
				serve(b, p, req, http.StatusConflict)
				i++
			}
		})
	}
}

func benchRedis(b *testing.B) (etagcache.Store, etagcache.Options) {
	server := redistest.Start(b) // skips where there is none
	s, err := redisstore.New(redisstore.Options{URL: server.URL(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s, etagcache.Options{LocalFor: time.Second}
}

// What a read costs must not depend on how many resources are known, nor on how many routes there are.
func BenchmarkGrowth(b *testing.B) {
	for _, resources := range []int{1000, manyResources} {
		for _, routes := range []int{1, 1000} {
			b.Run(fmt.Sprintf("resources=%d/routes=%d", resources, routes), func(b *testing.B) {
				p := shipped(b, &versions{}, memstore.New(memstore.Options{}), etagcache.Options{}, routes)
				for i := range resources {
					serve(b, p, benchRequest(http.MethodGet, i), http.StatusOK)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					serve(b, p, benchRequest(http.MethodGet, i%resources), http.StatusOK)
					i += 7919
				}
			})
		}
	}
}
