package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// habits are how the clients behave at present.
type habits struct {
	hangUp float64 // the part of the writes whose clients go away while the backend is at it
	half   float64 // the part whose clients go away in the middle of the body
}

// crowd is all clients at work, until its context ends.
func (s *stand) crowd(ctx context.Context, h habits, seed uint64) {
	var all sync.WaitGroup
	for n := range s.writers + s.readers {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		u := user{n: n, history: s.history}
		if n < s.writers {
			e := &editor{user: u, stand: s, habits: h, rng: rng, resource: n % s.resources, door: rng.IntN(len(s.doors))}
			all.Go(func() { e.work(ctx) })
		} else {
			all.Go(func() { s.watch(ctx, u, rng) })
		}
	}
	all.Wait()
}

// editor is a client that reads, changes and writes, and begins anew when it is refused.
type editor struct {
	user
	*stand
	habits
	rng      *rand.Rand
	resource int
	door     int
}

func (e *editor) work(ctx context.Context) {
	for ctx.Err() == nil {
		e.choose()
		d := e.doors[e.door]
		from, err := e.read(context.Background(), d, e.resource, nil)
		if err != nil {
			e.leave(ctx)
			continue
		}
		for again := true; again && ctx.Err() == nil; {
			e.pause(ctx, 10, 60)
			from, again = e.edit(ctx, from)
		}
	}
}

// choose picks what to edit next, and where. Most keep to one resource and one replica, as people and balancers do.
func (e *editor) choose() {
	if e.rng.IntN(8) == 0 {
		e.resource = e.rng.IntN(e.resources)
	}
	if e.rng.IntN(8) == 0 {
		e.door = e.rng.IntN(len(e.doors))
	}
}

// edit writes once. again tells that the editor goes on from the edition that it returns, without reading.
func (e *editor) edit(ctx context.Context, from edition) (next edition, again bool) {
	c := change{resource: e.resource, from: from, bodiless: e.rng.IntN(2) == 0, decoy: e.rng.IntN(8) == 0}
	switch x := e.rng.Float64(); {
	case x < e.hangUp:
		c.hangUp = 20 * time.Millisecond
	case x < e.hangUp+e.half:
		c.half, c.bodiless = true, false
	}
	o, next := e.write(context.Background(), e.doors[e.door], c)
	switch {
	case o.outcome == done:
		return next, next.tag != "" && e.rng.IntN(2) == 0
	case o.outcome == open && c.hangUp == 0:
		e.leave(ctx)
	case o.reason == "store" || o.reason == "grace" || o.reason == "unverifiable":
		e.leave(ctx)
		// Some hold on to what they have read. Where tags come back that is more than is promised once the store has
		// forgotten them.
		return from, kindOf(e.resource).unique && e.rng.IntN(4) == 0
	case o.reason == "busy":
		e.pause(ctx, 30, 60)
	}
	return edition{}, false
}

// leave goes to another replica after a moment, as a balancer would.
func (e *editor) leave(ctx context.Context) {
	e.door = (e.door + 1 + e.rng.IntN(max(1, len(e.doors)-1))) % len(e.doors)
	e.pause(ctx, 20, 60)
}

// pause waits for so many milliseconds, and up to so many more.
func (e *editor) pause(ctx context.Context, least, more int) {
	sleep(ctx, time.Duration(least+e.rng.IntN(more))*time.Millisecond)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// watch is the work of a client that only reads, and often asks whether what it has is still good.
func (s *stand) watch(ctx context.Context, u user, rng *rand.Rand) {
	had := make(map[int]edition)
	for ctx.Err() == nil {
		resource := rng.IntN(s.resources)
		var revalidated *edition
		if e, ok := had[resource]; ok && kindOf(resource).unique && rng.IntN(2) == 0 {
			revalidated = &e
		}
		e, err := u.read(context.Background(), s.doors[rng.IntN(len(s.doors))], resource, revalidated)
		if err == nil && e.tag != "" {
			had[resource] = e
		}
		sleep(ctx, time.Duration(10+rng.IntN(40))*time.Millisecond)
	}
}
