package main_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long an attacker waits for an answer. Nobody is to be waited for: what takes so long has failed.
const patience = 8 * time.Second

// shot is what came of the bytes of a row.
type shot struct {
	answers []answer
	extra   []int // the status of each answer that came without being expected
	closed  bool  // by the proxy, after the answers
}

// fire sends the bytes of a row on a connection of its own. It reads as many answers as the row expects, and then finds out whether
// the connection is closed: on one that is not, it sends a last harmless request.
func fire(t testing.TB, addr string, steps []step, expect int) (s shot) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	method, last := "", ""
	for _, step := range steps {
		switch {
		case step.do == "end":
			_ = c.(*net.TCPConn).CloseWrite() // it may be closed from the other side
		case step.do == "answer":
			s.take(t, r, method)
		case step.bytes != "":
			if method == "" {
				method, _, _ = strings.Cut(step.bytes, " ")
			}
			_, _ = io.WriteString(c, step.bytes) // likewise
			last = step.bytes
		}
	}
	for len(s.answers) < expect && !s.closed {
		s.take(t, r, method)
	}
	if s.closed || expect == 0 && last == "" {
		return s
	}
	s.end(t, c, r)
	return s
}

// take reads one answer.
func (s *shot) take(t testing.TB, r *bufio.Reader, method string) {
	t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if isClosed(err) {
		s.closed = true
		return
	}
	if err != nil {
		t.Errorf("after %d answers: %v", len(s.answers), err)
		s.closed = true
		return
	}
	a := answer{status: res.StatusCode, header: res.Header}
	if res.StatusCode >= http.StatusOK {
		body, _ := io.ReadAll(res.Body) // what is cut short is not what is expected
		a.body = string(body)
	}
	s.answers = append(s.answers, a)
}

const farewell = "GET /farewell HTTP/1.1\r\nHost: farewell\r\nConnection: close\r\n\r\n"

// end finds out whether the connection is still there, and what else comes on it.
func (s *shot) end(t testing.TB, c net.Conn, r *bufio.Reader) {
	t.Helper()
	_, _ = io.WriteString(c, farewell) // it may be closed
	var came []int
	for {
		res, err := http.ReadResponse(r, nil)
		if isClosed(err) {
			break
		}
		if err != nil {
			t.Errorf("while the connection should end: %v", err)
			break
		}
		_, _ = io.Copy(io.Discard, res.Body)
		came = append(came, res.StatusCode)
	}
	if s.closed = len(came) == 0; !s.closed {
		s.extra = came[:len(came)-1]
	}
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrDeadlineExceeded)
}
