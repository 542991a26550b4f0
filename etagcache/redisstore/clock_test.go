package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// clocks are the wall clock of a miniredis and the elapsed time of all who use it. Both stand still, but for what a test does.
type clocks struct {
	server *redistest.MiniServer

	mu   sync.Mutex
	wall time.Time
	own  time.Duration
}

func newClocks(t *testing.T, m *redistest.MiniServer) *clocks {
	t.Helper()
	c := &clocks{server: m, wall: time.Now(), own: time.Hour}
	c.step(0)
	return c
}

func (c *clocks) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own
}

// pass lets time go by, for everybody.
func (c *clocks) pass(d time.Duration) { c.set(d, d) }

// step sets the server's clock, and no other.
func (c *clocks) step(d time.Duration) { c.set(0, d) }

// set is one step for all who look: nobody reads a clock between.
func (c *clocks) set(own, wall time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own += own
	c.wall = c.wall.Add(wall)
	c.server.SetTime(c.wall)
}

// replica is a store that notes the jumps that it was told of.
type replica struct {
	*redisstore.Store

	mu    sync.Mutex
	jumps []time.Duration
}

func (r *replica) noticed() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.jumps)
}

// join opens a replica at the clocks' server, which has had contact.
func (c *clocks) join(t *testing.T) *replica {
	t.Helper()
	r := new(replica)
	r.Store = open(t, redisstore.Options{URL: c.server.URL(), Clock: c.elapsed, OnClockJump: func(by time.Duration) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.jumps = append(r.jumps, by)
	}})
	get(t, r.Store)
	return r
}

// wantJumps checks what a replica noticed, to a few milliseconds.
func wantJumps(t *testing.T, who string, r *replica, want ...time.Duration) {
	t.Helper()
	got := r.noticed()
	if !slices.EqualFunc(got, want, func(a, b time.Duration) bool { return (a - b).Abs() < 10*time.Millisecond }) {
		t.Errorf("%s noticed the jumps %v, want %v", who, got, want)
	}
}

func wantEpoch(t *testing.T, what string, got, want etagcache.Epoch) {
	t.Helper()
	if got != want {
		t.Errorf("%s is under the epoch %x from %d, want %x from %d", what, got.ID, got.Start, want.ID, want.Start)
	}
}

// operations are all ways to hear from the server, for one who last saw before.
var operations = map[string]func(*redisstore.Store, etagcache.Reply) (etagcache.Reply, error){
	"get": func(s *redisstore.Store, _ etagcache.Reply) (etagcache.Reply, error) {
		return s.Get(context.Background(), key)
	},
	"swap": func(s *redisstore.Store, before etagcache.Reply) (etagcache.Reply, error) {
		return s.Swap(context.Background(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("late")})
	},
	"refused swap": func(s *redisstore.Store, before etagcache.Reply) (etagcache.Reply, error) {
		return s.Swap(context.Background(), key, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("late")})
	},
	"ping": func(s *redisstore.Store, _ etagcache.Reply) (etagcache.Reply, error) {
		return s.Ping(context.Background())
	},
}

var steps = []time.Duration{time.Hour, -time.Hour, 300 * time.Millisecond, -300 * time.Millisecond}

// The first reply after the jump that any replica gets is under the new epoch, and all others follow.
func TestAJumpOfTheClockBeginsAnEpoch(t *testing.T) {
	for name, operation := range operations {
		for _, step := range steps {
			t.Run(fmt.Sprintf("%s/%v", name, step), func(t *testing.T) {
				t.Parallel()
				c := newClocks(t, redistest.Mini(t))
				a, b := c.join(t), c.join(t)
				before := put(t, a.Store, "lease of a")
				c.pass(time.Second)
				c.step(step)
				r, err := operation(b.Store, before)
				if err != nil {
					t.Fatal(err)
				}
				if r.Swapped {
					t.Error("a swap under the old epoch counts as made")
				}
				if r.Epoch.ID == before.Epoch.ID {
					t.Fatal("the epoch is the old one")
				}
				if age := r.Now.Sub(r.Epoch.Start); age != 0 {
					t.Errorf("the new epoch is %v old already", age)
				}
				wantEpoch(t, "a, who hears of it later,", get(t, a.Store).Epoch, r.Epoch)
				c.pass(time.Hour)
				wantEpoch(t, "b, an hour later,", get(t, b.Store).Epoch, r.Epoch)
				wantEpoch(t, "a newcomer", get(t, c.join(t).Store).Epoch, r.Epoch)
				put(t, b.Store, "next")
				wantJumps(t, "a", a, step)
				wantJumps(t, "b", b, step)
			})
		}
	}
}

