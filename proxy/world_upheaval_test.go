package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// upheaval is a fault of the world as a whole.
type upheaval string

// The upheavals.
const (
	kills     upheaval = "replica: killed at any time"
	traps     upheaval = "replica: killed at an instant of a write"
	freezes   upheaval = "replica: frozen"
	drains    upheaval = "replica: told to end"
	outages   upheaval = "store: away"
	cuts      upheaval = "store: away for one replica"
	empties   upheaval = "store: emptied"
	forgets   upheaval = "store: a record is forgotten"
	deafness  upheaval = "backend: refuses connections for a while"
	breakings upheaval = "network: a connection is reset"
)

var allUpheavals = []upheaval{kills, traps, freezes, drains, outages, cuts, empties, forgets, deafness, breakings}

// longestFreeze is shorter than any lease. What a replica sends before it is frozen may arrive at the backend so much later,
// as may the news that it gave up: the backend's own delays are bounded by what is left of the settle time.
const longestFreeze = 10 * time.Second

// abandonedFor is how long the backend may work on what was given up.
func (w *world) abandonedFor() time.Duration {
	for _, u := range w.law.upheavals {
		if u == freezes {
			return shippedTimeouts.Settle - longestFreeze - time.Second
		}
	}
	return shippedTimeouts.Settle - time.Second
}

// upheave brings the world's upheavals about, one after the other, until it is over.
func (w *world) upheave(over <-chan struct{}) {
	r := w.draw("upheavals")
	var restarts sync.WaitGroup
	defer restarts.Wait()
	for len(w.law.upheavals) > 0 {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(500+r.IntN(12000)) * time.Millisecond):
		}
		w.bring(pick(r, w.law.upheavals...), r, &restarts)
	}
}

func (w *world) bring(u upheaval, r *rand.Rand, restarts *sync.WaitGroup) {
	index := r.IntN(len(w.replicas))
	victim, d := w.replica(index), time.Duration(200+r.IntN(4000))*time.Millisecond
	w.judge.tell("", "upheaval: %s (%d, %v)", u, index, d)
	switch u {
	case kills:
		victim.kill()
		w.fault(string(u))
	case traps:
		victim.setTrap(pick(r, beforeSwap, afterSwap, atBackend, answered))
	case freezes:
		victim.freeze(time.Duration(r.Int64N(int64(longestFreeze))))
		w.fault(string(u))
	case drains:
		w.fault(string(u))
		restarts.Go(func() { _ = victim.drain() })
	case outages:
		w.store.goAway(d, r.IntN(2) == 0)
		w.fault(string(u))
	case cuts:
		victim.store.cutFor(d)
		w.fault(string(u))
	case empties:
		if w.store.wasEmptied() < 2 { // a minute of grace follows each time
			w.store.empty()
			w.fault(string(u))
		}
	case forgets:
		if w.store.forget(r) {
			w.fault(string(u))
		}
	case deafness:
		w.origin.refuse(d)
		w.fault(string(u))
	case breakings:
		w.breakOne(r)
	}
}

// watch starts a place's next process when the last one has died.
func (w *world) watch(index int, over <-chan struct{}) {
	r := w.draw(fmt.Sprint("restarts ", index))
	for gen := 1; ; gen++ {
		select {
		case <-w.replica(index).died:
		case <-over:
			return
		}
		time.Sleep(time.Duration(r.IntN(5000)) * time.Millisecond)
		w.setReplica(index, newReplica(w, index, gen))
	}
}

// breakOne resets one of the connections of one of the replicas.
func (w *world) breakOne(r *rand.Rand) {
	victim := w.replica(r.IntN(len(w.replicas)))
	open := victim.connections()
	if len(open) == 0 {
		return
	}
	victim.excuse(0)
	pick(r, open...).reset()
	w.fault(string(breakings))
}

// refuse refuses connections, and breaks those that there are.
func (o *origin) refuse(d time.Duration) {
	o.mu.Lock()
	o.refuses = time.Now().Add(d)
	o.mu.Unlock()
	for i := range o.w.replicas {
		o.w.replica(i).excuse(d)
	}
	for _, c := range o.connections() {
		c.reset()
	}
}

func (o *origin) refusesNow() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.refuses)
}
