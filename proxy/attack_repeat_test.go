package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAMergeIsNeverMadeOnAContentThatIsGone(t *testing.T) {
	s := newShelf(t)
	s.tag = func(content string) string {
		if strings.Contains(content, `"n":0`) {
			return "first"
		}
		return "same"
	}
	s.set("/d", `{"n":0,"mine":0}`)
	f := shelved(t, s, mergingRoute())
	one, two := f.replica(), f.replica()
	old := one.get("/d").etag()
	one.do("PUT", "/d", `{"n":1,"mine":0}`, jsonWith("If-Match", old)...).want(t, 200)

	// Between the probe of the stale write and its claim, somebody else writes, and the tag stays the same.
	s.overtakes(func() {
		present := two.get("/d").etag()
		two.do("PUT", "/d", `{"n":2,"mine":0}`, jsonWith("If-Match", present)...).want(t, 200)
		two.get("/d")
	})
	a := one.do("PUT", "/d", `{"n":0,"mine":1}`, jsonWith("If-Match", old, "X-Who", "stale")...)
	if got := s.at("/d"); !strings.Contains(got, `"n":2`) {
		t.Fatalf("n is 2 by an admitted write, and a merge (%d) made the document %s", a.StatusCode, got)
	}
}

func TestAReplayOfAMergeSaysThatItWasMerged(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0,"b":0}`)
	c := shelved(t, s, mergingRoute()).replica()
	old := c.get("/d").etag()
	c.do("PUT", "/d", `{"a":1,"b":0}`, jsonWith("If-Match", old)...).want(t, 200)
	merge := func() answer { return c.do("PUT", "/d", `{"a":0,"b":1}`, jsonWith("If-Match", old)...) }
	first := merge()
	first.want(t, 200)
	if status := strings.Join(first.Header["Proxy-Status"], ", "); !strings.Contains(status, "merged") {
		t.Fatalf("merged, and Proxy-Status is %q", status)
	}
	again := merge()
	again.want(t, 200)
	status := strings.Join(again.Header["Proxy-Status"], ", ")
	if !strings.Contains(status, "replayed") || !strings.Contains(status, "merged") {
		t.Fatalf("Proxy-Status %q: who takes what was sent for what is there overwrites the others", status)
	}
}

func TestAPutThatOnlyRemovesIsNotTakenForApplied(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0,"secret":1}`)
	c := shelved(t, s, route()).replica()
	tag := c.get("/d").etag()
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusServiceUnavailable) // and nothing is applied
			return true
		}
		return false
	}, nil)
	c.do("PUT", "/d", `{"a":0}`, jsonWith("If-Match", tag)...).want(t, 503)
	s.hooks(nil, nil)
	time.Sleep(2500 * time.Millisecond)
	a := c.do("PUT", "/d", `{"a":0}`, jsonWith("If-Match", tag)...)
	if a.StatusCode < 300 && strings.Contains(s.at("/d"), "secret") {
		t.Fatalf("answered %d, %v, and nothing was ever removed: %s", a.StatusCode, a.Header["Proxy-Status"], s.at("/d"))
	}
}

func TestAKeyInDoubtIsAskedForBehindAnUpstreamWithAPath(t *testing.T) {
	s := newShelf(t)
	p := keyedRoute()
	f := shelved(t, s, p)
	f.cfg.Upstream, _ = url.Parse(s.URL + "/base")
	c := f.replica()
	s.hooks(nil, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusServiceUnavailable) // but it is applied
			return true
		}
		return false
	})
	put := func() answer { return c.do("PUT", "/d", `{"a":1}`, jsonWith("Idempotency-Key", "k1")...) }
	put().want(t, 503)
	s.hooks(nil, nil)
	time.Sleep(2500 * time.Millisecond)
	put().want(t, 200)
	if n := len(s.writes()); n != 1 {
		t.Fatalf("applied %d times", n)
	}
}

