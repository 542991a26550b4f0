package redisstore_test

import (
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore/redistest"
)

// The longest that a write and the settle time after it take in these tests, and the grace period that follows from it.
var (
	term  = etagcache.Term{Work: 10 * time.Second, Settle: 5 * time.Second}
	grace = term.Work + term.Settle + time.Second
)

// fleet is two caches over two stores, whose server's clock is in the test's hands.
type fleet struct {
	*clocks
	a, b *etagcache.Cache
}

func newFleet(t *testing.T) fleet {
	t.Helper()
	c := newClocks(t, redistest.Mini(t))
	join := func() *etagcache.Cache {
		return etagcache.New(c.join(t), etagcache.Options{
			Grace: grace, Clock: func() time.Time { return time.Unix(0, 0).Add(c.elapsed()) },
		})
	}
	f := fleet{c, join(), join()}
	f.pass(grace)
	return f
}

// wish is to write without a precondition: any version will do.
func wish(v etagcache.View) []etagcache.Wish { return []etagcache.Wish{{View: v}} }

// claim asks for the lease by a fresh view.
func claim(t *testing.T, c *etagcache.Cache) (*etagcache.Held, etagcache.Verdict) {
	t.Helper()
	v, err := c.Fetch(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	held, ruling, err := c.Claim(t.Context(), wish(v), term)
	if err != nil {
		t.Fatal(err)
	}
	return held, ruling.Verdict
}

func wantRefused(t *testing.T, when string, c *etagcache.Cache, want etagcache.Verdict) {
	t.Helper()
	if held, got := claim(t, c); held != nil || got != want {
		t.Errorf("%s a claim is told %v, want %v", when, got, want)
	}
}

func conclude(t *testing.T, held *etagcache.Held) etagcache.Verdict {
	t.Helper()
	_, verdict, err := held.Conclude(t.Context(), etagcache.Conclusion{Outcome: etagcache.Applied, Primary: key}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

// While a's write is at the backend, b is not told that its lease ran out, whatever the clock says.
func TestNoLeaseEndsByAJumpOfTheClock(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, term.Work, -time.Hour, -term.Work} {
		f := newFleet(t)
		held, verdict := claim(t, f.a)
		if held == nil {
			t.Fatal(verdict)
		}
		wantRefused(t, "before the jump", f.b, etagcache.Busy)
		f.pass(time.Second)
		f.step(step)
		wantRefused(t, "after the jump", f.b, etagcache.Grace)
		for range 14 { // until a's write, and what it left behind, are over
			f.pass(time.Second)
			wantRefused(t, "while the write may be under way", f.b, etagcache.Grace)
		}
		if got := conclude(t, held); got != etagcache.Late {
			t.Errorf("%v: the conclusion of a write of an epoch that is over is told %v", step, got)
		}
		f.pass(2 * time.Second)
		if held, verdict := claim(t, f.b); held == nil {
			t.Errorf("%v: after the grace period a claim is told %v", step, verdict)
		}
	}
}

// A claim that was made by the very swap whose reply shows the jump gives no right to write.
func TestAClaimThatMeetsTheJumpIsNotGranted(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		f := newFleet(t)
		v, err := f.a.Fetch(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		f.step(step)
		held, ruling, err := f.a.Claim(t.Context(), wish(v), term)
		if held != nil || err != nil || ruling.Verdict != etagcache.Grace {
			t.Errorf("%v: %v, %v; want grace", step, ruling.Verdict, err)
		}
		f.pass(grace)
		held, verdict := claim(t, f.b)
		if held == nil {
			t.Fatalf("%v: after the grace period a claim is told %v", step, verdict)
		}
		if got := conclude(t, held); got != etagcache.Done {
			t.Errorf("%v: its conclusion is told %v", step, got)
		}
	}
}

// A replica dies with a lease, and the clock is set back: the resource is free again when it would have been anyway.
func TestNothingIsStuckWhenTheClockIsSetBack(t *testing.T) {
	f := newFleet(t)
	if held, verdict := claim(t, f.a); held == nil {
		t.Fatal(verdict)
	}
	f.step(-24 * time.Hour)
	wantRefused(t, "after the jump", f.b, etagcache.Grace)
	f.pass(grace)
	if held, verdict := claim(t, f.b); held == nil {
		t.Errorf("after the grace period a claim is told %v", verdict)
	}
}

// An answer that was begun before the jump teaches nothing after it.
func TestAReadAcrossAJumpTeachesNothing(t *testing.T) {
	f := newFleet(t)
	v, err := f.a.Fetch(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	begun := v.Begin(0)
	if begun.Closed {
		t.Fatal("a read in quiet is begun under a closed record")
	}
	f.step(time.Hour)
	shown := etagcache.Validator{Tag: etagcache.Digest{1}}
	if _, verdict, err := f.a.Learn(t.Context(), v, begun, shown); err != nil || verdict != etagcache.Late {
		t.Errorf("it is told %v, %v", verdict, err)
	}
}
