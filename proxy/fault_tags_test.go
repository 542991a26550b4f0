package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// ofItself tags what a write is answered with, as Express does: a tag of {"ok":true}, whatever was written.
func ofItself(b *backend) {
	b.answerWrites(func(w http.ResponseWriter, _ *http.Request) int {
		w.Header().Set("ETag", `"v-ok"`)
		return 200
	})
}

func TestTheTagOfAWritesOwnAnswerNamesNoVersion(t *testing.T) {
	remembered(t, func(t *testing.T, s *story, forget func() bool) {
		ofItself(s.b)
		own := s.c.put("/a", "two", s.tag)
		own.want(t, 200)
		forget()
		s.c.put("/a", "lost", own.etag()).want(t, 409, refusal.Stale)
		s.c.put("/a", "three", s.c.get("/a").etag()).want(t, 200)
		forget()
		s.c.put("/a", "lost", own.etag()).want(t, 409, refusal.Stale)
	})
}

// Somebody else's text may have the tag that a write was answered with. Only the record, or its name in the tag, tells that
// they are two states; what is read after the write is the text's own tag.
func TestTheTagOfAWritesOwnAnswerMayBeThatOfALaterState(t *testing.T) {
	for name, cure := range map[string]func(*proxy.Route){
		"by default":      func(*proxy.Route) {},
		"qualify: always": func(r *proxy.Route) { r.Version.Qualify = etagcache.QualifyAlways },
		"reread":          func(r *proxy.Route) { r.Version.Reread = true },
	} {
		t.Run(name, func(t *testing.T) {
			remembered(t, func(t *testing.T, s *story, forget func() bool) {
				ofItself(s.b)
				own := s.c.put("/a", "two", s.tag).etag()
				s.c.put("/a", "ok", s.c.get("/a").etag()).want(t, 200)
				s.c.put("/a", "lost", own).want(t, 409, refusal.Stale)
				if forget() && name == "by default" { // nothing is promised of a bare tag that is older than its record
					s.c.put("/a", "past", own).want(t, 200)
					return
				}
				s.c.put("/a", "lost", own).want(t, 409, refusal.Stale)
			}, func(f *fleet) { cure(&f.cfg.Routes[0]) })
		})
	}
}

func TestTheTagOfADeletesAnswerNamesNothing(t *testing.T) {
	remembered(t, func(t *testing.T, s *story, forget func() bool) {
		ofItself(s.b)
		gone := s.c.do("DELETE", "/a", "", "If-Match", s.tag)
		if gone.want(t, 200); !strings.Contains(gone.etag(), ";p409-") {
			t.Errorf("the answer to a DELETE has the tag %s, which may be that of what comes after", gone.etag())
		}
		forget()
		s.c.put("/a", "lost", gone.etag()).want(t, 409)
		s.c.put("/a", "lost", s.tag).want(t, 409)
		s.c.do("PUT", "/a", "ok", "If-None-Match", "*").want(t, 200) // and this text's tag is that of the answer
		s.c.put("/a", "lost", gone.etag()).want(t, 409, refusal.Stale)
		forget()
		s.c.put("/a", "lost", gone.etag()).want(t, 409, refusal.Stale)
		s.c.put("/a", "three", s.c.get("/a").etag()).want(t, 200)
	})
}

