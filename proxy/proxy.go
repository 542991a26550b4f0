package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"proxy409/proxy/refusal"
)

// Proxy is the reverse proxy with the guard in it. It is an http.Handler, safe for concurrent use.
type Proxy struct {
	routes  *routes
	reverse *httputil.ReverseProxy
	guard   *guard
}

// New checks the configuration and prepares a proxy. It does no I/O. An error is a [Problem] where the configuration is
// to blame.
func New(cfg Config) (*Proxy, error) {
	if cfg.Upstream == nil || cfg.Upstream.Host == "" {
		return nil, Problem{Path: "upstream", Message: "a URL with a host is required"}
	}
	if cfg.Cache == nil {
		return nil, errors.New("proxy: a cache is required")
	}
	if cfg.Transport == nil {
		cfg.Transport = NewTransport()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	rs, err := newRoutes(&cfg)
	if err != nil {
		return nil, err
	}
	g := &guard{
		cache: cfg.Cache, next: cfg.Transport,
		log: cfg.Logger, observer: cfg.Observer, began: time.Now(),
		queue: newQueue(), routes: rs, silence: cfg.Silence, memory: newBudget(cfg.Held, cfg.Observer),
	}
	p := &Proxy{routes: rs, guard: g}
	p.reverse = &httputil.ReverseProxy{
		Transport:    g,
		BufferPool:   newBufferPool(),
		ErrorLog:     QuietLog(cfg.Logger),
		Rewrite:      trusted(cfg.TrustedProxies).rewrite,
		ErrorHandler: p.failed,
	}
	return p, nil
}

// ServeHTTP passes a request on: the handler in front finds the route and what is wrong with the request, the reverse
// proxy does what it always does, and the guard in it decides.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{arrived: time.Now(), body: &body{memory: p.guard.memory, client: w}}
	defer x.release()
	p.examine(r, x)
	defer p.report(r, x)
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// failed answers for what the reverse proxy itself could not do; errors of the backend are answered by the guard.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	o := x.transportObjection(err)
	if errors.Is(err, errLeftBefore) { // perhaps only in one direction
		o = malformed("The request did not come to its end. Nothing was sent to the backend.")
	}
	style := x.route.refusals.Style
	x.status, x.cause = style.StatusOf(o.reason), err
	if r.Context().Err() != nil {
		x.status = statusClientGone
	}
	res := style.Response(r, refusal.Refusal{Reason: o.reason, Detail: o.detail})
	defer res.Body.Close()
	copyResponse(w, res)
}

// statusClientGone is counted, and never sent, for a client that went away before it had an answer; nginx calls it so.
const statusClientGone = 499

// Drain waits until no write holds a lease any more and all outcomes are recorded, or ctx ends. Call it after the
// server has stopped taking requests. A server waits for its own requests, but not for an outcome that the store has not
// taken yet, nor, over HTTP/2, for a write whose client has reset its stream.
func (p *Proxy) Drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		p.guard.writes.Wait()
		close(done)
	}()
	select {
	case <-done:
		return p.guard.cache.Drain(ctx)
	case <-ctx.Done():
		return fmt.Errorf("writes are still at the backend: %w", ctx.Err())
	}
}

// bufferPool lends the reverse proxy its copy buffers.
type bufferPool struct{ pool sync.Pool }

func newBufferPool() *bufferPool {
	return &bufferPool{pool: sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}}
}

func (b *bufferPool) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *bufferPool) Put(x []byte) { b.pool.Put(&x) }
