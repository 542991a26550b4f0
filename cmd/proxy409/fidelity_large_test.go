package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	gigabyte = 1 << 30
	// growth is how much the program's memory may grow while a gigabyte goes through it: what a few connections and the collector's
	// generosity take.
	growth = 64 << 20
)

// zeros is so many zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bulk is a backend that sends as many bytes as the path says, and says how many it got.
func bulk(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			n, _ := strconv.ParseInt(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], 10, 64)
			w.Header().Set("ETag", `"large"`)
			w.Header().Set("Content-Type", "application/octet-stream")
			if !strings.Contains(r.URL.Path, "/chunked/") {
				w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
			}
			_, _ = io.CopyBuffer(struct{ io.Writer }{w}, zeros(n), make([]byte, 256<<10))
		default:
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, 256<<10))
			fmt.Fprintf(w, "%d %v", n, err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// forget makes [process.peak] that of the time from now on.
func (p *process) forget() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		p.t.Logf("the peak is that of the whole time: %v", err)
	}
}

// TestAGigabytePassesInConstantMemory both ways, on routes that are guarded and on others. With -short it is a quarter of one.
func TestAGigabytePassesInConstantMemory(t *testing.T) {
	size := int64(gigabyte)
	if testing.Short() {
		size /= 4
	}
	if raceEnabled() {
		t.Skip("it would be the memory of the race detector that is measured")
	}
	binary(t)                        // the build is not what is to be limited
	t.Setenv("GOMEMLIMIT", "100MiB") // of the program; the tests have begun without
	backend := bulk(t)
	const routes = `routes:
  - {name: off, match: /off/, mode: off}
  - {name: guarded, match: /guarded/}
  - {name: made, match: /made/, version: {from: body}}
`
	plain := serve(t, setup{upstream: backend.URL, more: routes}.yaml()).ready()
	secure := serve(t, setup{upstream: backend.URL, more: routes + overTLS(t)}.yaml()).ready()
	for _, row := range []struct {
		name, method, path string
		chunked, http2     bool
	}{
		{name: "a download", method: "GET", path: "/off/"},
		{name: "a download in chunks", method: "GET", path: "/off/chunked/"},
		{name: "a download over HTTP/2", method: "GET", path: "/off/", http2: true},
		{name: "a download from a guarded route", method: "GET", path: "/guarded/"},
		{name: "a download over the limit up to which tags are made", method: "GET", path: "/made/"},
		{name: "the same in chunks", method: "GET", path: "/made/chunked/"},
		{name: "an upload", method: "PUT", path: "/off/"},
		{name: "an upload in chunks", method: "PUT", path: "/off/", chunked: true},
		{name: "an upload over HTTP/2", method: "PUT", path: "/off/", chunked: true, http2: true},
		{name: "a POST that passes a guarded route", method: "POST", path: "/guarded/"},
		{name: "a POST of JSON that passes a guarded route", method: "POST", path: "/made/json/", chunked: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, url, client := plain, plain.url, clientOf(t)
			client.Timeout = 0
			if row.http2 {
				r, url = secure, strings.Replace(secure.url, "http:", "https:", 1)
			}
			r.forget()
			before := r.peak()
			passed := through(t, client, row.method, url+row.path, size, row.chunked)
			grown := r.peak() - before
			t.Logf("%d bytes; the memory grew by %d KiB", passed, grown>>10)
			if passed != size {
				t.Errorf("%d bytes came through, want %d", passed, size)
			}
			if grown > growth {
				t.Errorf("the memory grew by %d bytes, want at most %d", grown, growth)
			}
		})
	}
}

// through sends so many bytes one way, or has them sent the other way, and returns how many came.
func through(t *testing.T, client *http.Client, method, url string, size int64, chunked bool) (passed int64) {
	t.Helper()
	if method == http.MethodGet {
		res, err := client.Get(url + strconv.FormatInt(size, 10))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var n counter
		if _, err := io.CopyBuffer(&n, struct{ io.Reader }{res.Body}, make([]byte, 256<<10)); err != nil || res.StatusCode != 200 {
			t.Fatalf("%d after %d bytes: %v", res.StatusCode, n, err)
		}
		if res.Header.Get("ETag") == "" && !strings.Contains(url, "/made/") {
			t.Error("the backend's tag is missing")
		}
		return int64(n)
	}
	req, err := http.NewRequest(method, url, zeros(size))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	if chunked {
		req.ContentLength = -1
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if strings.Contains(url, "/json/") {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || !bytes.HasSuffix(text, []byte(" <nil>")) {
		t.Fatalf("%d %q, %v", res.StatusCode, text, err)
	}
	passed, _ = strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
	return passed
}

// counter counts bytes, and fails at one that is not zero.
type counter int64

var noughts [256 << 10]byte

func (c *counter) Write(p []byte) (int, error) {
	if !bytes.Equal(p, noughts[:len(p)]) {
		return 0, fmt.Errorf("after byte %d one is not zero", *c)
	}
	*c += counter(len(p))
	return len(p), nil
}
