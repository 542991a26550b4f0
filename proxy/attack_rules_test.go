package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"proxy409/proxy"
)

// registry is a backend of records, which lets everything be done: GET of a list takes the query for a filter, POST creates with the next
// number, PUT replaces, PATCH merges, DELETE deletes.
type registry struct {
	t testing.TB
	*httptest.Server

	mu      sync.Mutex
	records map[string]map[string]any // by path
	next    int
	log     []string // "METHOD target body", of writes, in order
	asked   []*http.Request
	before  func(w http.ResponseWriter, r *http.Request) (answered bool)
}

func newRegistry(t testing.TB) *registry {
	b := &registry{t: t, records: make(map[string]map[string]any)}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

func (b *registry) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	before := b.before
	b.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		b.asked = append(b.asked, r)
		b.read(w, r)
		return
	}
	b.log = append(b.log, fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), content))
	doc := map[string]any{}
	if form, err := url.ParseQuery(string(content)); strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form") && err == nil {
		for name := range form {
			doc[strings.TrimSuffix(name, "[]")] = form.Get(name)
		}
	} else {
		_ = json.Unmarshal(content, &doc)
	}
	switch r.Method {
	case http.MethodPost:
		if at, ok := strings.CutSuffix(r.URL.Path, "/approve"); ok && b.records[at] != nil {
			b.records[at]["status"] = "approved"
			w.WriteHeader(http.StatusNoContent)
			return
		}
		b.next++
		doc["id"] = b.next
		at := r.URL.Path + "/" + strconv.Itoa(b.next)
		b.records[at] = doc
		w.Header().Set("Location", at)
		w.WriteHeader(http.StatusCreated)
	case http.MethodPut:
		b.records[r.URL.Path] = doc
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch, "MERGE":
		for name, value := range doc {
			if b.records[r.URL.Path] != nil {
				b.records[r.URL.Path][strings.ToLower(name)] = value
			}
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		delete(b.records, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (b *registry) read(w http.ResponseWriter, r *http.Request) {
	var shown any
	if one, ok := b.records[r.URL.Path]; ok {
		shown = one
	} else {
		list := []any{}
		for at, one := range b.records {
			in := strings.HasPrefix(at, r.URL.Path+"/")
			for name, values := range r.URL.Query() {
				in = in && fmt.Sprint(one[name]) == values[0]
			}
			if in {
				list = append(list, one)
			}
		}
		shown = list
		if strings.Count(r.URL.Path, "/") > 1 {
			http.NotFound(w, r)
			return
		}
	}
	content, _ := json.Marshal(shown)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("v%d", len(b.log))))
	_, _ = w.Write(content)
}

func (b *registry) put(path string, members ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	doc := map[string]any{}
	for i := 0; i+1 < len(members); i += 2 {
		doc[members[i].(string)] = members[i+1]
	}
	b.records[path] = doc
}

func (b *registry) writes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.log...)
}

func (b *registry) intercept(before func(w http.ResponseWriter, r *http.Request) (answered bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = before
}

// ruledFleet is a fleet before a registry.
func ruledFleet(t testing.TB, b *registry, routes ...proxy.Route) *fleet {
	plain := newBackend(t)
	f := newFleet(t, plain)
	f.cfg.Upstream, _ = url.Parse(b.URL)
	f.cfg.Routes = routes
	return f
}

// on is a route that judges these methods, and lets them through without a precondition.
func on(match string, guard []string, rules proxy.Rules) proxy.Route {
	return proxy.Route{
		Name: strings.Trim(strings.NewReplacer("/", "-", "{", "", "}", "").Replace(match), "-"), Match: match, Mode: proxy.Enforce,
		Missing: proxy.MissingAllow, Guard: guard, Rules: rules,
	}
}

var ofJSON = []string{"Content-Type", "application/json"}

func emailRule(location string) proxy.Unique {
	return proxy.Unique{Fields: []string{"/email"}, Fold: []string{"trim", "lower"}, Ask: "/users?email={/email}", Location: location}
}

func workflow() *proxy.Transitions {
	return &proxy.Transitions{
		Field:   "/status",
		Moves:   map[string][]string{"pending": {"approved", "cancelled"}, "approved": {"shipped"}, "shipped": {}, "cancelled": {}},
		Initial: []string{"pending"},
	}
}
