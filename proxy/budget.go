package proxy

import (
	"container/list"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errNoRoom says that the process holds as much as it may.
var errNoRoom = errors.New("limits.held is used up")

// budget is what the whole process may hold in memory of the bodies of requests and of the content of answers. The two are kept
// apart: how long an answer is held is up to how fast its client reads, and how long a body, to how fast its client sends; but
// clients that read slowly do not stop writes, and those that send slowly do not stop reads from having versions.
type budget struct {
	writes  pool // the bodies of requests, and what probes for them bring
	answers pool // the content of answers that clients get
}

func newBudget(limit int64, o Observer) *budget {
	forAnswers := limit / 4
	return &budget{
		writes:  pool{limit: limit - forAnswers, observer: o, patience: patienceWithClients},
		answers: pool{limit: forAnswers, shared: true, observer: o, patience: patienceWithClients},
	}
}

// patienceWithClients is how long a client may take over what is held for it, where others have no room.
const patienceWithClients = 10 * time.Second

// pool is a part of the budget. A nil one has no limit and counts nothing.
//
// What is held for a client that takes its time, whether it sends or reads, is held for as long as nobody needs the room. Then the
// client that takes the longest is given up, unless it has had less time than patience; otherwise a few that
// do next to nothing could keep all others out.
type pool struct {
	limit    int64 // in bytes; 0: none
	shared   bool  // nobody may take more than a quarter of what is left, so that there is always room for little ones
	patience time.Duration
	held     atomic.Int64
	observer Observer

	mu      sync.Mutex
	waiting list.List // of the *holding that wait for their clients, in the order in which they began to
}

// take adds n bytes to what is held by a holding, unless that is too much and nobody can be given up for it.
func (p *pool) take(n int64, by *holding) bool {
	if p == nil {
		return true
	}
	for {
		held := p.held.Load()
		left := p.limit - held
		if p.shared {
			left /= 4
		}
		switch {
		case p.limit > 0 && n > left:
			if !p.possible(n) || !p.giveUpLongest(by) {
				return false
			}
		case p.held.CompareAndSwap(held, held+n):
			p.observer.Held(n)
			return true
		}
	}
}

// possible reports whether there would be room for n bytes if nothing were held.
func (p *pool) possible(n int64) bool {
	if p.shared {
		return n <= p.limit/4
	}
	return n <= p.limit
}

func (p *pool) give(n int64) {
	if p != nil && n > 0 {
		p.held.Add(-n)
		p.observer.Held(-n)
	}
}

// giveUpLongest gives up the holding that waits for its client the longest. It returns false if there is none, or all have begun
// a moment ago, or it is the one that asks.
func (p *pool) giveUpLongest(by *holding) bool {
	p.mu.Lock()
	longest := p.waiting.Front()
	if longest == nil || longest.Value == by || time.Since(longest.Value.(*holding).since) < p.patience {
		p.mu.Unlock()
		return false
	}
	h := p.waiting.Remove(longest).(*holding)
	h.place = nil
	p.mu.Unlock()
	h.giveUp()
	return true // there may be no more room than before, but there is one less that waits
}

// join puts a holding at the end of those that wait for their clients.
func (p *pool) join(h *holding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.since = time.Now()
	h.place = p.waiting.PushBack(h)
}

// leave takes a holding out of those that wait for their clients, if it is among them.
func (p *pool) leave(h *holding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.place != nil {
		p.waiting.Remove(h.place)
		h.place = nil
	}
}

// forWrites is a new holding for the body of a request, or what a probe brings.
func (b *budget) forWrites() *holding {
	if b == nil {
		return &holding{}
	}
	return &holding{of: &b.writes}
}

// forAnswers is a new holding for the content of an answer.
func (b *budget) forAnswers() *holding {
	if b == nil {
		return &holding{}
	}
	return &holding{of: &b.answers}
}
