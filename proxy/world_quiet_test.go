package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// quiet checks that a world which was left alone for a while is as good as new.
func (w *world) quiet() {
	c := w.visitor()
	defer c.leave()
	for r := range w.law.resources {
		path := w.path(r)
		for i := range w.replicas {
			c.mustWrite(i, path)
		}
		c.staleIsRefused(path)
		w.lateReadAdmitsNothing(c, path)
		w.slowUploadDelaysNobody(c, path)
		w.hangUpLosesNothing(c, path)
		w.closedWhileBlind(c, path)
		c.mustWrite(0, path)
		w.removedOnce(c, path)
		c.mustWrite(2, path)
		w.deathKeepsClosed(c, path)
		w.emptinessKeepsClosed(c, path)
		c.mustWrite(2, path)
	}
}

// visitor is a caller with a name that no other one has.
func (w *world) visitor() *caller {
	w.visitors++
	return newCaller(w, fmt.Sprintf("q%02d", w.visitors))
}

// mustRead reads a resource that nobody writes.
func (c *caller) mustRead(index int, path string) sight {
	s, g, err := c.read(context.Background(), index, path)
	if err != nil {
		c.w.judge.fail(path, "in quiet a read was answered with %v, %v", g, err)
	}
	return s
}

// mustWrite checks that a resource can be written through a replica by whoever has just read it: nothing keeps it closed,
// and nothing is refused that nobody else has written. The tag stands on the second line of If-Match, or in the second
// place of the first.
func (c *caller) mustWrite(index int, path string) {
	time.Sleep(1100 * time.Millisecond) // a local copy lives for a second
	s := c.mustRead(index, path)
	a := attempt{method: http.MethodPut, path: path, from: s}
	if s.text != "" {
		a.match = pick(c.random, []string{`"bogus"`, s.tag}, []string{`"bogus", ` + s.tag}, []string{s.tag})
	}
	if _, g, err := c.write(context.Background(), index, a); err != nil || g.status != http.StatusOK {
		c.w.judge.fail(path, "in quiet a write was answered with %v, %v", g, err)
	}
}