// Two retries of a request in doubt ask at one time, and both are told that it was not applied.
func TestARequestInDoubtIsAppliedOnceByTwoRetries(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0}`)
	one := shelved(t, s, keyedRoute()).replica()
	two := one
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}, nil)
	put := func(c *client) answer { return c.do("PUT", "/d", `{"a":1}`, jsonWith("Idempotency-Key", "k1")...) }
	put(one).want(t, 503)
	time.Sleep(2500 * time.Millisecond)
	var asked atomic.Int32
	both := make(chan struct{})
	s.hooks(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			if asked.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(time.Second):
			}
		}
		return false
	}, nil)
	var wg sync.WaitGroup
	for _, c := range []*client{one, two} {
		wg.Go(func() {
			if a := put(c); a.StatusCode != 200 {
				t.Errorf("a retry is answered %d: %s", a.StatusCode, a.body)
			}
		})
	}
	wg.Wait()
	if w := s.writes(); len(w) != 1 {
		t.Fatalf("applied: %q", w)
	}
}

// Its answer was lost, others have written since, and the tag is as it was: the replay must not make the client's old content a base to write from.
func TestAReplayUnderAKeyGivesNoTagOfALaterVersion(t *testing.T) {
	s := newShelf(t)
	s.tag = func(content string) string {
		if strings.Contains(content, `"n":0`) {
			return "first"
		}
		return "same"
	}
	s.set("/d", `{"n":0}`)
	p := keyedRoute()
	p.Version.Reread, p.Missing = true, proxy.MissingReject
	f := shelved(t, s, p)
	one, two := f.replica(), f.replica()
	old := one.get("/d").etag()
	put := func() answer {
		return one.do("PUT", "/d", `{"n":1}`, jsonWith("If-Match", old, "Idempotency-Key", "k")...)
	}
	put().want(t, 200)
	two.do("PUT", "/d", `{"n":2}`, jsonWith("If-Match", two.get("/d").etag())...).want(t, 200)
	two.get("/d")
	again := put()
	again.want(t, 200)
	a := one.do("PUT", "/d", `{"n":3}`, jsonWith("If-Match", again.etag())...)
	if a.StatusCode != 409 {
		t.Fatalf("the tag %s of the first version admits a write after the second (%d): %s", again.etag(), a.StatusCode, s.at("/d"))
	}
}

func TestReplaysKnowCallersByWhatAProxyInFrontSaysOfThem(t *testing.T) {
	for _, name := range []string{
		"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "Cf-Access-Jwt-Assertion",
		"Cf-Access-Authenticated-User-Email", "X-Forwarded-Host", "Accept",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.set("/d", `{"n":0}`)
			f := shelved(t, s, route())
			f.cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			c := f.replica()
			tag := c.get("/d").etag()
			put := func(who string) answer { return c.do("PUT", "/d", `{"n":1}`, jsonWith("If-Match", tag, name, who)...) }
			put("alice").want(t, 200)
			a := put("mallory")
			if a.StatusCode == 200 {
				t.Fatalf("mallory gets alice's answer: %s", a.body)
			}
		})
	}
}

// A backend that tells of its progress line by line was streamed before there was replay.
func TestAnAnswerThatComesInPiecesIsPassedOnInPieces(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"n":0}`)
	c := shelved(t, s, route()).replica()
	tag := c.get("/d").etag()
	more := make(chan struct{})
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		_, _ = io.WriteString(w, "one\n")
		w.(http.Flusher).Flush()
		select {
		case <-more:
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
		_, _ = io.WriteString(w, "two\n")
		return true
	}, nil)
	req, _ := http.NewRequest("PUT", c.url+"/d", strings.NewReader(`{"n":1}`))
	req.Header.Set("If-Match", tag)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line := make([]byte, 4)
	start := time.Now()
	if _, err := io.ReadFull(res.Body, line); err != nil || string(line) != "one\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("what the backend has sent at once came after %v", took)
	}
	close(more)
	rest, err := io.ReadAll(res.Body)
	if err != nil || string(rest) != "two\n" {
		t.Fatalf("%q, %v", rest, err)
	}
}

// OData has one tag of an entity for all that is selected of it.
func TestAPartialRepresentationIsNoBaseOfAMerge(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0,"gone":1}`)
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.RawQuery != "" {
			w.Header().Set("ETag", `"`+s.tags["/d"]+`"`)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":0}`)
			return true
		}
		return false
	}, nil)
	f := shelved(t, s, mergingRoute())
	one, two := f.replica(), f.replica()
	old := one.get("/d").etag()
	two.get("/d?$select=a")
	two.do("PUT", "/d", `{"a":0}`, jsonWith("If-Match", old)...).want(t, 200) // takes "gone" away
	a := one.do("PUT", "/d", `{"a":1,"gone":1}`, jsonWith("If-Match", old)...)
	if strings.Contains(s.at("/d"), "gone") {
		t.Fatalf("what another one has removed is back by a merge (%d): %s", a.StatusCode, s.at("/d"))
	}
}

