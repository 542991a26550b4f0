package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy/refusal"
)

// remembered runs a test with the record present, and with one that is forgotten whenever forget is called.
func remembered(t *testing.T, test func(t *testing.T, s *story, forget func() (forgotten bool)), change ...func(*fleet)) {
	for name, forgetful := range map[string]bool{"the record is present": false, "the record was forgotten": true} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, append(change, func(f *fleet) { f.cache.LocalFor = 0 })...)
			test(t, s, func() bool {
				if forgetful {
					s.forget()
				}
				return forgetful
			})
			s.nothingLost()
		})
	}
}

// inForms makes the backend show its text in forms with tags of their own, as the named field of the request asks for.
func inForms(b *backend, field string) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		w.Header().Set("Vary", field)
		w.Header().Set("ETag", fmt.Sprintf(`"%s-%s"`, strings.TrimSuffix(b.tagOf("/a", b.texts["/a"]), `"`)[1:], r.Header.Get(field)))
		_, _ = w.Write([]byte(b.texts["/a"]))
		return true
	})
}

// The record knows the tags of all forms. Without it the backend is asked, as the writer, and shows one: a writer who asks
// for another form than it has read is refused, and told to read again. That is a false refusal, and the safe side.
func TestAFormIsToldFromAnotherOnlyByTheRecordOrByItsReader(t *testing.T) {
	for _, field := range []string{"Accept", "Accept-Language", "Authorization", "Accept-Encoding"} {
		t.Run(field, func(t *testing.T) {
			remembered(t, func(t *testing.T, s *story, forget func() bool) {
				inForms(s.b, field)
				s.c.do("POST", "/a", "one") // so that the tags from before count no more
				read := s.c.get("/a", field, "mine").etag()
				forgotten := forget()
				got := s.c.do("PUT", "/a", "two", "If-Match", read, field, "other")
				if !forgotten {
					got.want(t, 204)
					return
				}
				got.want(t, 409, refusal.Stale)
				s.c.do("PUT", "/a", "two", "If-Match", read, field, "mine").want(t, 204)
				s.c.do("PUT", "/a", "lost", "If-Match", read, field, "mine").want(t, 409, refusal.Stale)
			}, func(f *fleet) { f.cfg.Routes[0].Private = field == "Authorization" })
		})
	}
}

// The copies of a replica outlive what they are copies of.
func TestACopyOfAForgottenRecordAdmitsNothing(t *testing.T) {
	for name, q := range map[string]etagcache.Qualify{"returned": etagcache.QualifyReturned, "always": etagcache.QualifyAlways} {
		t.Run("qualify: "+name, func(t *testing.T) {
			s := newStory(t, func(f *fleet) {
				f.cache.LocalFor = time.Hour
				f.cfg.Routes[0].Version.Qualify = q
			})
			gets, _ := s.f.store.trips()
			s.c.get("/a")
			if now, _ := s.f.store.trips(); now != gets {
				t.Fatal("the replica has no copy")
			}
			s.forget()
			other := s.f.replica()
			other.put("/a", "two", other.get("/a").etag()).want(t, 204)
			s.forget()
			s.c.put("/a", "lost", s.tag).want(t, 409, refusal.Stale)
			s.c.put("/a", "lost", `"v-one"`).want(t, 409, refusal.Stale)
			s.nothingLost()
		})
	}
}

// An answer that was computed before the record was forgotten, and written over, is nothing to begin a record with.
func TestAReadUnderWhichTheRecordIsForgottenTeachesNothing(t *testing.T) {
	s := newStory(t, func(f *fleet) { f.cache.LocalFor = 0 })
	computed, goOn := make(chan struct{}), make(chan struct{})
	arrives := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(arrives)
	s.b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Late") == "" {
			return false
		}
		close(computed)
		<-goOn
		w.Header().Set("ETag", `"v-one"`)
		_, _ = w.Write([]byte("one"))
		return true
	})
	late := make(chan answer, 1)
	go func() { late <- s.c.get("/a", "X-Late", "1") }()
	<-computed
	s.forget()
	other := s.f.replica()
	other.put("/a", "two", other.get("/a").etag()).want(t, 204)
	s.forget()
	other.get("/a")
	arrives()
	old := <-late
	if !strings.Contains(old.etag(), ";p409-") {
		t.Errorf("an old answer has the tag %s", old.etag())
	}
	s.c.put("/a", "lost", old.etag()).want(t, 409, refusal.Stale)
	s.moved()
}

// A store with room for next to nothing forgets everything, but no write that is under way.
func TestAStoreThatIsFullForgetsNoWriteUnderWay(t *testing.T) {
	s := newStory(t, func(f *fleet) {
		f.store.Store = memstore.New(memstore.Options{MaxBytes: 1})
		f.cfg.Timeouts.BusyWait = 0
	})
	arrived, goOn := s.held()
	first := make(chan answer, 1)
	go func() { first <- s.c.put("/a", "two", s.tag) }()
	soon(t, "the write arrives at the backend", arrived)
	asked := s.b.asked()
	for i := range 20 { // each of which pushes the one before it out
		s.c.get(fmt.Sprint("/other/", i))
	}
	if s.b.asked() < asked+20 {
		t.Error("the other resources were not read")
	}
	s.f.replica().put("/a", "lost", s.tag).want(t, 409, refusal.Busy)
	goOn()
	soon(t, "the write is answered", first).want(t, 204)
	s.b.heal()
	s.c.get("/other/21") // now what was known of /a is forgotten
	s.c.put("/a", "lost", s.tag).want(t, 409, refusal.Stale)
	s.c.put("/a", "three", s.c.get("/a").etag()).want(t, 204)
	s.nothingLost()
}
