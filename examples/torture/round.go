package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// repeats is how often something is tried again that failed only because the store gave no answer in time. On a machine
// that stands still for a moment that is nobody's fault; when it goes on, it is.
const repeats = 3

// rounds lets all writers read, and when all have, lets all write at once, so many times. Of those at one resource, one
// must win each time. It returns the rounds in which none did.
func (s *stand) rounds(ctx context.Context, n int) (losers []string) {
	for round := range n {
		for try := 0; ; try++ {
			lost := s.round(ctx, round)
			if try < repeats && len(lost) > 0 && !slices.ContainsFunc(lost, unlikeStore) {
				sleep(ctx, time.Second)
				continue
			}
			losers = append(losers, lost...)
			break
		}
	}
	return losers
}

// unlikeStore reports whether something other than the store's silence is to blame.
func unlikeStore(said string) bool { return !strings.Contains(said, outcomeStore) }

var outcomeStore = refused.String() + " store"

// round is one of the rounds.
func (s *stand) round(ctx context.Context, round int) (losers []string) {
	editions := make([]edition, s.writers)
	won := make([]bool, s.writers)
	reasons := make([]string, s.writers)
	s.together(func(u user) {
		e, err := u.read(ctx, s.doors[(u.n/s.resources+round)%len(s.doors)], u.n%s.resources, nil)
		if err != nil {
			reasons[u.n] = err.Error()
		}
		editions[u.n] = e
	})
	s.together(func(u user) {
		if reasons[u.n] != "" {
			return // nothing was read
		}
		d := s.doors[(u.n/s.resources+u.n+round)%len(s.doors)]
		o, _ := u.write(ctx, d, change{resource: u.n % s.resources, from: editions[u.n]})
		won[u.n], reasons[u.n] = o.outcome == done, o.outcome.String()+" "+o.reason
	})
	for resource := range min(s.resources, s.writers) {
		winners, said := 0, []string(nil)
		for w := resource; w < s.writers; w += s.resources {
			if won[w] {
				winners++
			}
			said = append(said, reasons[w])
		}
		if winners == 0 {
			losers = append(losers, fmt.Sprintf("%s at %s: %q", pathOf(resource), clock(s.history.now()), said))
		}
	}
	return losers
}

// together runs f for all writers at once and waits for them.
func (s *stand) together(f func(user)) {
	var all sync.WaitGroup
	for n := range s.writers {
		all.Go(func() { f(user{n: n, history: s.history}) })
	}
	all.Wait()
}
