package proxy_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

func TestAMadeTagGuardsLikeOneOfTheBackend(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c, other := f.replica(), f.replica()
		read := c.get("/a")
		read.want(t, 200)
		if read.etag() == "" || read.etag() == `"of-the-backend"` {
			t.Fatalf("tag %q", read.etag())
		}
		c.put("/a", "two", read.etag()).want(t, 200)
		if d.written.Get("If-Match") != "" {
			t.Errorf("the backend was sent If-Match: %s, which it never made", d.written.Get("If-Match"))
		}
		other.put("/a", "three", read.etag()).want(t, 409, refusal.Stale)
		other.put("/a", "three", other.get("/a").etag()).want(t, 200)
		other.do("PUT", "/a", "four").want(t, 409, refusal.Missing)
		c.put("/a", "four", `"of-the-backend"`).want(t, 409, refusal.Stale)
		if text, _ := d.now(); text != "three" {
			t.Errorf("the text is %q", text)
		}
	})
}

func TestTheBackendsOwnTagIsTakenOffWhereVersionsAreMade(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c := f.replica()
		without := func(what string, a answer) {
			t.Helper()
			if strings.Contains(a.etag(), "of-the-backend") {
				t.Errorf("%s (%d) has ETag %s", what, a.StatusCode, a.etag())
			}
		}
		read := c.get("/a")
		without("a read", read)
		without("a HEAD", c.do("HEAD", "/a", ""))
		without("a range", c.get("/a", "Range", "bytes=0-3"))
		without("a write", c.put("/a", "two", read.etag()))
		without("a POST", c.do("POST", "/a", "three"))
		d.change(func() { d.refuse = 404 })
		without("an error", c.get("/a"))
		d.change(func() { d.refuse = 403 })
		forbidden := c.put("/a", "four", `"unseen"`)
		forbidden.want(t, 403)
		without("a refusal of a probe", forbidden)
	})
}

func TestTheCurrentVersionIsShownWordForWord(t *testing.T) {
	for name, want := range map[string]string{"json": `"current_version":2`, "header": `"current_version":"2"`, "body": ""} {
		t.Run(name, func(t *testing.T) {
			d := newDocs(t)
			f := newFleet(t, d.backend)
			f.cfg.Routes[0].Version = made[name]()
			c := f.replica()
			old := c.get("/a").etag()
			c.put("/a", "two", old).want(t, 200)
			stale := c.put("/a", "three", old)
			stale.want(t, 409, refusal.Stale)
			if !strings.Contains(stale.body, want) || want == "" && strings.Contains(stale.body, "current_version") {
				t.Errorf("want %q in %s", want, stale.body)
			}
			missing := c.do("PUT", "/a", "three")
			missing.want(t, 409, refusal.Missing)
			if strings.Contains(missing.body, "current_") {
				t.Errorf("an invitation to a blind retry: %s", missing.body)
			}
			exists := c.do("PUT", "/a", "three", "If-None-Match", "*")
			exists.want(t, 409, refusal.Exists)
		})
	}
}

func TestABodyThatComesBackIsTheSameVersionAndARevisionIsNot(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c := f.replica()
		first := c.get("/a").etag()
		c.put("/a", "two", first).want(t, 200)
		d.change(func() { d.rev = 0 }) // the next write makes the first state of it
		c.put("/a", "one", c.get("/a").etag()).want(t, 200)
		again := c.get("/a").etag()
		bare := c.put("/a", "three", first)
		if f.cfg.Routes[0].Version.Qualify == etagcache.QualifyNever {
			if again != first {
				t.Errorf("%s has become %s", first, again)
			}
			bare.want(t, 200)
			return
		}
		bare.want(t, 409, refusal.Stale)
		if again == first || !strings.Contains(again, ";p409-") {
			t.Errorf("a tag that named an earlier version is handed out as %s", again)
		}
		if got := c.get("/a", "If-None-Match", first); got.StatusCode != 200 {
			t.Errorf("an old copy was confirmed: %d", got.StatusCode)
		}
		if got := c.get("/a", "If-None-Match", again); got.StatusCode != 304 || got.etag() != again {
			t.Errorf("the present copy was not confirmed: %d %s", got.StatusCode, got.etag())
		}
		c.put("/a", "three", again).want(t, 200)
	})
}

func TestOfManyWritersFromOneMadeVersionOneWins(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		replicas := []*client{f.replica(), f.replica(), f.replica()}
		for round := range 5 {
			tag := replicas[round%3].get("/a").etag()
			var won, lost atomic.Int32
			var writers sync.WaitGroup
			for i := range 12 {
				writers.Go(func() {
					switch got := replicas[i%3].put("/a", fmt.Sprintf("%d by %d", round, i), tag); got.StatusCode {
					case 200:
						won.Add(1)
					case 409:
						lost.Add(1)
					default:
						t.Errorf("status %d: %s", got.StatusCode, got.body)
					}
				})
			}
			writers.Wait()
			if won.Load() != 1 || lost.Load() != 11 {
				t.Fatalf("round %d: %d won and %d lost", round, won.Load(), lost.Load())
			}
		}
		if _, rev := d.now(); rev != 6 {
			t.Errorf("%d writes were applied, not 5", rev-1)
		}
	})
}

