package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache/memstore"
	"proxy409/proxy/refusal"
)

// The tests in the files fault_*_test.go force one fault each and tell what becomes of the record. No write that they
// expect to be refused may be applied: its text is "lost".

// leap is a clock that can be put forward.
type leap struct{ by atomic.Int64 }

func (l *leap) now() time.Time { return time.Now().Add(time.Duration(l.by.Load())) }

// store is an empty one whose time this is.
func (l *leap) store() *memstore.Store { return memstore.New(memstore.Options{Clock: l.now}) }

// forever is longer than any record is kept that nobody touches.
const forever = 3 * 720 * time.Hour

func (l *leap) forward(d time.Duration) { l.by.Add(int64(d)) }

// story is one resource that its writer has read, and what happens to it. The store has a clock of its own, so that an hour's
// settle time is over when the test says so, and not before.
type story struct {
	*testing.T
	b     *backend
	f     *fleet
	clock *leap
	c     *client
	store *memstore.Store
	path  string
	tag   string // as it was read before the fault
}

func newStory(t *testing.T, change ...func(*fleet)) *story {
	s := &story{T: t, b: newBackend(t), clock: new(leap), path: "/a"}
	s.f = newFleet(t, s.b)
	s.store = s.clock.store()
	s.f.store.Store = s.store
	s.f.cfg.Timeouts.Settle, s.f.cfg.Timeouts.Write = time.Hour, 20*time.Second
	for _, f := range change {
		f(s.f)
	}
	s.c = s.f.replica()
	s.tag = s.c.get(s.path).etag()
	return s
}

// asked is how often the backend was read.
func (b *backend) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reads
}

// present is the tag that the backend would show.
func (b *backend) present(path string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tagOf(path, b.texts[path])
}

// apply does to a resource what a PUT would do.
func (b *backend) apply(path, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applied = append(b.applied, "PUT "+path+" "+text)
	b.texts[path] = text
}

// onWrites makes the backend answer writes so, until heal. Their bodies have been read.
func (b *backend) onWrites(answer func(w http.ResponseWriter, r *http.Request, text string)) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return false
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Errorf("the backend did not get the whole body of %s %s: %v", r.Method, r.URL.Path, err)
		}
		answer(w, r, string(text))
		return true
	})
}

func (b *backend) heal() { b.intercept(nil) }

// says sends these bytes in the place of an answer, and closes the connection; with a reset, if so.
func says(w http.ResponseWriter, answer string, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, answer)
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
}

// kept: the record is as it was before the fault. The tag from then is good, and the backend need not be asked.
func (s *story) kept() {
	s.Helper()
	asked := s.b.asked()
	s.c.put(s.path, "next", s.tag).want(s, 204)
	if now := s.b.asked(); now != asked {
		s.Errorf("the backend was asked %d times for what the record knows", now-asked)
	}
	s.c.put(s.path, "lost", s.tag).want(s, 409, refusal.Stale)
	s.nothingLost()
}

// moved: the tag from before the fault is stale at once, the next writer is judged by what the backend shows, and there is
// nothing else in the way.
func (s *story) moved() {
	s.Helper()
	s.c.put(s.path, "lost", s.tag).want(s, 409, refusal.Stale)
	other := s.f.replica()
	other.put(s.path, "lost", s.tag).want(s, 409, refusal.Stale)
	if now := s.b.present(s.path); now != s.tag {
		other.put(s.path, "next", now).want(s, 204)
	}
	read := s.c.get(s.path)
	other.put(s.path, "last", read.etag()).want(s, 204)
	s.c.put(s.path, "lost", read.etag()).want(s, 409, refusal.Stale)
	s.nothingLost()
}

// inDoubt: nobody is let in for the settle time, whatever they send, and nothing that is read meanwhile is good afterwards.
// Then the record has moved. Sees is called while the resource is closed.
func (s *story) inDoubt(sees ...func()) {
	s.Helper()
	s.closed(s.f.cfg.Timeouts.Settle)
	for _, f := range sees {
		f()
	}
	meanwhile := s.c.get(s.path)
	if !strings.Contains(meanwhile.etag(), ";p409-") {
		s.Errorf("a read while the outcome is in doubt is given %s, which could be the version before", meanwhile.etag())
	}
	s.c.put(s.path, "lost", meanwhile.etag()).want(s, 409, refusal.Busy)
	s.clock.forward(s.f.cfg.Timeouts.Settle - time.Minute)
	s.closed(time.Minute)
	s.clock.forward(time.Minute + s.f.cfg.Timeouts.Write)
	s.c.put(s.path, "lost", meanwhile.etag()).want(s, 409, refusal.Stale)
	s.moved()
}

// closed: writers are told that the resource is busy for so long at the most, whichever replica they ask.
func (s *story) closed(left time.Duration) {
	s.Helper()
	for _, at := range []*client{s.c, s.f.replica()} {
		for _, tag := range []string{s.tag, s.b.present(s.path)} {
			busy := at.put(s.path, "lost", tag)
			busy.want(s, 409, refusal.Busy)
			after, err := strconv.Atoi(busy.Header.Get("Retry-After"))
			wait := time.Duration(after) * time.Second
			if err != nil || wait > left+2*time.Second || wait < left-30*time.Second {
				s.Errorf("%s before the end: Retry-After: %s", left, busy.Header.Get("Retry-After"))
			}
		}
	}
}

// nothingLost: no write was applied that was to be refused.
func (s *story) nothingLost() {
	s.Helper()
	for _, w := range s.b.writes() {
		if strings.HasSuffix(w, " lost") {
			s.Errorf("the backend applied %q", s.b.writes())
			return
		}
	}
}

// logged: the proxy has met the fault by this name.
func (s *story) logged(cause string) {
	s.Helper()
	if !strings.Contains(s.f.logs.String(), cause) {
		s.Errorf("the fault did not happen, there is no %q in the log:\n%s", cause, s.f.logs)
	}
}

// sameAnswer compares what the backend sent with what the client got.
func (s *story) sameAnswer(got answer, status int, body string, header http.Header) {
	s.Helper()
	if got.StatusCode != status || got.body != body {
		s.Errorf("the client got %d %q, the backend sent %d %q", got.StatusCode, got.body, status, body)
	}
	for name := range header {
		if sent, came := fmt.Sprint(header[name]), fmt.Sprint(got.Header[name]); sent != came {
			s.Errorf("%s: the client got %s, the backend sent %s", name, came, sent)
		}
	}
}

// forget makes the store forget its records, as it does with those that nobody has touched for long.
func (s *story) forget() {
	s.Helper()
	forget(s, s.store, s.clock)
}

func forget(t testing.TB, store *memstore.Store, clock *leap) {
	t.Helper()
	if store.Len() == 0 {
		t.Fatal("there is nothing to forget")
	}
	clock.forward(forever)
	if n := store.Len(); n > 0 {
		t.Fatalf("%d records are not forgotten", n)
	}
}
