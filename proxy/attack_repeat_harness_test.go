package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"proxy409/proxy"
)

// shelf is a backend of JSON documents that applies PUT, merge patches and DELETE, and counts what it applies.
type shelf struct {
	*httptest.Server
	mu      sync.Mutex
	docs    map[string]string
	tags    map[string]string
	wrote   int
	applied []string
	// tag is the entity tag of a new content; nil: a new one each time.
	tag func(content string) string
	// before is asked first; true: it has answered.
	before func(w http.ResponseWriter, r *http.Request) bool
	// after is called when a write was applied; true: it has answered.
	after func(w http.ResponseWriter, r *http.Request) bool
}

func newShelf(t testing.TB) *shelf {
	s := &shelf{docs: map[string]string{}, tags: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// set writes past the proxy.
func (s *shelf) set(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(path, content)
}

func (s *shelf) write(path, content string) {
	s.wrote++
	s.docs[path] = content
	s.tags[path] = strconv.Itoa(s.wrote)
	if s.tag != nil {
		s.tags[path] = s.tag(content)
	}
}

func (s *shelf) at(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[path]
}

func (s *shelf) writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.applied...)
}

func (s *shelf) hooks(before, after func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// overtakes has somebody write when the backend is first asked about /d for the stale write (X-Who: stale), which is shown what was there before.
func (s *shelf) overtakes(write func()) {
	var once sync.Once
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.Header.Get("X-Who") != "stale" {
			return false
		}
		raced := false
		once.Do(func() {
			raced = true
			s.mu.Lock()
			doc, tag := s.docs["/d"], s.tags["/d"]
			s.mu.Unlock()
			write()
			w.Header().Set("ETag", `"`+tag+`"`)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, doc)
		})
		return raced
	}, nil)
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before, after := s.before, s.after
	s.mu.Unlock()
	content, _ := io.ReadAll(r.Body)
	if before != nil && before(w, r) {
		return
	}
	s.mu.Lock()
	doc, is := s.docs[r.URL.Path]
	tag := s.tags[r.URL.Path]
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.mu.Unlock()
		if !is {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", `"`+tag+`"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, doc)
		return
	case http.MethodPut:
		s.write(r.URL.Path, string(content))
	case http.MethodDelete:
		delete(s.docs, r.URL.Path)
	case http.MethodPatch:
		have := map[string]any{}
		_ = json.Unmarshal([]byte(doc), &have)
		change := map[string]any{}
		_ = json.Unmarshal(content, &change)
		for name, value := range change {
			have[name] = value
			if value == nil {
				delete(have, name)
			}
		}
		made, _ := json.Marshal(have)
		s.write(r.URL.Path, string(made))
	}
	s.applied = append(s.applied, r.Method+" "+string(content))
	n := len(s.applied)
	tag = s.tags[r.URL.Path]
	s.mu.Unlock()
	if after != nil && after(w, r) {
		return
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPatch {
		w.Header().Set("ETag", `"`+tag+`"`)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"applied":%d}`, n)
}

// shelved is a fleet before a shelf, with one route.
func shelved(t testing.TB, s *shelf, p proxy.Route) *fleet {
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream, _ = url.Parse(s.URL)
	f.cfg.Routes = []proxy.Route{p}
	return f
}

func mergingRoute() proxy.Route {
	p := route()
	p.History, p.Merge = proxy.History{Keep: 64 << 10, For: time.Hour}, true
	p.Version.Reread = true
	return p
}

func keyedRoute() proxy.Route {
	p := route()
	p.Guard = append(p.Guard, http.MethodPost)
	p.Pass = nil
	p.Missing = proxy.MissingAllow
	p.Idempotency = proxy.Idempotency{TTL: time.Hour}
	return p
}

// jsonWith is the request header of a write of JSON.
func jsonWith(header ...string) []string { return append(header, "Content-Type", "application/json") }
