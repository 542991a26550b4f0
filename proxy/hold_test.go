package proxy_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
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

func TestAStreamIsNotWaitedFor(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "multipart/x-mixed-replace; boundary=x"} {
		t.Run(kind, func(t *testing.T) {
			b := newBackend(t)
			next := make(chan struct{})
			answering(b, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, "first\n")
				flush(w)
				select {
				case <-next:
					_, _ = io.WriteString(w, "second\n")
				case <-r.Context().Done():
				}
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version = fromBody()
			c := f.replica()
			if head := c.do("HEAD", "/a", ""); head.StatusCode != 200 { // is a GET there, and must not wait for its end
				t.Errorf("HEAD: %d", head.StatusCode)
			}
			res, err := http.Get(c.url + "/a")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			lines := bufio.NewReader(res.Body)
			for i, want := range []string{"first\n", "second\n"} {
				if got, err := lines.ReadString('\n'); got != want {
					t.Errorf("line %d: %q %v", i, got, err)
				}
				if i == 0 {
					close(next)
				}
			}
		})
	}
}

func TestTrailersComeAfterAnAnswerThatWasHeld(t *testing.T) {
	for _, limit := range []int64{1, 9, 10, 100} { // of ten bytes
		b := newBackend(t)
		answering(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Checksum")
			_, _ = io.WriteString(w, "0123456789")
			flush(w)
			w.Header().Set("Checksum", "42")
			w.Header().Set(http.TrailerPrefix+"Unannounced", "43")
		})
		f := newFleet(t, b)
		f.cfg.Routes[0].Version = fromBody()
		f.cfg.Limits.Representation = limit
		got := f.replica().get("/a")
		if got.body != "0123456789" || got.Trailer.Get("Checksum") != "42" || got.Trailer.Get("Unannounced") != "43" {
			t.Errorf("limit %d: %q %v", limit, got.body, got.Trailer)
		}
	}
}

func TestAnAnswerThatBreaksOffBreaksOffAtTheClientToo(t *testing.T) {
	b := newBackend(t)
	answering(b, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		flush(w)
		panic(http.ErrAbortHandler)
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version = fromBody()
	res, err := http.Get(f.replica().url + "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "half" || err == nil || res.Header.Get("ETag") != "" {
		t.Errorf("%q, %v, tag %q", body, err, res.Header.Get("ETag"))
	}
}

func TestAWriteWhoseAnswerNeverEndsHoldsItsLeaseNoLongerThanItMay(t *testing.T) {
	for name, hangUp := range map[string]bool{"and its client waits": false, "and its client hangs up": true} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			trickling := make(chan struct{})
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Method != http.MethodPut {
					_, _ = io.WriteString(w, `{"version":1}`)
					return true
				}
				flush(w)
				close(trickling)
				for {
					select {
					case <-r.Context().Done():
						return true
					case <-time.After(5 * time.Millisecond):
						_, _ = io.WriteString(w, " ")
						flush(w)
					}
				}
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version = fromJSON()
			f.cfg.Routes[0].Version.TrustWrites = true
			f.cfg.Timeouts.Write = 300 * time.Millisecond
			o := &told{}
			f.cfg.Observer = o
			c := f.replica()
			tag := c.get("/a").etag()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("x"))
			req.Header.Set("If-Match", tag)
			if hangUp {
				go func() { <-trickling; cancel() }()
			}
			res, err := http.DefaultClient.Do(req)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			if hangUp != errors.Is(err, context.Canceled) {
				t.Errorf("the answer: %v", err)
			}
			eventually(t, "the lease ends", func() bool { return o.count("ended") == 1 })
			c.put("/a", "x", tag).want(t, 409, refusal.Stale)
		})
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
