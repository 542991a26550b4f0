package redisstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// Under a server that stands still, commands queue up behind those that are under way.
func queued(t *testing.T, timeout time.Duration) (store *redisstore.Store, server *redistest.Server, epoch etagcache.EpochID, done func()) {
	server = redistest.Start(t)
	store = open(t, redisstore.Options{URL: server.URL(), Timeout: timeout})
	epoch = get(t, store).Epoch.ID
	server.Pause()
	var busy sync.WaitGroup
	for i := range 4 {
		busy.Go(func() { _, _ = store.Get(context.Background(), etagcache.Key{1, byte(i)}) })
	}
	time.Sleep(50 * time.Millisecond) // until they are on their way; being late makes the test weaker, not wrong
	return store, server, epoch, busy.Wait
}

func TestAClientThatHangsUpDoesNotCutAQueuedSwapShort(t *testing.T) {
	store, server, epoch, done := queued(t, 5*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	swapped := make(chan error, 1)
	go func() {
		r, err := store.Swap(ctx, key, etagcache.Change{Epoch: epoch, New: []byte("v")})
		if err == nil && !r.Swapped {
			err = errors.New("it was not made")
		}
		swapped <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	time.Sleep(20 * time.Millisecond)
	server.Resume()
	if err := <-swapped; err != nil {
		t.Error(err)
	}
	done()
	if got := get(t, store); string(got.Value) != "v" {
		t.Errorf("the value is %q", got.Value)
	}
}

// A swap that waited in the queue until its time was over was never sent, and never will be.
func TestASwapThatExpiresInTheQueueIsNotSent(t *testing.T) {
	store, server, epoch, done := queued(t, time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := store.Swap(ctx, key, etagcache.Change{Epoch: epoch, New: []byte("v")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("the error is %v", err)
	}
	server.Resume()
	done()
	if got := get(t, store); got.Value != nil {
		t.Errorf("the value is %q", got.Value)
	}
}

// Many at once share trips, and each gets its own answer.
func TestEachOfABatchGetsItsOwnAnswer(t *testing.T) {
	store := open(t, redisstore.Options{URL: redistest.Start(t).URL(), Timeout: 10 * time.Second})
	epoch := get(t, store).Epoch.ID
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			k, text := etagcache.Key{2, byte(i)}, []byte{'v', byte(i)}
			for range 20 {
				before, err := store.Get(t.Context(), k)
				if err != nil || before.Value != nil && string(before.Value) != string(text) {
					t.Errorf("%d: %q, %v", i, before.Value, err)
				}
				r, err := store.Swap(t.Context(), k, etagcache.Change{Epoch: epoch, Old: before.Value, New: text})
				if err != nil || !r.Swapped {
					t.Errorf("%d: %+v, %v", i, r, err)
				}
			}
		})
	}
	all.Wait()
}
