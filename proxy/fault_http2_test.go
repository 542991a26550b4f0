package proxy_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// streams is a client of the door that speaks HTTP/2 over one connection, which it can drop.
type streams struct {
	*http.Transport
	conns chan net.Conn
}

func (d *door) streams() *streams {
	own := d.Server.Client().Transport.(*http.Transport)
	s := &streams{conns: make(chan net.Conn, 10), Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: own.TLSClientConfig.Clone()}}
	s.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		config := s.TLSClientConfig.Clone()
		config.NextProtos, config.ServerName = []string{"h2"}, "example.com"
		conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, addr)
		if err == nil {
			s.conns <- conn
		}
		return conn, err
	}
	return s
}

// stream sends a PUT with this body, and returns what hangs up on its stream, by RST_STREAM, and what tells that it has an end.
func (s *story) stream(d *door, over *streams, body io.Reader) (reset func(), ended <-chan struct{}) {
	ctx, cancel := context.WithCancel(s.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, d.URL+"/a", body)
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("If-Match", s.tag)
	end := make(chan struct{})
	go func() {
		defer close(end)
		res, err := over.RoundTrip(req)
		if err == nil {
			res.Body.Close()
			s.Errorf("the client got %d", res.StatusCode)
		}
	}()
	s.Cleanup(cancel)
	if proto := soon(s, "the write comes in", d.protos); proto != "HTTP/2.0" {
		s.Fatalf("the write came in by %s", proto)
	}
	return cancel, end
}

func TestAStreamThatIsResetInItsBodyMakesNoClaim(t *testing.T) {
	for _, how := range []string{"the stream", "the connection"} {
		t.Run(how, func(t *testing.T) {
			s := newStory(t)
			d := s.door(true)
			over := d.streams()
			s.untouched(func() {
				upload, end := io.Pipe()
				reset, ended := s.stream(d, over, upload)
				if _, err := io.WriteString(end, "half"); err != nil {
					t.Fatal(err)
				}
				want := "CANCEL"
				if how == "the stream" {
					reset()
				} else {
					want = "client disconnected"
					soon(t, "a connection", over.conns).Close()
				}
				if err := soon(t, "the body breaks off", d.broke); !strings.Contains(err.Error(), want) {
					t.Errorf("the body broke off with %q, not by %s", err, want)
				}
				soon(t, "the write is dealt with", d.over)
				soon(t, "the client has given up", ended)
				_ = end.Close()
			})
		})
	}
}

func TestAStreamThatIsResetAfterItsBodyIsWrittenFor(t *testing.T) {
	for _, how := range []string{"the stream", "the connection"} {
		t.Run(how, func(t *testing.T) {
			s := newStory(t)
			d := s.door(true)
			over := d.streams()
			arrived, goOn := s.held()
			reset, ended := s.stream(d, over, strings.NewReader("two"))
			s.abandoned(d, arrived, goOn, func() {
				if how == "the stream" {
					reset()
				} else {
					soon(t, "a connection", over.conns).Close()
				}
				soon(t, "the client has given up", ended)
			})
			if n := len(d.broke); n > 0 {
				t.Error("the body broke off, though it was whole")
			}
		})
	}
}

// The server is told at once that it may forget a stream, and its Close does not wait for it: Drain must.
func TestAServerThatHasShutDownHasNotDrained(t *testing.T) {
	s := newStory(t)
	d := s.door(true)
	arrived, goOn := s.held()
	reset, ended := s.stream(d, d.streams(), strings.NewReader("two"))
	s.abandoned(d, arrived, goOn, func() {
		reset()
		soon(t, "the client has given up", ended)
		if err := d.Config.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
