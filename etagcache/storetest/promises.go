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

// promises is the contract, in the order in which its parts build on each other.
var promises = []promise{
	{"what is absent reads as nil", absentIsNil},
	{"a swap from nothing stores the value, and says so", swapFromNothing},
	{"a swap from another value than the stored one changes nothing, and returns what is stored", swapFromWrongOld},
	{"an empty value is not nothing", emptyIsNotNothing},
	{"a swap under another epoch changes nothing, and returns what is stored", swapUnderOtherEpoch},
	{"values come back byte for byte", exactBytes},
	{"the caller's slices stay the caller's", noAliases},
	{"an invalid change is an error that wraps ErrNotSent, and changes nothing", invalidChange},
	{"of many swaps from one value exactly one is made, and the others return its value", oneWinner},
	{"a value lives as long as its TTL, and no longer", expires},
	{"a value with TTL 0 does not expire, whatever TTL the value before it had", neverExpires},
	{"a swap whose time is over changes nothing, and returns what is stored", swapInTime},
	{"Now is one clock, and never runs backwards", oneClock},
	{"Ping reports the epoch that Get and Swap report", pingReportsEpoch},
	{"a cancelled context is an error, and of a Swap one that wraps ErrNotSent", cancelled},
}

func absentIsNil(s *subject) error { return s.stored(newKey(), nil) }

func swapFromNothing(s *subject) error {
	key := newKey()
	for _, step := range []struct{ old, new []byte }{{nil, []byte("a")}, {[]byte("a"), []byte("b")}} {
		r, err := s.swap(key, step.old, step.new, 0)
		if err != nil {
			return err
		}
		if !r.Swapped {
			return fmt.Errorf("the swap from %s was not made", show(step.old))
		}
		if err := errors.Join(same("the Swap", r.Value, step.new), s.stored(key, step.new)); err != nil {
			return err
		}
	}
	return nil
}

func swapFromWrongOld(s *subject) error {
	key, err := s.put([]byte("stored"), 0)
	if err != nil {
		return err
	}
	for _, old := range [][]byte{nil, []byte("store"), []byte("stored "), []byte("STORED")} {
		r, err := s.swap(key, old, []byte("new"), 0)
		if err == nil {
			err = errors.Join(refused(r, []byte("stored")), s.stored(key, []byte("stored")))
		}
		if err != nil {
			return fmt.Errorf("old %s: %w", show(old), err)
		}
	}
	key = newKey()
	r, err := s.swap(key, []byte("something"), []byte("new"), 0)
	if err == nil {
		err = errors.Join(refused(r, nil), s.stored(key, nil))
	}
	if err != nil {
		return fmt.Errorf("nothing is stored, old is something: %w", err)
	}
	return nil
}

func emptyIsNotNothing(s *subject) error {
	key := newKey()
	r, err := s.swap(key, []byte{}, []byte("new"), 0)
	if err != nil {
		return err
	}
	return errors.Join(refused(r, nil), s.stored(key, nil))
}

func swapUnderOtherEpoch(s *subject) error {
	key, err := s.put([]byte("stored"), 0)
	if err != nil {
		return err
	}
	now, err := s.get(key)
	if err != nil {
		return err
	}
	var other etagcache.EpochID
	rand.Read(other[:]) // never fails
	for _, epoch := range []etagcache.EpochID{other, {}} {
		r, err := s.store.Swap(s.ctx, key, etagcache.Change{Epoch: epoch, Old: []byte("stored"), New: []byte("new")})
		if err != nil {
			return fmt.Errorf("a Swap under epoch %x failed: %w", epoch, err)
		}
		if r.Epoch != now.Epoch {
			return fmt.Errorf("the reply names the epoch %x, want the store's, %x", r.Epoch.ID, now.Epoch.ID)
		}
		if err := errors.Join(refused(r, []byte("stored")), s.stored(key, []byte("stored"))); err != nil {
			return fmt.Errorf("epoch %x: %w", epoch, err)
		}
	}
	return nil
}

func exactBytes(s *subject) error {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for _, value := range [][]byte{
		{0},
		[]byte("a\x00b"), []byte("\x00\x00"), []byte("a\r\nb\r\n"), []byte(" \t\n"), []byte("$-1\r\n"),
		[]byte("\xff\xfe"), []byte("0"), []byte("false"), []byte("007"), all[:], bytes.Repeat([]byte("x\x00"), 32<<10),
	} {
		key, err := s.put(value, 0)
		if err == nil {
			err = s.stored(key, value)
		}
		if err != nil {
			return err
		}
		r, err := s.swap(key, value, []byte("next"), 0)
		if err != nil {
			return err
		}
		if !r.Swapped {
			return fmt.Errorf("a swap from exactly %q was not made", value)
		}
	}
	return nil
}

func noAliases(s *subject) error {
	value := []byte("value")
	key, err := s.put(value, 0)
	if err != nil {
		return err
	}
	clear(value)
	if err := s.stored(key, []byte("value")); err != nil {
		return fmt.Errorf("after the caller has used the slice of New again: %w", err)
	}

	first, err := s.get(key)
	if err != nil {
		return err
	}
	old, next := []byte("value"), []byte("other")
	r, err := s.swap(key, old, next, 0)
	if err != nil {
		return err
	}
	clear(old)
	clear(next)
	return errors.Join(
		same("a Get that came before the swap", first.Value, []byte("value")),
		same("the Swap, after the caller has used its slice again,", r.Value, []byte("other")),
		s.stored(key, []byte("other")),
	)
}

func invalidChange(s *subject) error {
	key, err := s.put([]byte("stored"), 0)
	if err != nil {
		return err
	}
	now, err := s.get(key)
	if err != nil {
		return err
	}
	for what, c := range map[string]etagcache.Change{
		"New is nil":      {},
		"New is empty":    {New: []byte{}},
		"TTL is negative": {New: []byte("new"), TTL: -time.Second},
	} {
		c.Epoch, c.Old = now.Epoch.ID, []byte("stored")
		if _, err := s.store.Swap(s.ctx, key, c); !errors.Is(err, etagcache.ErrNotSent) {
			//nolint:errorlint // may be nil; and a broken promise is not the error that broke it
			return fmt.Errorf("%s: the error is %v", what, err)
		}
		if err := s.stored(key, []byte("stored")); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

func cancelled(s *subject) error {
	key, err := s.put([]byte("stored"), 0)
	if err != nil {
		return err
	}
	now, err := s.get(key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.store.Get(ctx, key); err == nil {
		return errors.New("a Get succeeded")
	}
	if _, err := s.store.Ping(ctx); err == nil {
		return errors.New("a Ping succeeded")
	}
	_, err = s.store.Swap(ctx, key, etagcache.Change{Epoch: now.Epoch.ID, Old: []byte("stored"), New: []byte("new")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		//nolint:errorlint // may be nil; and a broken promise is not the error that broke it
		return fmt.Errorf("the error of a Swap that could not begin is %v", err)
	}
	return s.stored(key, []byte("stored"))
}
