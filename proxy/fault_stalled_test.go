package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// stall is a connection whose peer does not read for a while: what is written to it gets stuck, and arrives later, unless
// the connection is closed before.
type stall struct {
	net.Conn
	closed chan struct{}
	once   sync.Once

	mu            sync.Mutex
	stuck, thawed chan struct{} // of the next write, if they are not nil
}

func (s *stall) Write(p []byte) (int, error) {
	s.mu.Lock()
	stuck, thawed := s.stuck, s.thawed
	s.stuck = nil
	s.mu.Unlock()
	if stuck != nil {
		close(stuck)
		select {
		case <-thawed:
		case <-s.closed:
			return 0, net.ErrClosed
		}
	}
	return s.Conn.Write(p)
}

func (s *stall) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// freeze makes the next write get stuck until thaw is called.
func (s *stall) freeze() (stuck <-chan struct{}, thaw func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	thawed := make(chan struct{})
	s.stuck, s.thawed = make(chan struct{}), thawed
	return s.stuck, sync.OnceFunc(func() { close(thawed) })
}

// stalling makes the fleet reach the backend over TLS, by one connection that can stall.
func stalling(t *testing.T, f *fleet, b *backend, http2 bool) (conn func() *stall) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(b.serve))
	origin.EnableHTTP2 = http2
	origin.StartTLS()
	t.Cleanup(origin.Close)
	f.cfg.Upstream, _ = url.Parse(origin.URL)
	next := proxy.NewTransport()
	roots := x509.NewCertPool()
	roots.AddCert(origin.Certificate())
	next.TLSClientConfig, next.ForceAttemptHTTP2 = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, http2
	t.Cleanup(next.CloseIdleConnections)
	conns := make(chan *stall, 10)
	dial := next.DialContext
	next.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		s := &stall{Conn: c, closed: make(chan struct{})}
		conns <- s
		return s, nil
	}
	f.cfg.Transport = next
	return func() *stall { return <-conns }
}

// A backend that is frozen does not read: the kernel takes no more, and the write is stuck in the middle of being sent
// when its time is over. Over HTTP/2 the connection stays, and the backend reads it when it goes on.
func TestAWriteThatIsStuckOnItsWayIsInDoubt(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, clock := newBackend(t), new(leap)
			f := newFleet(t, b)
			f.store.Store = clock.store()
			f.cfg.Timeouts = proxy.Timeouts{Write: time.Second, Settle: time.Hour, BusyWait: time.Second}
			conn := stalling(t, f, b, http2)
			c := f.replica()
			read := c.get("/a")
			arrived := make(chan string, 1)
			b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodDelete {
					arrived <- r.Proto
				}
				return false
			})
			stuck, thaw := conn().freeze()
			t.Cleanup(thaw)
			got := c.do("DELETE", "/a", "", "If-Match", read.etag())
			soon(t, "the write is stuck", stuck)
			if got.want(t, 504, refusal.Timeout); strings.Contains(got.body, "Nothing was sent") {
				t.Errorf("the client is told that nothing was sent: %s", got.body)
			}
			thaw()
			if http2 {
				if proto := soon(t, "the write arrives", arrived); proto != "HTTP/2.0" {
					t.Fatalf("the write came by %s", proto)
				}
			}
			c.do("DELETE", "/a", "", "If-Match", read.etag()).want(t, 409) // busy, or absent as the backend says by now
			clock.forward(time.Hour + time.Second)
			c.put("/a", "lost", read.etag()).want(t, 409)
			if got := b.writes(); http2 != (len(got) == 1) {
				t.Errorf("the backend applied %q", got)
			}
		})
	}
}

// A transport that is not net/http's may tell nothing of what it does. Then nobody knows.
func TestATransportThatTellsNothingMayHaveSentTheWrite(t *testing.T) {
	next := proxy.NewTransport()
	s := newStory(t, func(f *fleet) {
		f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
			res, err := next.RoundTrip(r.WithContext(context.Background()))
			if err == nil && r.Method == http.MethodPut && r.Header.Get("X-Lose") != "" {
				res.Body.Close()
				return nil, errors.New("the answer was lost")
			}
			return res, err
		})
	})
	s.c.do("PUT", "/a", "two", "If-Match", s.tag, "X-Lose", "1").want(t, 502, refusal.Backend)
	s.inDoubt()
}
