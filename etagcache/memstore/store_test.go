package memstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/etagcache/storetest"
)

func TestContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := storetest.TestStore(t.Context(), memstore.New(memstore.Options{}), storetest.Options{Advance: time.Sleep})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestContractInRealTime(t *testing.T) {
	t.Parallel()
	if err := storetest.TestStore(t.Context(), memstore.New(memstore.Options{}), storetest.Options{}); err != nil {
		t.Fatal(err)
	}
}

func TestRandomOperationsAnswerAsTheModel(t *testing.T) {
	var clock fakeClock
	store := memstore.New(memstore.Options{Clock: clock.now})
	rapid.Check(t, func(t *rapid.T) {
		storetest.CheckModel(context.Background(), t, store, storetest.Options{Advance: clock.advance})
	})
}

// fakeClock starts in 2001 and has no monotonic readings.
type fakeClock struct {
	mu     sync.Mutex
	passed time.Duration
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(1e9, 0).Add(c.passed)
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}

func TestAClockThatStepsBackHoldsTimeStill(t *testing.T) {
	var clock fakeClock
	store := memstore.New(memstore.Options{Clock: clock.now})
	clock.advance(time.Hour)
	before, _ := store.Ping(t.Context())
	clock.advance(-time.Minute)
	if after, _ := store.Ping(t.Context()); after.Now != before.Now {
		t.Errorf("Now went from %d to %d", before.Now, after.Now)
	}
	clock.advance(2 * time.Minute)
	if after, _ := store.Ping(t.Context()); after.Now.Sub(before.Now) != time.Minute {
		t.Errorf("when the clock has caught up, Now is %v later, want 1m", after.Now.Sub(before.Now))
	}
}

func TestEveryStoreHasAnEpochOfItsOwn(t *testing.T) {
	a, _ := memstore.New(memstore.Options{}).Ping(t.Context())
	b, _ := memstore.New(memstore.Options{}).Ping(t.Context())
	if a.Epoch.ID == b.Epoch.ID {
		t.Error("two stores have one epoch")
	}
}

// put stores value under the n-th key.
func put(t testing.TB, s *memstore.Store, n int, value []byte, ttl time.Duration) {
	t.Helper()
	ctx := context.Background()
	now, err := s.Get(ctx, key(n))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Swap(ctx, key(n), etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: value, TTL: ttl})
	if err != nil || !r.Swapped || !bytes.Equal(r.Value, value) {
		t.Fatalf("swap of key %d: %+v, %v", n, r, err)
	}
}

func key(n int) (k etagcache.Key) {
	binary.BigEndian.PutUint64(k[8:], uint64(n))
	k[0] = byte(n)
	return k
}

func has(t testing.TB, s *memstore.Store, n int) bool {
	t.Helper()
	r, err := s.Get(context.Background(), key(n))
	if err != nil {
		t.Fatal(err)
	}
	return r.Value != nil
}

func TestAFullStoreForgetsFirstWhatWouldExpireSoonest(t *testing.T) {
	const size = 1000
	value := make([]byte, size-memstore.Overhead-len(etagcache.Key{}))
	value[0] = 1
	store := memstore.New(memstore.Options{MaxBytes: 4 * size})
	put(t, store, 0, value, 3*time.Hour)
	put(t, store, 1, value, 0) // a write is under way
	put(t, store, 2, value, 1*time.Hour)
	put(t, store, 3, value, 2*time.Hour)

	for _, step := range []struct {
		put    int
		ttl    time.Duration
		forgot []int
	}{
		{4, time.Minute, []int{2}}, // the newest stays, though it would expire soonest
		{5, 4 * time.Hour, []int{2, 4}},
		{6, 0, []int{2, 4, 3}},
		{7, 0, []int{2, 4, 3, 0}},
		{8, 0, []int{2, 4, 3, 0, 5}},
		{9, 0, []int{2, 4, 3, 0, 5}}, // only what is never forgotten is left: the bound gives way
	} {
		put(t, store, step.put, value, step.ttl)
		forgot := make(map[int]bool)
		for _, n := range step.forgot {
			forgot[n] = true
		}
		for n := range step.put + 1 {
			if has(t, store, n) == forgot[n] {
				t.Errorf("after key %d: key %d is there: %v", step.put, n, !forgot[n])
			}
		}
	}
	if n := store.Len(); n != 5 {
		t.Errorf("Len is %d, want 5", n)
	}
}

func TestAReplacedRecordCountsOnce(t *testing.T) {
	store := memstore.New(memstore.Options{MaxBytes: 2000})
	for i := range 100 {
		put(t, store, i%2, fmt.Appendf(nil, "%0500d", i), time.Duration(i%3)*time.Hour)
	}
	if !has(t, store, 0) || !has(t, store, 1) || store.Len() != 2 {
		t.Error("records were forgotten though there was room for them")
	}
}

func TestExpiredRecordsMakeRoomAndAreNotCounted(t *testing.T) {
	var clock fakeClock
	store := memstore.New(memstore.Options{Clock: clock.now})
	for n := range 500 {
		put(t, store, n, []byte("v"), time.Minute)
	}
	put(t, store, 500, []byte("v"), time.Hour)
	clock.advance(2 * time.Minute)
	if n := store.Len(); n != 1 {
		t.Errorf("Len is %d, want 1", n)
	}
}

// TestReadersNeverSeeARecordVanishWhileItIsReplaced: a replacement is one step.
func TestReadersNeverSeeARecordVanishWhileItIsReplaced(t *testing.T) {
	store := memstore.New(memstore.Options{})
	put(t, store, 0, []byte("v"), time.Hour)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !has(t, store, 0) {
					t.Error("a reader found nothing")
					return
				}
			}
		})
	}
	for i := range 5000 {
		put(t, store, 0, fmt.Appendf(nil, "v%d", i), time.Hour)
	}
	close(stop)
	readers.Wait()
}

func TestErrorsOfSwapSayThatNothingWasSent(t *testing.T) {
	store := memstore.New(memstore.Options{})
	if _, err := store.Swap(t.Context(), key(0), etagcache.Change{}); !errors.Is(err, etagcache.ErrNotSent) {
		t.Error(err)
	}
}

// TestOverheadIsWhatARecordTakes keeps the stated overhead honest.
func TestOverheadIsWhatARecordTakes(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory")
	}
	const n, size = 200_000, 100
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store := memstore.New(memstore.Options{MaxBytes: 1 << 40})
	value := bytes.Repeat([]byte("x"), size)
	for i := range n {
		put(t, store, i, value, time.Hour)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("a record with a value of %d bytes takes %d bytes; it counts %d", size, each, size+16+memstore.Overhead)
	if counted := int64(size + 16 + memstore.Overhead); each > counted*5/4 || each < counted/2 {
		t.Errorf("a record takes %d bytes, but counts %d", each, counted)
	}
	runtime.KeepAlive(store)
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			store := memstore.New(memstore.Options{MaxBytes: 1 << 40})
			for i := range n {
				put(b, store, i, []byte("a record as long as most of them are, which is some hundred bytes or so, if that"), time.Hour)
			}
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := store.Get(ctx, key(i*7919%n)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkSwap(b *testing.B) {
	store := memstore.New(memstore.Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		put(b, store, i%100_000, []byte("a record"), time.Duration(1+i%7)*time.Hour)
	}
}
