// Package memstore keeps an [etagcache.Store] in the memory of one process: the default, for a proxy without replicas.
//
// Its epoch lasts as long as the value does. A process that starts anew therefore begins a new epoch, as a Redis that
// was restarted does, and knows of no lease that the process before it had given out.
//
// # What it forgets
//
// The store is bounded ([Options.MaxBytes]). When it is full it forgets first what would expire soonest. It cannot read
// the values, so the protocol says how much they matter: a record that names a write under way is to be kept until that is over
// ([etagcache.Change]), whatever the bound; a record with a retired tag that has come back gets a longer TTL than the
// others, and so is forgotten last.
package memstore

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"proxy409/etagcache"
)

// DefaultMaxBytes is the bound of a store whose [Options.MaxBytes] is zero.
const DefaultMaxBytes = 256 << 20

// Overhead is what one record counts for beside its key and value: the map slot, the record's header, its place in the
// order of expiry, and what the allocator rounds up.
const Overhead = 160

// Options is the configuration of a [Store]. The zero value is usable.
type Options struct {
	// MaxBytes bounds keys, values and [Overhead] of all records together. The last value swapped in is kept even if it
	// is too large by itself, and so is every value that is to be kept. Zero or less: [DefaultMaxBytes].
	MaxBytes int64

	// Clock tells the time; it may be called by several goroutines at once. A clock that steps back holds the store's
	// time still until it has caught up. Nil: [time.Now].
	Clock func() time.Time
}

// Store is an [etagcache.Store] in memory. It is safe for concurrent use, has no goroutines and needs no closing.
//
// Readers take only the lock of one shard, so that they neither wait for each other nor, but for an instant, for a
// writer. Writers also take the one lock of the order of expiry: the order is over the whole store.
type Store struct {
	epoch    etagcache.Epoch
	maxBytes int64
	clock    func() time.Time
	origin   time.Time    // when the clock was first read: its monotonic reading is what later ones are measured by
	latest   atomic.Int64 // the latest Instant given out

	shards [shardCount]shard

	mu    sync.Mutex // held by every change of any shard
	bytes int64
	count int
	order recordHeap // the records that may be forgotten, the soonest to expire first
	kept  recordHeap // those that may not yet, but will, the soonest first
}

const shardCount = 64

type shard struct {
	mu      sync.RWMutex // written with Store.mu held too: whoever holds that may read without this
	records map[etagcache.Key]*record
}

// record is replaced whole and never changed, but for its place in the order, which only the holder of Store.mu sees.
type record struct {
	key     etagcache.Key
	value   []byte
	expires etagcache.Instant // 0: never
	keep    etagcache.Instant // until when it must not be forgotten; 0: it may be
	place   int               // in the heap that it is in
}

func (r *record) expired(now etagcache.Instant) bool { return r.expires != 0 && r.expires <= now }

func (r *record) size() int64 { return int64(len(r.key) + len(r.value) + Overhead) }

var _ etagcache.Store = (*Store)(nil)

// New returns an empty store that begins its epoch now.
func New(o Options) *Store {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Store{maxBytes: o.MaxBytes, clock: o.Clock, origin: o.Clock()}
	s.order.key = func(r *record) etagcache.Instant { return r.expires }
	s.kept.key = func(r *record) etagcache.Instant { return r.keep }
	for i := range s.shards {
		s.shards[i].records = make(map[etagcache.Key]*record)
	}
	rand.Read(s.epoch.ID[:]) // never fails
	s.epoch.Start = s.now()
	return s
}

// Get returns the value under key. Its only error is that of ctx.
func (s *Store) Get(ctx context.Context, key etagcache.Key) (etagcache.Reply, error) {
	if err := ctx.Err(); err != nil {
		return etagcache.Reply{}, fmt.Errorf("memstore: get: %w", err)
	}
	sh := s.shard(key)
	sh.mu.RLock()
	r := sh.records[key]
	now := s.now()
	sh.mu.RUnlock()
	return s.reply(r, now), nil
}

// Swap makes the change if it still applies. Every error wraps [etagcache.ErrNotSent]: an invalid change, or that of
// ctx. The change is not made halfway, so ctx is not looked at again.
func (s *Store) Swap(ctx context.Context, key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	err := ctx.Err()
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return etagcache.Reply{}, fmt.Errorf("memstore: swap: %w: %w", etagcache.ErrNotSent, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	sh := s.shard(key)
	now := s.now()
	old := sh.records[key]
	if old != nil && old.expired(now) {
		s.forget(old)
		old = nil
	}
	if c.Epoch != s.epoch.ID || !holds(old, c.Old) || c.By != 0 && now > c.By {
		return s.reply(old, now), nil
	}

	r := &record{key: key, value: bytes.Clone(c.New)}
	if c.TTL > 0 {
		r.expires = now.Add(c.TTL)
	}
	if c.TTL > 0 && c.Keep > 0 {
		r.keep = now.Add(c.Keep)
	}
	s.put(old, r)
	s.makeRoom(r, now)
	reply := s.reply(r, now)
	reply.Swapped = true
	return reply, nil
}

// Ping returns the store's time and epoch. Its only error is that of ctx.
func (s *Store) Ping(ctx context.Context) (etagcache.Reply, error) {
	if err := ctx.Err(); err != nil {
		return etagcache.Reply{}, fmt.Errorf("memstore: ping: %w", err)
	}
	return etagcache.Reply{Now: s.now(), Epoch: s.epoch}, nil
}

// Len returns the number of records that have not expired.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.release(now)
	s.forgetExpired(now, s.count)
	return s.count
}

// holds tells nothing (nil) from an empty value, which cannot be stored and so is never held.
func holds(r *record, old []byte) bool {
	if r == nil {
		return old == nil
	}
	return old != nil && bytes.Equal(r.value, old)
}

func (s *Store) reply(r *record, now etagcache.Instant) etagcache.Reply {
	reply := etagcache.Reply{Now: now, Epoch: s.epoch}
	if r != nil && !r.expired(now) {
		reply.Value = r.value
	}
	return reply
}

func (s *Store) shard(key etagcache.Key) *shard { return &s.shards[key[0]%shardCount] }

// now reads the clock. Time is measured from the first reading on, so that a wall clock that is set does not matter
// where the clock has monotonic readings, and never runs backwards where it has none.
func (s *Store) now() etagcache.Instant {
	now := s.origin.UnixMilli() + s.clock().Sub(s.origin).Milliseconds()
	for {
		latest := s.latest.Load()
		if now <= latest {
			return etagcache.Instant(latest)
		}
		if s.latest.CompareAndSwap(latest, now) {
			return etagcache.Instant(now)
		}
	}
}

// put stores r in the place of old, which may be nil, in one step for readers. The caller holds s.mu.
func (s *Store) put(old, r *record) {
	sh := s.shard(r.key)
	sh.mu.Lock()
	sh.records[r.key] = r
	sh.mu.Unlock()
	if old != nil {
		s.discount(old)
	}
	s.bytes += r.size()
	s.count++
	if h := s.heapOf(r); h != nil {
		heap.Push(h, r)
	}
}
