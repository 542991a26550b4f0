package proxy_test

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// staleIsRefused checks that a tag is no good any more when somebody has written, however often its backend shows it again.
func (c *caller) staleIsRefused(path string) {
	for i := range 4 {
		old := c.mustRead(i%len(c.w.replicas), path)
		c.mustWrite(0, path)
		c.mustFail(i%len(c.w.replicas), path, old) // while the record is unknown
		c.mustRead(1, path)
		c.mustFail(2, path, old)
	}
	old := c.mustRead(0, path)
	c.w.origin.spoilNext("500")
	a := attempt{method: http.MethodPut, path: path, from: old, match: []string{old.tag}}
	if _, g, err := c.write(context.Background(), 0, a); err != nil || g.status != http.StatusInternalServerError {
		c.w.judge.fail(path, "a write that the backend had answered with 500 was answered with %v, %v", g, err)
	}
	c.mustFail(1, path, old) // it was applied all the same
}

// mustFail checks that a write from what is not there any more is refused.
func (c *caller) mustFail(index int, path string, old sight) {
	a := attempt{method: http.MethodPut, path: path, from: old, match: []string{old.tag}}
	if _, g, err := c.write(context.Background(), index, a); err != nil || g.status != http.StatusConflict {
		c.w.judge.fail(path, "in quiet a write from what was there before was answered with %v, %v", g, err)
	}
}

// lateReadAdmitsNothing checks that a read whose answer was computed before a write, and comes after it, gives its client
// nothing to write with.
func (w *world) lateReadAdmitsNothing(c *caller, path string) {
	late := w.visitor()
	defer late.leave()
	for _, seen := range []bool{false, true} { // whether the record knows the new version when the old answer comes
		c.mustWrite(0, path) // so that the late read begins under a record that has something to learn
		var read sync.WaitGroup
		var got sight
		w.origin.holdReads(5 * time.Second)
		read.Go(func() { got = late.mustRead(0, path) })
		time.Sleep(time.Second)
		w.origin.holdReads(0)
		s := c.mustRead(1, path)
		a := attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}}
		if _, g, err := c.write(context.Background(), 1, a); err != nil || g.status != http.StatusOK {
			w.judge.fail(path, "in quiet a write was answered with %v, %v", g, err)
		}
		if seen {
			c.mustRead(1, path)
		}
		read.Wait()
		if got.text == s.text { // else it was asked for again
			late.mustFail(2, path, got)
		}
	}
}

// slowUploadDelaysNobody checks that a write which is being uploaded at one byte a second holds up no other one, and is
// refused in its turn, because the other one has written.
func (w *world) slowUploadDelaysNobody(c *caller, path string) {
	time.Sleep(1100 * time.Millisecond)
	slow := w.visitor()
	defer slow.leave()
	s := slow.mustRead(0, path)
	var upload sync.WaitGroup
	upload.Go(func() {
		_, g, err := slow.write(context.Background(), 0, attempt{
			method: http.MethodPut, path: path, from: s, match: []string{s.tag},
			body: func(content string) *body { return &body{rest: content, pace: time.Second} },
		})
		if err != nil || g.refused != "stale" {
			w.judge.fail(path, "a slow upload from a version that is gone was answered with %v, %v", g, err)
		}
	})
	time.Sleep(2 * time.Second)
	began := time.Now()
	c.mustWrite(1, path)
	if took := time.Since(began) - 1100*time.Millisecond; took > 10*time.Second {
		w.judge.fail(path, "a slow upload has held another write up for %v", took)
	}
	upload.Wait()
}

// closedWhileBlind checks that without the store every guarded write is refused within a second, and to be sent again, and
// that reads go on.
func (w *world) closedWhileBlind(c *caller, path string) {
	const outage = 20 * time.Second
	s := c.mustRead(0, path)
	w.store.goAway(outage, c.random.IntN(2) == 0)
	over := time.Now().Add(outage)
	for i := range w.replicas {
		for _, again := range []bool{false, true} {
			began := time.Now()
			a := attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}}
			if again {
				a.method, a.unjudged, a.match = http.MethodPost, true, nil
			}
			_, g, err := c.write(context.Background(), i, a)
			if err != nil || g.status != http.StatusServiceUnavailable || g.refused != "store" {
				w.judge.fail(path, "without the store a %s was answered with %v, %v", a.method, g, err)
			}
			if took := time.Since(began); took > time.Second+4*w.law.slow {
				w.judge.fail(path, "without the store a %s was refused only after %v", a.method, took)
			}
		}
		if got := c.mustRead(i, path); got.text != s.text {
			w.judge.fail(path, "without the store a read showed %q", got.text)
		}
	}
	time.Sleep(time.Until(over) + time.Second) // reads leave a store alone for a second that did not answer
}

// hangUpLosesNothing checks that a write whose client goes away while it is at the backend is finished and recorded, over
// both versions of HTTP: the next one need not wait for a settle time.
func (w *world) hangUpLosesNothing(c *caller, path string) {
	w.origin.hold(time.Second)
	defer w.origin.hold(0)
	for _, version := range []int{1, 2} {
		time.Sleep(1100 * time.Millisecond)
		s := c.mustRead(0, path)
		a := attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}, over: version}
		a.body = func(content string) *body {
			return &body{rest: content, read: make(chan struct{}), after: 500*time.Millisecond + 2*w.law.slow}
		}
		text, g, err := c.write(context.Background(), 0, a)
		if err == nil {
			w.judge.fail(path, "a client that hung up was answered with %v", g)
		}
		time.Sleep(5 * time.Second) // the backend takes its time
		if now := c.mustRead(1, path); now.text != text {
			w.judge.fail(path, "the client of %q hung up, and the text is %q", text, now.text)
		}
	}
	c.mustWrite(1, path)
}

// removedOnce checks that a DELETE that asks to be sent again, whose connection is reset, is not; and that its resource is
// closed for the settle time and no longer.
func (w *world) removedOnce(c *caller, path string) {
	time.Sleep(1100 * time.Millisecond)
	s := c.mustRead(1, path)
	w.origin.spoilNext("reset")
	a := attempt{method: http.MethodDelete, path: path, from: s, match: []string{s.tag}, key: true}
	_, g, err := c.write(context.Background(), 1, a)
	if err != nil || g.refused != "backend" {
		w.judge.fail(path, "a DELETE whose connection was reset was answered with %v, %v", g, err)
	}
	create := attempt{method: http.MethodPut, path: path}
	time.Sleep(shippedTimeouts.Settle - time.Second)
	if _, g, err = c.write(context.Background(), 2, create); err != nil || g.refused != "busy" {
		w.judge.fail(path, "within the settle time a write was answered with %v, %v", g, err)
	}
	time.Sleep(2*time.Second + time.Second)
}
