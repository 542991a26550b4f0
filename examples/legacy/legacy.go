// Package legacy is the kind of backend that proxy409 is made for: a JSON API that keeps items in memory and lets the
// last write win. It shows entity tags, as frameworks do by themselves, and pays no heed to If-Match, as frameworks do
// too: two people who edit from one read lose one edit, and nobody is told.
//
//	GET    /items       all items, by id
//	POST   /items       creates an item: 201 with its Location
//	GET    /items/{id}  one item; HEAD too; 304 for an If-None-Match that names its present entity tag
//	PUT    /items/{id}  creates the item, or replaces all of it
//	PATCH  /items/{id}  replaces single members; null removes one
//	DELETE /items/{id}  removes the item: 204
//
// It is for examples and tests; nothing in it is fit for production, on purpose.
package legacy

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options change how a [Backend] behaves. The zero value is a backend with strong entity tags that answers at once.
type Options struct {
	ETags   ETags         // which entity tags answers carry; the zero value is [Strong]
	Latency time.Duration // how long each request takes before it has any effect; 0: none
	Keep    int           // how many of the latest writes [Backend.Applied] remembers; 0: all, negative: none
}

// Write is one write that was applied.
type Write struct {
	ID       string // the item
	Method   string // POST, PUT, PATCH or DELETE
	Revision int    // the item's revision afterwards; the next one, if it was deleted
	Body     []byte // as it was received
	IfMatch  string // the If-Match that came with it and was ignored; several lines joined by ", "
}

// Backend is the API as an [http.Handler]. It is safe for concurrent use. The zero value is not usable; [New] makes one.
type Backend struct {
	mux     *http.ServeMux
	options Options

	mu        sync.Mutex
	items     map[string]item
	revisions map[string]int // the latest revision of each id; outlives the item, so no revision comes twice
	lastID    int            // the latest id given by POST
	applied   []Write
}

// New returns a backend that holds two documents, /items/1 and /items/2, each at revision 1.
func New(options Options) *Backend {
	b := &Backend{
		mux:       http.NewServeMux(),
		options:   options,
		items:     make(map[string]item),
		revisions: make(map[string]int),
	}
	b.store("1", item{"title": text("Quarterly report"), "body": text("Draft"), "author": text("Ada")})
	b.store("2", item{"title": text("Shopping list"), "body": text("Bread, milk"), "author": text("Grace")})
	b.lastID = 2

	b.mux.HandleFunc("GET /items", b.list)
	b.mux.HandleFunc("POST /items", b.create)
	b.mux.HandleFunc("GET /items/{id}", b.read)
	b.mux.HandleFunc("PUT /items/{id}", b.replace)
	b.mux.HandleFunc("PATCH /items/{id}", b.merge)
	b.mux.HandleFunc("DELETE /items/{id}", b.remove)
	return b
}

// ServeHTTP implements [http.Handler]. A request whose client has gone is carried out all the same.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(b.options.Latency)
	b.mux.ServeHTTP(w, r)
}

// Applied returns the writes that were applied, in the order in which they were. The caller may keep the slice, and must
// not change the bodies.
func (b *Backend) Applied() []Write {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.applied)
}

// note remembers a write that was just applied. The caller holds b.mu.
func (b *Backend) note(r *http.Request, id string, revision int, body []byte) {
	if b.options.Keep < 0 {
		return
	}
	b.applied = append(b.applied, Write{
		ID:       id,
		Method:   r.Method,
		Revision: revision,
		Body:     body,
		IfMatch:  strings.Join(r.Header.Values("If-Match"), ", "),
	})
	if excess := len(b.applied) - b.options.Keep; b.options.Keep > 0 && excess > 0 {
		b.applied = slices.Delete(b.applied, 0, excess)
	}
}
