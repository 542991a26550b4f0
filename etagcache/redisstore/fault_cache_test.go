package redisstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// full is two caches over a server that can be full.
func full(t *testing.T) (srv *redistest.Server, a, b *etagcache.Cache) {
	t.Helper()
	srv = redistest.Start(t)
	join := func() *etagcache.Cache {
		return etagcache.New(open(t, redisstore.Options{URL: srv.URL()}), etagcache.Options{})
	}
	return srv, join(), join()
}

// A full server takes no conclusion either. The lease keeps the resource closed, and the conclusion is recorded as soon as there is room.
func TestAConclusionWaitsUntilAFullServerHasRoom(t *testing.T) {
	t.Parallel()
	srv, a, b := full(t)
	held, verdict := claim(t, a)
	if held == nil {
		t.Fatal(verdict)
	}
	srv.Do("CONFIG", "SET", "maxmemory", "1")
	applied := etagcache.Conclusion{Outcome: etagcache.Applied, Primary: key}
	_, _, err := held.Conclude(t.Context(), applied, func(err error) { t.Error(err) })
	if !errors.Is(err, etagcache.ErrNotSent) || !contains(err.Error(), "OOM") {
		t.Errorf("the error is %v", err)
	}
	wantRefused(t, "while the server is full", b, etagcache.Busy)
	srv.Do("CONFIG", "SET", "maxmemory", "0")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than the lease
	defer cancel()
	if err := a.Drain(ctx); err != nil {
		t.Error(err)
	}
	if held, verdict := claim(t, b); held == nil {
		t.Errorf("with room again a claim is told %v", verdict)
	}
}

// Where there is no room in time, somebody is told, and the lease runs out as if its owner had died.
func TestAConclusionThatAFullServerNeverTookIsReported(t *testing.T) {
	t.Parallel()
	srv, a, b := full(t)
	v, err := a.Fetch(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	brief := etagcache.Term{Work: 200 * time.Millisecond, Settle: 200 * time.Millisecond}
	held, ruling, err := a.Claim(t.Context(), wish(v), brief)
	if held == nil {
		t.Fatal(ruling.Verdict, err)
	}
	srv.Do("CONFIG", "SET", "maxmemory", "1")
	var told atomic.Int32
	applied := etagcache.Conclusion{Outcome: etagcache.Applied, Primary: key}
	if _, _, err := held.Conclude(t.Context(), applied, func(error) { told.Add(1) }); err == nil {
		t.Fatal("the server took it")
	}
	if err := a.Drain(t.Context()); err != nil || told.Load() != 1 {
		t.Errorf("it was reported %d times, %v", told.Load(), err)
	}
	srv.Do("CONFIG", "SET", "maxmemory", "0")
	redistest.Eventually(t, 5*time.Second, func() error {
		if held, verdict := claim(t, b); held == nil {
			return errors.New("a claim is told " + verdict.String())
		}
		return nil
	})
}
