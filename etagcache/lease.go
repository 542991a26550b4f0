package etagcache

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// Wish is one key that a write needs to itself, with what it requires of that resource.
type Wish struct {
	View      View
	Condition Condition
	Evidence  Evidence
	// Kept: the write does not change the resource, and has it to itself so that nobody else does meanwhile. When the write is over, its
	// record is as it was before.
	Kept bool
	// Print is the fingerprint of the request, by which it is known again; zero: it is not to be.
	Print Print
	// Keyed, Remember, Again: see [Claim]. The time counts from the claim.
	Keyed    bool
	Remember time.Duration
	Again    Version
}

// Term is how long a write may take.
type Term struct {
	Work   time.Duration // until the backend is given up on
	Settle time.Duration // how long after that it may still be applying the write
}

// margin is added to every lease in the store, so that the owner, whose clock may run a little slower than the store's,
// stops strictly before it ends.
func (t Term) margin() time.Duration { return 100*time.Millisecond + t.Work/50 }

// Ruling is why a claim was not granted: the wish that stood in the way, how its record is now, and what was said.
type Ruling struct {
	Wish    int
	View    View
	Verdict Verdict
}

// ErrLeaseSpent says that a claim took so long that its lease in the store may end before its owner stops: the replica
// was frozen, or the store's clock jumped.
var ErrLeaseSpent = errors.New("the claim took too long for its lease")

var errKeyTwice = errors.New("etagcache: a claim has two wishes for one key")

// Held is the right to send one write, for a set of keys. It must be ended with [Held.Conclude], once.
type Held struct {
	// Deadline is when the owner must have stopped, on its own clock. It is measured from before the first claim was
	// sent, so it is strictly before the end of every lease in the store.
	Deadline time.Time
	// Overran says that at least one of the keys had a lease that ran out before its owner concluded it.
	Overran bool
	// Drifted says the same as [View.Drifted], of any of the keys.
	Drifted bool

	cache *Cache
	id    LeaseID
	term  Term
	keys  []heldKey
}

type heldKey struct {
	view View
	from Version // the version that was claimed
	kept bool
}

// Claim takes the lease of all wishes or of none. It takes them in the order of their keys, so that two sets never
// wait for each other, and holds nothing when it returns without a lease. The wishes are sorted in place. A nil *Held
// with a nil error means that it was not granted, and the ruling says why.
func (c *Cache) Claim(ctx context.Context, wishes []Wish, term Term) (*Held, Ruling, error) {
	slices.SortFunc(wishes, func(a, b Wish) int { return bytes.Compare(a.View.Key[:], b.View.Key[:]) })
	start := c.opt.Clock()
	h := &Held{cache: c, id: LeaseID(c.mint()), term: term, Deadline: start.Add(term.Work)}
	for i, w := range wishes {
		if i > 0 && w.View.Key == wishes[i-1].View.Key {
			h.release()
			return nil, Ruling{}, errKeyTwice
		}
		view, from, verdict, err := h.claimKey(ctx, w)
		switch {
		case err != nil:
			// Nobody knows whether this one was claimed. Ending it as unapplied is right in both cases.
			if !errors.Is(err, ErrNotSent) {
				h.keys = append(h.keys, heldKey{view: view, from: from, kept: w.Kept})
			}
			h.later(h.keys, unsent, nil)
			return nil, Ruling{Wish: i, View: view}, err
		case verdict != Admit:
			h.release()
			return nil, Ruling{Wish: i, View: view, Verdict: verdict}, nil
		}
		h.Overran, h.Drifted = h.Overran || view.Overran, h.Drifted || view.Drifted
		h.keys = append(h.keys, heldKey{view: view, from: view.Record.Lease.BeforeVersion, kept: w.Kept})
		// The owner measures its deadline on its own clock, which stands still while its machine is suspended.
		left := h.Deadline.Sub(c.opt.Clock())
		if left <= 0 || view.at.Now.Add(left+term.Settle) > view.Record.Lease.Until {
			h.release()
			return nil, Ruling{}, ErrLeaseSpent
		}
	}
	return h, Ruling{Verdict: Admit}, nil
}

// claimKey claims one key. From a local copy it may succeed, but what a local copy says against it is not believed.
func (h *Held) claimKey(ctx context.Context, w Wish) (view View, from Version, verdict Verdict, err error) {
	c := h.cache
	event := func(v View) Event {
		from = v.Record.Version
		claim := Claim{
			ID: h.id, Until: c.laterThan(v, h.term.Work+h.term.margin()+h.term.Settle),
			Condition: w.Condition, Evidence: w.Evidence, Print: w.Print, Keyed: w.Keyed, Again: w.Again,
		}
		if w.Remember > 0 {
			claim.Remember = c.laterThan(v, w.Remember)
		}
		return claim
	}
	view = w.View
	// The view may be older than a write that the store has not heard of yet, or than this replica's place in the fleet.
	if _, owed := c.owes(view.Key); owed || !c.stands(view) {
		if view, err = c.Fetch(ctx, view.Key); err != nil {
			return view, from, verdict, errors.Join(err, ErrNotSent)
		}
	}
	view, verdict, err = c.apply(ctx, view, event)
	if err == nil && verdict != Admit && view.Local {
		if view, err = c.Fetch(ctx, view.Key); err != nil {
			return view, from, verdict, errors.Join(err, ErrNotSent)
		}
		view, verdict, err = c.apply(ctx, view, event)
	}
	return view, from, verdict, err
}

// laterThan is the store's time d from now, or a little later: the reply that v comes from was stamped after v.sent.
func (c *Cache) laterThan(v View, d time.Duration) Instant {
	return v.at.Now.Add(c.opt.Clock().Sub(v.sent) + d)
}

// release gives back what was claimed, because nothing was sent.
func (h *Held) release() {
	_, _, _ = h.Conclude(context.Background(), unsent, nil) // at worst the lease runs out by itself
}

// unsent is the conclusion of a write that was never sent.
var unsent = Conclusion{Outcome: Unapplied}

// Created reports whether the write that ended here last created what the key stands for, within that time before the claim. The
// backend's lists may not show it yet.
func (h *Held) Created(key Key, within time.Duration) bool {
	for _, k := range h.keys {
		if k.view.Key == key {
			return k.view.Record.Created && k.view.at.Now < k.view.Record.Moved.Add(within)
		}
	}
	return false
}

// Verify judges the write once more, by what the backend shows while the lease is held: is what was claimed still what
// is there? It is for backends that have other writers (`verify: always`), and whose reads show a write at the latest lag
// after it. Anything but [Admit] means that the write must not be sent.
func (h *Held) Verify(key Key, cond Condition, e Evidence, lag time.Duration) Verdict {
	for _, k := range h.keys {
		if k.view.Key != key {
			continue
		}
		before := k.view.Record
		before.State, before.Version = before.Lease.Before, before.Lease.BeforeVersion
		before.Lease, before.Marks = Lease{}, nil
		e.Begun = Begin(before, Moment{Now: k.view.at.Now}, lag)
		_, verdict := Step(before, Claim{ID: h.id, Condition: cond, Evidence: e}, Moment{
			Now: k.view.at.Now, Fresh: h.cache.mint(),
		})
		return verdict
	}
	return Late
}
