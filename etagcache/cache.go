package etagcache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Options configure a [Cache].
type Options struct {
	// TTL is how long an untouched record is kept. Zero: 720 hours.
	TTL time.Duration
	// Grace is how long after the beginning of a new epoch no guarded write is admitted and nothing is learned: the longest
	// lease and settle time of any route. Zero: no grace, for a store that dies with the process that holds the leases.
	Grace time.Duration
	// LocalFor is how old a local copy of a record may be that a read is begun under. Zero: no local copies.
	LocalFor time.Duration
	// LocalSize is how many local copies are kept at the most, about 700 bytes each. Zero: 16384, or fewer where Validators
	// lets them be larger.
	LocalSize int
	// Validators is how many representations' validators one record takes, 1 to 256. Zero: 32.
	Validators int
	// Clock measures elapsed time; it must carry a monotonic reading. Nil: time.Now.
	Clock func() time.Time
	// Settings are what all replicas of one store must have alike, by name: those that keys are made by. A replica that finds
	// others there with unlike settings does nothing but fail with [ErrUnlike]. Nil: nobody compares, and there is one replica.
	Settings map[string]string
	// Name is what this replica is called in what other replicas say of it.
	Name string
	// Fresh mints what is unique for ever: versions, leases and marks. Nil: 96 random bits.
	Fresh func() [12]byte
}

// Cache is the fleet's knowledge of its resources: one loop over a store's compare-and-swap, through which every
// [Event] goes, and local copies that are never more than suggestions. It is safe for concurrent use.
type Cache struct {
	store   Store
	opt     Options
	local   *localCopies
	flights singleflight.Group
	// background counts what still tries to reach the store after its caller was answered.
	background sync.WaitGroup
	debts      debts
	member     membership
	draining   atomic.Bool
}

