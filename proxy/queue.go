package proxy

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"proxy409/etagcache"
)

// queue holds the writes of this process that wait for another write at their resource. Those that wait for a write of
// this process are woken when it ends; for another replica's write they look again at short, growing, random intervals.
type queue struct {
	mu    sync.Mutex
	lines map[etagcache.Key]*line
}

type line struct {
	waiting int
	ended   chan struct{} // closed when a write at the key ends
}

func newQueue() *queue { return &queue{lines: make(map[etagcache.Key]*line)} }

// enter joins the line at the key, or finds that limit wait there already.
func (q *queue) enter(key etagcache.Key, limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l == nil {
		l = &line{ended: make(chan struct{})}
	}
	if l.waiting >= limit {
		return false
	}
	l.waiting++
	q.lines[key] = l
	return true
}

// leave undoes an enter.
func (q *queue) leave(key etagcache.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l.waiting--; l.waiting == 0 {
		delete(q.lines, key)
	}
}

// wake wakes the writes that wait at the key, because one there has ended.
func (q *queue) wake(key etagcache.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[key]; l != nil {
		close(l.ended)
		l.ended = make(chan struct{})
	}
}

// ended is closed when the next write at the key ends. The caller must be in its line.
func (q *queue) ended(key etagcache.Key) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lines[key].ended
}

// The intervals at which a write that waits for another replica looks again.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 100 * time.Millisecond
)

// place is one write's place in a line. It is in at most one line at a time, and must be left.
type place struct {
	queue   *queue
	limit   int       // of a line's length
	until   time.Time // when the write's patience ends
	key     etagcache.Key
	entered bool
	looks   int
}

// pause waits for the end of a write at the key, or until it is time to look again. It returns false at once when
// patience is at its end, or the line is full.
func (p *place) pause(ctx context.Context, key etagcache.Key) bool {
	left := time.Until(p.until)
	if left <= 0 {
		return false
	}
	if p.key != key {
		p.leave()
	}
	if !p.entered {
		p.key, p.entered = key, p.queue.enter(key, p.limit)
	}
	if !p.entered {
		return false
	}
	d := min(lastLook, firstLook<<min(p.looks, 8))
	p.looks++
	timer := time.NewTimer(min(left, d/2+rand.N(d)))
	defer timer.Stop()
	select {
	case <-p.queue.ended(key):
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

func (p *place) leave() {
	if p.entered {
		p.queue.leave(p.key)
		p.entered = false
	}
}
