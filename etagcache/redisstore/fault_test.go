package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// serverFault is what can be wrong with one server for a while.
type serverFault struct {
	args       []string // of the server
	begin, end func(*testing.T, *redistest.Server)
	says       string // part of the error, by which one sees that the fault is there
	notKnown   bool   // the swap may have been made; else it certainly was not
	reads      bool   // a Get succeeds meanwhile
	newEpoch   bool   // the server may have forgotten something
}

func does(commands ...string) func(*testing.T, *redistest.Server) {
	return func(_ *testing.T, s *redistest.Server) {
		for _, c := range commands {
			s.Do(strings.Fields(c)...)
		}
	}
}

// contact is the first reply that a store with a short time-out gets, however busy the machine is.
func contact(t *testing.T, s *redisstore.Store) (r etagcache.Reply) {
	t.Helper()
	redistest.Eventually(t, 10*time.Second, func() (err error) {
		r, err = s.Get(context.Background(), key)
		return err
	})
	return r
}

var serverFaults = map[string]serverFault{
	"it stands still": {
		begin: func(_ *testing.T, s *redistest.Server) { s.Pause() },
		end:   func(_ *testing.T, s *redistest.Server) { s.Resume() },
		says:  "timeout", notKnown: true,
	},
	"it is down": {
		begin:    func(_ *testing.T, s *redistest.Server) { s.Kill() },
		end:      func(_ *testing.T, s *redistest.Server) { s.Restart() },
		newEpoch: true,
	},
	"BUSY": {
		args: []string{"--busy-reply-threshold", "10"},
		begin: func(t *testing.T, s *redistest.Server) {
			go func() { _, _ = s.Try("EVAL", "while true do end", "0") }() // until it is killed
			redistest.Eventually(t, 5*time.Second, func() error {
				if _, err := s.Try("PING"); err == nil || !contains(err.Error(), "BUSY") {
					return fmt.Errorf("it is not busy: %w", err)
				}
				return nil
			})
		},
		end:  does("SCRIPT KILL"),
		says: "BUSY",
	},
	"LOADING": {
		args:  []string{"--enable-debug-command", "local"},
		begin: func(_ *testing.T, s *redistest.Server) { s.RestartLoading() },
		end:   func(_ *testing.T, s *redistest.Server) { s.EndLoading() },
		says:  "LOADING", newEpoch: true,
	},
	"READONLY": {
		begin: does("REPLICAOF 127.0.0.1 1"), // where nobody is
		end:   does("REPLICAOF NO ONE"),
		says:  "not a master", newEpoch: true,
	},
	"OOM": {
		begin: does("CONFIG SET maxmemory 1"),
		end:   does("CONFIG SET maxmemory 0"),
		says:  "raise maxmemory", reads: true,
	},
	"NOPERM": {
		begin: does("ACL SETUSER p -evalsha"),
		end:   does("ACL SETUSER p +evalsha"),
		says:  "must allow",
	},
	"wrong password": {
		begin: does("ACL SETUSER p resetpass >other", "CLIENT KILL USER p"),
		end:   does("ACL SETUSER p >s3cret"),
		says:  "check the user and password",
	},
	"the user is disabled": {
		begin: does("ACL SETUSER p off", "CLIENT KILL USER p"),
		end:   does("ACL SETUSER p on"),
		says:  "check the user and password",
	},
}

// TestAServersFaultIsAnErrorInTimeAndHeals: whatever is wrong, no operation outlasts its time-out, none says that nothing
// was done when something was, none is executed twice, and when the fault is over the store works without anybody's help.
func TestAServersFaultIsAnErrorInTimeAndHeals(t *testing.T) {
	for name, f := range serverFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const timeout = 300 * time.Millisecond
			srv := redistest.Start(t, append([]string{"--user", "p", "on", ">s3cret", "~*", "+@all"}, f.args...)...)
			store := open(t, redisstore.Options{URL: "redis://p:s3cret@" + srv.Addr, Timeout: timeout})
			before := contact(t, store)
			srv.Do("CONFIG", "RESETSTAT")
			f.begin(t, srv)

			change := etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")}
			err := wantQuick(t, timeout, func() error { _, err := store.Swap(t.Context(), key, change); return err })
			notKnown := !errors.Is(err, etagcache.ErrNotSent)
			if err == nil || !contains(err.Error(), f.says) || notKnown != f.notKnown {
				t.Errorf("the error of the swap is %v; want one that says %q, not known: %v", err, f.says, f.notKnown)
			}
			for what, ask := range map[string]func(context.Context) error{
				"Get":  func(ctx context.Context) error { _, err := store.Get(ctx, key); return err },
				"Ping": func(ctx context.Context) error { _, err := store.Ping(ctx); return err },
			} {
				if err := wantQuick(t, timeout, func() error { return ask(t.Context()) }); (err == nil) != f.reads {
					t.Errorf("%s: the error is %v", what, err)
				}
			}

			f.end(t, srv)
			redistest.Eventually(t, 5*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
			now := get(t, store)
			made := 0
			if string(now.Value) == "after" {
				made = 1
			}
			if f.notKnown != (made == 1) {
				t.Errorf("afterwards the value is %q", now.Value)
			}
			if n := srv.Calls("set"); !f.newEpoch && n != made {
				t.Errorf("the value was set %d times, want %d", n, made)
			}
			if (now.Epoch.ID != before.Epoch.ID) != f.newEpoch {
				t.Errorf("a new epoch: %v", !f.newEpoch)
			}
			put(t, store, "next")
		})
	}
}

