package redisstore_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// wantNoJump checks that a replica is still under the epoch, and was told of nothing.
func wantNoJump(t *testing.T, r *replica, epoch etagcache.Epoch) {
	t.Helper()
	wantEpoch(t, "a replica that saw no jump", get(t, r.Store).Epoch, epoch)
	wantJumps(t, "it", r)
}

// The time in a slow reply may be that of its beginning or of its end: neither is a jump.
func TestASlowReplyIsNoJump(t *testing.T) {
	for name, slow := range map[string]func(c *clocks, p *server.Peer, cmd string, args []string){
		"on the way there": func(c *clocks, p *server.Peer, cmd string, args []string) {
			c.pass(10 * time.Second)
			p.WriteRaw(c.server.Execute(cmd, args...))
		},
		"on the way back, or frozen": func(c *clocks, p *server.Peer, cmd string, args []string) {
			reply := c.server.Execute(cmd, args...)
			c.pass(10 * time.Second)
			p.WriteRaw(reply)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocks(t, redistest.Mini(t))
			a := c.join(t)
			before := put(t, a.Store, "before")
			slowly := 0
			c.server.Before(func(p *server.Peer, cmd string, args ...string) bool {
				if cmd == "EVALSHA" {
					slowly++
					slow(c, p, cmd, args)
				}
				return cmd == "EVALSHA"
			})
			for range 3 {
				wantNoJump(t, a, before.Epoch)
			}
			r, err := a.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
			if err != nil || !r.Swapped {
				t.Errorf("a slow swap: %+v, %v", r, err)
			}
			c.server.Before(nil)
			wantNoJump(t, a, before.Epoch)
			if slowly != 4 {
				t.Errorf("%d replies were slow", slowly)
			}
			// What is known is as narrow as it was.
			c.step(120 * time.Millisecond)
			if get(t, a.Store).Epoch == before.Epoch {
				t.Error("a jump after slow replies goes unnoticed")
			}
		})
	}
}

// Two clocks that NTP slews drift apart by up to a thousandth, for as long as it takes.
func TestSteadyDriftIsNoJump(t *testing.T) {
	for _, perMillion := range []time.Duration{200, -200, 900, -900} {
		c := newClocks(t, redistest.Mini(t))
		a := c.join(t)
		before := get(t, a.Store)
		for range 6 * 60 { // six hours
			c.pass(time.Minute)
			c.step(time.Minute * perMillion / 1e6)
			if got := get(t, a.Store); got.Epoch != before.Epoch {
				t.Fatalf("%d parts per million are taken for a jump after %v", perMillion, got.Now.Sub(before.Now))
			}
		}
		wantNoJump(t, a, before.Epoch)
	}
}

// A clock that runs wrong by more is no clock to measure leases by.
func TestAClockThatRunsWrongIsNoticed(t *testing.T) {
	for _, perMillion := range []time.Duration{5000, -5000} {
		c := newClocks(t, redistest.Mini(t))
		a := c.join(t)
		before := get(t, a.Store)
		for range 60 {
			c.pass(time.Second)
			c.step(time.Second * perMillion / 1e6)
			get(t, a.Store)
		}
		if get(t, a.Store).Epoch == before.Epoch {
			t.Errorf("%d parts per million go unnoticed", perMillion)
		}
	}
}

func TestStepsBelowTheToleranceAddUp(t *testing.T) {
	for _, step := range []time.Duration{60 * time.Millisecond, -60 * time.Millisecond} {
		c := newClocks(t, redistest.Mini(t))
		a := c.join(t)
		before := get(t, a.Store)
		c.pass(time.Second)
		c.step(step)
		wantNoJump(t, a, before.Epoch)
		c.pass(time.Second)
		c.step(step)
		if get(t, a.Store).Epoch == before.Epoch {
			t.Errorf("twice %v goes unnoticed", step)
		}
	}
}

// Another server has another clock, and its epoch begins anyway.
func TestAnotherServersClockIsNoJump(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a := c.join(t)
	before := put(t, a.Store, "before")
	c.server.Become(true)
	c.step(-time.Hour)
	now := get(t, a.Store)
	if now.Epoch.ID == before.Epoch.ID {
		t.Fatal("the epoch is the old one")
	}
	wantNoJump(t, a, now.Epoch)
	c.step(time.Hour)
	if get(t, a.Store).Epoch == now.Epoch {
		t.Error("the jump of the new server's clock goes unnoticed")
	}
	wantJumps(t, "a", a, time.Hour)
}

// The scripts are gone, and the clock has jumped: who gets to know the server anew has not forgotten its clock.
func TestAJumpAcrossAScriptFlushIsNoticed(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a := c.join(t)
	before := put(t, a.Store, "before")
	c.server.Execute("SCRIPT", "FLUSH")
	c.step(-time.Hour)
	if r, err := a.Get(t.Context(), key); err == nil && r.Epoch == before.Epoch {
		t.Errorf("a reply under the old epoch: %+v", r)
	}
	if now := get(t, a.Store); now.Epoch.ID == before.Epoch.ID {
		t.Error("the epoch is the old one")
	}
	wantJumps(t, "a", a, -time.Hour)
}

// This process's clock stood still while everything else went on: for all it knows, the server's clock jumped.
func TestAPausedMachineLeadsToANewEpoch(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a := c.join(t)
	before := put(t, a.Store, "before")
	paused := atomic.Int64{}
	b := &replica{Store: open(t, redisstore.Options{
		URL: c.server.URL(), Clock: func() time.Duration { return c.elapsed() - time.Duration(paused.Load()) },
	})}
	get(t, b.Store)
	c.pass(10 * time.Second)
	paused.Store(int64(10 * time.Second))
	now := get(t, b.Store)
	if now.Epoch.ID == before.Epoch.ID {
		t.Error("the epoch is the old one")
	}
	wantNoJump(t, a, now.Epoch)
}

// A real server, whose clock is set while it runs.
func TestARealServersClockJumps(t *testing.T) {
	t.Parallel()
	srv := redistest.StartSteppable(t)
	a, b := open(t, redisstore.Options{URL: srv.URL()}), open(t, redisstore.Options{URL: srv.URL()})
	before := put(t, a, "before")
	get(t, b)
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour, time.Second} {
		srv.Step(step)
		now := get(t, b)
		if now.Epoch.ID == before.Epoch.ID {
			t.Fatalf("%v: the epoch is the old one", step)
		}
		if moved := now.Now.Sub(before.Now); (moved - step).Abs() > time.Minute {
			t.Fatalf("the clock was to be stepped by %v, but moved by %v", step, moved)
		}
		if age := now.Now.Sub(now.Epoch.Start); age < 0 || age > time.Minute {
			t.Errorf("%v: the new epoch is %v old", step, age)
		}
		wantEpoch(t, "a", get(t, a).Epoch, now.Epoch)
		if r := put(t, a, "next"); r.Epoch != now.Epoch {
			t.Errorf("%v: the epoch does not last", step)
		}
		before = now
	}
}
