package framing

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long something that must happen may take on a machine that has other work too.
const patience = 20 * time.Second

// request is what a handler saw of one.
type request struct {
	line  string // method, target and Host, joined by spaces
	body  string
	whole bool // the body ended as it must
}

func get(line string) request { return request{line: line, whole: true} }

func sent(line, body string) request { return request{line: line, body: body, whole: true} }

// server is an http.Server behind a Listener. Its handler reads each body, and answers 200 if that went well and 422 if not.
type server struct {
	t       testing.TB
	address string
	dial    func() net.Conn

	mu       sync.Mutex
	seen     []request
	problems []string
}

// serve starts one on inner.
func serve(t testing.TB, inner net.Listener, o Options) *server {
	s := &server{t: t, address: inner.Addr().String()}
	s.dial = func() net.Conn {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	o.OnRefused = func(_ net.Addr, problem string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.problems = append(s.problems, problem)
	}
	run(t, NewListener(inner, o), http.HandlerFunc(s.handle))
	return s
}

// run serves a handler until the test ends.
func run(t testing.TB, l net.Listener, h http.Handler) *http.Server {
	srv := &http.Server{Handler: h, ConnState: ConnState, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return srv
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, request{r.Method + " " + r.RequestURI + " " + r.Host, string(body), err == nil})
	s.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
}

// found returns what has been seen and refused, and forgets it.
func (s *server) found() (seen []request, problems []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, problems, s.seen, s.problems = s.seen, s.problems, nil, nil
	return seen, problems
}

// loopback listens at a port of its own.
func loopback(t testing.TB) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// statuses reads answers until the connection ends. It fails the test if that does not happen by itself.
func statuses(t testing.TB, c net.Conn) (all []int) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return all
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("after %v: %v", all, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatalf("after %v: %v", all, err)
		}
		all = append(all, res.StatusCode)
	}
}

// say sends the pieces, each by itself, and returns the answers. The client's side stays open unless hangUp is set.
func (s *server) say(hangUp bool, pieces ...string) []int {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				return // refused, which the answers show
			}
		}
		if hangUp {
			_ = c.(closeWriter).CloseWrite()
		}
	})
	all := statuses(s.t, c)
	c.Close()
	sending.Wait()
	return all
}

// equal compares what was seen.
func equal(t testing.TB, what string, got, want []request) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: the handler saw %+v, want %+v", what, got, want)
	}
}
