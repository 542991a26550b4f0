package proxy

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"

	"proxy409/etagcache"
)

// lateMark is the body of a request that holds no lease and is streamed. It leaves the marks when the body has come to its end, and
// before the backend has the end: until then there is no whole request that could be applied, and a client that takes its
// time, or never comes to an end, would otherwise keep everybody's writes to the resource out.
type lateMark struct {
	io.ReadCloser
	w    *write
	left int64 // how many bytes are to come; negative: nobody knows

	begun atomic.Bool // a part of the body was passed on

	turn     turn // whose it is may ask the store meanwhile
	ended    bool // the backend may have the end
	marked   bool
	keeping  func()     // ends the keeping of the marks
	answered bool       // the backend did not wait for the end
	refused  bool       // and applied nothing, so that it need not get it
	why      *objection // why the marks could not be left
}

var errUnfinished = errors.New("the body is not sent to its end")

// Read holds the end of the body back, which is its last byte where the length is known, until the marks are left.
func (l *lateMark) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	if ends := errors.Is(err, io.EOF) || n > 0 && l.left == 0; ends && !l.end() {
		return 0, errUnfinished
	}
	if n > 0 {
		l.begun.Store(true)
	}
	return n, err
}

// end leaves the marks, and reports whether the backend may have the end of the body.
func (l *lateMark) end() bool {
	l.turn.take()
	defer l.turn.pass()
	switch {
	case l.ended: // the transport reads on, to see that no more comes
		return true
	case l.refused || !l.leave():
		return false
	case !l.answered: // else it may be applied now, whatever the answer was
		l.keeping = l.w.keepMarked()
	}
	l.ended = true
	return true
}

// leave leaves the marks, or notes why they could not be left.
func (l *lateMark) leave() bool {
	w := l.w
	if l.answered { // and perhaps done with
		again := *l.w
		again.marks, again.wishes, w = nil, slices.Clone(l.w.wishes), &again
	}
	for i := range w.wishes {
		w.wishes[i].View = etagcache.View{Key: w.wishes[i].View.Key} // the one that there is may be old
	}
	if o := w.markNow(context.WithoutCancel(w.req.Context())); o != nil && !w.forgiven(o) {
		l.why = o
		return false
	}
	w.tellUnnoted()
	if l.answered {
		w.leaveMarks()
	}
	l.marked = true
	return true
}

// concluded ends the keeping of the marks, now that the backend has answered, or will not. Unapplied: it certainly applied nothing. It
// reports whether there are marks that it is up to its caller to close, or what is the matter if the request was broken off for want of them.
func (l *lateMark) concluded(unapplied bool) (marked bool, why *objection) {
	l.turn.take()
	defer l.turn.pass()
	l.answered = true
	switch {
	case l.marked:
		l.keeping()
		return true, nil
	case unapplied:
		l.refused = true
	case l.why == nil && l.leave(): // half a request may do something, too
	case l.begun.Load():
		l.w.owe(l.w.x.route.term.Settle)
	}
	return false, l.why
}

// turn is a lock that is held while the store is asked. It is a channel, because a wait for a sync.Mutex stops the time of
// testing/synctest, and with it the store that is waited for.
type turn chan struct{}

func newTurn() turn  { return make(turn, 1) }
func (t turn) take() { t <- struct{}{} }
func (t turn) pass() { <-t }
