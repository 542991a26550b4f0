package etagcache

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// shelf is a real store with one key, into which any value can be put at any time. Each swap of the small world is made
// there: the world's value is put, and the swap is tried. So the search needs no copies of the store, and still no model
// of it decides which swaps are made.
type shelf struct {
	store Store
	clock time.Time
	epoch EpochID
	holds []byte
}

func newShelf(open func(clock func() time.Time) Store) *shelf {
	s := &shelf{clock: time.Unix(1<<30, 0)}
	s.store = open(func() time.Time { return s.clock })
	r, err := s.store.Ping(context.Background())
	if err != nil {
		panic(err)
	}
	s.epoch = r.Epoch.ID
	return s
}

// swap puts the present value and tries the change; in is whether the change is of the world's present epoch.
func (s *shelf) swap(present []byte, c Change, in bool) Reply {
	s.put(present)
	c.Epoch, c.By = s.epoch, 0
	if !in {
		c.Epoch[0]++
	}
	r := s.try(c)
	s.holds = r.Value
	return r
}

func (s *shelf) put(value []byte) {
	switch {
	case bytes.Equal(s.holds, value) && (s.holds == nil) == (value == nil):
		return
	case value == nil:
		s.try(Change{Epoch: s.epoch, Old: s.holds, New: []byte{1}, TTL: time.Millisecond})
		s.clock = s.clock.Add(time.Second)
	case !s.try(Change{Epoch: s.epoch, Old: s.holds, New: value}).Swapped:
		panic("the store does not hold what it said it holds")
	}
	s.holds = value
}

func (s *shelf) try(c Change) Reply {
	r, err := s.store.Swap(context.Background(), Key{}, c)
	if err != nil {
		panic(err)
	}
	return r
}

// mishap is what befalls the n-th swap of a step, if any.
type mishap struct {
	fault fault
	nth   int
}

// tried is a swap that a step has tried.
type tried struct {
	made    bool
	nothing bool // it is one from nothing
}

// Get, Swap and Ping make the explorer the store of its own cache, in the world's time.
func (x *explorer) Get(context.Context, Key) (Reply, error) {
	return x.reply(x.w.stored.bytes()), nil
}

// Ping is not used.
func (x *explorer) Ping(context.Context) (Reply, error) { return x.reply(nil), nil }

func (x *explorer) reply(value []byte) Reply {
	return Reply{Value: value, Now: x.w.now, Epoch: Epoch{ID: epochID(x.w.epoch), Start: x.w.opens - Instant(exploreGrace/1e6)}}
}

// Swap makes the change, or lets it go wrong.
func (x *explorer) Swap(_ context.Context, _ Key, c Change) (Reply, error) {
	from := decodeStored(c.Old)
	x.before, x.swapping = from.record(c.Epoch[1]), true
	happens := fine
	if x.plan.nth == len(x.tries) {
		happens = x.plan.fault
	}
	copied := lateCopy{
		is: true, old: from, val: decodeStored(c.New), epoch: c.Epoch[1], ttl: c.TTL > 0,
		current: bytes.Equal(c.Old, x.raw()) && (c.Old == nil) == (x.raw() == nil),
	}
	if c.By != 0 && !x.cfg.Unbounded {
		copied.by = c.By / Instant(exploreTick/1e6) * Instant(exploreTick/1e6) // it is over before the next tick
	}
	switch happens {
	case lostRequest:
		x.tries = append(x.tries, tried{nothing: c.Old == nil})
		return Reply{}, errLost
	case delayed:
		x.tries = append(x.tries, tried{nothing: c.Old == nil})
		x.delay(copied)
		return Reply{}, errLost
	case repeated:
		made := x.make(copied, c)
		copied.made, copied.current = made, false
		x.delay(copied)
		return x.made(made)
	case lostReply:
		x.make(copied, c)
		return Reply{}, errLost
	case notSent, fine:
	}
	return x.made(x.make(copied, c))
}

func (x *explorer) made(ok bool) (Reply, error) {
	r := x.reply(x.raw())
	r.Swapped = ok
	return r, nil
}

func (x *explorer) raw() []byte { return x.w.stored.bytes() }

// delay lets the swap arrive later. Where what it replaces is gone, it is of no more account, but from nothing: that may
// return.
func (x *explorer) delay(l lateCopy) {
	x.w.left.Copies--
	if !l.current && l.old.rec.State != None {
		return
	}
	for i := range x.w.late {
		if !x.w.late[i].is {
			x.w.late[i] = l
			return
		}
	}
	x.void = true // there is no room for it in this world
}

// make tries a swap on the real store and, if it is made, keeps the books of the world.
func (x *explorer) make(l lateCopy, c Change) bool {
	w := x.w
	inTime := l.by == 0 || w.now <= l.by
	made := false
	if inTime {
		made = x.shelf.swap(x.raw(), c, l.epoch == w.epoch).Swapped
	}
	x.tries = append(x.tries, tried{made: made, nothing: c.Old == nil})
	nothing := c.Old == nil && w.stored.rec.State == None
	if want := (l.current || nothing) && l.epoch == w.epoch && inTime; made && !want {
		x.fail("ABA: a swap was made from a value that was gone, and had come back")
	} else if !made && want {
		x.fail("the store did not make a swap from what it holds")
	}
	if !made {
		return false
	}
	if l.made {
		x.fail("a copy of a swap was made again, and brings the version %s back", name8(l.val.rec.Version))
	}
	for i := range w.actors {
		if v := w.actors[i].view.val; v.epoch == l.val.epoch && v.rec.State != None && x.same(v, l.val) {
			x.fail("ABA: a stored value has come back that %s has a view of", w.actors[i].name)
		}
	}
	w.changes()
	w.stored = l.val
	return true
}

func (x *explorer) same(a, b stored) bool {
	return a.rec.Seq == b.rec.Seq && a.rec.Version == b.rec.Version && bytes.Equal(a.bytes(), b.bytes())
}

func name8(v [12]byte) string { return fmt.Sprintf("v%d", idNumber(v)) }
