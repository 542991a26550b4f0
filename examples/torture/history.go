package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// outcome is what a client knows of its write.
type outcome uint8

const (
	open    outcome = iota // nobody told: it may have been applied, or may be yet
	done                   // it was acknowledged
	refused                // it was certainly not applied
)

func (o outcome) String() string { return [...]string{"open", "done", "refused"}[o] }

// op is one operation of one client, as the client saw it: when it called, when it had the answer, and what that was.
type op struct {
	client   int
	resource int
	call     time.Duration // since the start, on one monotonic clock
	end      time.Duration
	read     bool
	shown    version // read: what it was shown

	id, base version // write: its number, and what it was made from
	outcome  outcome
	// reason is why a write was refused, in the word that the proxy used; what the backend refused has its status.
	reason string
	// bare: the write was sent with a tag as the backend made it, which the proxy had vouched for without a proviso.
	bare    bool
	at      string // the replica
	partial bool   // the write's body was never sent to its end
}

// history is what all clients did since the last time that it was taken.
type history struct {
	began time.Time
	last  atomic.Int64 // the number of the last write

	mu  sync.Mutex
	ops []op
}

func newHistory(began time.Time) *history { return &history{began: began} }

// now is the time since the start.
func (h *history) now() time.Duration { return time.Since(h.began) }

// number returns a number for a new write.
func (h *history) number() version { return version(h.last.Add(1)) }

func (h *history) add(o op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

// take returns the history and begins a new one. Nothing may be under way.
func (h *history) take() []op {
	h.mu.Lock()
	defer h.mu.Unlock()
	ops := h.ops
	h.ops = nil
	return ops
}

// acks returns when writes were acknowledged, in no order.
func (h *history) acks() (at []time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.ops {
		if !o.read && o.outcome == done {
			at = append(at, o.end)
		}
	}
	return at
}
