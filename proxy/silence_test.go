package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
)

// streamed begins a request with a body of ten bytes that no rule holds, and sends them one in each pause.
func streamed(t *testing.T, c *client, line string, pause time.Duration, bytes int) (status int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n", line)
	for range bytes {
		_, _ = io.WriteString(conn, "x")
		time.Sleep(pause)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s: still there", line)
		}
		return 0 // closed
	}
	res.Body.Close()
	return res.StatusCode
}

// A client that sends nothing more of a body that is streamed is given up; one that is slow, and goes on sending, is not.
func TestAStreamedBodyThatFallsSilentIsGivenUp(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Silence = 300 * time.Millisecond
	f.cfg.Routes = append(f.cfg.Routes, proxy.Route{Name: "free", Match: "/free", Mode: proxy.Off})
	c := f.replica()
	for _, line := range []string{"POST /a", "PUT /free"} {
		if got := streamed(t, c, line, 0, 3); got != 0 && got != http.StatusRequestTimeout {
			t.Errorf("%s, and silence: %d", line, got)
		}
		if got := streamed(t, c, line, 50*time.Millisecond, 10); got != http.StatusNoContent {
			t.Errorf("%s, slowly: %d", line, got)
		}
	}
	if got := len(b.writes()); got != 2 {
		t.Errorf("applied: %q", b.writes())
	}
}
