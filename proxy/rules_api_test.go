package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// api is a JSON backend that refuses nothing: documents, lists of them that a query filters, and actions. /users is a list, /users/1 a
// document in it, and a POST to /orders/7/approve makes the status of /orders/7 "approved". It is called without a network, so that time
// can be that of testing/synctest, and what it is asked can be held up and answered by a test.
type api struct {
	t testing.TB

	mu      sync.Mutex
	docs    map[string]document // by their paths
	listed  map[string]document // what lists show while they lag; nil: docs
	created int
	calls   []call
	seams   []*seam
	// alike reports whether a list shows documents with one value when it is asked for another; nil: if they are equal.
	alike func(stored, asked string) bool
	obeys bool          // see obeysOverrides
	over  chan struct{} // closed when nothing is held up any more
	end   func()
}

type document map[string]any

// call is a request as the backend got it.
type call struct {
	method, uri, body string
	header            http.Header
}

// said is the call in a line.
func (c call) said() string { return strings.TrimSpace(c.method + " " + c.uri + " " + c.body) }

func newAPI(t testing.TB) *api {
	a := &api{t: t, docs: map[string]document{}, over: make(chan struct{})}
	a.end = sync.OnceFunc(func() { close(a.over) })
	return a
}

// RoundTrip answers like a backend at the end of a connection: a request whose time is over gets no answer, but what it does is done.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	content, err := io.ReadAll(bodyOf(r))
	if err != nil {
		return nil, err
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	got := r.Clone(r.Context())
	got.Body = io.NopCloser(bytes.NewReader(content))
	w := httptest.NewRecorder()
	broken := make(chan bool, 1)
	go func() {
		defer func() { broken <- recover() != nil }() // as http.ErrAbortHandler
		a.serve(w, got, content)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case reset := <-broken:
		if reset {
			return nil, errBroken
		}
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

func bodyOf(r *http.Request) io.ReadCloser {
	if r.Body == nil {
		return http.NoBody
	}
	return r.Body
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	a.mu.Lock()
	a.calls = append(a.calls, call{r.Method, r.URL.RequestURI(), string(body), r.Header.Clone()})
	var do func(http.ResponseWriter, *http.Request) bool
	for _, s := range a.seams {
		if (s.method == "" || s.method == r.Method) && (s.path == "" || s.path == r.URL.Path) {
			do = s.do
		}
	}
	a.mu.Unlock()
	if do != nil && do(w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		a.show(w, r)
	case http.MethodDelete:
		delete(a.docs, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		a.write(w, r, body)
	}
}

func (a *api) show(w http.ResponseWriter, r *http.Request) {
	doc, there := a.docs[r.URL.Path]
	switch {
	case there:
		a.answer(w, http.StatusOK, doc)
	case strings.Count(r.URL.Path, "/") == 1:
		a.json(w, http.StatusOK, a.list(r.URL.Path, r.URL.Query()))
	default:
		a.json(w, http.StatusNotFound, document{"error": "not found"})
	}
}

// list is what a collection shows of those that have all the values of the query.
func (a *api) list(path string, query url.Values) []document {
	from := a.docs
	if a.listed != nil {
		from = a.listed
	}
	alike := a.alike
	if alike == nil {
		alike = func(stored, asked string) bool { return stored == asked }
	}
	found := []document{}
	for _, at := range slices.Sorted(maps.Keys(from)) {
		fits := strings.HasPrefix(at, path+"/")
		for name := range query {
			fits = fits && alike(fmt.Sprint(from[at][name]), query.Get(name))
		}
		if fits {
			found = append(found, from[at])
		}
	}
	return found
}

// write creates, replaces or changes, whatever it is sent.
func (a *api) write(w http.ResponseWriter, r *http.Request, body []byte) {
	sent := a.read(r, body)
	at, action, _ := cutAction(r.URL.Path)
	doc, there := a.docs[at]
	status, method := http.StatusOK, a.methodOf(r, sent)
	switch {
	case action != "" && there:
		doc = maps.Clone(doc)
		doc["status"] = action + "d"
	case method == http.MethodPost:
		a.created++
		at, status = fmt.Sprintf("%s/%d", strings.TrimSuffix(at, "/"), a.created), http.StatusCreated
		doc = sent
	case method == http.MethodPatch && there:
		doc = maps.Clone(doc)
		maps.Copy(doc, sent)
	default:
		if !there {
			status = http.StatusCreated
		}
		doc = sent
	}
	a.put(at, doc)
	if status == http.StatusCreated {
		w.Header().Set("Location", at)
	}
	a.answer(w, status, a.docs[at])
}

// cutAction finds the action in /orders/7/approve.
func cutAction(path string) (at, action string, found bool) {
	parts := strings.Split(path, "/")
	if len(parts) == 4 {
		return strings.Join(parts[:3], "/"), parts[3], true
	}
	return path, "", false
}

// read reads what was sent, in the ways that backends do.
func (a *api) read(r *http.Request, body []byte) document {
	doc := document{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		values, _ := url.ParseQuery(string(body))
		for name := range values {
			doc[name] = values.Get(name)
		}
		return doc
	}
	if len(body) > 0 && json.Unmarshal(body, &doc) != nil {
		a.t.Errorf("%s %s: the backend got what it cannot read: %s", r.Method, r.URL, body)
	}
	return doc
}

// put stores a document under the next version.
func (a *api) put(at string, doc document) {
	doc = maps.Clone(doc)
	version := 1
	if before, there := a.docs[at]; there {
		version = before["version"].(int) + 1
	}
	doc["version"], doc["id"] = version, at[strings.LastIndex(at, "/")+1:]
	a.docs[at] = doc
}

// answer shows a document with all the kinds of versions that there are.
func (a *api) answer(w http.ResponseWriter, status int, doc document) {
	version := doc["version"].(int)
	w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, version))
	w.Header().Set("Last-Modified", time.Date(2024, 1, 1, 0, 0, version, 0, time.UTC).Format(http.TimeFormat))
	w.Header().Set("X-Revision", fmt.Sprintf("r%d", version))
	a.json(w, status, doc)
}

func (a *api) json(w http.ResponseWriter, status int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(content); err != nil {
		a.t.Error(err)
	}
}

// has stores documents, past the proxy.
func (a *api) has(at, doc string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var d document
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		a.t.Fatal(err)
	}
	a.put(at, d)
}

