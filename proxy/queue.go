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
	limit int
	mu    sync.Mutex
	lines map[etagcache.Key]*line
}

type line struct {
	waiting int
	ended   chan struct{} // closed when a write at the key ends
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, lines: make(map[etagcache.Key]*line)}
}

// enter joins the line; ok is false when it is full. Every enter that succeeds is followed by a leave.
func (q *queue) enter(key etagcache.Key) (ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l == nil {
		l = &line{ended: make(chan struct{})}
		q.lines[key] = l
	}
	if l.waiting >= q.limit {
		return false
	}
	l.waiting++
	return true
}

func (q *queue) leave(key etagcache.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l.waiting--; l.waiting == 0 {
		delete(q.lines, key)
	}
}

// ended is to be called when a write at the key has ended.
func (q *queue) wake(key etagcache.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[key]; l != nil {
		close(l.ended)
		l.ended = make(chan struct{})
	}
}

func (q *queue) signal(key etagcache.Key) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lines[key].ended
}

// The intervals at which a write that waits for another replica looks again.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 100 * time.Millisecond
)

// pause waits for the end of a write at the key, or for the interval of the given attempt.
func (q *queue) pause(ctx context.Context, ended <-chan struct{}, attempt int) {
	d := min(lastLook, firstLook<<min(attempt, 8))
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	case <-ctx.Done():
	}
}
