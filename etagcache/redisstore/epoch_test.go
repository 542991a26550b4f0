package redisstore_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// wantNewEpoch checks that the store is in another epoch than before, in both of its operations, and that a swap under
// the old one changes nothing. swapFirst says which of them notices first.
func wantNewEpoch(t *testing.T, s *redisstore.Store, before etagcache.Reply, swapFirst bool) {
	t.Helper()
	if !swapFirst {
		get(t, s)
	}
	r, err := s.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("late")})
	if err != nil {
		t.Fatal(err)
	}
	now := get(t, s)
	if r.Swapped || string(now.Value) == "late" {
		t.Error("a swap under the old epoch was made")
	}
	if r.Epoch != now.Epoch || string(r.Value) != string(now.Value) {
		t.Errorf("the refused swap says %+v, a Get %+v", r, now)
	}
	if now.Epoch.ID == before.Epoch.ID {
		t.Error("the epoch is the old one")
	}
	if now.Epoch.Start < before.Now {
		t.Errorf("the new epoch began at %d, before the old one was last seen, %d", now.Epoch.Start, before.Now)
	}
	if p, err := s.Ping(t.Context()); err != nil || p.Epoch != now.Epoch {
		t.Errorf("Ping says %+v, %v", p, err)
	}
	put(t, s, "next") // the new epoch works
}

// TestWhatMayHaveForgottenBeginsANewEpoch covers what can happen to one server while the store is connected.
func TestWhatMayHaveForgottenBeginsANewEpoch(t *testing.T) {
	for name, happens := range map[string]func(*redistest.Server){
		"restart without data": func(s *redistest.Server) { s.Restart() },
		"kill -9":              func(s *redistest.Server) { s.Kill(); s.Restart() },
		"restart with data": func(s *redistest.Server) {
			s.Do("SAVE")
			s.Restart()
		},
		"FLUSHALL":          func(s *redistest.Server) { s.Do("FLUSHALL") },
		"the epoch evicted": func(s *redistest.Server) { s.Do("DEL", "proxy409:{0}:epoch") },
		"another's epoch":   func(s *redistest.Server) { s.Do("SET", "proxy409:{0}:epoch", "0011223344556677 1 a b") },
	} {
		for _, swapFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/swap first %v", name, swapFirst), func(t *testing.T) {
				t.Parallel()
				server := redistest.Start(t)
				store := open(t, redisstore.Options{URL: server.URL()})
				before := put(t, store, "before")
				if name == "restart with data" {
					server.Configure("save", "3600 1")
				}
				happens(server)
				if name == "restart with data" && string(get(t, store).Value) != "before" {
					t.Fatal("the data was to be kept")
				}
				wantNewEpoch(t, store, before, swapFirst)
			})
		}
	}
}

func TestAnotherProcessBeginsANewEpochOnMini(t *testing.T) {
	for _, withData := range []bool{true, false} {
		m := redistest.Mini(t)
		store := open(t, redisstore.Options{URL: m.URL()})
		before := put(t, store, "before")
		m.Become(withData)
		wantNewEpoch(t, store, before, true)
	}
}

func TestScriptFlushAloneBeginsNoEpoch(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, redisstore.Options{URL: server.URL()})
	before := put(t, store, "before")

	server.Do("SCRIPT", "FLUSH")
	r, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
	if err != nil || r.Swapped || string(r.Value) != "before" || r.Epoch != before.Epoch {
		t.Fatalf("the first swap: %+v, %v; want one that was not made, for the caller to judge again", r, err)
	}
	server.Do("SCRIPT", "FLUSH")
	if r := get(t, store); r.Epoch != before.Epoch || string(r.Value) != "before" {
		t.Errorf("a Get: %+v", r)
	}
	if r := put(t, store, "after"); r.Epoch != before.Epoch {
		t.Errorf("the next swap: %+v", r)
	}
}

// TestThereAndBackAgainBeginsANewEpoch is what scripts alone would not notice: the process is the same and has them, the
// epoch record is the same, but between two operations the server was somebody's replica and took over their data.
func TestThereAndBackAgainBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	a := redistest.Start(t)
	b := redistest.StartReplica(t, a)
	store := open(t, redisstore.Options{URL: a.URL()})
	put(t, store, "lease that b has not heard of")
	before := get(t, store)
	_, port, _ := net.SplitHostPort(b.Addr)
	redistest.Eventually(t, 5*time.Second, func() error {
		if b.Do("EXISTS", "proxy409:{0}:"+key.String()) != "1" {
			return errors.New("b is not in step")
		}
		return nil
	})

	b.Do("REPLICAOF", "NO", "ONE")
	b.Do("DEL", "proxy409:{0}:"+key.String()) // as if it had lagged behind
	a.Do("REPLICAOF", "127.0.0.1", port)
	redistest.Eventually(t, 10*time.Second, func() error {
		if a.Do("EXISTS", "proxy409:{0}:"+key.String()) != "0" {
			return errors.New("a has not taken over the data of b")
		}
		return nil
	})
	if r, err := store.Get(t.Context(), key); err == nil {
		t.Errorf("a replica was read: %+v", r)
	}
	change := etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("late")}
	if r, err := store.Swap(t.Context(), key, change); !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap on a replica: %+v, %v", r, err)
	}

	a.Do("REPLICAOF", "NO", "ONE")
	if got := a.Do("GET", "proxy409:{0}:epoch"); !contains(got, fmt.Sprintf("%x", before.Epoch.ID)) {
		t.Fatalf("the test wants the old epoch record to be there, but it is %q", got)
	}
	wantNewEpoch(t, store, before, true)
}

// TestAReplicaIsNotAsked even while it still has the history of the master that it was.
func TestAReplicaIsNotAsked(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, redisstore.Options{URL: server.URL()})
	before := put(t, store, "before")
	server.Do("REPLICAOF", "127.0.0.1", "1") // where nobody is: it keeps its data and its history
	if r, err := store.Get(t.Context(), key); err == nil {
		t.Errorf("a replica was read: %+v", r)
	}
	server.Do("REPLICAOF", "NO", "ONE")
	wantNewEpoch(t, store, before, true)
}

func TestServersOnWhichTheFenceWouldNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, role, want string }{
		{"6.2.14", "", "too old"},
		{"unknown", "", "7.0 or later"},
		{"", "slave", "not a master"},
	} {
		m := redistest.Mini(t)
		m.Pretend(c.version, c.role)
		_, err := open(t, redisstore.Options{URL: m.URL()}).Get(t.Context(), key)
		if err == nil || !contains(err.Error(), c.want) {
			t.Errorf("%+v: the error is %v", c, err)
		}
	}
	node := redistest.StartCluster(t, 1)[0]
	if _, err := open(t, redisstore.Options{URL: node.URL()}).Get(t.Context(), key); err == nil || !contains(err.Error(), "mode to cluster") {
		t.Errorf("a cluster in mode single: %v", err)
	}
}
