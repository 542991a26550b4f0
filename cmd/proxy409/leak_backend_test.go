package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// mark is in every secret of these tests, so that none is overlooked; what follows tells where it stood.
const mark = "s3cr3t"

// indiscreet is a backend that puts secrets into everything it sends, much of it broken.
type indiscreet struct {
	net.Listener
	wg sync.WaitGroup
	mu sync.Mutex
	// asked has the paths of the requests that came.
	asked map[string]int
}

func newIndiscreet(t testing.TB) *indiscreet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &indiscreet{Listener: l, asked: map[string]int{}}
	b.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.wg.Wait()
	})
	return b
}

func (b *indiscreet) url() string { return "http://" + b.Addr().String() }

func (b *indiscreet) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err = io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		b.mu.Lock()
		b.asked[req.URL.Path]++
		b.mu.Unlock()
		answer, ok := broken[strings.TrimPrefix(req.URL.Path, "/broken/")]
		if !ok {
			answer = sound
		}
		if req.Method == http.MethodPut && strings.HasPrefix(req.URL.Path, "/broken/at-put/") {
			answer = broken[strings.TrimPrefix(req.URL.Path, "/broken/at-put/")]
		}
		if _, err := io.WriteString(c, answer); err != nil || answer != sound {
			return
		}
	}
}

// sound is the answer to whatever is asked of a path that is not broken.
const sound = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"sound\"\r\nSet-Cookie: session=" + mark + "-set-cookie\r\n" +
	"X-Token: " + mark + "-answer-field\r\nContent-Length: 11\r\n\r\n" + mark + "-body"

// broken are answers that cannot be read, or tell what they should not.
var broken = map[string]string{
	"protocol":    "HTX/9.9 " + mark + "-protocol\r\n\r\n",
	"status":      "HTTP/1.1 2" + mark + "-status 00 OK\r\n\r\n",
	"field":       "HTTP/1.1 200 OK\r\nSet-Cookie session=" + mark + "-broken-field\r\n\r\n",
	"field-name":  "HTTP/1.1 200 OK\r\nSet Cookie: session=" + mark + "-broken-field-name\r\n\r\n",
	"folded":      "HTTP/1.1 200 OK\r\n  session=" + mark + "-folded\r\n\r\n",
	"length":      "HTTP/1.1 200 OK\r\nContent-Length: " + mark + "-length\r\n\r\n",
	"coding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + mark + "-coding\r\n\r\n",
	"chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + mark + "-chunk\r\n",
	"late-chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + mark + "-late-chunk\r\n",
	"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + mark + "-trailer session\r\n\r\n",
	"short":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + mark + "-short",
	"long":        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + mark + "-long",
	"switch":      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + mark + "-switch\r\n\r\n" + mark + "-tunnel",
	"redirect":    "HTTP/1.1 302 Found\r\nLocation: /login?token=" + mark + "-redirect\r\nContent-Length: 0\r\n\r\n",
	"tag":         "HTTP/1.1 200 OK\r\nETag: " + mark + "-tag\r\nContent-Length: 2\r\n\r\nok",
	"two tags":    "HTTP/1.1 200 OK\r\nETag: \"" + mark + "-one-tag\"\r\nETag: \"" + mark + "-two-tags\"\r\nContent-Length: 2\r\n\r\nok",
	"error":       "HTTP/1.1 500 " + mark + "-reason\r\nContent-Length: 11\r\n\r\n" + mark + "-err0",
	"nothing":     "",
	"unversioned": "HTTP/1.1 200 OK\r\nSet-Cookie: a=" + mark + "-unversioned\r\nContent-Length: 2\r\n\r\nok",
}
