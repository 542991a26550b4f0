package redisstore_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// TestErrorReplies tells those after which nothing was changed from those of which nobody knows.
func TestErrorReplies(t *testing.T) {
	for reply, sent := range map[string]bool{
		"LOADING Redis is loading the dataset in memory":          false,
		"READONLY You can't write against a read only replica.":   false,
		"BUSY Redis is busy running a script":                     false,
		"OOM command not allowed when used memory > 'maxmemory'.": false,
		"NOPERM this user has no permissions":                     false,
		"MISCONF Redis is configured to save RDB snapshots":       false,
		"MOVED 1 127.0.0.1:1":                                     false,
		"ASK 1 127.0.0.1:1":                                       false,
		"CLUSTERDOWN The cluster is down":                         false,
		"NOREPLICAS Not enough good replicas to write.":           false,
		"ERR upstream failure":                                    true, // a proxy's
		"upstream failure":                                        true,
		"UNKILLABLE Sorry the script already executed write":      true,
	} {
		m := redistest.Mini(t)
		store := open(t, redisstore.Options{URL: m.URL()})
		before := put(t, store, "before")
		m.Before(func(p *server.Peer, cmd string, _ ...string) bool {
			if cmd == "EVALSHA" {
				p.WriteError(reply)
			}
			return cmd == "EVALSHA"
		})
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
		if err == nil || errors.Is(err, etagcache.ErrNotSent) == sent {
			t.Errorf("%s: the error is %v", reply, err)
		}
		if _, err := store.Get(t.Context(), key); err == nil {
			t.Errorf("%s: a Get succeeded", reply)
		}
	}
}

func TestTooFewReplicasIsNotKnown(t *testing.T) {
	const timeout = 300 * time.Millisecond
	master := redistest.Start(t)
	replica := redistest.StartReplica(t, master)
	store := open(t, redisstore.Options{URL: master.URL(), Timeout: timeout, WaitReplicas: 1})
	before := put(t, store, "before")
	replica.Pause()
	err := wantQuick(t, timeout, func() error {
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
		return err
	})
	replica.Resume()
	if err == nil || errors.Is(err, etagcache.ErrNotSent) || !contains(err.Error(), "replica") {
		t.Errorf("the error is %v", err)
	}
	redistest.Eventually(t, 5*time.Second, func() error {
		now := get(t, store)
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: []byte("next")})
		return err
	})
}

// TestAFailedWaitIsNotKnown: the swap was made, so no error reply to WAIT may say that nothing was sent.
func TestAFailedWaitIsNotKnown(t *testing.T) {
	for _, reply := range []string{"NOPERM this user has no permissions", "BUSY Redis is busy", "NOSCRIPT what?", "ERR"} {
		m := redistest.Mini(t)
		before := put(t, open(t, redisstore.Options{URL: m.URL()}), "before")
		m.Before(func(p *server.Peer, cmd string, _ ...string) bool {
			if cmd == "WAIT" {
				p.WriteError(reply)
			}
			return cmd == "WAIT"
		})
		store := open(t, redisstore.Options{URL: m.URL(), WaitReplicas: 1})
		r, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
		if err == nil || errors.Is(err, etagcache.ErrNotSent) {
			t.Errorf("%s: %+v, %v", reply, r, err)
		}
		if got := get(t, store); string(got.Value) != "after" {
			t.Errorf("%s: the value is %q", reply, got.Value)
		}
	}
}

// TestWaitTravelsOnTheConnectionOfItsSwap: on another it would answer for another's writes.
func TestWaitTravelsOnTheConnectionOfItsSwap(t *testing.T) {
	m := redistest.Mini(t)
	var mu sync.Mutex
	last, waits, astray := make(map[*server.Peer]string), 0, 0
	m.Before(func(p *server.Peer, cmd string, args ...string) bool {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case cmd == "WAIT":
			waits++
			p.WriteInt(1)
		case cmd != "EVALSHA" || len(args) < 5: // not a swap
			return false
		}
		if (cmd == "WAIT") != (last[p] == "EVALSHA") {
			astray++
		}
		last[p] = cmd
		return cmd == "WAIT"
	})
	// With one connection for all, whoever lets go of it between the two finds somebody else's swap on it.
	store := open(t, redisstore.Options{URL: m.URL() + "?pool_size=1", WaitReplicas: 1})
	epoch := get(t, store).Epoch.ID
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 10 {
				r, err := store.Swap(t.Context(), etagcache.Key{byte(i), byte(j)}, etagcache.Change{Epoch: epoch, New: []byte("v")})
				if err != nil || !r.Swapped {
					t.Errorf("%+v, %v", r, err)
				}
			}
		})
	}
	all.Wait()
	if waits != 160 || astray != 0 {
		t.Errorf("%d WAITs, %d commands out of turn; want 160 and 0", waits, astray)
	}
}

// TestAFullServerStillReads and says that a swap changed nothing.
func TestAFullServerStillReads(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	store := open(t, redisstore.Options{URL: srv.URL()})
	before := put(t, store, "before")
	srv.Do("CONFIG", "SET", "maxmemory", "1")
	if got := get(t, store); string(got.Value) != "before" {
		t.Errorf("the value is %q", got.Value)
	}
	_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
	if !errors.Is(err, etagcache.ErrNotSent) || !contains(err.Error(), "raise maxmemory") {
		t.Error(err)
	}
}
