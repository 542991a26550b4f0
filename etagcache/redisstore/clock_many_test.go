package redisstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore/redistest"
)

// A reply from before the jump comes when the epoch has begun: it ends none, and is not believed.
func TestAReplyThatWasOnItsWayAcrossTheJumpEndsNoEpoch(t *testing.T) {
	for _, step := range steps {
		c := newClocks(t, redistest.Mini(t))
		a := c.join(t)
		before := put(t, a.Store, "before")
		c.pass(time.Minute)
		executed, passOn := make(chan struct{}), make(chan struct{})
		var held atomic.Bool
		c.server.Before(func(p *server.Peer, cmd string, args ...string) bool {
			if cmd != "EVALSHA" || held.Swap(true) {
				return false
			}
			reply := c.server.Execute(cmd, args...)
			close(executed)
			<-passOn
			p.WriteRaw(reply)
			return true
		})
		late := make(chan etagcache.Reply, 1)
		go func() {
			r, err := a.Swap(context.Background(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("claim")})
			if err != nil {
				t.Error(err)
			}
			late <- r
		}()
		<-executed
		c.step(step)
		now := get(t, a.Store)
		if now.Epoch.ID == before.Epoch.ID {
			t.Fatalf("%v: the jump was not noticed", step)
		}
		close(passOn)
		r := <-late
		wantEpoch(t, "the late reply", r.Epoch, now.Epoch)
		if r.Swapped {
			t.Errorf("%v: the late swap counts", step)
		}
		wantEpoch(t, "who asks next", get(t, a.Store).Epoch, now.Epoch)
		wantJumps(t, "a", a, step)
	}
}

// However many replies show a jump, or cross it, it begins one epoch.
func TestAJumpInTheMidstOfManyOperationsBeginsOneEpoch(t *testing.T) {
	c := newClocks(t, redistest.Mini(t))
	a, b := c.join(t), c.join(t)
	var begun atomic.Int32
	c.server.Before(func(_ *server.Peer, cmd string, args ...string) bool {
		if cmd == "SET" && args[0] == "proxy409:{0}:epoch" {
			begun.Add(1)
		}
		return false
	})
	stop := make(chan struct{})
	var all sync.WaitGroup
	var turns [8]atomic.Int32
	done := sync.OnceFunc(func() {
		close(stop)
		all.Wait()
	})
	defer done()
	for i := range turns {
		all.Go(func() {
			r, k := []*replica{a, b}[i%2], etagcache.Key{byte(i / 4)}
			for {
				select {
				case <-stop:
					return
				default:
				}
				now, err := r.Get(context.Background(), k)
				if err == nil {
					_, err = r.Swap(context.Background(), k, etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: []byte{byte(i)}})
				}
				if err != nil {
					t.Error(err)
				}
				turns[i].Add(1)
			}
		})
	}
	const jumps = 12
	for i := range jumps {
		c.pass(time.Second)
		c.step([]time.Duration{time.Hour, -time.Hour, -time.Second, time.Second}[i%4])
		var before [len(turns)]int32
		for j := range turns {
			before[j] = turns[j].Load()
		}
		redistest.Eventually(t, 20*time.Second, func() error { // until none is left that began before the jump
			for j := range turns {
				if turns[j].Load() < before[j]+2 {
					return errors.New("one of them makes no progress")
				}
			}
			return nil
		})
	}
	done()
	// On a machine that is busy enough, a reply that crosses two jumps has been seen to begin one more. That is safe, and needs
	// two jumps within one reply.
	const spare = 2
	if n := begun.Load(); n < jumps || n > jumps+spare {
		t.Errorf("%d jumps began %d epochs", jumps, n)
	}
	for name, r := range map[string]*replica{"a": a, "b": b} {
		if n := len(r.noticed()); n < jumps || n > jumps+spare {
			t.Errorf("%s noticed %d of %d jumps", name, n, jumps)
		}
	}
}
