package etagcache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// debts are the resources that may have changed without the store's having taken note of it, because it did not answer
// and the configuration let the write through. They are this process's alone: what it owes dies with it.
type debts struct {
	count   atomic.Int64 // of owed, so that who owes nothing takes no lock
	mu      sync.Mutex
	owed    map[Key]debt
	next    uint64
	running bool
}

// debt is what is owed for one resource.
type debt struct {
	when uint64    // when it was owed last, counted in debts
	open time.Time // until when a write there may yet be applied
}

// maxDebts is how many resources may be owed at a time: 64 bytes each.
const maxDebts = 1 << 17

// Owe remembers that the resource is, or may be, changed by a write that the store could not take note of. Its record is
// moved as soon as the store answers, and before this cache shows it to anybody. Call it before such a write is sent, and
// again after its answer; where that leaves the write in doubt, open is how long it may yet be applied, and the record gets a
// mark that stays open for what is then left of that. It reports false, and remembers nothing, when too much is owed already.
func (c *Cache) Owe(key Key, open time.Duration) bool {
	d := &c.debts
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.owed[key]; !known && len(d.owed) >= maxDebts {
		return false
	}
	if d.owed == nil {
		d.owed = make(map[Key]debt)
	}
	d.next++
	d.owed[key] = debt{when: d.next, open: later(c.opt.Clock().Add(open), d.owed[key].open)}
	d.count.Store(int64(len(d.owed)))
	if !d.running {
		d.running = true
		c.background.Go(c.settleDebts)
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// owes returns what is owed for the resource.
func (c *Cache) owes(key Key) (owe debt, owed bool) {
	d := &c.debts
	if d.count.Load() == 0 {
		return debt{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	owe, owed = d.owed[key]
	return owe, owed
}

// settle moves the record of a view by what is owed for it. A write that is owed while this goes on is owed still afterwards.
func (c *Cache) settle(ctx context.Context, v View, owe debt) (View, error) {
	d := &c.debts
	id := MarkID(c.opt.Fresh())
	v, _, err := c.apply(ctx, v, func(v View) Event {
		if left := owe.open.Sub(c.opt.Clock()); left > 0 {
			return OpenMark{ID: id, Until: c.laterThan(v, left)}
		}
		return CloseMark{ID: id, Now: c.laterThan(v, 0)}
	})
	if err != nil {
		return v, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owed[v.Key] == owe {
		delete(d.owed, v.Key)
		d.count.Store(int64(len(d.owed)))
	}
	return v, nil
}

// settleDebts tries until nothing is owed any more. While the store does not answer it asks with one key at a time, at
// growing intervals.
func (c *Cache) settleDebts() {
	const first, longest = 50 * time.Millisecond, time.Second
	wait := first
	for {
		key, ok := c.someDebt()
		if !ok {
			return
		}
		if _, err := c.Fetch(context.Background(), key); err != nil {
			if c.draining.Load() {
				return // the store is away, and this process is about to be: what it owes is lost
			}
			time.Sleep(wait)
			wait = min(2*wait, longest)
			continue
		}
		wait = first
	}
}

// someDebt returns any key that is owed; with none left, the one who settles them is told to stop.
func (c *Cache) someDebt() (Key, bool) {
	d := &c.debts
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.owed {
		return key, true
	}
	d.running = false
	return Key{}, false
}
