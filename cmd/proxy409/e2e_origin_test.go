package main_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// origin is a lossy backend inside the test, which can be slow and can be down. It tags by content, strongly.
type origin struct {
	t      testing.TB
	addr   string
	server *http.Server

	mu    sync.Mutex
	texts map[string]string
	puts  int
	gate  *gate
}

// gate holds the next write at the backend after its arrival, until it is opened.
type gate struct {
	arrived chan struct{}
	open    chan struct{}
	once    sync.Once
}

func (g *gate) release() { g.once.Do(func() { close(g.open) }) }

func newOrigin(t testing.TB) *origin {
	t.Helper()
	o := &origin{t: t, addr: "127.0.0.1:0", texts: map[string]string{"/doc": "one"}}
	o.start()
	t.Cleanup(o.stop)
	return o
}

func (o *origin) url() string { return "http://" + o.addr }

// start listens, at the address it had before if it was stopped.
func (o *origin) start() {
	o.t.Helper()
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		o.t.Fatal(err)
	}
	o.addr, o.server = l.Addr().String(), &http.Server{Handler: o, ReadHeaderTimeout: 5 * time.Second}
	go func(s *http.Server) {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			o.t.Error(err)
		}
	}(o.server)
}

// stop closes the listener and every connection.
func (o *origin) stop() {
	o.mu.Lock()
	if o.gate != nil {
		o.gate.release()
	}
	o.mu.Unlock()
	_ = o.server.Close() // whatever is open is meant to break
}

// hold makes the next write wait.
func (o *origin) hold() *gate {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = &gate{arrived: make(chan struct{}), open: make(chan struct{})}
	return o.gate
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Method == http.MethodPut {
		o.pass()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		text, ok := o.texts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(text)))[:20]+`"`)
		_, _ = io.WriteString(w, text)
	case http.MethodPut:
		o.puts++
		o.texts[r.URL.Path] = string(body)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// pass waits at the gate, if there is one.
func (o *origin) pass() {
	o.mu.Lock()
	g := o.gate
	o.gate = nil
	o.mu.Unlock()
	if g != nil {
		close(g.arrived)
		<-g.open
	}
}

func (o *origin) text(path string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.texts[path]
}

func (o *origin) writes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.puts
}

// background sends a request while the test goes on.
func background(method, url, body string, header ...string) <-chan outcome {
	c := make(chan outcome, 1)
	go func() {
		a, err := send(method, url, body, header...)
		c <- outcome{a, err}
	}()
	return c
}

type outcome struct {
	answer
	err error
}

// await is what came of a request in the background, within ten seconds.
func await(t testing.TB, c <-chan outcome) outcome {
	t.Helper()
	select {
	case o := <-c:
		return o
	case <-time.After(10 * time.Second):
		t.Fatal("no answer within ten seconds")
		return outcome{}
	}
}

// within waits for a channel to be closed.
func within(t testing.TB, d time.Duration, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(d):
		t.Fatalf("not within %v: %s", d, what)
	}
}
