package proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// whisper is a request as a stranger sends it, byte by byte.
type whisper struct {
	method string
	fields []string // "Name: value"
	body   string
	// announced is the length that the header announces; 0: that of the body, which is then sent with the header. What is
	// announced is sent only if the proxy asks for it (Expect: 100-continue).
	announced int
}

func (w whisper) head(path, host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Caller: stranger\r\n", w.method, path, host)
	for _, f := range w.fields {
		b.WriteString(f + "\r\n")
	}
	switch {
	case w.announced > 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\nExpect: 100-continue\r\n", w.announced)
	case w.body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(w.body))
	}
	b.WriteString("\r\n")
	if w.announced == 0 {
		b.WriteString(w.body)
	}
	return b.String()
}

// sent sends the request on a connection of its own and returns all that its sender learns, but for time: every byte of the
// answers, interim ones included, and whether the connection is good for another request.
func (w whisper) sent(t testing.TB, c *client, path string) string {
	t.Helper()
	host := strings.TrimPrefix(c.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, w.head(path, host)); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	r := bufio.NewReader(io.TeeReader(conn, &all))
	for {
		res, err := http.ReadResponse(r, &http.Request{Method: w.method})
		if err != nil {
			t.Fatalf("%s %s: %v after %q", w.method, path, err, all.String())
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatalf("%s %s: %v after %q", w.method, path, err, all.String())
		}
		if res.StatusCode != http.StatusContinue {
			break
		}
		if _, err := io.WriteString(conn, strings.Repeat("x", w.announced)); err != nil {
			t.Fatal(err)
		}
	}
	return alike(all.String()) + w.fate(conn, r, host)
}

// fate tells whether the connection is good for another request.
func (w whisper) fate(conn net.Conn, r *bufio.Reader, host string) string {
	if _, err := fmt.Fprintf(conn, "OPTIONS /fate HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
		return "\n(closed)"
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return "\n(open, and silent)"
		}
		return "\n(closed)"
	}
	res.Body.Close()
	return "\n(open)"
}

// alike is an answer without what differs between any two: the time, and the name of the refusal.
func alike(answer string) string {
	for _, differs := range [...]*regexp.Regexp{theDate, theInstance} {
		answer = differs.ReplaceAllString(answer, "$1")
	}
	return answer
}

var (
	theDate     = regexp.MustCompile(`(?m)^(Date:).*$`)
	theInstance = regexp.MustCompile(`(urn:uuid:)[0-9a-f-]{36}`)
)
