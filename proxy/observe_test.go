package proxy_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// checksIfMatch makes the backend one that can check If-Match itself, as Apache's mod_dav does.
func checksIfMatch(b *backend) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		match := r.Header.Get("If-Match")
		b.mu.Lock()
		tag := b.tagOf(r.URL.Path, b.texts[r.URL.Path])
		b.mu.Unlock()
		if match == "" || match == tag {
			return false
		}
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusPreconditionFailed)
		return true
	})
}

func TestObserveMakesTheBackendRefuseNothing(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	f := newFleet(t, b)
	f.cfg.Routes[0].Mode = proxy.Observe
	c := f.replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	tag := c.get("/a").etag() // qualified
	c.put("/a", "six", tag).want(t, 204)
	// The backend, which calls every one of these texts "3", would admit this; the proxy only says that it would not.
	c.put("/a", "ten", tag).want(t, 204)
}

func TestAMoveThatNobodyJudgesMovesItsDestinationToo(t *testing.T) {
	for _, how := range []string{"passed", "observed while the source is busy"} {
		t.Run(how, func(t *testing.T) {
			b := newBackend(t)
			b.texts["/b"] = "two"
			b.tag = byLength
			moved := func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != "MOVE" {
					return false
				}
				b.set("/b", "six")
				w.WriteHeader(204)
				return true
			}
			b.intercept(moved)
			f := newFleet(t, b)
			if how == "passed" {
				f.cfg.Routes[0].Pass = []string{"MOVE"}
			} else {
				f.cfg.Routes[0].Mode = proxy.Observe
			}
			c := f.replica()
			f.cfg.Routes[0].Mode = proxy.Enforce
			judge := f.replica()
			tag := judge.get("/b").etag()
			if how != "passed" {
				inDoubt := func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPut {
						panic(http.ErrAbortHandler)
					}
					return false
				}
				b.intercept(inDoubt)
				judge.put("/a", "x", judge.get("/a").etag()).want(t, 502)
				b.intercept(moved)
			}
			c.do("MOVE", "/a", "", "Destination", c.url+"/b").want(t, 204)
			judge.put("/b", "new", tag).want(t, 409, refusal.Stale)
		})
	}
}

func TestObserveSaysWhatItWouldHaveRefused(t *testing.T) {
	for _, tc := range []struct {
		name, method, path string
		header             []string
		down               bool
	}{
		{"a passed POST to an ambiguous path", "POST", "//a", nil, false},
		{"a passed POST that contradicts itself", "POST", "/a", []string{"X-HTTP-Method-Override", "PUT", "X-Method-Override", "DELETE"}, false},
		{"a read with Connection: If-None-Match", "GET", "/a", []string{"Connection", "If-None-Match"}, false},
		{"a passed POST without the store", "POST", "/a", nil, true},
		{"a PUT to an ambiguous path", "PUT", "//a", nil, false},
		{"a PUT without the store", "PUT", "/a", []string{"If-Match", `"v-one"`}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			decision := func(mode proxy.Mode) []string {
				f.cfg.Routes[0].Mode = mode
				o := &told{}
				f.cfg.Observer = o
				if f.store.fail(nil); tc.down {
					f.store.fail(errors.New("down"))
				}
				f.replica().do(tc.method, tc.path, "x", tc.header...)
				return slices.DeleteFunc(o.all(), func(e string) bool { return !strings.HasPrefix(e, "decision") })
			}
			enforced, observed := decision(proxy.Enforce), decision(proxy.Observe)
			want := make([]string, len(enforced))
			for i, e := range enforced {
				want[i] = strings.Replace(e, "refused", "would_refuse", 1)
			}
			if !slices.Equal(observed, want) {
				t.Errorf("enforced %q, observed %q", enforced, observed)
			}
		})
	}
}
