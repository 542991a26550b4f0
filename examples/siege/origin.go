package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// origin is a backend that takes whatever comes: any method but those that read writes, and the last write wins.
type origin struct {
	addr   string
	server *http.Server
	bomb   []byte

	mu      sync.Mutex
	texts   map[string]string
	version map[string]int
}

func newOrigin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{addr: l.Addr().String(), texts: map[string]string{}, version: map[string]int{}, bomb: newBomb()}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := o.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}()
	return o, nil
}

// newBomb is a gigabyte of zeros, compressed.
func newBomb() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		_, _ = w.Write(zeros) // into memory
	}
	_ = w.Close()
	return b.Bytes()
}

var large = strings.Repeat("0123456789abcdef", 60_000) // just within limits.representation

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		o.read(w, r.URL.Path, name)
		return
	}
	body := httptest.NewRecorder().Body // grows as it comes
	if _, err := io.Copy(body, io.LimitReader(r.Body, 8<<20)); err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.texts) < 1000 || o.version[r.URL.Path] > 0 { // what attackers make up must not fill this process
		o.texts[r.URL.Path] = body.String()
		o.version[r.URL.Path]++
	}
	w.WriteHeader(http.StatusNoContent)
}

func (o *origin) read(w http.ResponseWriter, path, name string) {
	o.mu.Lock()
	text, version := o.texts[path], o.version[path]
	o.mu.Unlock()
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, version))
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasPrefix(name, "bomb"):
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(o.bomb)
	case strings.HasPrefix(name, "large"):
		_, _ = io.WriteString(w, large)
	case strings.HasPrefix(path, "/json/"):
		fmt.Fprintf(w, `{"version":%d,"text":%q}`, version, text)
	default:
		_, _ = io.WriteString(w, text)
	}
}