// lag freezes what lists show; catchUp ends that.
func (a *api) lag() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = maps.Clone(a.docs)
}

func (a *api) catchUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = nil
}

// asked lists everything that the backend got since it was last forgotten.
func (a *api) asked() []call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

// questions and writes are the reads and the writes of what it got, each in a line.
func (a *api) questions() []string { return a.lines(true) }
func (a *api) writes() []string    { return a.lines(false) }

func (a *api) lines(reads bool) []string {
	list := []string{}
	for _, c := range a.asked() {
		if (c.method == http.MethodGet || c.method == http.MethodHead) == reads {
			list = append(list, c.said())
		}
	}
	return list
}

// at is a member of a document; nil: there is none.
func (a *api) at(path, name string) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.docs[path][name]
}

// obeysOverrides makes the backend take a POST for what X-HTTP-Method-Override or _method says, as Rails does.
func obeysOverrides(a *api) { a.obeys = true }

// methodOf is the method by which the backend goes.
func (a *api) methodOf(r *http.Request, sent document) string {
	for _, named := range []any{r.Header.Get("X-HTTP-Method-Override"), r.URL.Query().Get("_method"), sent["_method"]} {
		if named, is := named.(string); is && named != "" && a.obeys && r.Method == http.MethodPost {
			return strings.ToUpper(named)
		}
	}
	return r.Method
}
