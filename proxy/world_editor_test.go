package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// edit is what a caller does all the time: it reads something, thinks, and writes what it made of it.
func (c *caller) edit(ctx context.Context) {
	c.cycle++
	c.random = c.w.draw(fmt.Sprint(c.name, " cycle ", c.cycle))
	c.think(4000)
	index, path := c.random.IntN(len(c.w.replicas)), c.w.path(c.random.IntN(c.w.law.resources))
	s, known := c.last[path]
	if !known || c.random.IntN(5) > 0 { // else it goes by the tag that came last, perhaps with the answer to a write
		var err error
		if s, _, err = c.read(ctx, index, path); err != nil {
			return
		}
	}
	c.think(400)
	if c.random.IntN(8) == 0 {
		s = c.first[path] // a tab that was left open
	}
	a := c.choose(path, s)
	if c.random.IntN(6) == 0 {
		index = c.random.IntN(len(c.w.replicas))
	}
	text, g, err := c.write(ctx, index, a)
	if tag := g.header.Get("ETag"); err == nil && g.status == http.StatusOK && tag != "" && a.method != http.MethodDelete {
		c.last[path] = sight{tag: tag, text: text}
	} else {
		delete(c.last, path)
	}
}

// think takes up to so many milliseconds.
func (c *caller) think(most int) { time.Sleep(time.Duration(c.random.IntN(most)) * time.Millisecond) }

// choose decides how to write.
func (c *caller) choose(path string, s sight) attempt {
	a := attempt{method: http.MethodPut, path: path, from: s}
	if s.tag != "" {
		a.match = []string{s.tag}
	} else {
		a.from.text = "" // it can only create
	}
	switch c.random.IntN(20) {
	case 0:
		a.unjudged, a.method, a.match = true, http.MethodPost, nil
		c.w.fault("client: a POST that nobody judges")
	case 1, 2:
		if len(a.match) > 0 {
			a.method, a.key = http.MethodDelete, c.random.IntN(3) > 0
		}
	case 3:
		a.form = true
	case 4, 5:
		if len(a.match) > 0 {
			a.match = []string{`"bogus"`, s.tag}
		}
	case 6:
		a.from.text, a.match = "", nil
	}
	if c.w.troubled() && !a.unjudged && a.method != http.MethodDelete {
		c.misbehave(&a)
	}
	return a
}

// misbehave hangs up, or takes its time.
func (c *caller) misbehave(a *attempt) {
	after := time.Duration(c.random.IntN(60)) * time.Millisecond
	switch c.random.IntN(16) {
	case 0:
		c.w.fault("client: hangs up before its body is complete")
		a.never = "its client hung up before the body was complete"
		a.body = func(s string) *body { return &body{rest: s[:len(s)/2], stuck: make(chan struct{}), after: after} }
	case 1:
		c.w.fault("client: hangs up after its body")
		a.body = func(s string) *body { return &body{rest: s, read: make(chan struct{}), after: after} }
	case 2:
		c.w.fault("client: one byte a second")
		a.body = func(s string) *body { return &body{rest: s, pace: time.Second} }
	}
}

// body is a request's body that comes as badly as it can.
type body struct {
	rest  string
	pace  time.Duration // for each byte; 0: all at once
	stuck chan struct{} // instead of an end, it waits for this
	read  chan struct{} // closed at the end
	after time.Duration // until its client hangs up
}

func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.rest == "" && b.stuck != nil:
		<-b.stuck
		return 0, io.ErrUnexpectedEOF
	case b.rest == "":
		if b.read != nil {
			close(b.read)
			b.read = nil
		}
		return 0, io.EOF
	case b.pace > 0:
		time.Sleep(b.pace)
		p = p[:1]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// hangUp ends the request some time after the body's end was read, or where it gets stuck, after its beginning.
func (b *body) hangUp(ctx context.Context, hangUp func()) {
	switch {
	case b.stuck != nil:
		time.AfterFunc(b.after, func() { hangUp(); close(b.stuck) })
	case b.read != nil:
		read := b.read
		go func() {
			select {
			case <-read:
				time.Sleep(b.after)
				hangUp()
			case <-ctx.Done():
			}
		}()
	}
}
