package proxy_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestTwoEditorsTheSecondIsRefused(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	first, second := c.get("/a").etag(), c.get("/a").etag()
	c.put("/a", "mine", first).want(t, 204)
	refused := c.put("/a", "yours", second)
	refused.want(t, 409, refusal.Stale)
	if !strings.Contains(refused.body, `"current_etag":"\"v-mine\""`) {
		t.Errorf("the refusal does not tell the current tag: %s", refused.body)
	}
	if got := b.writes(); !slices.Equal(got, []string{"PUT /a mine"}) {
		t.Errorf("the backend applied %q", got)
	}
	c.put("/a", "yours", c.get("/a").etag()).want(t, 204)
}

func TestOfOneVersionAtMostOneWriteGoesForwardOverAllReplicas(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	replicas := []*client{f.replica(), f.replica(), f.replica()}
	for round := range 20 {
		tag := replicas[0].get("/a").etag()
		var won, lost atomic.Int32
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() {
				switch s := replicas[i%3].put("/a", fmt.Sprintf("r%d-w%d", round, i), tag).StatusCode; s {
				case 204:
					won.Add(1)
				case 409:
					lost.Add(1)
				default:
					t.Errorf("status %d", s)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 8 {
			t.Fatalf("round %d: %d won, %d lost", round, won.Load(), lost.Load())
		}
	}
}

func TestPreconditions(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	for _, tc := range []struct {
		method, path string
		header       []string
		status       int
		reason       refusal.Reason
	}{
		{"PUT", "/a", nil, 409, refusal.Missing},
		{"PUT", "/a", []string{"If-Match", "*"}, 409, refusal.Missing},
		{"DELETE", "/a", nil, 409, refusal.Missing},
		{"PUT", "/a", []string{"If-Match", "v1"}, 400, refusal.Malformed},
		{"PUT", "/a", []string{"If-Match", tag + "x"}, 400, refusal.Malformed},
		{"PUT", "/a", []string{"If-Match", `"other"`}, 409, refusal.Stale},
		{"PUT", "/a", []string{"If-Match", tag, "If-Match", "v1"}, 400, refusal.Malformed},
		{"PUT", "/a", []string{"If-Match", tag, "If-Match", "*"}, 400, refusal.Malformed},
		{"PUT", "/a", []string{"If-None-Match", "*"}, 409, refusal.Exists},
		{"PUT", "/a", []string{"If-None-Match", `"x"`}, 400, refusal.Malformed},
		{"PUT", "/a", []string{"If-Match", tag, "If-None-Match", "*"}, 400, refusal.Malformed},
		{"PUT", "/none", []string{"If-Match", tag}, 409, refusal.Absent},
		{"PUT", "//a", []string{"If-Match", tag}, 400, refusal.Malformed},
		{"LOCK", "/a", nil, 409, refusal.Missing},
	} {
		c.do(tc.method, tc.path, "new", tc.header...).want(t, tc.status, tc.reason)
	}
	if got := b.writes(); len(got) != 0 {
		t.Fatalf("the backend applied %q", got)
	}
	c.do("PUT", "/new", "born", "If-None-Match", "*").want(t, 204)
	c.do("PUT", "/a", "x", "If-Match", `"other", `+tag).want(t, 204)
	c.do("PUT", "/a", "y", "If-Match", `"other"`, "If-Match", c.get("/a").etag()).want(t, 204) // its lines are one list (RFC 9110 section 5.3)
	c.do("DELETE", "/a", "", "If-Match", c.get("/a").etag()).want(t, 204)
}

func TestATagThatComesBackIsNoVersion(t *testing.T) {
	b := newBackend(t)
	b.tag = func(_, text string) string { return fmt.Sprintf(`"%d"`, len(text)) } // as nginx: time and size
	c := newFleet(t, b).replica()
	old := c.get("/a").etag()
	c.put("/a", "two", old).want(t, 204)
	c.put("/a", "lost", old).want(t, 409, refusal.Stale)
	now := c.get("/a")
	if !strings.HasPrefix(now.etag(), `"3;p409-`) {
		t.Fatalf("the tag that came back is handed out as %s", now.etag())
	}
	if again := c.get("/a", "If-None-Match", now.etag()); again.StatusCode != 304 || again.etag() != now.etag() {
		t.Errorf("with the qualified tag: %d %s", again.StatusCode, again.etag())
	}
	if stale := c.get("/a", "If-None-Match", old); stale.StatusCode != 200 {
		t.Errorf("a copy of the earlier version was confirmed: %d", stale.StatusCode)
	}
	c.put("/a", "six", now.etag()).want(t, 204)
	c.put("/a", "not", now.etag()).want(t, 409, refusal.Stale)
}

func TestAPassedPOSTRetiresWhatWasReadBefore(t *testing.T) {
	b := newBackend(t)
	b.tag = func(_, text string) string { return fmt.Sprintf(`"%d"`, len(text)) }
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	c.do("POST", "/a", "two").want(t, 204)
	c.put("/a", "new", tag).want(t, 409, refusal.Stale)
	c.put("/a", "new", c.get("/a").etag()).want(t, 204)
}

func TestMissingAllowAndObserveAreForgiven(t *testing.T) {
	for _, tc := range []struct {
		name   string
		mode   proxy.Mode
		miss   proxy.Missing
		header []string
		status int
	}{
		{"allow without", proxy.Enforce, proxy.MissingAllow, nil, 204},
		{"allow with a stale one", proxy.Enforce, proxy.MissingAllow, []string{"If-Match", `"x"`}, 409},
		{"missing: observe without", proxy.Enforce, proxy.MissingObserve, nil, 204},
		{"mode: observe stale", proxy.Observe, proxy.MissingReject, []string{"If-Match", `"x"`}, 204},
		{"mode: observe malformed", proxy.Observe, proxy.MissingReject, []string{"If-Match", `x`}, 204},
		{"mode: off", proxy.Off, proxy.MissingReject, nil, 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			f.cfg.Routes[0].Mode, f.cfg.Routes[0].Missing = tc.mode, tc.miss
			c := f.replica()
			tag := c.get("/a").etag()
			c.do("PUT", "/a", "new", tc.header...).want(t, tc.status)
			if tc.status == 204 && tc.mode == proxy.Enforce {
				c.put("/a", "newer", tag).want(t, 409, refusal.Stale)
			}
		})
	}
}

func TestClosedWhenBlind(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	tag := c.get("/a").etag()
	f.store.fail(errors.New("down"))
	refused := c.put("/a", "new", tag)
	refused.want(t, 503, refusal.Store)
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	c.do("POST", "/a", "new").want(t, 503, refusal.Store)
	time.Sleep(1100 * time.Millisecond) // the local copy's life
	if got := c.get("/a"); got.StatusCode != 200 || got.etag() == tag {
		t.Errorf("a read without the store: %d with %s", got.StatusCode, got.etag())
	}
	f.store.fail(nil)
	c.put("/a", "new", tag).want(t, 204)
	if got := b.writes(); len(got) != 1 {
		t.Errorf("the backend applied %q", got)
	}
}

func TestTheBackendIsDown(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	tag := c.get("/a").etag()
	addr := b.Listener.Addr().String()
	b.CloseClientConnections()
	b.Listener.Close()
	time.Sleep(50 * time.Millisecond)
	c.put("/a", "new", tag).want(t, 502, refusal.Backend)
	_ = addr
	// No lease is left behind: the refusal of a second write is the backend's too, not "busy".
	c.put("/a", "new", tag).want(t, 502, refusal.Backend)
}

func TestAfterwardsIsKnownWhatTheAnswerSays(t *testing.T) {
	for _, tc := range []struct {
		status int
		then   int // the status of a write with the tag from before
	}{
		{200, 409},
		{303, 409},
		{500, 409},
		{404, 409},
		{409, 409},
		{410, 409},
		{412, 409},
		{400, 204},
		{401, 204},
		{403, 204},
		{422, 204},
		{423, 204},
		{202, 409},
		{408, 409},
		{502, 409},
		{503, 409},
		{504, 409},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			b := newBackend(t)
			c := newFleet(t, b).replica()
			tag := c.get("/a").etag()
			b.answerWrites(func(http.ResponseWriter, *http.Request) int { return tc.status })
			c.put("/a", "one", tag).want(t, tc.status)
			b.answerWrites(nil)
			c.put("/a", "two", tag).want(t, tc.then)
		})
	}
}

