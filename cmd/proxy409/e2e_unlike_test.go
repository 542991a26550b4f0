package main_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// Two replicas take the same URL for two resources, because one of them counts the parameter v as part of the key. Each would
// admit a write from one version.
func TestReplicasThatMakeOtherKeysAreShutOut(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	redis := redistest.Start(t)
	s := setup{upstream: o.url(), redis: redis.URL(), timeouts: "{write: 1s, settle: 200ms, busy_wait: 100ms}"}
	incumbent := serve(t, s.yaml()).ready()
	s.more = "routes:\n  - {name: docs, match: /, key: {query: {v: \"^[0-9]+$\"}}}\n"
	newcomer := serve(t, s.yaml())
	doc := "/doc?v=1"

	eventually(t, 5*time.Second, func() error {
		if !strings.Contains(newcomer.logs.String(), "what differs: route /") {
			return errorf("it does not say what differs")
		}
		return nil
	})
	newcomer.unready(t, "settings")
	tag := get(t, incumbent.url+doc).etag()
	own := get(t, newcomer.url+doc).etag() // reads go on, and admit nothing
	put(t, newcomer.url+doc, "lost", tag).want(t, 503, "store").later(t)
	put(t, newcomer.url+doc, "lost", own).want(t, 503, "store").later(t)
	put(t, incumbent.url+doc, "lost", own).want(t, 409, "stale")
	put(t, incumbent.url+doc, "two", tag).done(t)
	eventually(t, 5*time.Second, func() error {
		if n := incumbent.metric("proxy409_unlike_replicas"); n != 1 {
			return errorf("the one that was there first counts %v unlike replicas", n)
		}
		return nil
	})
	if n := newcomer.metric("proxy409_unlike_replicas"); n != 1 {
		t.Errorf("the newcomer counts %v unlike replicas", n)
	}
	if a := do(t, "GET", incumbent.admin+"/readyz", ""); a.status != 200 || !strings.Contains(a.body, "settings: ") {
		t.Errorf("the one that was there first: %d %s", a.status, a.body)
	}

	incumbent.signal(syscall.SIGTERM)
	if code := incumbent.exit(10 * time.Second); code != 0 {
		t.Fatalf("exit code %d; it said:\n%s", code, incumbent.logs)
	}
	newcomer.ready()
	judged(t, newcomer.url+doc, "lost", tag).want(t, 409, "stale")
	put(t, newcomer.url+doc, "three", get(t, newcomer.url+doc).etag()).done(t)
	if n := newcomer.metric("proxy409_unlike_replicas"); n != 0 {
		t.Errorf("it still counts %v", n)
	}
	if o.writes() != 2 {
		t.Errorf("%d writes were applied", o.writes())
	}
}
