package etagcache_test

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// A hundred thousand known resources, with three representations and eight earlier versions each, fit in 100 MiB: with what the
// process holds of them, and with what Redis does.
func TestAHundredThousandResourcesFitIn100MiB(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Run("memory", func(t *testing.T) {
		store := memstore.New(memstore.Options{})
		used := heapOf(func() { knowMany(t, store, etagcache.Options{}) })
		runtime.KeepAlive(store)
		check(t, "the process", used)
	})
	t.Run("redis", func(t *testing.T) {
		server := redistest.Start(t)
		store, err := redisstore.New(redisstore.Options{URL: server.URL(), Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		var cache *etagcache.Cache
		used := heapOf(func() { cache = knowMany(t, store, etagcache.Options{LocalFor: time.Hour}) })
		runtime.KeepAlive(cache)
		check(t, "the process", used)
		check(t, "Redis", usedMemory(t, server))
	})
}

func check(t *testing.T, what string, used uint64) {
	t.Helper()
	const most = 100 << 20
	t.Logf("%s: %d MiB", what, used>>20)
	if used > most {
		t.Errorf("%s takes %d MiB", what, used>>20)
	}
}

// heapOf is what the heap grows by.
func heapOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
}

// knowMany stores the records, and has each read once.
func knowMany(t *testing.T, store etagcache.Store, options etagcache.Options) *etagcache.Cache {
	t.Helper()
	cache := etagcache.New(store, options)
	const resources, workers = 100_000, 32
	var all errgroup.Group
	for w := range workers {
		all.Go(func() error {
			for i := w; i < resources; i += workers {
				var key etagcache.Key
				binary.BigEndian.PutUint64(key[:], uint64(i)*0x9E3779B97F4A7C15) // spread as a hash is
				if err := know(store, key); err != nil {
					return err
				}
				if _, err := cache.Look(t.Context(), key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	return cache
}

func know(store etagcache.Store, key etagcache.Key) error {
	none, err := store.Get(context.Background(), key)
	if err != nil {
		return err
	}
	reply, err := store.Swap(context.Background(), key, etagcache.Change{
		Epoch: none.Epoch.ID, New: etagcache.KnownValue(none.Epoch.ID, key, 3, 8), TTL: time.Hour,
	})
	if err == nil && !reply.Swapped {
		err = errors.New("somebody else was there")
	}
	return err
}

func usedMemory(t *testing.T, server *redistest.Server) uint64 {
	t.Helper()
	for line := range strings.Lines(server.Do("INFO", "memory")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("Redis does not say how much memory it uses")
	return 0
}