// json-server answers 404 with {}, and the tag of that.
func TestTheTagOfA404NamesNothing(t *testing.T) {
	remembered(t, func(t *testing.T, s *story, forget func() bool) {
		missing := func(w http.ResponseWriter, r *http.Request) bool {
			s.b.mu.Lock()
			_, there := s.b.texts[r.URL.Path]
			s.b.mu.Unlock()
			if there || r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "" {
				return false
			}
			w.Header().Set("ETag", `"v-ok"`)
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		s.b.intercept(missing)
		tags := map[string]string{}
		for _, method := range []string{"GET", "HEAD", "POST"} {
			got := s.c.do(method, "/new", "")
			if got.want(t, 404); !strings.Contains(got.etag(), ";p409-") {
				t.Errorf("the 404 to a %s has the tag %s, which may be that of what comes after", method, got.etag())
			}
			tags[method] = got.etag()
		}
		forget()
		s.c.put("/new", "lost", `"v-ok"`).want(t, 409, refusal.Absent)
		s.c.put("/new", "lost", tags["GET"]).want(t, 409)
		s.c.do("PUT", "/new", "ok", "If-None-Match", "*").want(t, 204)
		for method, tag := range tags {
			if got := s.c.put("/new", "lost", tag); got.StatusCode != 409 {
				t.Errorf("the tag of the 404 to a %s was admitted: %d", method, got.StatusCode)
			}
		}
		forget()
		for _, tag := range tags {
			s.c.put("/new", "lost", tag).want(t, 409, refusal.Stale)
		}
		s.c.put("/new", "three", s.c.get("/new").etag()).want(t, 204)
	})
}

// mod_dav gives a weak tag in the first second, and the same one without W/ from then on.
func TestATagThatTurnsStrongNamesTheSameVersion(t *testing.T) {
	for _, strong := range []bool{false, true} {
		t.Run(fmt.Sprintf("compare: strong is %t", strong), func(t *testing.T) {
			remembered(t, func(t *testing.T, s *story, forget func() bool) {
				second := "W/"
				s.b.tag = func(_, text string) string { return second + `"` + text + `"` }
				var matched []string
				s.b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPut {
						matched = append(matched, r.Header.Get("If-Match"))
					}
					return false
				})
				s.b.set("/b", "one")
				weak := s.c.get("/b").etag()
				second = "" // is over
				forget()
				if strong {
					s.c.put("/b", "lost", weak).want(t, 409, refusal.Stale)
				} else {
					s.c.put("/b", "two", weak).want(t, 204)
				}
				now := s.c.get("/b").etag()
				forget()
				s.c.put("/b", "three", now).want(t, 204)
				s.c.put("/b", "lost", now).want(t, 409, refusal.Stale)
				s.c.put("/b", "lost", weak).want(t, 409, refusal.Stale)
				if want := map[bool]string{true: "", false: " "}[strong] + now; strings.Join(matched, " ") != want {
					t.Errorf("the backend was sent If-Match: %q, not %q: it takes no weak tag for any version", matched, want)
				}
			}, func(f *fleet) { f.cfg.Routes[0].Version.Strong = strong })
		})
	}
}

// Apache compares If-Match with its own tag and adds -gzip afterwards: it refuses every client that has read compressed
// content. A proxy that does not know of the suffix passes the tag on, and the refusal back; the tag that is read then has
// come back, and so does not go along.
func TestABackendThatRefusesItsOwnCompressedTagsNeedsItsSuffixListed(t *testing.T) {
	for name, listed := range map[string][]string{"listed": {"-gzip"}, "not listed": nil} {
		t.Run(name, func(t *testing.T) {
			remembered(t, func(t *testing.T, s *story, forget func() bool) {
				suffixed(s.b, "-gzip")
				apache := s.b.before
				s.b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
					if match := r.Header.Get("If-Match"); match != "" && match != s.b.present("/a") {
						w.WriteHeader(http.StatusPreconditionFailed)
						return true
					}
					return apache(w, r)
				})
				zips := []string{"Accept-Encoding", "x"}
				zipped := s.c.get("/a", zips...).etag()
				forget()
				zips = append(zips, "If-Match")
				got := s.c.do("PUT", "/a", "two", append(zips, zipped)...)
				if listed == nil {
					if got.want(t, 412); got.body != "" || len(s.b.writes()) > 0 {
						t.Errorf("the refusal is not the backend's: %s, %q", got.body, s.b.writes())
					}
					s.c.do("PUT", "/a", "lost", append(zips, zipped)...).want(t, 409, refusal.Stale)
					got = s.c.do("PUT", "/a", "two", append(zips, s.c.get("/a", zips[:2]...).etag())...)
				}
				got.want(t, 204)
				s.c.do("PUT", "/a", "lost", append(zips, zipped)...).want(t, 409, refusal.Stale)
				s.c.put("/a", "three", s.c.get("/a").etag()).want(t, 204)
			}, func(f *fleet) { f.cfg.Routes[0].Version.Suffixes = listed })
		})
	}
}