func TestRereadGivesTheNextETag(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Reread = true
	c := f.replica()
	tag := c.get("/a").etag()
	first := c.put("/a", "two", tag)
	first.want(t, 204)
	c.put("/a", "three", first.etag()).want(t, 204)
	if first.etag() != `"v-two"` {
		t.Errorf("got %s", first.etag())
	}
}

func TestTheTagOnAWritesAnswer(t *testing.T) {
	express := func(w http.ResponseWriter, _ *http.Request) int { w.Header().Set("ETag", `W/"ok"`); return 200 }
	honest := func(w http.ResponseWriter, _ *http.Request) int { w.Header().Set("ETag", `"v-two"`); return 200 }
	for _, tc := range []struct {
		name   string
		trust  bool
		after  func(http.ResponseWriter, *http.Request) int
		status int
	}{
		{"of its own body", false, express, 409},
		{"of the resource", false, honest, 204}, // unseen, so the backend is asked
		{"trusted", true, honest, 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			f.cfg.Routes[0].Version.TrustWrites = tc.trust
			c := f.replica()
			b.answerWrites(tc.after)
			first := c.put("/a", "two", c.get("/a").etag())
			first.want(t, 200)
			b.answerWrites(nil)
			reads := b.reads
			c.put("/a", "three", first.etag()).want(t, tc.status)
			if asked := b.reads > reads; asked == tc.trust {
				t.Errorf("the backend was asked: %v", asked)
			}
		})
	}
}

