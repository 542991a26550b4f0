package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// lie is a way in which what a backend says of its versions misleads.
type lie struct {
	name string
	// tag makes the tag of a text for who reads it; show may say more in the answer's head. Seen is how often this text was read.
	tag  func(r *http.Request, text string, seen int) string
	show func(h http.Header, r *http.Request)
	// written is what the head of the answer to a write says.
	written   string
	me, you   []string // what the two editors ask with
	writeWith []string // what they write with, where it is something else
	change    func(*proxy.Route)
	// returns: two states may have one tag. Nothing is promised of a bare one that is older than its record.
	returns bool
}

func private(r *proxy.Route) { r.Private = true }

func gzipSuffix(r *http.Request, text string, _ int) string {
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return fmt.Sprintf(`"%s-gzip"`, text)
	}
	return fmt.Sprintf(`"%s"`, text)
}

func byEncoding(h http.Header, r *http.Request) {
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "x-gzip")
	}
}

// perCaller are tags of which every caller has one.
func perCaller(r *http.Request, text string, _ int) string {
	return fmt.Sprintf("%q", r.Header.Get("Authorization")+"-"+text)
}

var (
	gzipped = []string{"Accept-Encoding", "gzip"}
	ann     = []string{"Authorization", "ann"}
	bob     = []string{"Authorization", "bob"}
	asJSON  = []string{"Accept", "application/json"}
	asXML   = []string{"Accept", "application/xml"}
)

var lies = []lie{
	{name: "by time and size (nginx)", returns: true, tag: func(_ *http.Request, text string, _ int) string {
		return fmt.Sprintf(`"6b02b221-%d"`, len(text))
	}, show: func(h http.Header, _ *http.Request) { h.Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat)) }},
	{name: "writes tagged by their own answer (Express)", written: `W/"ok"`, tag: func(_ *http.Request, text string, _ int) string {
		return fmt.Sprintf(`W/"%s"`, text)
	}},
	{name: "weak for a second, then strong (mod_dav)", tag: func(_ *http.Request, text string, seen int) string {
		return map[bool]string{true: "W/", false: ""}[seen == 1] + fmt.Sprintf("%q", text)
	}},
	{name: "with the suffix of a compressor", tag: gzipSuffix, show: byEncoding, me: gzipped},
	{
		name: "with a suffix that is listed, written without", tag: gzipSuffix, show: byEncoding, me: gzipped, writeWith: []string{"X", "x"},
		change: func(r *proxy.Route) { r.Version.Suffixes = []string{"-gzip"} },
	},
	{name: "for each caller", tag: perCaller, change: private, me: ann, you: bob},
	{
		name: "for a caller who is not shown what changes", change: private, me: ann, you: bob, returns: true,
		tag: func(r *http.Request, text string, _ int) string {
			if r.Header.Get("Authorization") == "ann" {
				return `"hers"`
			}
			return fmt.Sprintf("%q", text)
		},
	},
	{
		name: "for each format", me: asJSON, you: asXML,
		tag: func(r *http.Request, text string, _ int) string {
			return fmt.Sprintf("%q", text+"-as-"+strings.TrimPrefix(r.Header.Get("Accept"), "application/"))
		},
		show: func(h http.Header, r *http.Request) {
			h.Set("Vary", "Accept")
			h.Set("Content-Type", r.Header.Get("Accept"))
		},
	},
}

// believed is a lie and the replicas that believe it. The backend knows which writes were made from another text than they are
// applied to.
type believed struct {
	*testing.T
	lie
	b      *backend
	f      *fleet
	told   *told
	clock  *leap
	store  *memstore.Store
	seen   map[string]int
	losses []string
}

func (l lie) believe(t *testing.T, q etagcache.Qualify) *believed {
	s := &believed{T: t, lie: l, b: newBackend(t), clock: new(leap), seen: map[string]int{}, told: &told{}}
	s.f, s.store = newFleet(t, s.b), s.clock.store()
	s.f.store.Store, s.f.cache.LocalFor, s.f.cfg.Observer = s.store, 0, s.told
	s.f.cfg.Routes[0].Version.Qualify = q
	if l.change != nil {
		l.change(&s.f.cfg.Routes[0])
	}
	s.b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		s.b.mu.Lock()
		defer s.b.mu.Unlock()
		text := s.b.texts["/a"]
		if r.Method != http.MethodGet {
			if base := r.Header.Get("X-Base"); base != text {
				s.losses = append(s.losses, fmt.Sprintf("%q, made from %q, was applied to %q", body, base, text))
			}
			s.b.texts["/a"] = string(body)
			w.Header().Set("ETag", l.written)
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		s.seen[text]++
		w.Header().Set("ETag", l.tag(r, text, s.seen[text]))
		if l.show != nil {
			l.show(w.Header(), r)
		}
		_, _ = io.WriteString(w, text)
		return true
	})
	return s
}

