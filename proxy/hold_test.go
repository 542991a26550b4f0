package proxy_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"proxy409/proxy/refusal"
)

// answering makes the backend answer reads with this.
func answering(b *backend, read http.HandlerFunc) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return false
		}
		w.Header().Set("ETag", `"of-the-backend"`)
		read(w, r)
		return true
	})
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func TestAnAnswerOfWhichNoVersionCanBeMadePassesWhole(t *testing.T) {
	large := strings.Repeat("0123456789", 500)
	for _, tc := range []struct {
		name, cause string
		read        http.HandlerFunc
		size        int
	}{
		{"too large", "too_large", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }, 5000},
		{"too large, of no announced length", "too_large", func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(large); i += 100 {
				_, _ = io.WriteString(w, large[i:i+100])
				flush(w)
			}
		}, 5000},
		{"a bomb", "too_large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, zip(strings.Repeat(" ", 10<<20)))
		}, len(zip(strings.Repeat(" ", 10<<20)))},
		{"a coding that nobody asked for", "coding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "1234")
		}, 4},
		{"coded twice", "coding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip, gzip")
			_, _ = io.WriteString(w, zip(zip("1")))
		}, len(zip(zip("1")))},
		{"damaged", "coding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, zip("1")[:15])
		}, 15},
		{"a stream", "stream", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "Text/Event-Stream ; charset=utf-8; charset=utf-8")
			_, _ = io.WriteString(w, "data: 1\n\n")
		}, 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			answering(b, tc.read)
			f := newFleet(t, b)
			o := &told{}
			f.cfg.Observer = o
			f.cfg.Routes[0].Version = fromBody()
			f.cfg.Limits.Representation = 4096
			if tc.name == "a bomb" {
				f.cfg.Limits.Representation = 1 << 20
			}
			c := f.replica()
			got := c.get("/a", "If-None-Match", "*", "Accept-Encoding", "gzip")
			if got.StatusCode != 200 || len(got.body) != tc.size || got.etag() != "" {
				t.Errorf("%d, %d bytes of %d, tag %q", got.StatusCode, len(got.body), tc.size, got.etag())
			}
			c.put("/a", "x", `"x"`).want(t, 409, refusal.Unversioned)
			if o.count("unversioned "+tc.cause) != 2 || o.count("probe unversioned") != 1 {
				t.Errorf("told %q", o.all())
			}
		})
	}
}

func TestUnversionedCausesOfJSONAndHeader(t *testing.T) {
	for _, tc := range []struct{ from, body, header, cause string }{
		{"json", "<html>", "", "not_json"},
		{"json", `{"other":1}`, "", "no_member"},
		{"json", `{"version":1,"version":2}`, "", "no_member"},
		{"json", `{"version":{}}`, "", "no_member"},
		{"header", "", "", "no_header"},
		{"header", "", "1,2", "no_header"},
	} {
		t.Run(tc.from+" "+tc.body+tc.header, func(t *testing.T) {
			b := newBackend(t)
			answering(b, func(w http.ResponseWriter, _ *http.Request) {
				if tc.header != "" {
					w.Header()["X-Revision"] = strings.Split(tc.header, ",")
				}
				_, _ = io.WriteString(w, tc.body)
			})
			f := newFleet(t, b)
			o := &told{}
			f.cfg.Observer = o
			f.cfg.Routes[0].Version = made[tc.from]()
			c := f.replica()
			got := c.get("/a")
			if got.etag() != "" || got.body != tc.body || o.count("unversioned "+tc.cause) != 1 {
				t.Errorf("tag %q, content %q, told %q", got.etag(), got.body, o.all())
			}
			c.put("/a", "x", `"x"`).want(t, 409, refusal.Unversioned)
			if !strings.Contains(f.logs.String(), "no version can be made") {
				t.Errorf("the log does not say why: %s", f.logs)
			}
		})
	}
}

func TestALargeAnswerIsNotHeld(t *testing.T) {
	const size = 64 << 20
	b := newBackend(t)
	answering(b, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "announced" {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		chunk := make([]byte, 1<<20)
		for range size >> 20 {
			_, _ = w.Write(chunk)
		}
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version = fromBody()
	c := f.replica()
	for _, query := range []string{"announced", "not"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := http.Get(c.url + "/a?" + query)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, res.Body)
		res.Body.Close()
		runtime.ReadMemStats(&after)
		if n != size || err != nil {
			t.Errorf("%s: %d bytes, %v", query, n, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 16<<20 {
			t.Errorf("%s: %d MiB were allocated", query, made>>20)
		}
	}
}

// eventually waits for what happens soon by itself.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within five seconds: %s", what)
		}
	}
}
