// Package storetest holds the contract of [etagcache.Store] as a test suite, for the stores that come with proxy409 and
// for any other.
//
//	func TestContract(t *testing.T) {
//		if err := storetest.TestStore(t.Context(), mystore.New(), storetest.Options{}); err != nil {
//			t.Fatal(err)
//		}
//	}
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"proxy409/etagcache"
)

// Options says what the suite has to know of a store. The zero value is usable.
type Options struct {
	// Advance lets d pass on the store's clock. Nil: the suite waits as long in real time.
	Advance func(d time.Duration)

	// TTL is how long the values live that the suite lets expire. Zero: 100 milliseconds, or an hour with Advance.
	TTL time.Duration

	virtual bool // Advance was given
}

func (o Options) withDefaults() Options {
	o.virtual = o.Advance != nil
	if o.TTL == 0 {
		o.TTL = 100 * time.Millisecond
		if o.virtual {
			o.TTL = time.Hour
		}
	}
	if !o.virtual {
		o.Advance = time.Sleep
	}
	return o
}

// TestStore checks every promise of [etagcache.Store] that can be checked from outside, and returns what is broken, one
// error for each promise; nil if nothing is. It uses keys that nobody else uses, so the store need not be empty, but no
// new epoch may begin meanwhile. It cannot see whether a store repeats a swap, nor what it does in a failure.
func TestStore(ctx context.Context, store etagcache.Store, o Options) error {
	o = o.withDefaults()
	var errs []error
	for _, p := range promises {
		s := subject{ctx: ctx, store: store, options: o}
		if err := p.check(&s); err != nil {
			errs = append(errs, fmt.Errorf("broken promise: %s: %w", p.text, err))
		}
	}
	return errors.Join(errs...)
}

// promise is one sentence of the contract.
type promise struct {
	text  string
	check func(*subject) error
}

// subject is the store under test, with what the checks have in common.
type subject struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of TestStore
	store   etagcache.Store
	options Options
}

func newKey() (k etagcache.Key) {
	rand.Read(k[:]) // never fails
	return k
}

func (s *subject) get(key etagcache.Key) (etagcache.Reply, error) {
	r, err := s.store.Get(s.ctx, key)
	if err != nil {
		return r, fmt.Errorf("Get failed: %w", err)
	}
	if r.Swapped {
		return r, errors.New("the reply to a Get says Swapped")
	}
	return r, nil
}

// swap swaps under the present epoch.
func (s *subject) swap(key etagcache.Key, old, new []byte, ttl time.Duration) (etagcache.Reply, error) {
	now, err := s.get(key)
	if err != nil {
		return now, err
	}
	r, err := s.store.Swap(s.ctx, key, etagcache.Change{Epoch: now.Epoch.ID, Old: old, New: new, TTL: ttl})
	if err != nil {
		return r, fmt.Errorf("Swap failed: %w", err)
	}
	return r, nil
}

// put stores value where nothing was.
func (s *subject) put(value []byte, ttl time.Duration) (etagcache.Key, error) {
	key := newKey()
	r, err := s.swap(key, nil, value, ttl)
	if err != nil {
		return key, err
	}
	if !r.Swapped {
		return key, fmt.Errorf("a swap from nothing to %q was not made; the reply says %s", value, show(r.Value))
	}
	return key, nil
}

// stored checks that a Get of key returns want, where nil means nothing.
func (s *subject) stored(key etagcache.Key, want []byte) error {
	r, err := s.get(key)
	if err != nil {
		return err
	}
	return same("a Get", r.Value, want)
}

func same(what string, got, want []byte) error {
	if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
		return fmt.Errorf("%s returned %s, want %s", what, show(got), show(want))
	}
	return nil
}

// refused checks that r says that nothing was swapped, and returns what is stored.
func refused(r etagcache.Reply, stored []byte) error {
	if r.Swapped {
		return errors.New("the swap was made (Swapped is true)")
	}
	return same("the refused Swap", r.Value, stored)
}

func show(value []byte) string {
	if value == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", value)
}
