package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// origin is a backend with one document. What is special about it, the tests say.
type origin struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	content  string
	kind     string // its Content-Type
	revision int    // counts writes
	now      int64  // its clock, in seconds; the first write moves it, the next ones do not
	reads    int
	writes   []string // bodies
	secrets  []string // values of Authorization that came

	// tag makes the ETag; nil: none.
	tag func(o *origin) string
	// read may change the answer to a read before it leaves; true: it has answered.
	read func(o *origin, w http.ResponseWriter, r *http.Request) bool
	// wrote may change the answer to a write before it leaves.
	wrote func(o *origin, h http.Header)
	// minds If-Match.
	minds bool
	// folds says which other paths than /doc are those of the document; nil: none.
	folds func(path string) bool
	// codings are those that it compresses to; suffixed adds each to the tag, weakened makes the tag weak.
	codings            []string
	suffixed, weakened bool
	answer             string // to writes
	shows              func(o *origin) string
}

func newOrigin(t *testing.T, change func(o *origin)) *origin {
	t.Helper()
	o := &origin{t: t, content: `{"title":"A"}`, kind: "application/json", now: 1700000000, revision: 1, answer: `{"ok":true}`}
	o.tag = byContent
	change(o)
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

func byContent(o *origin) string { return fmt.Sprintf(`"%08x"`, crc32.ChecksumIEEE([]byte(o.content))) }

func weakByContent(o *origin) string { return "W/" + byContent(o) }

func byRevision(o *origin) string { return fmt.Sprintf(`"r%d"`, o.revision) }

// likeNginx makes tags of time and size.
func likeNginx(o *origin) string { return fmt.Sprintf(`"%x-%x"`, o.now, len(o.content)) }

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secrets = append(o.secrets, r.Header.Get("Authorization"))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Error(err)
	}
	switch {
	case r.URL.Path != "/doc" && (o.folds == nil || !o.folds(r.URL.Path)):
		http.NotFound(w, r)
	default:
		o.serve(w, r, string(body))
	}
}

func (o *origin) serve(w http.ResponseWriter, r *http.Request, body string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		o.write(w, r, body)
		return
	}
	o.reads++
	if o.read == nil || !o.read(o, w, r) {
		o.show(w, r)
	}
}

func (o *origin) write(w http.ResponseWriter, r *http.Request, body string) {
	if match := r.Header.Get("If-Match"); o.minds && match != "" && match != o.tag(o) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if o.writes = append(o.writes, body); len(o.writes) <= 2 {
		o.now += 10
	}
	o.content = body
	o.revision++
	if o.wrote != nil {
		o.wrote(o, w.Header())
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, o.answer)
}

// show answers a read.
func (o *origin) show(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", o.kind)
	content, tag := o.content, ""
	if o.shows != nil {
		content = o.shows(o)
	}
	if o.tag != nil {
		tag = o.tag(o)
	}
	for _, coding := range o.codings {
		if r.Header.Get("Accept-Encoding") != coding {
			continue
		}
		h.Set("Content-Encoding", coding)
		h.Set("Vary", "Accept-Encoding")
		content = zip(content)
		if o.suffixed {
			tag = strings.TrimSuffix(tag, `"`) + "-" + coding + `"`
		}
		if o.weakened {
			tag = "W/" + tag
		}
	}
	if tag != "" {
		h.Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(content)))
	fmt.Fprint(w, content)
}

// zip compresses, whatever the coding is called.
func zip(content string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, content)
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func (o *origin) modified() string { return time.Unix(o.now, 0).UTC().Format(http.TimeFormat) }
