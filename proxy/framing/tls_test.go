package framing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// certified returns the configurations of a TLS server and of a client that trusts it.
func certified(protocols ...string) (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: protocols}, &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: protocols}
}

// secured is a server with TLS.
func secured(t testing.TB, o Options) (s *server, client *tls.Config) {
	o.TLS, client = certified("http/1.1")
	s = serve(t, loopback(t), o)
	s.dial = func() net.Conn {
		c, err := tls.Dial("tcp", s.address, client)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return s, client
}

// What is refused without TLS is refused with it, and the end of the connection is told by TLS too.
func TestViolationIsRefusedOverTLS(t *testing.T) {
	s, _ := secured(t, Options{Send: patience})
	for _, c := range refusedHeader[:12] {
		got := s.say(false, "GET /before HTTP/1.1\r\nHost: h\r\n\r\n"+c.raw+smuggled, strings.Repeat("x", 100_000))
		seen, problems := s.found()
		equal(t, c.name, seen, []request{get("GET /before h")})
		if !slices.Equal(got, []int{200, 400}) || !slices.Equal(problems, []string{c.problem}) {
			t.Errorf("%s: answered %v, found %q, want %q", c.name, got, problems, c.problem)
		}
	}
}

// The handler learns of TLS, over HTTP/1.1 and HTTP/2.
func TestRequestsSayWhatTLSTheyCameOver(t *testing.T) {
	for _, proto := range []string{"http/1.1", "h2"} {
		server, client := certified("h2", "http/1.1")
		client.NextProtos = []string{proto}
		l := loopback(t)
		run(t, NewListener(l, Options{TLS: server, Handshake: patience, Send: patience}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || !r.TLS.HandshakeComplete || r.TLS.NegotiatedProtocol != proto || r.TLS.ServerName != "example.com" {
				t.Errorf("%s: %+v", proto, r.TLS)
			}
			_, _ = io.WriteString(w, r.Proto)
		}))
		transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: proto == "h2"}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if want := map[string]string{"http/1.1": "HTTP/1.1", "h2": "HTTP/2.0"}[proto]; string(body) != want {
			t.Errorf("%s: %s", proto, body)
		}
	}
}

// Clients that connect and say nothing keep nobody out, and are given up when their time is over.
func TestSilentHandshakeKeepsNobodyOut(t *testing.T) {
	failed := make(chan error, 3)
	s, _ := secured(t, Options{Handshake: time.Second, OnHandshakeError: func(_ net.Addr, err error) { failed <- err }})
	silent := make([]net.Conn, 3)
	for i := range silent {
		silent[i] = connect(t, addressed(s.address))
	}
	if got := s.say(true, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); !slices.Equal(got, []int{200}) {
		t.Errorf("answered %v", got)
	}
	for _, c := range silent {
		if err := <-failed; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("a silent connection was not ended: %v", err)
		}
	}
}

// addressed is a listener for connect, which wants its address alone.
type addressed string

func (addressed) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (addressed) Close() error              { return nil }
func (a addressed) Addr() net.Addr          { return &net.UnixAddr{Name: string(a), Net: "tcp"} }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// When more handshakes are under way than may be, the oldest ends, and the newest goes on.
func TestHandshakesUnderWayAreBounded(t *testing.T) {
	config, client := certified("http/1.1")
	failed := make(chan net.Addr, 8)
	inner := loopback(t)
	l := NewListener(inner, Options{TLS: config, OnHandshakeError: func(remote net.Addr, _ error) { failed <- remote }})
	l.shaking.most = 2
	run(t, l, http.NotFoundHandler())
	var silent []net.Conn
	for range 4 {
		silent = append(silent, connect(t, inner))
	}
	oldest := []string{silent[0].LocalAddr().String(), silent[1].LocalAddr().String()}
	for range oldest {
		if got := <-failed; !slices.Contains(oldest, got.String()) {
			t.Errorf("%v was given up, want the oldest, %v", got, oldest)
		}
	}
	c, err := tls.Dial("tcp", inner.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if got := <-failed; got.String() != silent[2].LocalAddr().String() {
		t.Errorf("%v was given up, want the oldest, %v", got, silent[2].LocalAddr())
	}
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if got := statuses(t, c); !slices.Equal(got, []int{404}) {
		t.Errorf("answered %v", got)
	}
	select {
	case a := <-failed:
		t.Errorf("%v was given up though there was room", a)
	default:
	}
}

// A client that speaks plain HTTP to the TLS port is told so.
func TestPlainTextOnATLSPortIsAnswered(t *testing.T) {
	s, _ := secured(t, Options{})
	c := connect(t, addressed(s.address))
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	got, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(got), "HTTP/1.0 400 ") {
		t.Errorf("%q", got)
	}
}

// Close ends the handshakes under way, and Accept.
func TestCloseEndsHandshakes(t *testing.T) {
	config, _ := certified("http/1.1")
	failed := make(chan error, 1)
	inner := loopback(t)
	began := make(chan struct{})
	l := NewListener(begins{inner, began}, Options{TLS: config, OnHandshakeError: func(_ net.Addr, err error) { failed <- err }})
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	c := connect(t, inner)
	<-began
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	select {
	case err := <-failed:
		if err == nil {
			t.Error("the handshake did not fail")
		}
	default:
		t.Error("Close did not wait for the handshake to be given up")
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the connection was not ended: %v", err)
	}
}

// begins tells when a connection has been accepted.
type begins struct {
	net.Listener
	began chan struct{}
}

func (b begins) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err == nil {
		close(b.began)
	}
	return c, err
}

// An error of the listener below is returned by Accept, and what is accepted later is served.
func TestAcceptErrorsArePassedOn(t *testing.T) {
	config, client := certified("http/1.1")
	for name, o := range map[string]Options{"plain": {}, "TLS": {TLS: config}} {
		inner := loopback(t)
		l := NewListener(&failsOnce{Listener: inner}, o)
		if _, err := l.Accept(); !errors.Is(err, errOnce) {
			t.Errorf("%s: %v", name, err)
		}
		var dialling sync.WaitGroup
		dialling.Go(func() {
			c, err := net.Dial("tcp", inner.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if o.TLS != nil {
				if err := tls.Client(c, client).Handshake(); err != nil {
					t.Error(err)
				}
			}
		})
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		dialling.Wait()
		c.Close()
		_ = l.Close()
	}
}

var errOnce = errors.New("too many open files")

type failsOnce struct {
	net.Listener
	failed bool
}

func (f *failsOnce) Accept() (net.Conn, error) {
	if !f.failed {
		f.failed = true
		return nil, errOnce
	}
	return f.Listener.Accept()
}
