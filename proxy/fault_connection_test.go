package proxy_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// elsewhere is a way to the backend that leads to a port where nobody listens, while it is down.
type elsewhere struct {
	*http.Transport
	down atomic.Bool
}

func newElsewhere(t *testing.T) *elsewhere {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	e := &elsewhere{Transport: proxy.NewTransport()}
	dial := e.DialContext
	e.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if e.down.Load() {
			addr = nobody
		}
		return dial(ctx, network, addr)
	}
	e.DisableKeepAlives = true
	return e
}

func TestABackendThatRefusesConnectionsLeavesNoTrace(t *testing.T) {
	e := newElsewhere(t)
	s := newStory(t, func(f *fleet) { f.cfg.Transport = e })
	e.down.Store(true)
	for range 2 { // no lease is left behind
		got := s.c.put("/a", "lost", s.tag)
		if got.want(t, 502, refusal.Backend); !strings.Contains(got.body, "Nothing was sent") {
			t.Errorf("%s", got.body)
		}
	}
	unseen := s.c.put("/a", "lost", `"unseen"`)
	if unseen.want(t, 503, refusal.Unverifiable); unseen.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.c.do("POST", "/b", "lost").want(t, 502, refusal.Backend)
	s.logged("connection refused")
	e.down.Store(false)
	s.kept()
	s.c.do("PUT", "/b", "x", "If-None-Match", "*").want(t, 204) // nor is a mark left open
	s.c.put("/b", "y", s.c.get("/b").etag()).want(t, 204)
}

// A connection that is not made in time is another case than an answer that does not come in time.
func TestAWriteThatGotNoConnectionWasNotSent(t *testing.T) {
	t.Parallel()
	var blackHole atomic.Bool
	next := proxy.NewTransport()
	dial := next.DialContext
	next.DisableKeepAlives = true
	over := make(chan struct{})
	t.Cleanup(func() { close(over) }) // the transport dials on when nobody waits for the connection any more
	next.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if blackHole.Load() {
			<-over
			return nil, errors.New("no answer to SYN")
		}
		return dial(ctx, network, addr)
	}
	s := newStory(t, func(f *fleet) { f.cfg.Transport, f.cfg.Timeouts.Write = next, time.Second })
	blackHole.Store(true)
	got := s.c.put("/a", "lost", s.tag)
	if got.want(t, 504, refusal.Timeout); !strings.Contains(got.body, "Nothing was sent") {
		t.Errorf("%s", got.body)
	}
	blackHole.Store(false)
	s.kept()
}

// What the route lets through unjudged moves the record, whatever becomes of the connection.
func TestAPassedWriteWithoutAnAnswerLeavesItsMark(t *testing.T) {
	for _, mode := range []proxy.Mode{proxy.Enforce, proxy.Observe} {
		t.Run(string(mode), func(t *testing.T) {
			s := newStory(t)
			s.f.cfg.Routes[0].Mode = mode
			lenient := s.f.replica()
			s.f.cfg.Routes[0].Mode = proxy.Enforce
			s.b.onWrites(func(w http.ResponseWriter, _ *http.Request, _ string) { says(w, "", true) })
			lenient.do("POST", "/a", "later").want(t, 502, refusal.Backend)
			s.logged("reset by peer")
			s.b.heal()
			s.c.put("/a", "lost", s.tag).want(t, 409, refusal.Stale)
			meanwhile := s.c.get("/a")
			if !strings.Contains(meanwhile.etag(), ";p409-") {
				t.Errorf("a read while it may yet be applied is given %s", meanwhile.etag())
			}
			s.b.apply("/a", "later")
			s.clock.forward(s.f.cfg.Timeouts.Write + s.f.cfg.Timeouts.Settle + time.Second)
			s.c.put("/a", "lost", meanwhile.etag()).want(t, 409, refusal.Stale)
			s.moved()
		})
	}
}
