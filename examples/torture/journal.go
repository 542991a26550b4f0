package main

import (
	"sync"
	"time"
)

// version names one state of a resource: the number of the write that made it. 0 is the state at the start.
type version int64

// applied is one write that the backend has applied.
type applied struct {
	at       time.Duration // since the start
	resource int
	id       version // of the write
	base     version // what its writer had read
	over     version // what it was applied to
	how      string  // how the backend behaved
}

// journal is the backend's log of what it has applied, in order, and the resources themselves: the last write wins.
type journal struct {
	mu      sync.Mutex
	present []version
	changed []time.Time // when each got its present version
	log     []applied
	began   time.Time
}

func newJournal(resources int, began time.Time) *journal {
	j := &journal{present: make([]version, resources), changed: make([]time.Time, resources), began: began}
	for i := range j.changed {
		j.changed[i] = began
	}
	return j
}

// apply applies a write, whatever its writer had read, unless it comes too late for a backend that keeps its word.
func (j *journal) apply(resource int, id, base version, how string, inTime func() bool) (done bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !inTime() {
		return false
	}
	now := time.Now()
	j.log = append(j.log, applied{
		at: now.Sub(j.began), resource: resource, id: id, base: base, over: j.present[resource], how: how,
	})
	j.present[resource], j.changed[resource] = id, now
	return true
}

// look returns the present state of a resource.
func (j *journal) look(resource int) (version, time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.present[resource], j.changed[resource]
}

// take returns the log since the last time, and begins a new one.
func (j *journal) take() []applied {
	j.mu.Lock()
	defer j.mu.Unlock()
	log := j.log
	j.log = nil
	return log
}
