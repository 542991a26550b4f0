package proxy_test

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// while lets a write be at the backend for so long, through replica 2, and does something meanwhile.
func (w *world) while(c *caller, path string, long time.Duration, do func(s sight)) {
	s := c.mustRead(2, path)
	w.origin.hold(long)
	writer := w.visitor()
	defer writer.leave()
	var write sync.WaitGroup
	write.Go(func() {
		a := attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}}
		_, _, _ = writer.write(context.Background(), 2, a)
	})
	time.Sleep(time.Second)
	w.origin.hold(0)
	do(s)
	write.Wait()
}

// mustWait checks that a write is refused for the time being, from whatever version it was made.
func (c *caller) mustWait(index int, path string, s sight, why string) {
	a := attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}}
	if _, g, err := c.write(context.Background(), index, a); err != nil || g.refused != why {
		c.w.judge.fail(path, "a write that had to wait (%s) was answered with %v, %v", why, g, err)
	}
}

// deathKeepsClosed checks that a resource stays closed while the write of a replica that died may be applied yet: for what
// is left of the lease, and the settle time after it.
func (w *world) deathKeepsClosed(c *caller, path string) {
	time.Sleep(1100 * time.Millisecond)
	w.while(c, path, 50*time.Second, func(s sight) {
		time.Sleep(24 * time.Second)
		w.replica(2).kill()
		w.setReplica(2, newReplica(w, 2, 2000+c.count))
		time.Sleep(15 * time.Second) // the lease is over, the settle time is not
		c.mustWait(0, path, s, "busy")
	})
	time.Sleep(closedFor)
	c.mustWrite(2, path)
}

// emptinessKeepsClosed checks that a store that has lost its memory admits nothing while a write may be under way that it
// has forgotten.
func (w *world) emptinessKeepsClosed(c *caller, path string) {
	time.Sleep(1100 * time.Millisecond)
	w.while(c, path, 20*time.Second, func(s sight) {
		w.store.empty()
		time.Sleep(5 * time.Second)
		c.mustWait(0, path, s, "grace")
	})
	delete(c.last, path) // a bare tag that is older than its record
	time.Sleep(graceOf)
}