func TestAReadAfterTheWriteTellsTheNextMadeTag(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		f.cfg.Routes[0].Version.Reread = true
		c := f.replica()
		next := c.put("/a", "two", c.get("/a").etag())
		next.want(t, 200)
		if next.etag() == "" || next.etag() != c.get("/a").etag() {
			t.Fatalf("the write's tag is %q, the read's %q", next.etag(), c.get("/a").etag())
		}
		c.put("/a", "three", next.etag()).want(t, 200)
		c.put("/a", "four", next.etag()).want(t, 409, refusal.Stale)
	})
}

func TestTheAnswerToAWriteTellsTheNextMadeTagWhereItIsTrusted(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		f.cfg.Routes[0].Version.TrustWrites = true
		for _, header := range [][]string{nil, {"Accept-Encoding", "gzip"}} {
			c := f.replica()
			args := append([]string{"If-Match", c.get("/a").etag()}, header...)
			next := c.do("PUT", "/a", "two", args...)
			next.want(t, 200)
			if len(header) == 0 && !strings.Contains(next.body, `"two"`) {
				t.Errorf("the answer's content is %q", next.body)
			}
			if next.etag() == "" {
				t.Fatal("the write's answer has no tag")
			}
			d.change(func() { d.refuse = 500 }) // nothing needs to be asked
			c.put("/a", "three", next.etag()).want(t, 200)
			d.change(func() { d.refuse = 0 })
			c.put("/a", "four", next.etag()).want(t, 409, refusal.Stale)
		}
	})
}

func TestAnEmptyAnswerToAWriteMayNameTheVersionInItsHeader(t *testing.T) {
	d := newDocs(t)
	d.silent = true
	f := newFleet(t, d.backend)
	f.cfg.Routes[0].Version = fromHeader()
	f.cfg.Routes[0].Version.TrustWrites = true
	c := f.replica()
	next := c.put("/a", "two", c.get("/a").etag())
	next.want(t, 204)
	if next.etag() != `"2"` {
		t.Errorf("tag %q", next.etag())
	}
	d.change(func() { d.refuse = 500 })
	c.put("/a", "three", next.etag()).want(t, 204)
}

func TestADriftOfMadeVersionsIsFoundByAlwaysVerifying(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		f.cfg.Routes[0].VerifyAlways = true
		o := &told{}
		f.cfg.Observer = o
		c := f.replica()
		tag := c.get("/a").etag()
		d.change(func() { d.text, d.rev = "behind", 2 })
		stale := c.put("/a", "two", tag)
		stale.want(t, 409, refusal.Stale)
		if o.count("drift") != 1 {
			t.Errorf("told %q", o.all())
		}
		c.put("/a", "two", c.get("/a").etag()).want(t, 200)
	})
}

func TestAProbeOfAMadeVersionAsksOnlyForWhatCanBeRead(t *testing.T) {
	d := newDocs(t)
	f := newFleet(t, d.backend)
	f.cfg.Routes[0].Version = fromBody()
	c := f.replica()
	tag := c.get("/a", "Accept-Encoding", "br, gzip").etag()
	if !strings.HasPrefix(tag, "W/") {
		t.Errorf("the tag of compressed content is %s", tag)
	}
	for _, tc := range []struct{ accepts, asked string }{
		{"br, gzip", "gzip"}, {"br", "identity"}, {"gzip;q=0", "identity"}, {"*", "gzip"}, {"", "identity"},
	} {
		c.do("POST", "/a", "one") // the record is unknown
		d.change(func() { d.rev = 1 })
		tag := c.get("/a").etag()
		c.do("POST", "/a", "one")
		d.change(func() { d.rev = 1 })
		var header []string
		if tc.accepts != "" {
			header = []string{"Accept-Encoding", tc.accepts}
		}
		c.do("PUT", "/a", "one", append(header, "If-Match", tag)...).want(t, 200)
		if got := d.lastAsked().Get("Accept-Encoding"); got != tc.asked {
			t.Errorf("Accept-Encoding %q: the probe asked for %q", tc.accepts, got)
		}
		d.change(func() { d.rev = 1 })
	}
}

func TestStrongComparisonAdmitsClientsThatTakeGzip(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		f.cfg.Routes[0].Version.Strong = true
		c := f.replica()
		for range 2 {
			tag := c.get("/a", "Accept-Encoding", "gzip").etag()
			if strings.HasPrefix(tag, "W/") {
				t.Fatalf("the tag is %s, which strong comparison never accepts", tag)
			}
			c.do("PUT", "/a", "two", "If-Match", "W/"+tag, "Accept-Encoding", "gzip").want(t, 409, refusal.Stale)
			c.do("PUT", "/a", "two", "If-Match", tag, "Accept-Encoding", "gzip").want(t, 200)
		}
	})
}