// The swap is made at the server, but nobody may act upon it.
func TestASwapWhoseOwnReplyShowsTheJumpDoesNotCount(t *testing.T) {
	for _, step := range steps {
		c := newClocks(t, redistest.Mini(t))
		a := c.join(t)
		before := put(t, a.Store, "before")
		c.step(step)
		r, err := a.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("claim")})
		if err != nil || r.Swapped || r.Epoch.ID == before.Epoch.ID || string(r.Value) != "claim" {
			t.Errorf("%v: %+v, %v; want what is stored, under a new epoch, and not swapped", step, r, err)
		}
	}
}

func TestASwapWhoseEpochCannotBeEndedIsNotKnown(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a := c.join(t)
	before := put(t, a.Store, "before")
	c.step(time.Hour)
	c.server.Before(func(p *server.Peer, cmd string, args ...string) bool {
		refuse := cmd == "EVALSHA" && args[1] == "1"
		if refuse {
			p.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
		}
		return refuse
	})
	change := etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("claim")}
	if r, err := a.Swap(t.Context(), key, change); err == nil || errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap that was made: %+v, %v", r, err)
	}
	if r, err := a.Swap(t.Context(), key, change); !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap that was not made: %+v, %v", r, err)
	}
	if r, err := a.Get(t.Context(), key); err == nil {
		t.Errorf("a Get: %+v", r)
	}
	wantJumps(t, "a", a)
	c.server.Before(nil)
	if r := get(t, a.Store); r.Epoch.ID == before.Epoch.ID {
		t.Error("it does not heal")
	}
	wantJumps(t, "a", a, time.Hour)
}

// Both have replies that show the jump before either ends the epoch.
func TestAJumpThatTwoNoticeAtOnceBeginsOneEpoch(t *testing.T) {
	for _, step := range steps {
		c := newClocks(t, redistest.Mini(t))
		a, b := c.join(t), c.join(t)
		before := get(t, a.Store)
		c.pass(time.Second)
		c.step(step)
		var both sync.WaitGroup
		both.Add(2)
		var mu sync.Mutex
		begun := 0
		c.server.Before(func(_ *server.Peer, cmd string, args ...string) bool {
			switch {
			case cmd == "EVALSHA" && args[1] == "1":
				both.Done()
				both.Wait()
			case cmd == "SET":
				mu.Lock()
				begun++
				mu.Unlock()
			}
			return false
		})
		var all sync.WaitGroup
		for _, r := range []*replica{a, b} {
			all.Go(func() { get(t, r.Store) })
		}
		all.Wait()
		c.server.Before(nil)
		if begun != 1 {
			t.Errorf("%v: %d epochs were begun", step, begun)
		}
		now := get(t, a.Store)
		if now.Epoch.ID == before.Epoch.ID {
			t.Errorf("%v: the epoch is the old one", step)
		}
		wantEpoch(t, "b", get(t, b.Store).Epoch, now.Epoch)
		wantJumps(t, "a", a, step)
		wantJumps(t, "b", b, step)
	}
}

// An epoch that began for another reason does not hide a jump that came after it from one who has not seen it yet.
func TestAJumpAfterANewEpochBeginsAnother(t *testing.T) {
	for _, step := range steps {
		c := newClocks(t, redistest.Mini(t))
		a, b := c.join(t), c.join(t)
		c.pass(100 * time.Millisecond)
		c.server.FlushAll()
		flushed := get(t, a.Store)
		c.pass(100 * time.Millisecond)
		c.step(step)
		now := get(t, b.Store)
		if now.Epoch.ID == flushed.Epoch.ID {
			t.Errorf("%v: b takes over the epoch that began before the jump", step)
		}
		wantEpoch(t, "a", get(t, a.Store).Epoch, now.Epoch)
		wantJumps(t, "b", b, step)
	}
}

// The reply to the script that began the epoch is lost; whoever asks next takes the epoch over.
func TestAnEpochWhoseBeginningGotNoReplyIsTakenOver(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a := c.join(t)
	before := get(t, a.Store)
	c.step(-time.Hour)
	c.server.Before(func(p *server.Peer, cmd string, args ...string) bool {
		lost := cmd == "EVALSHA" && args[1] == "1"
		if lost {
			c.server.Execute(cmd, args...)
			p.Close()
		}
		return lost
	})
	if r, err := a.Get(t.Context(), key); err == nil {
		t.Fatalf("the reply was not lost: %+v", r)
	}
	c.server.Before(nil)
	c.pass(time.Second)
	r := get(t, a.Store)
	if age := r.Now.Sub(r.Epoch.Start); r.Epoch.ID == before.Epoch.ID || age != time.Second {
		t.Errorf("the epoch is %v old; want the one that was begun a second ago", age)
	}
	wantJumps(t, "a", a, -time.Hour)
}
