package main_test

import (
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// Short timeouts, and what they come to: a lease lasts for both, and a margin. On a machine that is busy everything may
// take slack longer.
const (
	hasty       = "{write: 1500ms, settle: 300ms, busy_wait: 200ms}"
	hastySettle = 300 * time.Millisecond
	hastyLease  = 1500*time.Millisecond + 130*time.Millisecond + hastySettle
	slack       = 2 * time.Second
)

// stage is two replicas over one Redis and one backend. The first one's way to Redis can be watched, and both ones' to the
// backend.
type stage struct {
	t                  testing.TB
	origin             *origin
	toRedis, toBackend *relay
	yaml               string // of the first one
	first, second      *replica
	here, there        string // the document's URL, at each
	tag                string // of its first version
}

// storeAt is the part of a configuration that names Redis, where the usual time-out does not suit.
func storeAt(url, grace, options string) string {
	return "store: {grace: " + grace + ", redis: {url: '" + url + "', " + options + "}}\n"
}

// newStage starts everything. Redis will forget nothing, so there is no grace.
func newStage(t testing.TB, timeouts, redisTimeout, more string) *stage {
	t.Helper()
	redis := redistest.Start(t)
	s := &stage{t: t, origin: newOrigin(t), toRedis: relayToRedis(t, redis.Addr)}
	s.toBackend = relayTo(t, s.origin.addr)
	yaml := func(url string) string {
		store := storeAt(url, "0s", "timeout: "+redisTimeout)
		return setup{upstream: "http://" + s.toBackend.addr, timeouts: timeouts, more: store + more}.yaml()
	}
	s.yaml = yaml("redis://" + s.toRedis.addr)
	s.first, s.second = serve(t, s.yaml).ready(), serve(t, yaml(redis.URL())).ready()
	s.here, s.there = s.first.url+"/doc", s.second.url+"/doc"
	// The replica that is watched comes last: each adds what is shown at its Host to the record, and then knows it.
	s.tag = get(t, s.there).etag()
	if other := get(t, s.here).etag(); other != s.tag {
		t.Fatalf("the replicas show %s and %s", s.tag, other)
	}
	return s
}

// cycle reads and writes at a replica until that works, and returns how long it took.
func (s *stage) cycle(doc, text string, atMost time.Duration) time.Duration {
	s.t.Helper()
	began := time.Now()
	eventually(s.t, atMost, func() error {
		a, err := send("GET", doc, "")
		if err == nil {
			a, err = send("PUT", doc, text, "If-Match", a.etag())
		}
		if err == nil && !a.ok() {
			err = errorf("%s: %d %s", a.request, a.status, a.reason())
		}
		return err
	})
	return time.Since(began)
}

// refused sends the first version's tag to the other replica until it is stale. It must never be let through. It returns
// whether anything else was said before.
func (s *stage) refused(atMost time.Duration) (closed bool) {
	s.t.Helper()
	eventually(s.t, atMost, func() error {
		a, err := send("PUT", s.there, "lost", "If-Match", s.tag)
		switch {
		case err != nil:
			return err
		case a.ok():
			s.t.Fatal("a write from the version of before was let through")
		case a.reason() == "stale":
			return nil
		}
		closed = true
		return errorf("%s: %d %s", a.request, a.status, a.reason())
	})
	return closed
}

// instant is when in the course of a write its replica dies, and what becomes of what was on its way then.
type instant struct {
	hold   func(*stage) *trap
	after  func(*stage, *trap)
	closed bool // until the lease has run out
	writes int  // how many the backend has applied before anybody reads the resource again
}

// lostAtAll is what becomes of a request to Redis whose connection breaks.
func lostAtAll(s *stage, held *trap) {
	s.toRedis.cut()
	held.release()
	s.toRedis.mend()
}

// late is what becomes of a request that arrives after its sender's death.
func late(s *stage, held *trap) {
	held.release()
	within(s.t, 5*time.Second, "what was held is answered", held.answered)
}

// lateAndSeen is the same of a request to the backend, while others wait for the outcome.
func lateAndSeen(s *stage, held *trap) {
	put(s.t, s.there, "lost", s.tag).want(s.t, 409, "busy")
	late(s, held)
}

// lostForAll is the same of a claim: the version of before is as good as ever.
func lostForAll(s *stage, held *trap) {
	lostAtAll(s, held)
	put(s.t, s.there, "early", s.tag).done(s.t)
}

// tooLate is what becomes of a claim that arrives after somebody else has written.
func tooLate(s *stage, held *trap) {
	put(s.t, s.there, "early", s.tag).done(s.t)
	late(s, held)
}

func nothing(*stage, *trap) {}

var instants = map[string]instant{
	"before the claim, which is lost": {
		hold: func(s *stage) *trap { return s.toRedis.holdRequest(isClaim) }, after: lostForAll, writes: 1,
	},
	"before the claim, which arrives": {
		hold: func(s *stage) *trap { return s.toRedis.holdRequest(isClaim) }, after: late, closed: true,
	},
	"before the claim, which arrives after another write": {
		hold: func(s *stage) *trap { return s.toRedis.holdRequest(isClaim) }, after: tooLate, writes: 1,
	},
	"after the claim, before its reply": {
		hold: func(s *stage) *trap { return s.toRedis.holdReply(isClaim) }, after: nothing, closed: true,
	},
	"after it was sent, before it is applied": {
		hold: func(s *stage) *trap { return s.toBackend.holdRequest(isPut) }, after: lateAndSeen, closed: true, writes: 1,
	},
	"after it was applied, before its answer": {
		hold: func(s *stage) *trap { return s.toBackend.holdReply(isPut) }, after: nothing, closed: true, writes: 1,
	},
	"after the answer, before the outcome is recorded": {
		hold: func(s *stage) *trap { return s.toRedis.holdRequest(isConclusion) }, after: lostAtAll, closed: true, writes: 1,
	},
	"after the answer, while the outcome is on its way": {
		hold: func(s *stage) *trap { return s.toRedis.holdRequest(isConclusion) }, after: late, writes: 1,
	},
	"after the outcome was recorded, before the client is told": {
		hold: func(s *stage) *trap { return s.toRedis.holdReply(isConclusion) }, after: nothing, writes: 1,
	},
}

func TestAReplicaThatIsKilledAtAnyInstantLosesNoUpdateAndClosesNothingForLong(t *testing.T) {
	long(t)
	t.Parallel()
	for name, at := range instants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, hasty, "900ms", "")
			held := at.hold(s)
			write := background("PUT", s.here, "first", "If-Match", s.tag)
			within(t, 5*time.Second, "the write comes to this point", held.arrived)
			s.first.kill()
			killed := time.Now()
			if a := await(t, write); a.err == nil {
				t.Fatalf("the dead replica answered %d", a.status)
			}
			at.after(s, held)

			atMost := slack
			if at.closed {
				atMost += hastyLease + hastySettle
			}
			if closed := s.refused(atMost); closed && !at.closed {
				t.Error("the resource was closed, though nothing is in doubt")
			}
			s.cycle(s.there, "second", slack)
			if took := time.Since(killed); took > atMost+slack {
				t.Errorf("the resource could be written after %v, want at most %v", took, atMost)
			}
			ran := s.second.metric("proxy409_leases_expired_total")
			if (ran > 0) != at.closed {
				t.Errorf("closed %v, and %v leases ran out", at.closed, ran)
			}

			again := serve(t, s.yaml).ready()
			put(t, again.url+"/doc", "lost", s.tag).want(t, 409, "stale")
			s.cycle(again.url+"/doc", "third", slack)
			if got, n := s.origin.text("/doc"), s.origin.writes(); got != "third" || n != at.writes+2 {
				t.Errorf("the backend has %q after %d writes, want %d", got, n, at.writes+2)
			}
		})
	}
}
