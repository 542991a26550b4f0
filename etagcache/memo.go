package etagcache

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// A memo is a value beside the records, which is kept for a time and may be forgotten before. Nothing that is decided rests on one. Its key
// must be no record's.

// Recall returns the memo under a key, and the store's time; nil: there is none. The caller must not change it.
func (c *Cache) Recall(ctx context.Context, key Key) ([]byte, Instant, error) {
	reply, err := c.store.Get(ctx, key)
	if err != nil {
		return nil, 0, fmt.Errorf("store: get: %w", err)
	}
	return memoOf(reply), reply.Now, nil
}

// Memorize replaces the memo under a key by what change makes of it, and keeps it for that time. Change may be called more than once; where it
// returns what there is, nothing is done.
func (c *Cache) Memorize(ctx context.Context, key Key, lasts time.Duration, change func(old []byte, now Instant) []byte) error {
	reply, err := c.store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("store: get: %w", err)
	}
	for {
		old := memoOf(reply)
		next := change(old, reply.Now)
		if bytes.Equal(old, next) {
			return nil
		}
		ch := Change{Epoch: reply.Epoch.ID, Old: reply.Value, New: append([]byte{memoFormat}, next...), TTL: lasts}
		if reply, err = c.store.Swap(ctx, key, ch); err != nil {
			return fmt.Errorf("store: swap: %w", err)
		}
		if reply.Swapped {
			return nil
		}
	}
}

// memoFormat is the first byte of a memo. No record begins with it.
const memoFormat = 0x80

func memoOf(r Reply) []byte {
	if len(r.Value) < 1 || r.Value[0] != memoFormat {
		return nil
	}
	return r.Value[1:]
}
