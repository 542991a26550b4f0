package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"proxy409/etagcache"
)

// broken is a store that keeps the contract, but for what breaks it. Hours pass only by advance.
type broken struct {
	mu     sync.Mutex
	values map[etagcache.Key]value
	passed time.Duration
	epoch  etagcache.Epoch
	began  time.Time

	change  func(*etagcache.Change)                              // what it is given is changed first
	key     func(etagcache.Key) etagcache.Key                    // keys are taken for another
	holds   func(b *broken, old []byte, c etagcache.Change) bool // how it compares
	keep    func(*value, value)                                  // what it stores, and what was stored before
	reply   func(op string, r *etagcache.Reply)                  // its answer is changed last
	gap     bool                                                 // it compares and stores in two steps
	asleep  bool                                                 // it looks at no context
	lenient bool                                                 // it takes invalid changes
}

type value struct {
	bytes   []byte
	expires etagcache.Instant
}

func newBroken() *broken {
	return &broken{
		values: make(map[etagcache.Key]value), began: time.Now(),
		epoch: etagcache.Epoch{ID: etagcache.EpochID{1, 2, 3}, Start: 1_000_000},
	}
}

func (b *broken) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passed += d
}

func (b *broken) now() etagcache.Instant { return b.epoch.Start.Add(time.Since(b.began) + b.passed) }

func (b *broken) look(key etagcache.Key) value {
	v := b.values[key]
	if v.expires != 0 && v.expires <= b.now() {
		return value{}
	}
	return v
}

func (b *broken) answer(op string, v value, swapped bool) (etagcache.Reply, error) {
	r := etagcache.Reply{Value: v.bytes, Swapped: swapped, Now: b.now(), Epoch: b.epoch}
	if b.reply != nil {
		b.reply(op, &r)
	}
	return r, nil
}

func (b *broken) Get(ctx context.Context, key etagcache.Key) (etagcache.Reply, error) {
	if err := ctx.Err(); err != nil && !b.asleep {
		return etagcache.Reply{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key != nil {
		key = b.key(key)
	}
	return b.answer("get", b.look(key), false)
}

func (b *broken) Ping(ctx context.Context) (etagcache.Reply, error) {
	if err := ctx.Err(); err != nil && !b.asleep {
		return etagcache.Reply{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answer("ping", value{}, false)
}

func (b *broken) Swap(ctx context.Context, key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	if err := ctx.Err(); err != nil && !b.asleep {
		return etagcache.Reply{}, errors.Join(err, etagcache.ErrNotSent)
	}
	if (len(c.New) == 0 || c.TTL < 0) && !b.lenient {
		return etagcache.Reply{}, etagcache.ErrNotSent
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key != nil {
		key = b.key(key)
	}
	if b.change != nil {
		b.change(&c)
	}
	old := b.look(key)
	same := c.Epoch == b.epoch.ID && (old.bytes == nil) == (c.Old == nil) && bytes.Equal(old.bytes, c.Old) &&
		(c.By == 0 || b.now() <= c.By)
	if b.holds != nil {
		same = b.holds(b, old.bytes, c)
	}
	if !same {
		return b.answer("swap", old, false)
	}
	if b.gap {
		b.mu.Unlock()
		time.Sleep(time.Millisecond)
		b.mu.Lock()
	}
	v := value{bytes: bytes.Clone(c.New)}
	if c.TTL > 0 {
		v.expires = b.now().Add(c.TTL)
	}
	if b.keep != nil {
		b.keep(&v, b.values[key])
	}
	b.values[key] = v
	return b.answer("swap", v, true)
}
