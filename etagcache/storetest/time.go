package storetest

import (
	"errors"
	"fmt"
	"time"

	"proxy409/etagcache"
)

func expires(s *subject) error {
	ttl := s.options.TTL
	began := time.Now()
	key, err := s.put([]byte("short-lived"), ttl)
	if err != nil {
		return err
	}
	s.options.Advance(ttl / 2)
	r, err := s.get(key)
	if err != nil {
		return err
	}
	// A real TTL can pass by itself on a machine that stands still for a moment.
	if s.options.virtual || time.Since(began) < ttl {
		if err := same("a Get in the middle of its TTL", r.Value, []byte("short-lived")); err != nil {
			return err
		}
	}
	s.options.Advance(ttl/2 + time.Millisecond)
	if err := s.stored(key, nil); err != nil {
		return fmt.Errorf("after the TTL of %v: %w", ttl, err)
	}
	r, err = s.swap(key, nil, []byte("next"), 0)
	if err != nil {
		return err
	}
	if !r.Swapped {
		return fmt.Errorf("what has expired still stands in the way of a swap from nothing: %s", show(r.Value))
	}

	// A TTL below the store's resolution is not none.
	key, err = s.put([]byte("moment"), time.Microsecond)
	if err != nil {
		return err
	}
	s.options.Advance(10 * time.Millisecond)
	if err := s.stored(key, nil); err != nil {
		return fmt.Errorf("after the TTL of 1µs: %w", err)
	}
	return nil
}

func neverExpires(s *subject) error {
	fresh, err := s.put([]byte("fresh"), 0)
	if err != nil {
		return err
	}
	// Thrice the TTL, so that on a slow machine the value is still there to be replaced.
	key, err := s.put([]byte("short-lived"), 3*s.options.TTL)
	if err != nil {
		return err
	}
	r, err := s.swap(key, []byte("short-lived"), []byte("for good"), 0)
	if err != nil {
		return err
	}
	if !r.Swapped {
		return errors.New("the swap to TTL 0 was not made")
	}
	s.options.Advance(4 * s.options.TTL)
	return errors.Join(s.stored(fresh, []byte("fresh")), s.stored(key, []byte("for good")))
}

func swapInTime(s *subject) error {
	key := newKey()
	now, err := s.get(key)
	if err != nil {
		return err
	}
	s.options.Advance(2 * time.Millisecond) // so that the moment of the Get is over
	change := etagcache.Change{Epoch: now.Epoch.ID, New: []byte("late"), By: now.Now}
	r, err := s.store.Swap(s.ctx, key, change)
	if err == nil {
		err = errors.Join(refused(r, nil), s.stored(key, nil))
	}
	if err != nil {
		return fmt.Errorf("from nothing: %w", err)
	}
	change.By = now.Now.Add(time.Hour)
	if r, err = s.store.Swap(s.ctx, key, change); err != nil {
		return fmt.Errorf("in time: %w", err)
	}
	if !r.Swapped {
		return fmt.Errorf("a swap that has an hour's time was not made; the reply says %s", show(r.Value))
	}
	change.Old, change.New, change.By = []byte("late"), []byte("later"), now.Now
	if r, err = s.store.Swap(s.ctx, key, change); err != nil {
		return fmt.Errorf("from what is stored: %w", err)
	}
	return errors.Join(refused(r, []byte("late")), s.stored(key, []byte("late")))
}

func oneClock(s *subject) error {
	key := newKey()
	var last etagcache.Instant
	for i := range 40 {
		var (
			r    etagcache.Reply
			err  error
			what string
		)
		switch i % 4 {
		case 0:
			what = "Get"
			r, err = s.store.Get(s.ctx, key)
		case 1:
			what = "Swap"
			r, err = s.swap(key, nil, []byte("value"), 0)
		case 2:
			what = "Ping"
			r, err = s.store.Ping(s.ctx)
		case 3:
			what = "refused Swap"
			r, err = s.swap(key, []byte("other"), []byte("value"), 0)
		}
		if err != nil {
			return fmt.Errorf("%s failed: %w", what, err)
		}
		if r.Now < last {
			return fmt.Errorf("%s says %d, %v before what the store said last", what, r.Now, last.Sub(r.Now))
		}
		if r.Epoch.Start > r.Now {
			return fmt.Errorf("%s says %d, and that the epoch began later, %d", what, r.Now, r.Epoch.Start)
		}
		if last != 0 && r.Now.Sub(last) > time.Minute {
			return fmt.Errorf("%s says %v more than what the store said a moment ago", what, r.Now.Sub(last))
		}
		last = r.Now
	}

	s.options.Advance(s.options.TTL)
	r, err := s.get(key)
	if err != nil {
		return err
	}
	// The TTL is measured on the same clock.
	if passed := r.Now.Sub(last); passed < s.options.TTL-time.Millisecond {
		return fmt.Errorf("%v went by, and Now says %v", s.options.TTL, passed)
	}
	return nil
}

func pingReportsEpoch(s *subject) error {
	r, err := s.get(newKey())
	if err != nil {
		return err
	}
	if r.Epoch.ID == (etagcache.EpochID{}) || r.Epoch.Start == 0 {
		return fmt.Errorf("Get reports no epoch: %+v", r.Epoch)
	}
	p, err := s.store.Ping(s.ctx)
	if err != nil {
		return fmt.Errorf("Ping failed: %w", err)
	}
	if p.Epoch.ID == (etagcache.EpochID{}) || p.Epoch.Start == 0 || p.Now == 0 {
		return fmt.Errorf("Ping reports no epoch or no time: %+v", p)
	}
	if p.Value != nil || p.Swapped {
		return fmt.Errorf("Ping reports a value: %+v", p)
	}
	// A store of several parts has several epochs; Ping's is the latest.
	if p.Epoch.Start < r.Epoch.Start {
		return fmt.Errorf("Ping reports the epoch %+v, which is earlier than what Get reports, %+v", p.Epoch, r.Epoch)
	}
	return nil
}
