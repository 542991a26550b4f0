package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

var errStoreDown = errors.New("the store is down")

// blindFleet lets writes through while the store is down.
func blindFleet(t *testing.T) (*backend, *fleet, *told) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].AllowBlind = true
	o := &told{}
	f.cfg.Observer = o
	return b, f, o
}

func TestWithoutTheStoreWritesPassWhereTheRouteAllowsItAndAreCounted(t *testing.T) {
	for _, mode := range []proxy.Mode{proxy.Enforce, proxy.Observe} {
		t.Run(string(mode), func(t *testing.T) {
			b, f, o := blindFleet(t)
			f.cfg.Routes[0].Mode = mode
			c := f.replica()
			tag := c.get("/a").etag()
			f.store.fail(errStoreDown)
			c.put("/a", "two", tag).want(t, 204)
			c.put("/a", "three", `"nobody's"`).want(t, 204)
			c.do("PUT", "/new", "x", "If-None-Match", "*").want(t, 204)
			c.do("POST", "/a", "four").want(t, 204)
			c.do("DELETE", "/a", "", "If-Match", tag).want(t, 204)
			f.store.fail(nil)
			if n := o.count("unguarded"); n != 5 || len(b.writes()) != 5 {
				t.Errorf("%d unguarded writes were counted, of %d: %q", n, len(b.writes()), o.all())
			}
			if !strings.Contains(f.logs.String(), "without a note in the store") {
				t.Error("the log does not say so")
			}
		})
	}
}

func TestWithoutTheStoreWhatIsMalformedIsRefusedAllTheSame(t *testing.T) {
	b, f, _ := blindFleet(t)
	f.cfg.Limits.Body = 10
	c := f.replica()
	f.store.fail(errStoreDown)
	c.put("/a", "x", "unquoted").want(t, 400, refusal.Malformed)
	c.put("//a", "x", `"x"`).want(t, 400, refusal.Malformed)
	c.put("/a", strings.Repeat("x", 11), `"x"`).want(t, 413, refusal.TooLarge)
	c.do("PUT", "/a", "x").want(t, 409, refusal.Missing)
	f.store.fail(nil)
	if len(b.writes()) > 0 {
		t.Errorf("the backend got %q", b.writes())
	}
}

func TestWithoutTheStoreWritesAreRefusedWhereTheRouteSaysNothing(t *testing.T) {
	b, f, _ := blindFleet(t)
	f.cfg.Routes[0].AllowBlind = false
	c := f.replica()
	f.store.fail(errStoreDown)
	for _, method := range []string{"PUT", "POST", "DELETE"} {
		got := c.do(method, "/a", "x", "If-Match", `"v-one"`)
		if got.want(t, 503, refusal.Store); got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	f.store.fail(nil)
	if len(b.writes()) > 0 {
		t.Errorf("the backend got %q", b.writes())
	}
}

// The tag of the state before the blind write comes back with the one after it: without the debt, the record would admit it.
func TestAfterABlindWriteOldTagsAreStaleEverywhere(t *testing.T) {
	b, f, _ := blindFleet(t)
	b.tag = byLength
	here, there := f.replica(), f.replica()
	tag := here.get("/a").etag()
	there.get("/a")
	f.store.fail(errStoreDown)
	here.put("/a", "two", tag).want(t, 204)
	during := here.get("/a").etag()
	f.store.fail(nil)
	here.put("/a", "old", tag).want(t, 409, refusal.Stale)
	here.put("/a", "old", during).want(t, 409, refusal.Stale) // nobody took note of it
	there.put("/a", "old", tag).want(t, 409, refusal.Stale)
	there.put("/a", "six", there.get("/a").etag()).want(t, 204)
	if got := b.writes(); len(got) != 2 {
		t.Errorf("the backend got %q", got)
	}
}

func TestABlindWriteIsSettledWithoutAnybodysAsking(t *testing.T) {
	b, f, _ := blindFleet(t)
	b.tag = byLength
	here, there := f.replica(), f.replica()
	tag := here.get("/a").etag()
	f.store.fail(errStoreDown)
	here.put("/a", "two", tag).want(t, 204)
	_, before := f.store.trips()
	f.store.fail(nil)
	eventually(t, "the record is moved", func() bool { _, now := f.store.trips(); return now > before })
	eventually(t, "the other replica refuses", func() bool {
		return there.put("/a", "two", tag).StatusCode == 409
	})
}

// The store comes back while the write is at the backend: the debt is settled before the write is over, and must be again.
func TestABlindWriteIsOwedUntilItIsOver(t *testing.T) {
	b, f, _ := blindFleet(t)
	b.tag = byLength
	c := f.replica()
	tag := c.get("/a").etag()
	arrived, goOn := b.holdPUTs()
	f.store.fail(errStoreDown)
	var blind sync.WaitGroup
	blind.Go(func() { c.put("/a", "two", tag).want(t, 204) })
	<-arrived
	f.store.fail(nil)
	before := c.get("/a") // the old text, after the debt was settled
	close(goOn)
	blind.Wait()
	b.intercept(nil)
	c.put("/a", "old", before.etag()).want(t, 409, refusal.Stale)
	c.put("/a", "new", c.get("/a").etag()).want(t, 204)
}

func TestABlindWriteWhoseOutcomeNobodyKnowsIsOwedToo(t *testing.T) {
	b, f, _ := blindFleet(t)
	b.tag = byLength
	c := f.replica()
	tag := c.get("/a").etag()
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			b.set("/a", "two")
			panic(http.ErrAbortHandler)
		}
		return false
	})
	f.store.fail(errStoreDown)
	c.put("/a", "two", tag).want(t, 502)
	f.store.fail(nil)
	b.intercept(nil)
	c.put("/a", "old", tag).want(t, 409, refusal.Stale)
}