func TestDriftIsNoticed(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	tag := c.get("/a").etag()
	b.set("/a", "behind")
	c.get("/a")
	c.put("/a", "new", tag).want(t, 409, refusal.Stale)
	if !strings.Contains(f.logs.String(), "drift") {
		t.Error("the log does not say so")
	}
}

func TestVerifyAlwaysAsksUnderTheLease(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].VerifyAlways = true
	c := f.replica()
	tag := c.get("/a").etag()
	b.set("/a", "behind")
	refused := c.put("/a", "new", tag)
	refused.want(t, 409, refusal.Stale)
	if !strings.Contains(refused.body, `v-behind`) {
		t.Errorf("%s", refused.body)
	}
	c.put("/a", "new", c.get("/a").etag()).want(t, 204)
}

func TestAReadAndAWriteTakeAsManyTripsAsTheProtocolNames(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	tag := c.get("/a").etag()
	gets, swaps := f.store.trips()
	for range 50 {
		c.get("/a")
	}
	if g, s := f.store.trips(); g != gets || s != swaps {
		t.Errorf("50 hot reads took %d gets and %d swaps", g-gets, s-swaps)
	}
	c.put("/a", "two", tag).want(t, 204)
	if g, s := f.store.trips(); g != gets || s != swaps+2 {
		t.Errorf("a write took %d gets and %d swaps", g-gets, s-swaps)
	}
	c.get("/a")
	if g, s := f.store.trips(); g != gets || s != swaps+3 {
		t.Errorf("a write and the read after it took %d gets and %d swaps", g-gets, s-swaps)
	}
}

// TestWhoReadsAtOneReplicaMayWriteAtTheOther is about a tag that has come back within the life of the reading replica's
// local copy: without a look at the store, the copy's version would be handed out.
func TestWhoReadsAtOneReplicaMayWriteAtTheOther(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	b.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		return false
	})
	f := newFleet(t, b)
	reader, writer := f.replica(), f.replica()
	for i := range 10 {
		writer.put("/a", fmt.Sprintf("%03d", i), reader.get("/a").etag()).want(t, 204)
	}
}
