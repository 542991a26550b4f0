package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// write is one unsafe request on its way through the phases of the protocol. Each phase is a method; the first that
// objects ends the write, unless the route forgives that, and then the write goes on unjudged.
type write struct {
	*guard
	x   *exchange
	req *http.Request

	cond   etagcache.Condition
	judged bool // a precondition was sent, and it is held against the record
	wishes []etagcache.Wish
	shown  shown     // what the backend showed this caller, if it was asked
	until  time.Time // when the present phase must be over
	held   *etagcache.Held
	marks  []*etagcache.Marked // what is left instead of a lease
	marked []etagcache.Key     // where marks are left, or ought to be
	late   *lateMark           // which leaves the marks; nil: they have been left
	// objected is the first objection that was forgiven, and would be refused by a route that enforces.
	objected *objection
	forgave  *objection // what a route that enforces has let pass, and is worth a line in the log
	streamed bool       // the body is too large to be held, so the write may not hold a lease either
	blind    bool       // the store does not answer, and the route lets writes through all the same
	// mayKnow: the backend was asked whether this caller may know of another write, at the resource and at the destination.
	mayKnow struct{ here, there bool }
	// pardoned: there was something to object to, and the write goes on.
	pardoned bool

	ruled
	remembered
	merged
}

var errLeftBefore = errors.New("the client went away before the write was sent")

// phase is one step. It is done within the client's context, and what it asks the backend before [write.until].
type phase func(context.Context) *objection

// write judges a request and forwards it if it may be.
func (g *guard) write(req *http.Request, x *exchange) (*http.Response, error) {
	w := &write{guard: g, x: x, req: req}
	return w.through(w.identify, w.precondition, w.refuseEarly, w.buffer, w.expectInBody, w.plan, w.remember, w.claim, w.check, w.decide, w.mark)
}

// pass forwards an unsafe request that is not judged. It takes no lease, or collections would serialise, and its body is
// not held; but it moves the record before it is sent and again after its answer.
func (g *guard) pass(req *http.Request, x *exchange) (*http.Response, error) {
	w := &write{guard: g, x: x, req: req}
	return w.through(w.identify, w.mark)
}

// through runs the phases before the write is sent, and then sends it.
func (w *write) through(phases ...phase) (*http.Response, error) {
	defer w.abandon()
	for _, p := range phases {
		w.limit()
		o := p(w.req.Context())
		if o == nil {
			continue
		}
		if err := w.req.Context().Err(); err != nil && o.reason != refusal.Slow { // net/http takes a late client for one that is gone
			o.close()
			return nil, fmt.Errorf("%w: %w", errLeftBefore, err)
		}
		if !w.forgiven(o) {
			return w.refused(o), nil
		}
	}
	w.decided()
	if w.brought > 0 {
		w.req.Header["If-Match"] = []string{w.onTop.String()}
	}
	w.x.towardsBackend(w.req.Header)
	if w.held == nil {
		return w.forwardMarked()
	}
	return w.forward()
}

// limit sets the time for the next phase. Each has timeouts.write to itself: however long the upload takes, what comes
// after it is not late. Once the lease is held, its deadline is theirs.
func (w *write) limit() {
	if w.held != nil {
		w.until = w.held.Deadline
		return
	}
	w.until = time.Now().Add(w.x.route.term.Work)
}

// forgiven reports whether the write goes on in spite of the objection, unjudged from now on.
func (w *write) forgiven(o *objection) bool {
	r := w.x.route
	missing := o.reason == refusal.Missing && o.instead == nil
	blind := o.reason == refusal.Store && o.instead == nil && // an answer that does not serve is one all the same
		!errors.Is(o.cause, etagcache.ErrUnreadable) && !errors.Is(o.cause, etagcache.ErrLeaseSpent) && !errors.Is(o.cause, etagcache.ErrUnlike)
	switch {
	case o.final:
		return false
	case r.Mode == Observe, missing && r.Missing == MissingObserve:
		if w.objected == nil && o.as != Replayed { // which is no refusal
			w.objected = o
		}
	case missing && r.Missing == MissingAllow:
	case blind && r.AllowBlind && w.owe(0):
		w.forgave = o
	default:
		return false
	}
	o.close()
	w.pardoned = true
	w.judged, w.cond = false, etagcache.Condition{}
	w.streamed, w.blind = w.streamed || o.reason == refusal.TooLarge || o.reason == refusal.Overloaded, w.blind || blind
	return true
}

// refused is the answer for an objection.
func (w *write) refused(o *objection) *http.Response {
	decision := Refused
	switch {
	case o.as != "":
		decision = o.as
	case o.instead != nil:
		decision = PassedThrough
	}
	if o.reason == refusal.Stale {
		o.expected = w.expected
	}
	w.x.decide(decision, o)
	return w.x.route.refusals.answer(w.req, o)
}

// decided notes the decision, now that the write is about to be sent.
func (w *write) decided() {
	switch {
	case w.objected != nil:
		w.x.decide(WouldRefuse, w.objected)
	case w.brought > 0:
		w.x.decide(Merged, nil)
	case w.judged:
		w.x.decide(Admitted, nil)
	default:
		w.x.decide(Passed, w.forgave)
	}
}

// abandon gives the lease back, if it is still held: the write is not sent.
func (w *write) abandon() {
	if w.held != nil {
		w.conclude(etagcache.Conclusion{Outcome: etagcache.Unapplied, Forgotten: w.forgotten})
	}
}
