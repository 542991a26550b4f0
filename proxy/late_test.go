package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// half begins a POST of ten bytes, and sends five.
func half(t *testing.T, c *client, framing string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n%s", framing)
	return conn.(*net.TCPConn)
}

var uploads = map[string][2]string{
	"of a known length":    {"Content-Length: 10\r\n\r\nhello", "world"},
	"of an unknown length": {"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "5\r\nworld\r\n0\r\n\r\n"},
}

// arriving lets the test know when a POST has begun at the backend.
func arriving(b *backend) <-chan struct{} {
	arrived := make(chan struct{}, 1)
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			arrived <- struct{}{}
		}
		return false
	})
	return arrived
}

func TestAnUploadThatNeverEndsKeepsNobodyOut(t *testing.T) {
	for name, parts := range uploads {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			c := newFleet(t, b).replica()
			tag := c.get("/a").etag()
			arrived := arriving(b)
			conn := half(t, c, parts[0])
			<-arrived
			c.put("/a", "two", tag).want(t, 204)
			tag = c.get("/a").etag()
			_, _ = io.WriteString(conn, parts[1])
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 204 {
				t.Fatal(res, err)
			}
			c.put("/a", "lost", tag).want(t, 409, refusal.Stale)
			if got := fmt.Sprint(b.writes()); got != "[PUT /a two POST /a helloworld]" {
				t.Errorf("applied: %s", got)
			}
		})
	}
}

// Whoever may not write, and is told so before the body is read, makes nobody's tag stale.
func TestAnUploadThatIsRefusedBeforeItsEndMovesNothing(t *testing.T) {
	for name, parts := range uploads {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					w.Header().Set("Connection", "close") // net/http would wait for the body
					w.WriteHeader(http.StatusUnauthorized)
				}
				return r.Method == http.MethodPost
			})
			answered := make(chan int, 1)
			next := proxy.NewTransport()
			f := newFleet(t, b)
			f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
				res, err := next.RoundTrip(r)
				if r.Method == http.MethodPost && err == nil {
					answered <- res.StatusCode
				}
				return res, err
			})
			c := f.replica()
			tag := c.get("/a").etag()
			conn := half(t, c, parts[0])
			if status := <-answered; status != 401 {
				t.Fatal(status)
			}
			_ = conn.SetLinger(0) // a reset
			_ = conn.Close()
			c.put("/a", "two", tag).want(t, 204)
		})
	}
}

func TestAnUploadThatBreaksOffIsInDoubt(t *testing.T) {
	for name, parts := range uploads {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			c := newFleet(t, b).replica()
			tag := c.get("/a").etag()
			arrived := arriving(b)
			conn := half(t, c, parts[0])
			<-arrived
			_ = conn.SetLinger(0) // a reset
			_ = conn.Close()
			eventually(t, "the write is in doubt", func() bool {
				tag = c.get("/a").etag()
				return strings.Contains(tag, "p409")
			})
			if len(b.writes()) > 0 {
				t.Errorf("applied: %q", b.writes())
			}
		})
	}
}

func TestAnUploadThatCannotBeNotedIsNotSentToItsEnd(t *testing.T) {
	for name, parts := range uploads {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			c := f.replica()
			c.get("/a")
			arrived := arriving(b)
			conn := half(t, c, parts[0])
			<-arrived
			f.store.fail(errors.New("gone"))
			_, _ = io.WriteString(conn, parts[1])
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 503 {
				t.Fatal(res, err)
			}
			if len(b.writes()) > 0 {
				t.Errorf("applied: %q", b.writes())
			}
		})
	}
}
