package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// object is a JSON object.
type object map[string]any

type api struct {
	mux       http.ServeMux
	mu        sync.Mutex
	documents map[int]object
	articles  map[string]object
	settings  object
	revision  int // of the settings
}

func newAPI() *api {
	a := &api{
		documents: map[int]object{
			1: {"id": 1, "version": 1, "title": "Quarterly report", "author": "Ada"},
			2: {"id": 2, "version": 1, "title": "Minutes", "author": "Grace"},
		},
		articles: map[string]object{"hello": {"title": "Hello", "text": "First."}},
		settings: object{"theme": "light"},
		revision: 1,
	}
	for id := 3; id <= 5000; id++ {
		a.documents[id] = object{"id": id, "version": 1, "title": "Note " + strconv.Itoa(id), "author": "Ada"}
	}
	a.handle("GET /documents", a.list)
	a.handle("POST /documents", a.create)
	a.handle("GET /documents/{id}", a.read)
	a.handle("PUT /documents/{id}", a.write)
	a.handle("PATCH /documents/{id}", a.write)
	a.handle("DELETE /documents/{id}", a.remove)
	a.handle("GET /articles/{name}", a.readArticle)
	a.handle("PUT /articles/{name}", a.writeArticle)
	a.handle("GET /settings", a.readSettings)
	a.handle("PUT /settings", a.writeSettings)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// handle lets one request in at a time.
func (a *api) handle(pattern string, f http.HandlerFunc) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		f(w, r)
	})
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) {
	all := make([]object, 0, len(a.documents))
	for _, id := range slices.Sorted(maps.Keys(a.documents)) {
		all = append(all, a.documents[id])
	}
	reply(w, http.StatusOK, all)
}

func (a *api) create(w http.ResponseWriter, r *http.Request) {
	id := 1 + slices.Max(slices.Collect(maps.Keys(a.documents)))
	a.save(w, r, id, object{})
}

func (a *api) read(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	document, ok := a.documents[id]
	if !ok {
		reply(w, http.StatusNotFound, object{"error": "no such document"})
		return
	}
	reply(w, http.StatusOK, document)
}

func (a *api) write(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		reply(w, http.StatusNotFound, object{"error": "a document's id is a number"})
		return
	}
	document := object{}
	if r.Method == http.MethodPatch {
		maps.Copy(document, a.documents[id])
	}
	a.save(w, r, id, document)
}

// save puts what was sent into the document, counts its version up, and answers with it.
func (a *api) save(w http.ResponseWriter, r *http.Request, id int, document object) {
	old, exists := a.documents[id]
	if err := json.NewDecoder(r.Body).Decode(&document); err != nil {
		reply(w, http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	version, _ := old["version"].(int)
	document["id"], document["version"] = id, version+1
	a.documents[id] = document
	if exists {
		reply(w, http.StatusOK, document)
		return
	}
	w.Header().Set("Location", "/documents/"+strconv.Itoa(id))
	reply(w, http.StatusCreated, document)
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	delete(a.documents, id)
	w.WriteHeader(http.StatusNoContent)
}

func (a *api) readArticle(w http.ResponseWriter, r *http.Request) {
	article, ok := a.articles[r.PathValue("name")]
	if !ok {
		reply(w, http.StatusNotFound, object{"error": "no such article"})
		return
	}
	shown := maps.Clone(article)
	shown["served_at"] = time.Now().Format(time.RFC3339Nano)
	reply(w, http.StatusOK, shown)
}

// writeArticle answers nothing from which the next version could be told.
func (a *api) writeArticle(w http.ResponseWriter, r *http.Request) {
	article := object{}
	if err := json.NewDecoder(r.Body).Decode(&article); err != nil {
		reply(w, http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	a.articles[r.PathValue("name")] = article
	reply(w, http.StatusOK, object{"ok": true})
}

func (a *api) readSettings(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Revision", strconv.Itoa(a.revision))
	reply(w, http.StatusOK, a.settings)
}

func (a *api) writeSettings(w http.ResponseWriter, r *http.Request) {
	settings := object{}
	if err := json.NewDecoder(r.Body).Decode(&settings); err != nil {
		reply(w, http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	a.settings = settings
	a.revision++
	a.readSettings(w, r)
}

func reply(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		data = fmt.Appendf(nil, `{"error": %q}`, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that has gone needs no answer
}

// zipped compresses the answers to who asks for that.
func zipped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept-Encoding")
		if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		defer func() { _ = zip.Close() }() // a client that has gone needs no answer
		next.ServeHTTP(zipWriter{w, zip}, r)
	})
}

type zipWriter struct {
	http.ResponseWriter
	io.Writer
}

func (z zipWriter) Write(p []byte) (int, error) { return z.Writer.Write(p) }
