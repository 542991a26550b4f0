package main_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var quiet = log.New(io.Discard, "", 0)

// mirror is a backend that does what a path says, and notes each request as it saw it.
type mirror struct {
	server *httptest.Server
	mu     sync.Mutex
	seen   []string
}

func newMirror(t testing.TB) *mirror {
	t.Helper()
	m := &mirror{}
	m.server = httptest.NewUnstartedServer(http.HandlerFunc(m.serve))
	m.server.Config.ErrorLog, m.server.Config.DisableGeneralOptionsHandler = quiet, true
	m.server.Start()
	t.Cleanup(m.server.Close)
	return m
}

func (m *mirror) addr() string { return m.server.Listener.Addr().String() }

// since returns the requests that came since the last time.
func (m *mirror) since() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := strings.Join(m.seen, "\n")
	m.seen = nil
	return seen
}

func (m *mirror) serve(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\nhost: %s\nlength: %d %v\n", r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if len(value) > 400 {
				value = fmt.Sprintf("%d bytes", len(value))
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(&b, "body: %d bytes, %v\n", len(body), err)
	for _, name := range slices.Sorted(maps.Keys(r.Trailer)) {
		fmt.Fprintf(&b, "trailer %s: %q\n", name, r.Trailer[name])
	}
	m.mu.Lock()
	m.seen = append(m.seen, b.String())
	m.mu.Unlock()
	answer, ok := answers[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/")]
	if !ok {
		answer = echoes
	}
	answer(w, r)
}

func echoes(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "this is %s\n", r.URL.Path) }

var longAgo = time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC)

// answers are what the paths say.
var answers = map[string]http.HandlerFunc{
	"hints": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		for _, file := range []string{"a.css", "b.js"} {
			w.Header().Add("Link", "</"+file+">; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Set("ETag", `"hinted"`)
		_, _ = io.WriteString(w, "after three of them")
	},
	"hints-then-404": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNotFound)
	},
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Digest, X-Count")
		w.Header().Set("ETag", `"trailing"`)
		_, _ = io.WriteString(w, "with a tail")
		w.Header().Set("X-Digest", "abc")
		w.Header().Set("X-Count", "2")
	},
	"unannounced": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"unannounced"`)
		_, _ = io.WriteString(w, "with a tail")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	},
	"fields": func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Set-Cookie"] = []string{"a=1; Path=/", "b=2", "a=3"}
		h["X-Empty"], h["X-Twice"], h["X-Latin"] = []string{""}, []string{"one", "two, three"}, []string{"caf\xe9"}
		h["x-small"], h["Link"] = []string{"1"}, []string{"<a>", "<b>"}
		h["Content-Type"], h["Server"], h["Via"] = nil, []string{"legacy/0.1"}, []string{"1.1 gate"}
		h["ETag"] = []string{`"spelt"`}
		_, _ = io.WriteString(w, "fields")
	},
	"large-fields": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 200<<10))
		w.Header().Set("ETag", `"large"`)
	},
	"hop": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "for the next alone")
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("Proxy-Authenticate", "Basic")
	},
	"file":        file16("x"),
	"unread":      file16("x"),
	"weak-file":   file16("W/"),
	"untagged":    file16(""),
	"sized":       sized,
	"no-content":  status(http.StatusNoContent),
	"unmodified":  status(http.StatusNotModified),
	"reset":       status(http.StatusResetContent),
	"teapot":      status(http.StatusTeapot),
	"odd-success": status(299),
	"odd-failure": status(599),
	"unavailable": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "come again", http.StatusServiceUnavailable)
	},
	"conflict": status(http.StatusConflict),
	"moved": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.example/a?b#c")
		w.WriteHeader(http.StatusFound)
	},
	"zipped": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"zipped"`)
		w.Header().Set("Vary", "Accept-Encoding")
		fmt.Fprintf(w, "\x1f\x8b\x08 is no gzip, and nobody looks; asked for: %q", r.Header["Accept-Encoding"])
	},
	"aged": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Age", "60")
		w.Header().Set("ETag", `"aged"`)
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Last-Modified", longAgo.Format(http.TimeFormat))
	},
	"old":        raw("HTTP/1.0 200 Fine\r\nContent-Type: text/plain\r\nETag: \"old\"\r\n\r\nuntil the end"),
	"cut":        raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nETag: \"cut\"\r\n\r\nhalf"),
	"cut-chunks": raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nETag: \"cut\"\r\n\r\n4\r\nhalf\r\n"),
	"spaced":     raw("HTTP/1.1 200 \r\ncontent-length:   4  \r\nx-spaced:\t a  b \t\r\netag: \"spaced\"\r\n\r\ntext"),
	"private": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="a", Digest realm="b"`)
		w.WriteHeader(http.StatusUnauthorized)
	},
}

// file16 serves sixteen bytes as a file server does, with ranges. The prefix is of its tag; "": it has none.
func file16(prefix string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch prefix {
		case "":
		case "W/":
			w.Header().Set("ETag", `W/"weak"`)
		default:
			w.Header().Set("ETag", `"strong"`)
		}
		w.Header().Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", longAgo, strings.NewReader("0123456789abcdef"))
	}
}

// sized says how long the body is, also to HEAD.
func sized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "3000")
	w.Header().Set("ETag", `"sized"`)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, strings.Repeat("abc", 1000))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Code", fmt.Sprint(code))
		w.WriteHeader(code)
	}
}

// raw answers with these bytes, and closes the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.Close()
	}
}