// A view from before the outage must not be claimed from: the body takes as long as the outage.
func TestAWriteThatWasLookedAtBeforeTheOutageIsLookedAtAgain(t *testing.T) {
	b, f, _ := blindFleet(t)
	b.tag = byLength
	c := f.replica()
	tag := c.get("/a").etag()
	upload, end := io.Pipe()
	req, _ := http.NewRequest(http.MethodPut, c.url+"/a", upload)
	req.Header.Set("If-Match", tag)
	req.Header.Set("Expect", "100-continue")
	reading := make(chan struct{})
	go func() {
		_, _ = io.WriteString(end, "ol")
		close(reading) // so its record was looked at
		<-reading
	}()
	status := make(chan int)
	go func() {
		res, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(req)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	<-reading
	f.store.fail(errStoreDown)
	c.put("/a", "two", tag).want(t, 204)
	f.store.fail(nil) // and before the debt is settled in the background
	_, _ = io.WriteString(end, "d")
	_ = end.Close()
	if got := <-status; got != 409 {
		t.Errorf("a write made from %s was applied to a later version: %d, %q", tag, got, b.writes())
	}
}

func TestDrainDoesNotWaitForAStoreThatIsAway(t *testing.T) {
	_, f, _ := blindFleet(t)
	c := f.replica()
	f.store.fail(errStoreDown)
	c.put("/a", "two", `"v-one"`).want(t, 204)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.proxy.Drain(ctx); err != nil {
		t.Error(err)
	}
}

// The store answers: with a record of a later release, say. Of every resource it would, while the fleet is being upgraded.
func TestARecordThatCannotBeReadIsNoStoreThatIsDown(t *testing.T) {
	b, f, o := blindFleet(t)
	inner := &oneBad{Store: f.store.Store}
	var key etagcache.Key
	f.store.Store = keySpy{inner, func(k etagcache.Key) { key = k }}
	f.replica().get("/a")
	inner.bad.Store(&key)
	f.store.Store = inner
	f.cache.LocalFor = 0
	c := f.replica()
	c.put("/a", "two", `"v-one"`).want(t, 503, refusal.Store)
	if o.count("unguarded") > 0 || len(b.writes()) > 0 {
		t.Errorf("told %q, the backend got %q", o.all(), b.writes())
	}
	c.put("/b", "x", `"x"`).want(t, 409, refusal.Absent)
}

// What was let through may be applied yet when the store is back: nothing that is read until then counts.
func TestAWriteThatWasLetThroughInDoubtClosesItsResource(t *testing.T) {
	b, f, _ := blindFleet(t)
	f.cfg.Timeouts.Settle = 500 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		return r.Method == http.MethodPut
	})
	f.store.fail(errStoreDown)
	c.put("/a", "blind", tag).want(t, http.StatusGatewayTimeout)
	f.store.fail(nil)
	b.intercept(nil)
	old := c.get("/a").etag() // of what was there before the write
	b.set("/a", "blind")      // now it is applied
	time.Sleep(f.cfg.Timeouts.Settle + 200*time.Millisecond)
	c.put("/a", "lost", old).want(t, http.StatusConflict, refusal.Stale)
}
