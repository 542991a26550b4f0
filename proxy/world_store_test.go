package proxy_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
)

// storeTimeout is how long a replica waits for the store, as shipped.
const storeTimeout = 300 * time.Millisecond

// sharedStore is the one store of a world. It can be away, lose all it has, or forget one record.
type sharedStore struct {
	w *world

	mu        sync.Mutex
	now       *memstore.Store
	away      time.Time // until then
	awaySince time.Time
	silent    bool // while it is away it answers nothing, instead of refusing connections
	emptied   int
	forgotten map[etagcache.Key]uint64    // how many times
	kept      map[etagcache.Key]time.Time // until when it must not be forgotten, as its last swap said
	underway  map[etagcache.Key]int       // copies of swaps that may still be delivered
	seen      []etagcache.Key             // in the order in which they came
}

func newSharedStore(w *world) *sharedStore {
	return &sharedStore{
		w: w, now: memstore.New(memstore.Options{}), forgotten: make(map[etagcache.Key]uint64),
		kept: make(map[etagcache.Key]time.Time), underway: make(map[etagcache.Key]int),
	}
}

// place is where a key's record is now: one that was forgotten has moved to where there is none.
func (s *sharedStore) place(key etagcache.Key) etagcache.Key {
	if n := s.forgotten[key]; n > 0 {
		binary.BigEndian.PutUint64(key[8:], binary.BigEndian.Uint64(key[8:])^n<<32)
	}
	return key
}

func (s *sharedStore) get(key etagcache.Key) (etagcache.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.Get(context.Background(), s.place(key))
}

func (s *sharedStore) swap(key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply, err := s.now.Swap(context.Background(), s.place(key), c)
	if reply.Swapped {
		if _, known := s.kept[key]; !known {
			s.seen = append(s.seen, key)
		}
		s.kept[key] = time.Now().Add(c.Keep)
	}
	return reply, err
}

// empty is a restart without data: a new epoch.
func (s *sharedStore) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = memstore.New(memstore.Options{})
	clear(s.kept)
	s.seen = nil
	s.emptied++
}

// wasEmptied counts how many times.
func (s *sharedStore) wasEmptied() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emptied
}

// forget loses a record, if it is one that a store may lose: not one that says that a write is under way, nor one that a
// swap is under way to, for records outlive those.
func (s *sharedStore) forget(r *rand.Rand) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		return false
	}
	key := s.seen[r.IntN(len(s.seen))]
	if time.Now().Before(s.kept[key]) || s.underway[key] > 0 {
		return false
	}
	s.forgotten[key]++
	return true
}

// goAway gives nobody an answer for d.
func (s *sharedStore) goAway(d time.Duration, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !now.Before(s.away) {
		s.awaySince = now
	}
	s.away, s.silent = time.Now().Add(d), silent
}

func (s *sharedStore) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

// awayFrom reports whether no replica has had an answer since the moment given, nor has one now.
func (s *sharedStore) awayFrom(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.away) && !since.Before(s.awaySince)
}

var (
	errNoReply   = errors.New("no reply from the store")
	errStoreAway = errors.New("the store refuses connections")
)

// storeClient is one replica's way to the store, with its faults. It keeps redisstore's contract: 300ms for all, and
// ErrNotSent only where nothing was sent.
type storeClient struct {
	*sharedStore
	owner *replica

	mu  sync.Mutex
	cut time.Time // this replica alone has no way to the store until then
}

// trip is what becomes of one request to the store.
type trip struct {
	there, back time.Duration
	lost        bool // the request
	replyLost   bool
	again       time.Duration // a copy arrives so much later; 0: none does
}

func (s *storeClient) plan(what string, key etagcache.Key) trip {
	r, law := s.w.drawNow(s.owner.name, what, key), s.w.law
	t := trip{there: time.Duration(r.IntN(2000)) * time.Microsecond, back: time.Duration(r.IntN(2000)) * time.Microsecond}
	if !s.w.troubled() || r.Float64() >= law.storeFaults {
		return t
	}
	switch r.IntN(6) {
	case 0:
		t.lost = s.w.fault("store: a request is lost")
	case 1:
		t.replyLost = s.w.fault("store: a reply is lost")
	case 2:
		s.w.fault("store: a swap arrives twice")
		t.again = time.Duration(1+r.IntN(3000)) * time.Millisecond
	case 3: // it arrives when its caller has given up
		s.w.fault("store: a request arrives late")
		t.there = storeTimeout + time.Duration(r.IntN(3000))*time.Millisecond
	case 4:
		s.w.fault("store: it is slow")
		t.there = time.Duration(r.IntN(290)) * time.Millisecond
	case 5:
		s.w.fault("store: a reply is late")
		t.back = time.Duration(100+r.IntN(400)) * time.Millisecond
	}
	return t
}

func (s *storeClient) Get(ctx context.Context, key etagcache.Key) (etagcache.Reply, error) {
	return s.ask(ctx, key, s.plan("get", key), func() (etagcache.Reply, error) { return s.get(key) })
}

func (s *storeClient) Ping(ctx context.Context) (etagcache.Reply, error) {
	return s.Get(ctx, etagcache.Key{})
}

func (s *storeClient) Swap(ctx context.Context, key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	t := s.plan("swap", key)
	s.owner.comesTo(beforeSwap)
	defer s.owner.comesTo(afterSwap)
	return s.ask(ctx, key, t, func() (etagcache.Reply, error) {
		if t.again > 0 {
			s.onItsWay(key, t.again, func() { _, _ = s.swap(key, c) })
		}
		return s.swap(key, c)
	})
}

// onItsWay does something in a while. The key's record is not forgotten before.
func (s *storeClient) onItsWay(key etagcache.Key, after time.Duration, do func()) {
	count := func(d int) {
		s.sharedStore.mu.Lock()
		defer s.sharedStore.mu.Unlock()
		s.underway[key] += d
	}
	count(1)
	s.w.background.Go(func() {
		time.Sleep(after)
		do()
		count(-1)
	})
}

// ask makes one trip.
func (s *storeClient) ask(
	ctx context.Context, key etagcache.Key, t trip, do func() (etagcache.Reply, error),
) (etagcache.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s.owner.waitsForThaw()
	err := ctx.Err()
	switch {
	case err != nil || !s.unreachable():
	case s.isSilent():
		t.lost = true
	default:
		err = errStoreAway
	}
	if err != nil {
		return etagcache.Reply{}, fmt.Errorf("%w: %w", etagcache.ErrNotSent, err)
	}
	replies := make(chan etagcache.Reply, 1)
	s.onItsWay(key, t.there, func() {
		if t.lost || s.awayFrom(time.Now()) {
			return
		}
		reply, err := do()
		if err != nil || t.replyLost {
			return
		}
		time.Sleep(t.back)
		if !s.unreachable() {
			replies <- reply
		}
	})
	select {
	case reply := <-replies:
		if !s.owner.waitsForThaw() || ctx.Err() == nil {
			return reply, nil
		}
	case <-ctx.Done():
		s.owner.waitsForThaw()
	}
	return etagcache.Reply{}, fmt.Errorf("%w: %w", errNoReply, ctx.Err())
}

func (s *storeClient) unreachable() bool {
	s.mu.Lock()
	cut := time.Now().Before(s.cut)
	s.mu.Unlock()
	return cut || s.owner.isDead() || s.awayFrom(time.Now())
}

// cutFor ends this replica's way to the store for d.
func (s *storeClient) cutFor(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = time.Now().Add(d)
}
