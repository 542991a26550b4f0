package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The origins of pages.
const (
	friend   = "https://app.example"
	stranger = "https://evil.example"
)

// sharing makes a backend one that lets the pages of one origin in, credentials and all, and nobody else's. It is as strict as
// the frameworks are: a preflight for a field that it has not heard of is refused as a whole, and so is one for another method.
// Nothing but a preflight is an OPTIONS to it: it fails the test when another one comes.
type sharing struct {
	t   testing.TB
	mu  sync.Mutex
	got []*http.Request // the preflights

	// last runs after the backend's fields of CORS are on the answer; true means that it has answered. Nil: never.
	last func(w http.ResponseWriter, r *http.Request) bool
	// preflight answers preflights instead. Nil: as a strict framework does.
	preflight http.HandlerFunc
	// onErrors: errors have the fields, too.
	onErrors bool
}

func newSharing(t testing.TB, b *backend) *sharing {
	s := &sharing{t: t, onErrors: true}
	b.intercept(s.serve)
	return s
}

func (s *sharing) serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodOptions {
		s.mu.Lock()
		s.got = append(s.got, r)
		s.mu.Unlock()
		if r.Header.Get("Access-Control-Request-Method") == "" || r.Header.Get("Origin") == "" {
			s.t.Errorf("the backend got OPTIONS %s with %v", r.URL, r.Header)
		}
		if s.preflight != nil {
			s.preflight(w, r)
		} else {
			s.strict(w, r)
		}
		return true
	}
	if s.onErrors {
		allow(w, r)
	} else {
		w = &successes{ResponseWriter: w, r: r}
	}
	return s.last != nil && s.last(w, r)
}

func (s *sharing) strict(w http.ResponseWriter, r *http.Request) {
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	asked := strings.Split(r.Header.Get("Access-Control-Request-Headers"), ",")
	unheard := slices.ContainsFunc(asked, func(name string) bool { return name != "" && name != "content-type" })
	if unheard || !slices.Contains(methods, r.Header.Get("Access-Control-Request-Method")) || !allow(w, r) {
		http.Error(w, "Invalid CORS request", http.StatusForbidden)
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	w.Header().Set("Access-Control-Allow-Headers", "content-type")
	w.WriteHeader(http.StatusNoContent)
}

// allow puts the fields on an answer that the origin of its request gets.
func allow(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	if r.Header.Get("Origin") != friend {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", friend)
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	return true
}

// successes puts the fields on successes only, as add_header of nginx does.
type successes struct {
	http.ResponseWriter
	r *http.Request
}

func (s *successes) WriteHeader(status int) {
	if status < 400 {
		allow(s.ResponseWriter, s.r)
	}
	s.ResponseWriter.WriteHeader(status)
}

// preflights are those that the backend has got since the last call.
func (s *sharing) preflights() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.got
	s.got = nil
	return was
}

// shared are the fields of an answer that CORS is made of, but for Vary.
func (a answer) shared() map[string]string {
	fields := map[string]string{}
	for name, values := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			fields[name] = strings.Join(values, " | ")
		}
	}
	return fields
}
