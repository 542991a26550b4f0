package proxy_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/validator"
)

// docs is a backend of one document, {"version":7,"text":"…"}, that says its revision in the document and in X-Revision. The
// entity tag that it puts on everything names nothing.
type docs struct {
	*backend

	docs    sync.Mutex
	text    string
	rev     int
	last    time.Time     // Last-Modified, if it is set
	asked   []http.Header // by GET or HEAD
	written http.Header   // by the last write
	gzips   bool          // if the client takes it
	refuse  int           // with which status it answers reads, if not 0
	silent  bool          // it answers writes with 204
}

func newDocs(t testing.TB) *docs {
	d := &docs{backend: newBackend(t), text: "one", rev: 1, gzips: true}
	d.intercept(d.serveDoc)
	return d
}

func (d *docs) change(f func()) {
	d.docs.Lock()
	defer d.docs.Unlock()
	f()
}

func (d *docs) lastAsked() http.Header {
	d.docs.Lock()
	defer d.docs.Unlock()
	return d.asked[len(d.asked)-1]
}

func (d *docs) now() (text string, rev int) {
	d.docs.Lock()
	defer d.docs.Unlock()
	return d.text, d.rev
}

func (d *docs) serveDoc(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return true
	}
	d.docs.Lock()
	defer d.docs.Unlock()
	w.Header().Set("ETag", `"of-the-backend"`)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		d.written = r.Header.Clone()
		d.text, d.rev = string(body), d.rev+1
		if w.Header().Set("X-Revision", fmt.Sprint(d.rev)); d.silent {
			w.WriteHeader(http.StatusNoContent)
			return true
		}
	} else {
		d.asked = append(d.asked, r.Header.Clone())
	}
	w.Header().Set("X-Revision", fmt.Sprint(d.rev))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=60")
	if d.refuse != 0 && r.Method == http.MethodGet {
		w.WriteHeader(d.refuse)
		return true
	}
	doc := fmt.Sprintf(`{"version":%d,"text":%q}`, d.rev, d.text)
	if d.gzips && r.Header.Get("Range") == "" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		doc = zip(doc)
		w.Header().Set("Content-Length", fmt.Sprint(len(doc)))
	}
	http.ServeContent(w, r, "", d.last, strings.NewReader(doc))
	return true
}

func zip(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

// The three ways to make versions, as the configuration has them.
func fromBody() proxy.Version {
	return proxy.Version{Source: validator.Source{From: validator.Body}, Qualify: etagcache.QualifyNever}
}

func fromJSON() proxy.Version {
	return proxy.Version{Source: validator.Source{From: validator.JSON, Pointer: "/version"}}
}

func fromHeader() proxy.Version {
	return proxy.Version{Source: validator.Source{From: validator.Header, Header: "X-Revision"}}
}

var made = map[string]func() proxy.Version{"body": fromBody, "json": fromJSON, "header": fromHeader}

// making runs a test for each way to make versions.
func making(t *testing.T, test func(t *testing.T, d *docs, f *fleet)) {
	for name, version := range made {
		t.Run(name, func(t *testing.T) {
			d := newDocs(t)
			f := newFleet(t, d.backend)
			f.cfg.Routes[0].Version = version()
			test(t, d, f)
		})
	}
}
