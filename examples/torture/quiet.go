package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// slack is what the promised times are exceeded by on account of the machine, and of clients that wait between attempts.
const slack = 1500 * time.Millisecond

// healing is what came of the resources when the faults had ended.
type healing struct {
	longest time.Duration // until the last resource could be written through the last replica
	limit   time.Duration
	stuck   []string
}

// heal lets one client at a time write each resource through each replica, until all have been. Called at the end of the
// faults, it shows how long they outlast themselves.
func (s *stand) heal(ctx context.Context) healing {
	// Leases run at the same time as the grace period, which is as long.
	h := healing{limit: leaseTime + slack}
	ended := time.Now()
	var mu sync.Mutex
	s.everyResource(func(u user, resource int) {
		for _, d := range s.doors {
			last := ""
			for {
				err := s.rewrite(ctx, u, d, d, resource)
				if err == nil || ctx.Err() != nil {
					break
				}
				last = err.Error()
				if time.Since(ended) > 3*h.limit {
					break
				}
				sleep(ctx, 20*time.Millisecond)
			}
			took := time.Since(ended)
			mu.Lock()
			h.longest = max(h.longest, took)
			if took > h.limit && last != "" && ctx.Err() == nil {
				h.stuck = append(h.stuck, fmt.Sprintf("%s at %s: through %s it could be written %s after the faults had ended, not %s; before: %s",
					pathOf(resource), clock(s.history.now()), d.name, seconds(took), seconds(h.limit), last))
			}
			mu.Unlock()
		}
	})
	sleep(ctx, leaseTime-time.Since(ended)) // whatever is in doubt is over then
	return h
}

// calm lets one client at a time read and write each resource, in all pairs of replicas. Nobody may be refused.
func (s *stand) calm(ctx context.Context) (tries int, refusals []string) {
	var mu sync.Mutex
	s.everyResource(func(u user, resource int) {
		for i, d := range s.doors {
			for _, to := range []door{d, s.doors[(i+1)%len(s.doors)]} {
				err := s.rewrite(ctx, u, d, to, resource)
				for try := 0; try < repeats && err != nil && !unlikeStore(err.Error()); try++ {
					sleep(ctx, time.Second)
					err = s.rewrite(ctx, u, d, to, resource)
				}
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				tries++
				if err != nil {
					refusals = append(refusals, fmt.Sprintf("%s at %s: read at %s, written at %s: %v",
						pathOf(resource), clock(s.history.now()), d.name, to.name, err))
				}
				mu.Unlock()
			}
		}
	})
	return tries, refusals
}

// everyResource runs f for all resources at once, each with a client of its own.
func (s *stand) everyResource(f func(u user, resource int)) {
	var all sync.WaitGroup
	for resource := range s.resources {
		all.Go(func() { f(user{n: resource, history: s.history}, resource) })
	}
	all.Wait()
}

// rewrite reads at one replica and writes at another, or the same.
func (s *stand) rewrite(ctx context.Context, u user, from, to door, resource int) error {
	e, err := u.read(ctx, from, resource, nil)
	if err != nil {
		return err
	}
	c := change{resource: resource, from: e, bodiless: from.name != to.name, decoy: from.name != to.name}
	if o, _ := u.write(ctx, to, c); o.outcome != done {
		return fmt.Errorf("%s %s (with %s)", o.outcome, o.reason, e.tag)
	}
	return nil
}

var errUnread = errors.New("a resource cannot be read in quiet")

// present reads every resource. What it shows is where the next stretch of the histories begins.
func (s *stand) present(ctx context.Context) ([]version, error) {
	now := make([]version, s.resources)
	errs := make([]error, s.resources)
	s.everyResource(func(u user, resource int) {
		e, err := u.read(ctx, s.doors[0], resource, nil)
		now[resource], errs[resource] = e.version, err
	})
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return now, nil
}
