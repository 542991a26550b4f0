package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// wantQuick runs f, which must end within about timeout.
func wantQuick(t *testing.T, timeout time.Duration, f func() error) error {
	t.Helper()
	began := time.Now()
	err := f()
	if took := time.Since(began); took > timeout+500*time.Millisecond {
		t.Errorf("it took %v, with a time-out of %v", took, timeout)
	}
	return err
}

func TestAServerThatIsDownIsAnErrorUntilItIsBack(t *testing.T) {
	const timeout = 300 * time.Millisecond
	srv := redistest.Start(t)
	store := open(t, redisstore.Options{URL: srv.URL(), Timeout: timeout})
	before := put(t, store, "before")
	srv.Kill()
	for range 30 { // more than the pool is large
		err := wantQuick(t, timeout, func() error {
			_, err := store.Get(t.Context(), key)
			return err
		})
		if err == nil {
			t.Fatal("a Get succeeded")
		}
	}
	err := wantQuick(t, timeout, func() error {
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
		return err
	})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap that found nobody: %v", err)
	}
	srv.Restart()
	redistest.Eventually(t, 5*time.Second, func() error {
		_, err := store.Ping(t.Context())
		return err
	})
	wantNewEpoch(t, store, before, true)
}

func TestAServerThatStandsStillIsAnErrorWithinTheTimeout(t *testing.T) {
	const timeout = 200 * time.Millisecond
	srv := redistest.Start(t)
	store := open(t, redisstore.Options{URL: srv.URL(), Timeout: timeout})
	before := put(t, store, "before")
	srv.Pause()
	resume := sync.OnceFunc(srv.Resume)
	defer resume()

	change := etagcache.Change{Epoch: before.Epoch.ID, Old: []byte("before"), New: []byte("after")}
	for name, f := range map[string]func() error{
		"get":  func() error { _, err := store.Get(t.Context(), key); return err },
		"ping": func() error { _, err := store.Ping(t.Context()); return err },
	} {
		if err := wantQuick(t, timeout, f); err == nil {
			t.Errorf("%s succeeded", name)
		}
	}
	// The connections that there were are used up: what follows hangs in the handshake, and so was never sent.
	err := wantQuick(t, timeout, func() error { _, err := store.Swap(t.Context(), key, change); return err })
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap that never got a connection: %v", err)
	}
	resume()
	redistest.Eventually(t, 5*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
	if r := get(t, store); string(r.Value) != "before" || r.Epoch != before.Epoch {
		t.Errorf("after the pause: %+v", r)
	}
}

func TestASwapThatGotNoAnswerIsNotKnown(t *testing.T) {
	const timeout = 200 * time.Millisecond
	srv := redistest.Start(t)
	store := open(t, redisstore.Options{URL: srv.URL(), Timeout: timeout})
	before := put(t, store, "before")
	srv.Pause()
	err := wantQuick(t, timeout, func() error {
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
		return err
	})
	srv.Resume()
	if err == nil || errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("the error is %v, but the swap was sent", err)
	}
	// Indeed it was made.
	redistest.Eventually(t, 5*time.Second, func() error {
		r, err := store.Get(t.Context(), key)
		if err == nil && string(r.Value) != "after" {
			err = errors.New("the value is " + string(r.Value))
		}
		return err
	})
}

// TestASwapIsNeverRepeated loses the connection before and after the script was executed, and counts.
func TestASwapIsNeverRepeated(t *testing.T) {
	for _, executed := range []bool{false, true} {
		m := redistest.Mini(t)
		store := open(t, redisstore.Options{URL: m.URL()})
		before := put(t, store, "before")
		var calls, sets atomic.Int32
		m.Before(func(p *server.Peer, cmd string, args ...string) bool {
			switch cmd {
			case "EVALSHA":
				if calls.Add(1) == 2 && executed {
					return false // this is ours
				}
				if executed { // the answer goes nowhere
					m.Server().Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), append([]string{cmd}, args...))
				}
				p.Close()
				return true
			case "SET":
				sets.Add(1)
			}
			return false
		})
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("after")})
		if err == nil || errors.Is(err, etagcache.ErrNotSent) {
			t.Errorf("executed %v: the error is %v", executed, err)
		}
		time.Sleep(50 * time.Millisecond) // whoever would repeat it has had time to
		m.Before(nil)
		want, wantCalls := "before", int32(1)
		if executed {
			want, wantCalls = "after", 2
		}
		if n := calls.Load(); n != wantCalls {
			t.Errorf("executed %v: the script was called %d times, want %d", executed, n, wantCalls)
		}
		if executed {
			if n := sets.Load(); n != 1 {
				t.Errorf("it was executed %d times", n)
			}
		}
		if got := get(t, store); string(got.Value) != want {
			t.Errorf("executed %v: the value is %q", executed, got.Value)
		}
	}
}

// TestAServerThatChangesAllTheTimeIsAnError rather than a loop.
func TestAServerThatChangesAllTheTimeIsAnError(t *testing.T) {
	m := redistest.Mini(t)
	store := open(t, redisstore.Options{URL: m.URL()})
	before := put(t, store, "before")
	var calls atomic.Int32
	m.Before(func(p *server.Peer, cmd string, args ...string) bool {
		if cmd == "EVALSHA" && args[1] == "2" {
			calls.Add(1)
			p.WriteError("NOSCRIPT No matching script. Please use EVAL.")
			return true
		}
		return false
	})
	if _, err := store.Get(t.Context(), key); err == nil || calls.Load() != 2 {
		t.Errorf("%d calls, error %v", calls.Load(), err)
	}
	_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Error(err)
	}
}

// TestAllWhoWaitShareOneIdentification lets many find out at once that the server is another.
func TestAllWhoWaitShareOneIdentification(t *testing.T) {
	m := redistest.Mini(t)
	store := open(t, redisstore.Options{URL: m.URL()})
	put(t, store, "before")
	m.Become(true)
	var loads atomic.Int32
	m.Before(func(_ *server.Peer, cmd string, _ ...string) bool {
		if cmd == "SCRIPT" {
			loads.Add(1)
			time.Sleep(20 * time.Millisecond) // so that they meet
		}
		return false
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := store.Get(context.Background(), key); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := loads.Load(); n != 3 {
		t.Errorf("scripts were loaded %d times, want each of 3 once", n)
	}
}

func TestAClosedStoreFails(t *testing.T) {
	store, err := redisstore.New(redisstore.Options{URL: redistest.Mini(t).URL()})
	if err != nil {
		t.Fatal(err)
	}
	before := put(t, store, "before")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, New: []byte("v")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Error(err)
	}
}
