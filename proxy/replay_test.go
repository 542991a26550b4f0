package proxy_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"proxy409/proxy/refusal"
)

// hangUpOn is a backend that answers all but writes, and closes the connection of those without an answer: what
// http.Transport takes for a reason to send a request again on a connection that had been idle.
func hangUpOn(t *testing.T, isWrite func(*http.Request) bool) (at *url.URL, writes *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	writes = new(atomic.Int32)
	serve := func(conn net.Conn) {
		defer conn.Close()
		for r := bufio.NewReader(conn); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if isWrite(req) {
				writes.Add(1)
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n")
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}, writes
}

func TestAWriteIsNeverReplayed(t *testing.T) {
	at, writes := hangUpOn(t, func(r *http.Request) bool {
		if r.Method != http.MethodGet && r.Header.Get("Idempotency-Key") != "k" {
			t.Error("the backend did not get the Idempotency-Key")
		}
		return r.Method != http.MethodGet
	})
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream = at
	c := f.replica()
	tag := c.get("/a").etag() // leaves an idle connection
	c.do("DELETE", "/a", "", "If-Match", tag, "Idempotency-Key", "k").want(t, 502, refusal.Backend)
	c.do("POST", "/b", "", "Idempotency-Key", "k").want(t, 502, refusal.Backend)
	if n := writes.Load(); n != 2 {
		t.Errorf("two writes were sent %d times", n)
	}
}

func TestAnUnsafeRequestInTheFormOfASafeOneIsNeverReplayed(t *testing.T) {
	at, writes := hangUpOn(t, func(r *http.Request) bool { return r.Header.Get("X-HTTP-Method-Override") != "" })
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream = at
	c := f.replica()
	tag := c.get("/a").etag()
	c.do("GET", "/a", "", "If-Match", tag, "X-HTTP-Method-Override", "DELETE").want(t, 502, refusal.Backend)
	if n := writes.Load(); n != 1 {
		t.Errorf("the write was sent %d times", n)
	}
}
