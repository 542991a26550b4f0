package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// suffixed makes the backend one behind a compressor that adds a suffix to the tag of what it compresses, and compares
// If-Match and If-None-Match before it does, as Apache does. Conditions are what it was asked.
func suffixed(b *backend, suffix string) (conditions *atomic.Value) {
	conditions = new(atomic.Value)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		conditions.Store(r.Header.Get("If-Match") + r.Header.Get("If-None-Match") + r.Header.Get("If-Range"))
		if r.Method != http.MethodGet {
			return false
		}
		b.mu.Lock()
		tag := b.tagOf(r.URL.Path, b.texts[r.URL.Path])
		b.mu.Unlock()
		if r.Header.Get("If-None-Match") == tag {
			w.Header().Set("ETag", tag)
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		w.Header().Set("Vary", "Accept-Encoding")
		if r.Header.Get("Accept-Encoding") != "" {
			w.Header().Set("Content-Encoding", "x")
			tag = strings.TrimSuffix(tag, `"`) + suffix + `"`
		}
		w.Header().Set("ETag", tag)
		fmt.Fprint(w, "text")
		return true
	})
	return conditions
}

func TestTheSuffixOfACompressorIsUndone(t *testing.T) {
	for _, tc := range []struct {
		suffix string
		listed []string
	}{
		{"-gzip", []string{"-gzip"}},
		{";br", []string{"-gzip", ";br"}},
		{"--gzip", []string{"-gzip", "--gzip"}}, // the longer one, wherever it stands
		{"--gzip", []string{"--gzip", "-gzip"}},
	} {
		for _, q := range []etagcache.Qualify{etagcache.QualifyReturned, etagcache.QualifyAlways} {
			t.Run(fmt.Sprintf("%s of %v, %s", tc.suffix, tc.listed, q), func(t *testing.T) {
				b := newBackend(t)
				conditions := suffixed(b, tc.suffix)
				f := newFleet(t, b)
				f.cfg.Routes[0].Version.Suffixes, f.cfg.Routes[0].Version.Qualify = tc.listed, q
				c := f.replica()
				zipped, plain := c.get("/a", "Accept-Encoding", "x").etag(), c.get("/a").etag()
				if !strings.Contains(zipped, tc.suffix) {
					t.Fatalf("the client got %s", zipped)
				}
				c.get("/a", "If-None-Match", zipped, "Accept-Encoding", "x").want(t, 304)
				if got := conditions.Load(); got != `"v-one"` {
					t.Errorf("the backend was asked for %s", got)
				}
				c.get("/a", "If-Range", zipped, "Range", "bytes=0-1")
				if got := conditions.Load(); got != "" {
					t.Errorf("the backend was asked for a range of %s", got)
				}
				c.put("/a", "two", zipped).want(t, 204)
				if got := conditions.Load(); got != "" {
					t.Errorf("the backend got If-Match: %s", got)
				}
				c.put("/a", "x", plain).want(t, 409, refusal.Stale)
				c.put("/a", "x", zipped).want(t, 409, refusal.Stale)
				c.put("/a", "three", c.get("/a").etag()).want(t, 204)
			})
		}
	}
}

// In front of the proxy, the suffix comes after what the proxy has added.
func TestTheSuffixOfACompressorInFrontIsUndone(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	conditions := suffixed(b, "-gzip")
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Suffixes = []string{"-gzip"}
	c := f.replica()
	inFront := func(tag string) string { return strings.TrimSuffix(tag, `"`) + `-gzip"` }
	first := c.get("/a").etag()
	c.put("/a", "two", inFront(first)).want(t, 204)
	for _, accepts := range [][]string{nil, {"Accept-Encoding", "x"}} { // -gzip on one side, and on both
		tag := c.get("/a", accepts...).etag() // it has come back, so it is qualified
		if !strings.Contains(tag, ";p409-") {
			t.Fatalf("the tag is %s", tag)
		}
		c.get("/a", "If-None-Match", inFront(tag)).want(t, 304)
		if got := conditions.Load(); got != `"3"` {
			t.Errorf("the backend was asked for %s", got)
		}
		c.put("/a", "six", inFront(first)).want(t, 409, refusal.Stale)
		c.put("/a", "six", inFront(tag)).want(t, 204)
		c.put("/a", "ten", inFront(tag)).want(t, 409, refusal.Stale)
	}
}

func TestAVersionThatEndsLikeASuffixIsNotCut(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	f := newFleet(t, b)
	for c := range 64 { // every character that a version may end with
		f.cfg.Routes[0].Version.Suffixes = append(f.cfg.Routes[0].Version.Suffixes,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[c:c+1])
	}
	c := f.replica()
	for range 5 {
		c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	}
}

func TestATagThatIsNothingButASuffixIsATag(t *testing.T) {
	b := newBackend(t)
	b.tag = func(_, text string) string { return map[string]string{"one": `"-gzip"`, "two": `"x-gzip"`}[text] }
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Suffixes = []string{"-gzip"}
	c := f.replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	c.put("/a", "x", `"-gzip"`).want(t, 409, refusal.Stale)
	c.put("/a", "x", `"x"`).want(t, 204)
}
