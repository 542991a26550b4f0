package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

func TestWhereAllTagsAreQualifiedNoBareOneIsAccepted(t *testing.T) {
	for _, from := range []validator.From{validator.ETag, validator.Header} {
		t.Run(string(from), func(t *testing.T) {
			d := newDocs(t)
			f := newFleet(t, d.backend)
			if from == validator.Header {
				f.cfg.Routes[0].Version = fromHeader()
			}
			f.cfg.Routes[0].Version.Qualify = etagcache.QualifyAlways
			f.cfg.Routes[0].Version.Reread = true
			f.cfg.Routes[0].NoReplay = true // the same is sent again to be judged
			c := f.replica()
			bare := map[validator.From]string{validator.ETag: `"of-the-backend"`, validator.Header: `"1"`}[from]
			for range 3 {
				read := c.get("/a")
				if !strings.HasPrefix(read.etag(), strings.TrimSuffix(bare, `"`)+";p409-") && from == validator.ETag {
					t.Fatalf("the tag is %s", read.etag())
				}
				c.put("/a", "x", bare).want(t, 409, refusal.Stale)
				c.get("/a", "If-None-Match", read.etag()).want(t, 304)
				c.get("/a", "If-None-Match", bare).want(t, 200)
				c.get("/a", "If-Match", read.etag()).want(t, 200)
				next := c.put("/a", "x", read.etag())
				next.want(t, 200)
				c.put("/a", "x", read.etag()).want(t, 409, refusal.Stale)
				if !strings.Contains(next.etag(), ";p409-") {
					t.Fatalf("the next tag is %s", next.etag())
				}
				stale := c.put("/a", "x", read.etag())
				if stale.want(t, 409, refusal.Stale); !strings.Contains(stale.body, "p409-") {
					t.Errorf("the refusal shows a bare tag: %s", stale.body)
				}
				c.put("/a", "x", next.etag()).want(t, 200)
			}
		})
	}
}

func TestWhereNoTagIsQualifiedOneThatComesBackIsGood(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Qualify = etagcache.QualifyNever
	c, other := f.replica(), f.replica()
	one := c.get("/a").etag()
	c.put("/a", "two", one).want(t, 204)
	two := c.get("/a").etag()
	other.put("/a", "x", one).want(t, 409, refusal.Stale)
	other.put("/a", "one", two).want(t, 204)
	other.put("/a", "x", two).want(t, 409, refusal.Stale)
	if again := other.get("/a").etag(); again != one {
		t.Errorf("%s is %s now", one, again)
	}
	c.get("/a", "If-None-Match", one).want(t, 304)
	c.put("/a", "three", one).want(t, 204)
}

// Where a version is qualified, the tag that the backend sees and the one that the client sees differ.
func TestTheBackendSeesNoQualifiedTag(t *testing.T) {
	b := newBackend(t)
	var bad atomic.Value
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		for _, name := range []string{"If-Match", "If-None-Match", "If-Range"} {
			if v := r.Header.Get(name); strings.Contains(v, "p409") {
				bad.Store(name + ": " + v)
			}
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Qualify = etagcache.QualifyAlways
	c := f.replica()
	tag := c.get("/a").etag()
	for _, header := range []string{"If-Match", "If-None-Match", "If-Range"} {
		c.get("/a", header, tag, "Range", "bytes=0-1")
	}
	c.put("/a", "two", tag).want(t, 204)
	if v := bad.Load(); v != nil {
		t.Errorf("the backend got %v", v)
	}
}

func TestWhatOneCallerIsShownDriftsNoOther(t *testing.T) {
	for _, private := range []bool{true, false} {
		t.Run(fmt.Sprintf("private: %t", private), func(t *testing.T) {
			b := newBackend(t)
			answering(b, func(w http.ResponseWriter, r *http.Request) {
				b.mu.Lock()
				defer b.mu.Unlock()
				fmt.Fprintf(w, "%s for %s%s", b.texts["/a"], r.Header.Get("Authorization"), r.Header.Get("Cookie"))
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version, f.cfg.Routes[0].Private = fromBody(), private
			f.cfg.Routes[0].NoReplay = true // the same is sent again to be judged
			o := &told{}
			f.cfg.Observer = o
			c := f.replica()
			callers := [][]string{{"Authorization", "me"}, {"Authorization", "you"}, {"Cookie", "id=1"}, nil}
			tags := make([]string, len(callers))
			for range 2 {
				for i, caller := range callers {
					tags[i] = c.get("/a", caller...).etag()
				}
			}
			if drifted := o.count("drift") > 0; drifted == private {
				t.Errorf("%d drifts", o.count("drift"))
			}
			if !private {
				return
			}
			c.do("PUT", "/a", "x", append(callers[0], "If-Match", tags[0])...).want(t, 204)
			for i, caller := range callers {
				c.do("PUT", "/a", "x", append(caller, "If-Match", tags[i])...).want(t, 409, refusal.Stale)
			}
		})
	}
}

// A record has room for 32 representations. What comes after them must not make earlier ones stale, and can be written with too.
func TestManyCallersDoNotMakeEachOthersTagsStale(t *testing.T) {
	for _, writer := range []string{"0", "31", "32", "39"} {
		t.Run("written by caller "+writer, func(t *testing.T) {
			b := newBackend(t)
			answering(b, func(w http.ResponseWriter, r *http.Request) {
				b.mu.Lock()
				defer b.mu.Unlock()
				fmt.Fprintf(w, "%s for %s", b.texts["/a"], r.Header.Get("Authorization"))
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version, f.cfg.Routes[0].Private = fromBody(), true
			c := f.replica()
			tags := make(map[string]string)
			for range 2 {
				for i := range 40 {
					caller := fmt.Sprint(i)
					tag := c.get("/a", "Authorization", caller).etag()
					if qualified := strings.Contains(tag, ";p409-"); qualified != (i >= 32) || tags[caller] != "" && tags[caller] != tag {
						t.Fatalf("caller %d gets %s, before it was %q", i, tag, tags[caller])
					}
					tags[caller] = tag
				}
			}
			c.do("PUT", "/a", "x", "Authorization", writer, "If-Match", tags[writer]).want(t, 204)
			for caller, tag := range tags {
				c.do("PUT", "/a", "y", "Authorization", caller, "If-Match", tag).want(t, 409, refusal.Stale)
			}
			if got := b.writes(); len(got) != 1 {
				t.Errorf("the backend applied %q", got)
			}
		})
	}
}

// Queries that nobody's probe asks with may fill half of a record. The tag of the plain resource stays bare, and admits without
// a probe.
func TestMadeUpQueriesDoNotCrowdOutTheResource(t *testing.T) {
	b := newBackend(t)
	answering(b, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "for ", r.URL.RawQuery) })
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	f.cfg.Routes[0].Version = fromBody()
	c := f.replica()
	for i := range 100 {
		c.get(fmt.Sprint("/a?page=", i))
	}
	tag := c.get("/a").etag()
	if strings.Contains(tag, ";p409-") {
		t.Fatalf("the resource's own tag is %s", tag)
	}
	c.put("/a", "x", tag).want(t, 204)
	if o.count("probe version") != 0 {
		t.Errorf("told %q", o.all())
	}
}