func (s *believed) forget() {
	s.Helper()
	forget(s, s.store, s.clock)
}

// editor reads, changes and writes.
type editor struct {
	*believed
	at        *client
	asks      []string
	base, tag string
}

func (s *believed) editor(asks []string) *editor {
	return &editor{believed: s, at: s.f.replica(), asks: asks}
}

func (e *editor) read() {
	e.Helper()
	got := e.at.get("/a", e.asks...)
	got.want(e, 200)
	e.base, e.tag = got.body, got.etag()
}

func (e *editor) write(text string) answer {
	e.Helper()
	with := e.asks
	if e.writeWith != nil {
		with = e.writeWith
	}
	return e.at.do("PUT", "/a", text, append([]string{"If-Match", e.tag, "X-Base", e.base}, with...)...)
}

// lost says how many writes were applied to another state than they were made from.
func (s *believed) lost(want int) {
	s.Helper()
	if len(s.losses) != want {
		s.Errorf("%d updates were lost, not %d: %q", len(s.losses), want, s.losses)
	}
}

// each runs a test for every lie, under both ways to qualify.
func each(t *testing.T, test func(t *testing.T, l lie, q etagcache.Qualify)) {
	for _, l := range lies {
		for _, q := range []etagcache.Qualify{etagcache.QualifyReturned, etagcache.QualifyAlways} {
			t.Run(l.name+", qualify: "+q.String(), func(t *testing.T) { test(t, l, q) })
		}
	}
}

func TestWhateverTagsAreLikeAnUndisturbedWriterIsAdmitted(t *testing.T) {
	each(t, func(t *testing.T, l lie, q etagcache.Qualify) {
		for _, forgotten := range []bool{false, true} {
			s := l.believe(t, q)
			me := s.editor(l.me)
			for _, text := range []string{"two", "six", "ten"} {
				me.read()
				if forgotten {
					s.forget()
				}
				if forgotten && strings.Contains(me.tag, ";p409-") { // what is forgotten does not become permission
					me.write("not").want(t, 409, refusal.Stale)
					me.read()
				}
				me.write(text).want(t, 204)
			}
			s.lost(0)
			if n := s.told.count("drift"); n > 0 {
				t.Errorf("%d drifts, though nobody wrote past the proxy", n)
			}
		}
	})
}

func TestWhateverTagsAreLikeNoWriteIsAppliedToALaterState(t *testing.T) {
	each(t, func(t *testing.T, l lie, q etagcache.Qualify) {
		for _, before := range []bool{false, true} { // the other write, the record is forgotten
			for _, after := range []bool{false, true} {
				s := l.believe(t, q)
				me, you := s.editor(l.me), s.editor(l.you)
				me.read()
				you.read()
				if before {
					s.forget()
				}
				if before && q == etagcache.QualifyAlways {
					you.write("not").want(t, 409, refusal.Stale)
					you.read()
				}
				you.write("two").want(t, 204)
				if after {
					s.forget()
				}
				if older := after || before && l.you != nil; older && l.returns && q == etagcache.QualifyReturned {
					// A bare tag that is older than its record, which has never seen it or has not seen it since: nothing is
					// promised, and this is why. QualifyAlways is the cure.
					me.write("six").want(t, 204)
					s.lost(1)
					continue
				}
				me.write("six").want(t, 409, refusal.Stale)
				me.read()
				me.write("six").want(t, 204)
				you.write("not").want(t, 409, refusal.Stale)
				s.lost(0)
			}
		}
	})
}

// A tag that has come back before it was read is qualified, and as good as one that is always.
func TestATagThatHasComeBackIsStaleForEverOnceItIsForgotten(t *testing.T) {
	for _, l := range lies {
		if !l.returns {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			s := l.believe(t, etagcache.QualifyReturned)
			me, you := s.editor(l.me), s.editor(l.you)
			me.read()
			me.write("two").want(t, 204)
			me.read()
			you.read()
			if !strings.Contains(me.tag, ";p409-") {
				t.Fatalf("the tag is %s", me.tag)
			}
			you.write("six").want(t, 204)
			me.write("not").want(t, 409, refusal.Stale)
			s.forget()
			me.write("not").want(t, 409, refusal.Stale)
			s.lost(0)
		})
	}
}
