package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// backend is a lossy origin server: it keeps one text per path and lets the last write win. How it tags them, and what it does
// besides, is up to the test.
type backend struct {
	t testing.TB
	*httptest.Server

	mu      sync.Mutex
	texts   map[string]string
	applied []string // "METHOD path body", in order
	reads   int
	// tag makes the ETag of a text; nil: strong, by content. Empty: none.
	tag func(path, text string) string
	// before runs before a request is answered, outside the lock; true means that it has answered. See intercept.
	before func(w http.ResponseWriter, r *http.Request) bool
	// after runs when a write was applied and may change the answer's head.
	after func(w http.ResponseWriter, r *http.Request) (status int)
}

func newBackend(t testing.TB) *backend {
	b := &backend{t: t, texts: map[string]string{"/a": "one"}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	before := b.before
	b.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		b.reads++
		text, ok := b.texts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		tag := b.tagOf(r.URL.Path, text)
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		if tag != "" && r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text)
	default:
		b.applied = append(b.applied, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body))
		if r.Method == http.MethodDelete {
			delete(b.texts, r.URL.Path)
		} else {
			b.texts[r.URL.Path] = string(body)
		}
		status := http.StatusNoContent
		if b.after != nil {
			status = b.after(w, r)
		}
		w.WriteHeader(status)
	}
}

func (b *backend) tagOf(path, text string) string {
	if b.tag != nil {
		return b.tag(path, text)
	}
	return fmt.Sprintf("%q", "v-"+strings.ReplaceAll(text, " ", "-"))
}

func (b *backend) writes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.applied...)
}

func (b *backend) intercept(before func(w http.ResponseWriter, r *http.Request) (answered bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = before
}

// holdPUTs holds every PUT up at the backend, before it is applied, until goOn is closed. Arrived is closed when one is
// there; there must be no second one before the next intercept.
func (b *backend) holdPUTs() (arrived <-chan struct{}, goOn chan<- struct{}) {
	there, released := make(chan struct{}), make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			close(there)
			<-released
		}
		return false
	})
	return there, released
}

func (b *backend) answerWrites(after func(w http.ResponseWriter, r *http.Request) (status int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after = after
}

func (b *backend) set(path, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.texts[path] = text
}
