package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/proxy/refusal"
)

// door is a server in front of a replica that tells which requests have come and whose clients went away.
type door struct {
	*client
	*httptest.Server
	protos chan string   // of every write
	gone   chan struct{} // one for every write that is over, or whose client has gone away before
	over   chan struct{} // one for every write that was dealt with
	broke  chan error    // of every body that broke off
}

// brittle is a body that tells when it breaks off.
type brittle struct {
	io.ReadCloser
	broke chan<- error
}

func (b brittle) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.broke <- err
	}
	return n, err
}

func (s *story) door(http2 bool) *door {
	d := &door{
		client: s.c, protos: make(chan string, 10), gone: make(chan struct{}, 10), over: make(chan struct{}, 10),
		broke: make(chan error, 10),
	}
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { d.over <- struct{}{} }()
		d.protos <- r.Proto
		r.Body = brittle{r.Body, d.broke}
		context.AfterFunc(r.Context(), func() { d.gone <- struct{}{} })
		s.c.proxy.ServeHTTP(w, r)
	}))
	d.EnableHTTP2 = http2
	if http2 {
		d.StartTLS()
	} else {
		d.Start()
	}
	s.Cleanup(d.Close)
	return d
}

// soon waits for what must happen by itself.
func soon[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("not within ten seconds: %s", what)
	}
	return v
}

// untouched runs what must leave the store, the backend and the record alone.
func (s *story) untouched(f func()) {
	s.Helper()
	_, before := s.f.store.trips()
	asked := s.b.asked()
	f()
	if _, after := s.f.store.trips(); after != before {
		s.Errorf("the record was swapped %d times", after-before)
	}
	if n := len(s.b.writes()); n > 0 || s.b.asked() != asked {
		s.Errorf("the backend was asked %d times and applied %q", s.b.asked()-asked, s.b.writes())
	}
	s.kept()
}

// brokenOff are bodies that end before they are complete.
var brokenOff = []struct{ name, header, body string }{
	{"with a length", "Content-Length: 10", "half"},
	{"with a length, before the first byte", "Content-Length: 10", ""},
	{"chunked, between two chunks", "Transfer-Encoding: chunked", "4\r\nhalf\r\n"},
	{"chunked, in a chunk", "Transfer-Encoding: chunked", "a\r\nhalf"},
	{"chunked, before the end of the trailers", "Transfer-Encoding: chunked\r\nTrailer: X", "4\r\nhalf\r\n0\r\nX: 1\r\n"},
	{"with a length, before 100 Continue", "Content-Length: 10\r\nExpect: 100-continue", ""},
	{"a form", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99", "_method=PUT&text=half"},
}

func TestAClientThatHangsUpInItsBodyMakesNoClaim(t *testing.T) {
	for _, tc := range brokenOff {
		for name, end := range map[string]func(*net.TCPConn) error{
			"closes":             (*net.TCPConn).Close,
			"resets":             func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
			"closes half of it":  (*net.TCPConn).CloseWrite,
			"sends what is none": func(c *net.TCPConn) error { return errors.Join(garble(c), c.CloseWrite()) },
		} {
			t.Run(tc.name+", "+name, func(t *testing.T) {
				s := newStory(t)
				d := s.door(false)
				s.untouched(func() {
					conn, err := net.Dial("tcp", d.Listener.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					method := "PUT"
					if tc.name == "a form" {
						method = "POST"
					}
					fmt.Fprintf(conn, "%s /a HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\n%s\r\n\r\n%s", method, s.tag, tc.header, tc.body)
					soon(t, "the write comes in", d.protos)
					if err := end(conn.(*net.TCPConn)); err != nil {
						t.Fatal(err)
					}
					_ = soon(t, "the body breaks off", d.broke)
					soon(t, "the write is dealt with", d.over)
				})
			})
		}
	}
}

// garble goes on with what is no chunk.
func garble(c *net.TCPConn) error {
	_, err := fmt.Fprint(c, "zz\r\n")
	return err
}

// held makes the backend hold PUTs up until goOn, and tells when one has arrived there.
func (s *story) held() (arrived <-chan string, goOn func()) {
	there, released := make(chan string, 10), make(chan struct{})
	s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
		there <- text
		<-released
		s.b.apply(r.URL.Path, text)
		w.WriteHeader(http.StatusNoContent)
	})
	goOn = sync.OnceFunc(func() { close(released) })
	s.Cleanup(goOn)
	return there, goOn
}

