package storetest

import (
	"errors"
	"fmt"
	"sync"

	"proxy409/etagcache"
)

// oneWinner lets everybody read before anybody swaps, so that all but one must lose.
func oneWinner(s *subject) error {
	const rounds, racers = 8, 16
	for range rounds {
		key, err := s.put([]byte("start"), 0)
		if err != nil {
			return err
		}
		now, err := s.get(key)
		if err != nil {
			return err
		}
		var (
			gate    = make(chan struct{})
			replies [racers]etagcache.Reply
			errs    [racers]error
			done    sync.WaitGroup
		)
		for i := range racers {
			done.Go(func() {
				<-gate
				replies[i], errs[i] = s.store.Swap(s.ctx, key, etagcache.Change{
					Epoch: now.Epoch.ID, Old: []byte("start"), New: fmt.Appendf(nil, "racer %d", i),
				})
			})
		}
		close(gate)
		done.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return fmt.Errorf("Swap failed: %w", err)
		}
		if err := s.judgeRace(key, replies[:]); err != nil {
			return err
		}
	}
	return nil
}

func (s *subject) judgeRace(key etagcache.Key, replies []etagcache.Reply) error {
	winners, winner := 0, []byte(nil)
	for _, r := range replies {
		if r.Swapped {
			winners++
			winner = r.Value
		}
	}
	if winners != 1 {
		return fmt.Errorf("%d of %d swaps were made, want 1", winners, len(replies))
	}
	for _, r := range replies {
		if err := same("a Swap of the race", r.Value, winner); err != nil {
			return err
		}
	}
	return s.stored(key, winner)
}
