package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy/refusal"
)

// What the backend leaves open is in doubt, whether it has applied the write or not: nobody can know.
func TestAWriteWithoutAWholeAnswerClosesItsResourceUntilItIsSettled(t *testing.T) {
	for _, fault := range []struct {
		name, answer, cause string
		reset               bool
	}{
		{"a reset", "", "reset by peer", true},
		{"a connection that is closed", "", "EOF", false},
		{"a reset in the middle of the header", "HTTP/1.1 200 OK\r\nContent-Le", "no answer from the backend", true},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-Le", "malformed MIME header", false},
		{"what is no HTTP", "a teapot\r\n\r\n", "malformed HTTP", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "Content-Length", false},
		{"an interim answer and no other", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "EOF", false},
	} {
		for _, applies := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, applied: %t", fault.name, applies), func(t *testing.T) {
				s := newStory(t)
				s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
					if applies {
						s.b.apply(r.URL.Path, text)
					}
					says(w, fault.answer, fault.reset)
				})
				s.c.put("/a", "two", s.tag).want(t, 502, refusal.Backend)
				s.logged(fault.cause)
				s.logged("sent=true")
				s.b.heal()
				s.inDoubt()
			})
		}
	}
}

func TestAfterA500TheRecordAsksTheBackendAtOnce(t *testing.T) {
	for _, applies := range []bool{true, false} {
		t.Run(fmt.Sprintf("applied: %t", applies), func(t *testing.T) {
			s := newStory(t)
			s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
				if applies {
					s.b.apply(r.URL.Path, text)
				}
				w.Header().Set("X-Trace", "7")
				w.WriteHeader(500)
				_, _ = io.WriteString(w, "a stack trace")
			})
			got := s.c.put("/a", "two", s.tag)
			s.sameAnswer(got, 500, "a stack trace", http.Header{"X-Trace": {"7"}})
			s.b.heal()
			s.moved()
		})
	}
}

// The answer's head has said what became of the write. Its content is the client's, who sees it break off as it did; of a
// short one with an announced length, a reverse proxy passes nothing on.
func TestHalfAnAnswerIsAnAnswer(t *testing.T) {
	half := strings.Repeat("half", 4000)
	for _, tc := range []struct {
		name, rest, passes string
	}{
		{"a length that is not reached", "Content-Length: 99999\r\n\r\n" + half, half},
		{"a short one", "Content-Length: 10\r\n\r\nhalf", ""},
		{"chunks without an end", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "half"},
		{"half a chunk", "Transfer-Encoding: chunked\r\n\r\na\r\nhalf", "half"},
	} {
		for _, status := range []int{200, 500, 422} {
			t.Run(fmt.Sprint(tc.name, ", ", status), func(t *testing.T) {
				s := newStory(t)
				s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
					if status == 200 {
						s.b.apply(r.URL.Path, text)
					}
					says(w, fmt.Sprintf("HTTP/1.1 %d Whatever\r\nX-Trace: 7\r\n%s", status, tc.rest), false)
				})
				got, err := s.c.attempt("PUT", "/a", "two", "If-Match", s.tag)
				if err == nil {
					t.Error("the client takes half an answer for a whole one")
				}
				if tc.passes != "" {
					s.sameAnswer(got, status, tc.passes, http.Header{"X-Trace": {"7"}})
				} else if got.Response != nil {
					t.Errorf("the client got %d", got.StatusCode)
				}
				s.b.heal()
				if status == 422 {
					s.kept()
				} else {
					s.moved()
				}
			})
		}
	}
}

// A version that is made of content is made of the whole of it.
func TestHalfAnAnswerMakesNoVersion(t *testing.T) {
	for name, reread := range map[string]bool{"the write's own": false, "the one that is read after it": true} {
		t.Run(name, func(t *testing.T) {
			d := newDocs(t)
			f := newFleet(t, d.backend)
			f.cfg.Routes[0].Version = fromBody()
			f.cfg.Routes[0].Version.TrustWrites, f.cfg.Routes[0].Version.Reread = !reread, reread
			c := f.replica()
			tag := c.get("/a").etag()
			var halves atomic.Int32
			d.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if (r.Method == http.MethodGet) == reread {
					halves.Add(1)
					if !reread {
						d.change(func() { d.text, d.rev = "two", 2 })
					}
					says(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", false)
					return true
				}
				return d.serveDoc(w, r)
			})
			got, _ := c.attempt("PUT", "/a", "two", "If-Match", tag)
			if got.want(t, 200); got.etag() != "" || halves.Load() != 1 {
				t.Errorf("after %d half answers, the next tag is %s", halves.Load(), got.etag())
			}
			d.intercept(d.serveDoc)
			c.put("/a", "lost", tag).want(t, 409, refusal.Stale)
			c.put("/a", "three", c.get("/a").etag()).want(t, 200)
		})
	}
}

// An answer that streams on and on holds up nobody but its own client.
func TestAWriteIsOverWhenItsAnswerBegins(t *testing.T) {
	s := newStory(t)
	streaming, end := make(chan struct{}), make(chan struct{})
	s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
		s.b.apply(r.URL.Path, text)
		_, _ = io.WriteString(w, "half")
		flush(w)
		close(streaming)
		<-end
	})
	var first sync.WaitGroup
	defer first.Wait()
	defer close(end)
	first.Go(func() {
		if got, err := s.c.attempt("PUT", "/a", "two", "If-Match", s.tag); got.StatusCode != 200 || err != nil {
			t.Errorf("%d %v", got.StatusCode, err)
		}
	})
	<-streaming
	s.b.heal()
	if err := s.c.proxy.Drain(t.Context()); err != nil { // no lease is held
		t.Error(err)
	}
	s.moved()
}

func TestAnAnswerThatComesAfterTheProxyGaveUpChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, func(f *fleet) { f.cfg.Timeouts.Write = time.Second })
	givenUp, goOn, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
	applies := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(applies)
	s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
		defer close(answered)
		<-r.Context().Done() // the proxy has closed the connection
		close(givenUp)
		<-goOn
		s.b.apply(r.URL.Path, text)
		w.WriteHeader(204)
	})
	timeout := s.c.put("/a", "late", s.tag)
	timeout.want(t, 504, refusal.Timeout)
	if !strings.Contains(timeout.body, "may yet be") {
		t.Errorf("the client is not told that it may be applied yet: %s", timeout.body)
	}
	soon(t, "the backend sees that nobody waits for it", givenUp)
	s.b.heal()
	s.inDoubt(func() {
		applies()
		<-answered
		if got := s.b.writes(); len(got) != 1 || got[0] != "PUT /a late" {
			t.Fatalf("the backend applied %q", got)
		}
		s.closed(s.f.cfg.Timeouts.Settle) // its being over is not known
	})
}