// TestAServerThatIsDownAtTheStartIsNoReasonToFail: the store is opened first, and the server comes later.
func TestAServerThatIsDownAtTheStartIsNoReasonToFail(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	srv := redistest.Start(t)
	srv.Kill()
	store := open(t, redisstore.Options{URL: srv.URL(), Timeout: timeout})
	for range 15 { // more than the pool is large
		err := wantQuick(t, timeout, func() error {
			_, err := store.Swap(t.Context(), key, etagcache.Change{New: []byte("v")})
			return err
		})
		if !errors.Is(err, etagcache.ErrNotSent) {
			t.Fatalf("the error is %v", err)
		}
	}
	srv.Restart()
	redistest.Eventually(t, 5*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
	put(t, store, "v")
}

// A deadline that is shorter than the time-out counts, for each of what can take time: the reply, and the wait for a connection.
func TestTheCallersDeadlineCounts(t *testing.T) {
	t.Parallel()
	const deadline = 200 * time.Millisecond
	srv := redistest.Start(t)
	// Two connections, so that the third who asks waits for one.
	store := open(t, redisstore.Options{URL: srv.URL() + "?pool_size=2", Timeout: 30 * time.Second})
	before := contact(t, store)
	srv.Do("CONFIG", "RESETSTAT")
	srv.Pause()
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			began := time.Now()
			_, err := store.Swap(ctx, etagcache.Key{byte(i)}, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
			if took := time.Since(began); took > deadline+500*time.Millisecond {
				t.Errorf("it took %v, with a deadline of %v", took, deadline)
			}
			errs <- err
		}()
	}
	notKnown := 0
	for range cap(errs) {
		err := <-errs
		if err == nil {
			t.Error("a swap succeeded")
		}
		if !errors.Is(err, etagcache.ErrNotSent) {
			notKnown++
		}
	}
	srv.Resume()
	redistest.Eventually(t, 10*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
	if made := srv.Calls("set"); notKnown == 0 || notKnown == cap(errs) || made > notKnown {
		t.Errorf("%d of %d swaps were not known, and %d were made", notKnown, cap(errs), made)
	}
	put(t, store, "next")
}

// A pool without a free connection is an error in time, of one who was never sent.
func TestAnExhaustedPoolIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	srv := redistest.Start(t)
	redistest.StartReplica(t, srv)
	// With WaitReplicas each swap has a connection to itself, and there is one.
	store := open(t, redisstore.Options{URL: srv.URL() + "?pool_size=1", Timeout: timeout, WaitReplicas: 1})
	before := contact(t, store)
	srv.Do("CONFIG", "RESETSTAT")
	srv.Pause()
	errs := make(chan error, 4)
	for i := range cap(errs) {
		go func() {
			errs <- wantQuick(t, timeout, func() error {
				_, err := store.Swap(context.Background(), etagcache.Key{byte(i)}, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
				return err
			})
		}()
	}
	notKnown := 0
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, etagcache.ErrNotSent) {
			notKnown++
		} else if !contains(err.Error(), "pool timeout") && !contains(err.Error(), "deadline") && !contains(err.Error(), "i/o timeout") {
			t.Errorf("the error is %v", err)
		}
	}
	srv.Resume()
	redistest.Eventually(t, 5*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
	if made := srv.Calls("set"); notKnown != 1 || made > 1 {
		t.Errorf("%d swaps were not known, and %d were made; want one of each at the most", notKnown, made)
	}
}