// New returns a cache over the store. It does no I/O.
func New(store Store, opt Options) *Cache {
	if opt.TTL == 0 {
		opt.TTL = 720 * time.Hour
	}
	if opt.LocalSize == 0 {
		opt.LocalSize = (1 << 14) * usualValidators / max(usualValidators, opt.Validators) // that they take as much at the most
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Fresh == nil {
		opt.Fresh = new(randomness).id
	}
	return &Cache{store: store, opt: opt, local: newLocalCopies(opt.LocalFor, opt.LocalSize), member: newMembership(opt)}
}

// Look returns a view to begin a read under: a local copy if there is a young one, else the store's. Simultaneous
// calls for one key share one trip to the store.
func (c *Cache) Look(ctx context.Context, key Key) (View, error) {
	if v, ok := c.local.get(key, c.opt.Clock()); ok && c.stands(v) {
		if _, owed := c.owes(key); !owed {
			return v, nil
		}
	}
	if c.opt.LocalFor == 0 {
		return c.Fetch(ctx, key)
	}
	got, err, shared := c.flights.Do(string(key[:]), func() (any, error) {
		return c.Fetch(context.WithoutCancel(ctx), key)
	})
	if err != nil {
		return View{}, err
	}
	v := got.(View)
	v.Local = shared // it may have been asked for before this call
	return v, nil
}

// Fetch returns the store's record as of now, planted if there was none.
func (c *Cache) Fetch(ctx context.Context, key Key) (View, error) {
	v, err := c.get(ctx, key)
	if errors.Is(err, errStoodStill) {
		v, err = c.get(ctx, key) // as a member anew, or not
	}
	if err != nil {
		return View{}, err
	}
	if owe, owed := c.owes(key); owed {
		return c.settle(ctx, v, owe)
	}
	v, _, err = c.apply(ctx, v, func(View) Event { return Plant{} })
	return v, err
}

// get asks the store for a record.
func (c *Cache) get(ctx context.Context, key Key) (View, error) {
	enrolled, err := c.enrolled(ctx)
	if err != nil {
		return View{}, err
	}
	sent := c.opt.Clock()
	reply, err := c.store.Get(ctx, key)
	if err != nil {
		return View{}, fmt.Errorf("store: get: %w", err)
	}
	if enrolled.outlived(reply) {
		c.member.now.CompareAndSwap(enrolled, nil)
		return View{}, errStoodStill
	}
	return c.view(key, reply, sent, enrolled)
}

// ErrUnreadable says that the store answered, with a record that this release cannot read: see [ErrNewer], [ErrCorrupt].
var ErrUnreadable = errors.New("the record cannot be read")

// view reads a reply.
func (c *Cache) view(key Key, reply Reply, sent time.Time, enrolled *enrolment) (View, error) {
	record, err := decode(reply.Value, enrolled.memory(reply.Epoch.ID))
	if err != nil {
		c.local.drop(key)
		return View{}, fmt.Errorf("%w: %s: %w", ErrUnreadable, key, err)
	}
	grace := max(0, reply.Epoch.Start.Add(c.opt.Grace).Sub(reply.Now), enrolled.graceLeft(sent))
	v := View{
		Key: key, Record: record,
		raw: reply.Value, epoch: reply.Epoch.ID, enrolled: enrolled, graceful: grace, sent: sent,
		at: Moment{Now: reply.Now, Grace: grace > 0},
	}
	if len(reply.Value) > largestCopy {
		c.local.drop(key)
	} else {
		c.local.put(v)
	}
	return v, nil
}

// largestCopy is the size of the largest record, as it is stored, of which a copy is kept: one with some answer to be given again. Those under an
// Idempotency-Key can be twenty times as large, and are read but once.
const largestCopy = 16 << 10

// apply is the one loop over the one compare-and-swap: it puts the event to the record until the record that the step
// makes of it is the stored one. An error leaves open whether the last swap was made, unless it is [ErrNotSent].
func (c *Cache) apply(ctx context.Context, v View, event func(View) Event) (View, Verdict, error) {
	for {
		at := v.at
		at.Fresh, at.Room = c.mint(), c.opt.Validators
		e := event(v)
		next, verdict := Step(v.Record, e, at)
		if next.Seq == v.Record.Seq {
			return v, verdict, nil
		}
		if err := c.mayReplace(ctx, v); err != nil {
			return v, verdict, err
		}
		drifted := isClaim(e) && drifted(v.Record, next)
		overran := v.Record.State == Writing && !v.Record.Lease.InDoubt && v.at.Now >= v.Record.Lease.Until
		sent := c.opt.Clock()
		reply, err := c.store.Swap(ctx, v.Key, c.change(v, next))
		if err != nil {
			c.local.drop(v.Key)
			return v, verdict, fmt.Errorf("store: swap: %w", err)
		}
		if v, err = c.view(v.Key, reply, sent, v.enrolled); err != nil {
			return v, verdict, err
		}
		if reply.Swapped && verdict != Planted {
			v.Overran, v.Drifted = overran, drifted
			return v, verdict, nil
		}
	}
}

// plantWithin is how long after its view was taken a record may be planted. A swap from nothing would be made once more by
// a late copy of it when the record is forgotten, and bring its version back; so its time must be over before the
// record can be forgotten.
const plantWithin = 5 * time.Second

// change is the swap that replaces the view's record.
func (c *Cache) change(v View, next Record) Change {
	ch := Change{Epoch: v.epoch, Old: v.raw, New: encode(next, v.enrolled.memory(v.epoch))}
	ch.TTL, ch.Keep = next.lifetime(c.opt.TTL, v.at.Now)
	if v.raw == nil {
		ch.By = v.at.Now.Add(min(plantWithin, c.opt.TTL/2))
	}
	return ch
}

func isClaim(e Event) bool {
	_, ok := e.(Claim)
	return ok
}

// drifted reports whether a claim found another version than the record had: minting one is all that a claim's evidence can
// do to the version it claims.
func drifted(before, after Record) bool {
	claimed := after.Version
	if after.State == Writing {
		claimed = after.Lease.BeforeVersion
	}
	return before.State == Known && claimed != before.Version
}

// Learn adds the validator that a read showed which was begun under the view, and returns the view as it is then. Late
// and Crowded mean that the validator is not on record.
func (c *Cache) Learn(ctx context.Context, v View, begun Begun, shown Validator) (View, Verdict, error) {
	if begun.Closed {
		return v, Late, nil
	}
	return c.apply(ctx, v, func(View) Event { return Learn{Begun: begun, Shown: shown} })
}

// Gone notes that a read which was begun under the view was shown no resource.
func (c *Cache) Gone(ctx context.Context, v View, begun Begun) (View, Verdict, error) {
	if begun.Closed {
		return v, Late, nil
	}
	return c.apply(ctx, v, func(View) Event { return Gone{Begun: begun} })
}

// Judge says what a claim from this view would be told, without making it. From a local view only Admit and Ask mean
// anything.
func (c *Cache) Judge(v View, cond Condition, e Evidence) Verdict {
	at := v.at
	at.Fresh, at.Room = c.mint(), c.opt.Validators
	_, verdict := Step(v.Record, Claim{ID: LeaseID(at.Fresh), Condition: cond, Evidence: e}, at)
	return verdict
}

// Known says whether the request of a wish is known already, by a view of the wish's key: [Repeated], [Reused], or [Admit] for neither.
func (c *Cache) Known(v View, w Wish) Verdict {
	return known(v.Record.at(v.at.Now), Claim{Print: w.Print, Keyed: w.Keyed, Again: w.Again}, v.at.Now)
}

// Ping asks the store whether it answers and how long its grace period lasts yet.
func (c *Cache) Ping(ctx context.Context) (grace time.Duration, err error) {
	reply, err := c.store.Ping(ctx)
	if err != nil {
		return 0, fmt.Errorf("store: ping: %w", err)
	}
	enrolled, err := c.renewed(ctx) // a store that is full, or cannot save, answers a Ping
	if err != nil {
		return 0, err
	}
	return max(0, reply.Epoch.Start.Add(c.opt.Grace).Sub(reply.Now), enrolled.graceLeft(c.opt.Clock())), nil
}

// Drain waits until nothing is on its way to the store any more, or ctx ends. What is owed ([Cache.Owe]) is tried once
// more. The cache must not be used afterwards.
func (c *Cache) Drain(ctx context.Context) error {
	c.draining.Store(true)
	done := make(chan struct{})
	go func() {
		c.background.Wait()
		c.leave(ctx)
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("some outcomes are not recorded yet: %w", ctx.Err())
	}
}