func TestNobodyIsShownWhatAnotherCallerWasShown(t *testing.T) {
	t.Skip("LIMIT: base is what whoever read that version was shown; where a backend tags all views of a version alike, and the route is not private, that tells")
	s := newShelf(t)
	s.set("/d", `{"a":0}`)
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.Header.Get("Authorization") == "Bearer admin" {
			w.Header().Set("ETag", `"`+s.tags["/d"]+`"`) // the number of the version, for every view of it
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":0,"salary":123456}`)
			return true
		}
		return false
	}, nil)
	c := shelved(t, s, mergingRoute()).replica()
	old := c.get("/d", "Authorization", "Bearer admin").etag()
	c.do("PUT", "/d", `{"a":1}`, jsonWith("If-Match", old, "Authorization", "Bearer admin")...).want(t, 200)
	a := c.do("PUT", "/d", `{"a":2}`, jsonWith("If-Match", old, "Authorization", "Bearer clerk")...)
	if strings.Contains(a.body, "123456") {
		t.Fatalf("the clerk reads: %s", a.body)
	}
}

func TestAMergeNeedsNoVersionThatIsReadElsewhere(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0,"b":0}`)
	s.set("/d/version", `{"version":1}`)
	p := mergingRoute()
	p.Match = "/{id}"
	p.Version.Read = "/{id}/version"
	f := shelved(t, s, p)
	cfg := f.cfg
	if _, err := proxy.New(cfg); err == nil {
		t.Error("a merge is made of what is shown, and version.read shows another thing")
	}
}

func TestAWriteWhoseBodyHasADigestIsNotMerged(t *testing.T) {
	for _, name := range []string{"Content-MD5", "Content-Digest", "Digest", "Repr-Digest", "Signature", "X-Amz-Content-Sha256"} {
		s := newShelf(t)
		s.set("/d", `{"a":0,"b":0}`)
		c := shelved(t, s, mergingRoute()).replica()
		old := c.get("/d").etag()
		c.do("PUT", "/d", `{"a":1,"b":0}`, jsonWith("If-Match", old)...).want(t, 200)
		c.do("PUT", "/d", `{"a":0,"b":1}`, jsonWith("If-Match", old, name, "of the body as it was sent")...).want(t, 409, refusal.Stale)
	}
}

// A stranger must not learn from 100 Continue that a tag has been one.
func TestAStaleTagGetsNoContinueFromWhoMayNotRead(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0}`)
	c := shelved(t, s, mergingRoute()).replica()
	old := c.get("/d").etag()
	c.do("PUT", "/d", `{"a":1}`, jsonWith("If-Match", old)...).want(t, 200)
	s.hooks(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Stranger") != "" {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}, nil)
	for _, path := range []string{"/d", "/nothing"} {
		read := false
		pr := readerFunc(func(b []byte) (int, error) { read = true; return 0, io.EOF })
		req, _ := http.NewRequest("PUT", c.url+path, pr)
		req.ContentLength = -1
		req.Header.Set("If-Match", old)
		req.Header.Set("X-Stranger", "1")
		req.Header.Set("Expect", "100-continue")
		req.Header.Set("Content-Type", "application/json")
		res, err := (&http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 3 * time.Second}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 403 || read {
			t.Errorf("%s: status %d, asked for the body: %v", path, res.StatusCode, read)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// The lock is let go of by the backend itself, and the proxy has seen that it is gone.
func TestACreationIsNotReplayedWhenTheProxyHasSeenThatItIsGone(t *testing.T) {
	for _, always := range []bool{false, true} {
		s := newShelf(t)
		p := route()
		p.VerifyAlways = always
		c := shelved(t, s, p).replica()
		lock := func() answer { return c.do("PUT", "/lock", `{"owner":"me"}`, jsonWith("If-None-Match", "*")...) }
		lock().want(t, 200)
		s.mu.Lock()
		delete(s.docs, "/lock")
		s.mu.Unlock()
		if !always {
			c.get("/lock").want(t, 404)
		}
		a := lock()
		if s.at("/lock") == "" {
			t.Errorf("verify always %v: answered %d %v, and there is no lock", always, a.StatusCode, a.Header["Proxy-Status"])
		}
	}
}

func TestACommutingMergeThatIsOvertakenIsMadeAgain(t *testing.T) {
	s := newShelf(t)
	s.set("/d", `{"a":0,"b":0,"c":0}`)
	f := shelved(t, s, mergingRoute())
	one, two := f.replica(), f.replica()
	old := one.get("/d").etag()
	one.do("PATCH", "/d", `{"a":1}`, jsonWith("If-Match", old)...).want(t, 200)
	s.overtakes(func() {
		two.do("PATCH", "/d", `{"b":1}`, jsonWith("If-Match", two.get("/d").etag())...).want(t, 200)
	})
	one.do("PATCH", "/d", `{"c":1}`, jsonWith("If-Match", old, "X-Who", "stale")...).want(t, 200)
	if got := s.at("/d"); got != `{"a":1,"b":1,"c":1}` {
		t.Fatal(got)
	}
}
