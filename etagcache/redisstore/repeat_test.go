package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// copier keeps the next swap that comes to a miniredis, so that it can come again.
type copier struct {
	mini *redistest.MiniServer
	mu   sync.Mutex
	swap []string
	sets atomic.Int32
}

func copying(t *testing.T) *copier {
	t.Helper()
	c := &copier{mini: redistest.Mini(t)}
	c.mini.Before(func(_ *server.Peer, cmd string, args ...string) bool {
		switch {
		case cmd == "EVALSHA" && len(args) > 5:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.swap = append([]string{cmd}, args...)
		case cmd == "SET":
			c.sets.Add(1)
		}
		return false
	})
	return c
}

// again has the swap that came last executed once more.
func (c *copier) again(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.swap == nil {
		t.Fatal("no swap has come yet")
	}
	before := c.sets.Load()
	reply := c.mini.Execute(c.swap[0], c.swap[1:]...)
	if n := c.sets.Load() - before; n != 0 {
		t.Errorf("a late copy of a swap was made %d times", n)
	}
	if !strings.HasPrefix(reply, "*5\r\n:0\r\n") && !strings.HasPrefix(reply, "-") {
		t.Errorf("it was told %q", reply)
	}
}

// A copy of a swap that comes a second time, at once or later, is not made, whatever happened to the value since.
func TestALateCopyOfASwapIsNotMade(t *testing.T) {
	c := copying(t)
	store := open(t, redisstore.Options{URL: c.mini.URL()})
	now := get(t, store)
	swap := func(old []byte, value string, ttl time.Duration) {
		t.Helper()
		by := etagcache.Instant(0)
		if old == nil {
			by = now.Now.Add(time.Second)
		}
		r, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: now.Epoch.ID, Old: old, New: []byte(value), TTL: ttl, By: by})
		if err != nil || !r.Swapped {
			t.Fatalf("to %s: %+v, %v", value, r, err)
		}
	}
	swap(nil, "a", time.Second)
	c.again(t)
	planted := c.swap
	swap([]byte("a"), "b", time.Second)
	c.again(t)
	claimed := c.swap
	swap([]byte("b"), "c", time.Second)
	c.again(t)
	c.swap = claimed
	c.again(t)

	c.mini.SetTime(time.UnixMilli(int64(now.Now)).Add(2 * time.Second)) // and no reply has told anybody of a jump
	c.mini.FastForward(2 * time.Second)
	c.again(t)
	c.swap = planted // from nothing, which is there again; but its time is over
	c.again(t)

	c.mini.SetTime(time.UnixMilli(int64(now.Now)))
	c.mini.FlushAll() // nothing is there, and its time is not over; but its epoch is
	get(t, store)
	c.again(t)
}

// Whoever gave up on a reply does not get it later, as the reply to something else.
func TestALateReplyIsNobodyElses(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, held := range map[string]func(cmd string, args []string) bool{
		"get":  func(cmd string, args []string) bool { return cmd == "EVALSHA" && len(args) == 4 },
		"swap": func(cmd string, args []string) bool { return cmd == "EVALSHA" && len(args) > 5 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := redistest.Mini(t)
			store := open(t, redisstore.Options{URL: m.URL() + "?pool_size=1", Timeout: timeout})
			before := put(t, store, "before")
			release, answered := make(chan struct{}), make(chan struct{})
			var caught atomic.Bool
			m.Before(func(p *server.Peer, cmd string, args ...string) bool {
				if !held(cmd, args) || caught.Swap(true) {
					return false
				}
				reply := m.Execute(cmd, args...)
				go func() { // the connection must notice that its client has gone
					<-release
					p.WriteRaw(reply)
					p.Flush()
					close(answered)
				}()
				return true
			})
			err := wantQuick(t, timeout, func() error {
				if name == "get" {
					_, err := store.Get(t.Context(), key)
					return err
				}
				_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
				if err != nil && errors.Is(err, etagcache.ErrNotSent) {
					t.Errorf("the swap was made, but the error is %v", err)
				}
				return err
			})
			if err == nil || !caught.Load() {
				t.Fatalf("the reply was not held: %v", err)
			}
			close(release)
			<-answered
			want := map[string]string{"get": "before", "swap": "after"}[name]
			other := etagcache.Key{9}
			for range 5 {
				if r, err := store.Get(t.Context(), other); err != nil || r.Value != nil {
					t.Errorf("another key has %q, %v", r.Value, err)
				}
				if r := get(t, store); string(r.Value) != want {
					t.Errorf("the value is %q, want %q", r.Value, want)
				}
			}
		})
	}
}

// A reply that comes twice does not become the reply to the next command on its connection.
func TestAReplyThatComesTwiceIsNobodyElses(t *testing.T) {
	m := redistest.Mini(t)
	store := open(t, redisstore.Options{URL: m.URL() + "?pool_size=1"})
	put(t, store, "value")
	var twice atomic.Bool
	m.Before(func(p *server.Peer, cmd string, args ...string) bool {
		if cmd != "EVALSHA" || twice.Swap(true) {
			return false
		}
		reply := m.Execute(cmd, args...)
		p.WriteRaw(reply + reply)
		return true
	})
	if r := get(t, store); string(r.Value) != "value" || !twice.Load() {
		t.Fatalf("the value is %q", r.Value)
	}
	for range 5 {
		if r, err := store.Get(context.Background(), etagcache.Key{9}); err != nil || r.Value != nil {
			t.Errorf("another key has %q, %v", r.Value, err)
		}
	}
}
