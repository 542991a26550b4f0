package legacy

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the longest body taken, in bytes.
const maxBody = 1 << 20

func (b *Backend) list(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	all := make([]item, 0, len(b.items))
	for _, id := range slices.SortedFunc(maps.Keys(b.items), compareIDs) {
		all = append(all, b.items[id])
	}
	data := encode(all)
	b.mu.Unlock()
	b.show(w, r, http.StatusOK, data)
}

// compareIDs puts 2 before 10, and numbers before words.
func compareIDs(x, y string) int {
	i, errX := strconv.Atoi(x)
	j, errY := strconv.Atoi(y)
	switch {
	case errX == nil && errY == nil && i != j:
		return i - j
	case errX == nil && errY != nil:
		return -1
	case errX != nil && errY == nil:
		return 1
	}
	return strings.Compare(x, y)
}

func (b *Backend) read(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	it, found := b.items[r.PathValue("id")]
	data := encode(it)
	b.mu.Unlock()
	if !found {
		notFound(w, r)
		return
	}
	b.show(w, r, http.StatusOK, data)
}

func (b *Backend) create(w http.ResponseWriter, r *http.Request) {
	body, it, ok := receive(w, r)
	if !ok {
		return
	}
	b.mu.Lock()
	id := b.freeID()
	revision := b.store(id, it)
	b.note(r, id, revision, body)
	data := encode(it)
	b.mu.Unlock()
	w.Header().Set("Location", "/items/"+id)
	b.show(w, r, http.StatusCreated, data)
}

// freeID returns an id that no item ever had. The caller holds b.mu.
func (b *Backend) freeID() string {
	for {
		b.lastID++
		id := strconv.Itoa(b.lastID)
		if b.revisions[id] == 0 {
			return id
		}
	}
}

func (b *Backend) replace(w http.ResponseWriter, r *http.Request) {
	body, it, ok := receive(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	b.mu.Lock()
	_, found := b.items[id]
	revision := b.store(id, it)
	b.note(r, id, revision, body)
	data := encode(it)
	b.mu.Unlock()
	status := http.StatusOK
	if !found {
		status = http.StatusCreated
		w.Header().Set("Location", r.URL.EscapedPath())
	}
	b.show(w, r, status, data)
}

func (b *Backend) merge(w http.ResponseWriter, r *http.Request) {
	body, patch, ok := receive(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	b.mu.Lock()
	old, found := b.items[id]
	if !found {
		b.mu.Unlock()
		notFound(w, r)
		return
	}
	it := maps.Clone(old)
	for name, value := range patch {
		if string(value) == "null" {
			delete(it, name)
		} else {
			it[name] = value
		}
	}
	revision := b.store(id, it)
	b.note(r, id, revision, body)
	data := encode(it)
	b.mu.Unlock()
	b.show(w, r, http.StatusOK, data)
}

func (b *Backend) remove(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	b.mu.Lock()
	_, found := b.items[id]
	if found {
		delete(b.items, id)
		b.revisions[id]++
		b.note(r, id, b.revisions[id], nil)
	}
	b.mu.Unlock()
	if !found {
		notFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// receive reads the item in the request's body. If there is none, it has answered the client.
func receive(w http.ResponseWriter, r *http.Request) (body []byte, it item, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", tooLarge.Limit))
		} else {
			fail(w, r, http.StatusBadRequest, "the body broke off")
		}
		return nil, nil, false
	}
	it, err = parse(body)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return nil, nil, false
	}
	return body, it, true
}

// show answers with a representation and its entity tag, or with 304 to a client that has it.
func (b *Backend) show(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	if tag := b.options.ETags.tag(data); tag != "" {
		w.Header().Set("ETag", tag)
		if isRead(r) && hasIt(r, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	answer(w, r, status, data)
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// hasIt reports whether If-None-Match names the tag, compared weakly (RFC 9110, section 13.1.2). The tags made here
// have no commas in them, so a list may be taken apart at its commas.
func hasIt(r *http.Request, tag string) bool {
	for name := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		name = strings.TrimSpace(name)
		if name == "*" || strings.TrimPrefix(name, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, r, http.StatusNotFound, "there is no such item")
}

func fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	answer(w, r, status, encode(map[string]string{"error": message}))
}

func answer(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // a client that has gone needs no answer
	}
}
