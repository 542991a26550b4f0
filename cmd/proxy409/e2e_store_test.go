package main_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// brief are timeouts whose sum, the grace period of a store that began anew, is short.
const brief = "{write: 1500ms, settle: 300ms, busy_wait: 500ms}"

// unready checks that a replica says that it is not ready, and why.
func (r *replica) unready(t testing.TB, why string) {
	t.Helper()
	a := do(t, "GET", r.admin+"/readyz", "").want(t, 503, "")
	if !strings.Contains(a.body, why) {
		t.Errorf("/readyz says %q, want %q", a.body, why)
	}
}

// later checks that a refusal says when to try again.
func (a answer) later(t testing.TB) answer {
	t.Helper()
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
		t.Errorf("%s: %d %s with Retry-After %q", a.request, a.status, a.reason(), a.header.Get("Retry-After"))
	}
	return a
}

// judged puts again until the answer is not that the store has to wait.
func judged(t testing.TB, url, body, match string) (a answer) {
	t.Helper()
	eventually(t, 10*time.Second, func() error {
		a = put(t, url, body, match)
		if a.reason() == "grace" || a.reason() == "store" {
			return errorf("%s: %d %s", a.request, a.status, a.reason())
		}
		return nil
	})
	return a
}

func TestServeStartsWithoutRedisAndRecoversByItself(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	redis := redistest.Start(t)
	redis.Kill()
	r := serve(t, setup{upstream: o.url(), redis: redis.URL(), timeouts: brief}.yaml())
	doc := r.url + "/doc"
	r.unready(t, "store")
	do(t, "GET", r.admin+"/healthz", "").want(t, 200, "")
	blind := get(t, doc)
	put(t, doc, "two", blind.etag()).want(t, 503, "store").later(t)
	if r.metric("proxy409_store_up") != 0 {
		t.Error("proxy409_store_up is not 0")
	}

	redis.Restart()
	eventually(t, 5*time.Second, func() error {
		a, err := send("GET", r.admin+"/readyz", "")
		if err == nil && !strings.HasPrefix(a.body, "grace") {
			err = errorf("/readyz says %q", a.body)
		}
		return err
	})
	put(t, doc, "two", get(t, doc).etag()).want(t, 503, "grace").later(t)
	r.ready()
	put(t, doc, "two", blind.etag()).want(t, 409, "stale") // nobody took note of it when it was handed out
	put(t, doc, "two", get(t, doc).etag()).done(t)
	if r.metric("proxy409_store_up") != 1 || o.writes() != 1 {
		t.Errorf("store_up %v, %d writes at the backend", r.metric("proxy409_store_up"), o.writes())
	}
}

func TestAWriteUnderWayWhenRedisDiesIsNotOverwritten(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	redis := redistest.Start(t)
	replicas := setup{upstream: o.url(), redis: redis.URL(), timeouts: brief}.pair(t)
	here, there := replicas[0].url+"/doc", replicas[1].url+"/doc"
	tag := get(t, here).etag()
	if other := get(t, there).etag(); other != tag {
		t.Fatalf("the replicas show %s and %s", tag, other)
	}

	g := o.hold()
	write := background("PUT", here, "two", "If-Match", tag)
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	redis.Kill()
	put(t, there, "lost", tag).want(t, 503, "store").later(t)
	get(t, there)
	redis.Restart() // empty: it has forgotten the lease
	eventually(t, time.Second, func() error {
		a, err := send("PUT", there, "lost", "If-Match", tag)
		if err == nil && a.reason() != "grace" {
			err = errorf("%s: %d %s", a.request, a.status, a.reason())
		}
		return err
	})
	g.release()
	if a := await(t, write); a.err != nil || !a.ok() {
		t.Fatalf("the write under way: %v %d %s", a.err, a.status, a.body)
	}
	for _, doc := range []string{here, there} {
		judged(t, doc, "lost", tag).want(t, 409, "stale")
	}
	if got := o.text("/doc"); got != "two" || o.writes() != 1 {
		t.Fatalf("the backend has %q after %d writes", got, o.writes())
	}
	put(t, there, "three", get(t, here).etag()).done(t)
}

func TestAnOutageOfRedisThatKeepsItsMemoryDelaysWritesAndLosesNothing(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	redis := redistest.Start(t)
	replicas := setup{upstream: o.url(), redis: redis.URL(), timeouts: brief, grace: "0s"}.pair(t)
	here, there := replicas[0].url+"/doc", replicas[1].url+"/doc"
	tag := get(t, here).etag()
	redis.Pause()
	put(t, here, "two", tag).want(t, 503, "store").later(t)
	if a := do(t, "GET", replicas[0].admin+"/readyz", ""); a.status != 200 {
		t.Errorf("a later outage makes /readyz fail: %d %s", a.status, a.body)
	}
	eventually(t, 5*time.Second, func() error {
		a, err := send("GET", replicas[0].admin+"/readyz?strict", "")
		if err == nil && a.status != 503 {
			err = errorf("/readyz?strict: %d %s", a.status, a.body)
		}
		return err
	})
	get(t, there)
	redis.Resume()
	eventually(t, 10*time.Second, func() error { // the claim that the outage cut off may have been made: its end is told late
		a, err := send("GET", there, "")
		if err == nil {
			a, err = send("PUT", there, "two", "If-Match", a.etag())
		}
		if err == nil && !a.ok() {
			err = errorf("%s: %d %s", a.request, a.status, a.body)
		}
		return err
	})
	put(t, here, "lost", tag).want(t, 409, "stale")
}

func TestTheLeaseOfAKilledReplicaRunsOut(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	replicas := setup{upstream: o.url(), redis: redistest.Start(t).URL(), timeouts: brief, grace: "0s"}.pair(t)
	here, there := replicas[0].url+"/doc", replicas[1].url+"/doc"
	tag := get(t, here).etag()
	g := o.hold()
	background("PUT", here, "two", "If-Match", tag) // it will not be answered
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	replicas[0].kill()
	put(t, there, "lost", tag).want(t, 409, "busy").later(t)
	g.release() // the backend applies what nobody waits for any more
	eventually(t, 5*time.Second, func() error {
		a, err := send("PUT", there, "lost", "If-Match", tag)
		if a.ok() {
			t.Fatal("the tag of before was admitted")
		}
		if err == nil && a.reason() != "stale" {
			err = errorf("%s: %d %s", a.request, a.status, a.reason())
		}
		return err
	})
	put(t, there, "three", get(t, there).etag()).done(t)
	if got := o.text("/doc"); got != "three" || o.writes() != 2 {
		t.Errorf("the backend has %q after %d writes", got, o.writes())
	}
	if n := replicas[1].metric("proxy409_leases_expired_total"); n != 1 {
		t.Errorf("%v leases ran out, want 1", n)
	}
}
