// Package bare is what proxy409 is measured against: Go's own reverse proxy, and nothing else.
package bare

import (
	"net/http/httputil"
	"net/url"
	"sync"

	"proxy409/proxy"
)

// New returns a reverse proxy with proxy409's transport, because connections are not what is to be compared.
func New(upstream *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:   func(pr *httputil.ProxyRequest) { pr.SetURL(upstream) },
		Transport: proxy.NewTransport(),
	}
}

// Buffers is a [httputil.BufferPool] like the one that proxy409 has. Without one the reverse proxy makes 32 KiB of garbage
// for each answer, which is more than a guard costs: only with it do the two differ in the guard alone.
type Buffers struct{ pool sync.Pool }

// Get lends a buffer.
func (b *Buffers) Get() []byte {
	if x, ok := b.pool.Get().(*[]byte); ok {
		return *x
	}
	return make([]byte, 32<<10)
}

// Put takes it back.
func (b *Buffers) Put(x []byte) { b.pool.Put(&x) }