// abandoned tells the story of a write whose client has gone away while it is at the backend: it is finished and
// recorded, and Drain waits for it.
func (s *story) abandoned(d *door, arrived <-chan string, goOn, hangUp func()) {
	s.Helper()
	if got := soon(s, "the write arrives at the backend", arrived); got != "two" {
		s.Errorf("the backend got %q", got)
	}
	hangUp()
	soon(s, "the proxy has noticed that the client is gone", d.gone)
	now, cancel := context.WithTimeout(s.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.c.proxy.Drain(now); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("Drain did not wait for a write at the backend: %v", err)
	}
	if n := len(arrived); n > 0 {
		s.Errorf("the write was sent %d times more", n)
	}
	other := s.f.replica()
	other.get("/a")
	_, before := s.f.store.trips()
	goOn()
	if err := s.c.proxy.Drain(s.Context()); err != nil {
		s.Error(err)
	}
	if _, after := s.f.store.trips(); after != before+1 {
		s.Errorf("the outcome took %d swaps", after-before)
	}
	if got := s.b.writes(); len(got) != 1 || got[0] != "PUT /a two" {
		s.Errorf("the backend applied %q", got)
	}
	s.b.heal()
	s.moved()
}

func TestAClientThatHangsUpAfterItsBodyIsWrittenFor(t *testing.T) {
	for _, tc := range []struct{ name, header, body string }{
		{"with a length", "Content-Length: 3", "two"},
		{"chunked", "Transfer-Encoding: chunked", "3\r\ntwo\r\n0\r\n\r\n"},
	} {
		for name, linger := range map[string]int{"closes": -1, "resets": 0} {
			t.Run(tc.name+", "+name, func(t *testing.T) {
				s := newStory(t)
				d := s.door(false)
				arrived, goOn := s.held()
				conn, err := net.Dial("tcp", d.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				fmt.Fprintf(conn, "PUT /a HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\n%s\r\n\r\n%s", s.tag, tc.header, tc.body)
				s.abandoned(d, arrived, goOn, func() {
					_ = conn.(*net.TCPConn).SetLinger(linger)
					conn.Close()
				})
			})
		}
	}
}

// What a client that waits its turn wanted is not done when it does not wait any more.
func TestAClientThatHangsUpInLineIsNotWrittenFor(t *testing.T) {
	s := newStory(t, func(f *fleet) { f.cfg.Timeouts.BusyWait = time.Hour })
	d := s.door(false)
	arrived, goOn := s.held()
	first := make(chan answer, 1)
	go func() { first <- s.c.put("/a", "two", s.tag) }()
	soon(t, "the first write arrives", arrived)
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, d.URL+"/a", strings.NewReader("lost"))
	req.Header.Set("If-Match", s.tag)
	came := make(chan struct{})
	go func() {
		defer close(came)
		if res, err := (&http.Transport{}).RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("the second write was answered with %d", res.StatusCode)
		}
	}()
	soon(t, "the second write comes in", d.protos)
	before, _ := s.f.store.trips()
	eventually(t, "the second write looks for its turn", func() bool { gets, _ := s.f.store.trips(); return gets > before+1 })
	hangUp()
	soon(t, "the second client is gone", came)
	soon(t, "the second write is dealt with, while the first is at the backend", d.over)
	goOn()
	soon(t, "the first write is answered", first).want(t, 204)
	s.b.heal()
	s.c.put("/a", "lost", s.tag).want(t, 409, refusal.Stale)
	s.nothingLost()
}
