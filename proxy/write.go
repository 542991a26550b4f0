package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// write is one guarded write on its way through the phases of the protocol, in this order: precondition, refuse early,
// buffer, claim, check, forward, conclude, answer. Each phase is a method; the first that objects ends the write, unless
// the route only observes.
type write struct {
	*guard
	x   *exchange
	req *http.Request

	cond   etagcache.Condition
	judged bool // a precondition was sent, and it is held against the record
	wishes []etagcache.Wish
	tag    etagcache.Tag // what the backend showed this caller, if it was asked
	held   *etagcache.Held
	mark   *etagcache.Marked
	// objected is what was, or in mode observe would have been, refused.
	objected *objection
	blind    bool // the store does not know of this write
	streamed bool // the body is too large to be held, so the write may not hold a lease either
}

// write judges a request and forwards it if it may be.
func (g *guard) write(req *http.Request, x *exchange) (*http.Response, error) {
	w := &write{guard: g, x: x, req: req}
	for _, phase := range []func(context.Context) *objection{
		w.identify, w.precondition, w.refuseEarly, w.buffer, w.claim, w.check,
	} {
		o := w.run(phase)
		if o == nil {
			continue
		}
		if err := req.Context().Err(); err != nil {
			w.abandon()
			return nil, fmt.Errorf("the client went away before the write was sent: %w", err)
		}
		if !w.forgiven(o) {
			w.abandon()
			return w.refused(o), nil
		}
	}
	return w.forward()
}

// run runs one phase. Each has timeouts.write to itself: however long the upload takes, what comes after it is not late.
func (w *write) run(phase func(context.Context) *objection) *objection {
	ctx, cancel := context.WithTimeout(w.req.Context(), w.term.Work)
	defer cancel()
	return phase(ctx)
}

// refused is the answer for an objection.
func (w *write) refused(o *objection) *http.Response {
	decision := Refused
	if o.instead != nil {
		decision = PassedThrough
	}
	w.x.decide(decision, o)
	return w.refuse(w.req, o)
}

// forgiven reports whether the write goes on in spite of the objection, unjudged from now on.
func (w *write) forgiven(o *objection) bool {
	r := w.x.route
	missing := o.reason == refusal.Missing && o.instead == nil
	switch {
	case o.final:
		return false
	case r.Mode == Observe, missing && r.Missing == MissingObserve:
		if w.objected == nil {
			w.objected = o
		}
	case missing && r.Missing == MissingAllow:
	default:
		return false
	}
	if o.instead != nil {
		discard(o.instead)
	}
	w.judged, w.cond = false, etagcache.Condition{}
	w.streamed = w.streamed || o.reason == refusal.TooLarge
	return true
}

// identify names the keys that the write concerns: its resource's, and for MOVE and COPY their destination's.
func (w *write) identify(context.Context) *objection {
	w.wishes = []etagcache.Wish{{View: etagcache.View{Key: w.x.key}}}
	if w.x.objection != nil {
		return w.x.objection
	}
	if w.x.method != "MOVE" && w.x.method != "COPY" {
		return nil
	}
	key, err := w.destination()
	if err != nil {
		return &objection{reason: refusal.Malformed, detail: "The Destination cannot be guarded: " + err.Error() + "."}
	}
	if key != w.x.key {
		w.wishes = append(w.wishes, etagcache.Wish{View: etagcache.View{Key: key}})
	}
	return nil
}

// destination is the key of the resource that Destination names (RFC 4918 section 10.3).
func (w *write) destination() (etagcache.Key, error) {
	lines := w.req.Header["Destination"]
	if len(lines) != 1 {
		return etagcache.Key{}, fmt.Errorf("%s needs one Destination, not %d", w.x.method, len(lines))
	}
	u, err := url.Parse(lines[0])
	if err != nil {
		return etagcache.Key{}, errors.New("it is not a URL")
	}
	path, err := target.Canonical(u.EscapedPath())
	if err != nil {
		return etagcache.Key{}, err
	}
	return target.Key(w.origin(), w.x.route.host, path), nil
}

// precondition reads If-Match and If-None-Match.
func (w *write) precondition(context.Context) *objection {
	h := w.req.Header
	match, err := etagcache.ParseTagList(h["If-Match"], w.limits.Tags)
	if err != nil {
		return &objection{reason: refusal.Malformed, detail: "If-Match: " + err.Error() + "."}
	}
	none, err := etagcache.ParseTagList(h["If-None-Match"], w.limits.Tags)
	if err != nil {
		return &objection{reason: refusal.Malformed, detail: "If-None-Match: " + err.Error() + "."}
	}
	switch {
	case none.Field && !none.Any:
		return &objection{
			reason: refusal.Malformed,
			detail: "If-None-Match on a write takes only *, for a write that creates; to say which version you edited, send If-Match.",
		}
	case none.Any && match.Field:
		return &objection{
			reason: refusal.Malformed,
			detail: "If-Match and If-None-Match: * contradict each other: one needs the resource to exist, the other needs it not to.",
		}
	case none.Any:
		w.cond.Absent, w.judged = true, true
	case match.Field && !match.Any:
		w.cond.Match, w.cond.Strong, w.judged = match, w.x.route.Version.Strong, true
	default:
		return &objection{reason: refusal.Missing}
	}
	w.wishes[0].Condition = w.cond
	return nil
}

// refuseEarly refuses what the store already knows to be refused before the body is read, also when the client waits for
// 100 Continue. A local copy is good enough to go on with, but refuses nothing.
func (w *write) refuseEarly(ctx context.Context) *objection {
	if !w.judged {
		return nil
	}
	primary := &w.wishes[0]
	view, err := w.cache.Look(ctx, primary.View.Key)
	if err != nil {
		return storeObjection(err)
	}
	if view.Local && w.cache.Judge(view, w.cond, primary.Evidence) != etagcache.Admit {
		if view, err = w.cache.Fetch(ctx, primary.View.Key); err != nil {
			return storeObjection(err)
		}
	}
	primary.View = view
	for {
		verdict := w.cache.Judge(primary.View, w.cond, primary.Evidence)
		if verdict == etagcache.Admit || verdict == etagcache.Busy {
			return nil // what is busy now may be over when the body has come
		}
		if o := w.answerTo(ctx, verdict, primary); o != nil {
			return o
		}
	}
}

// buffer reads the body.
func (w *write) buffer(context.Context) *objection {
	err := buffer(w.req, w.limits.Body)
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &objection{
			reason: refusal.TooLarge,
			detail: fmt.Sprintf("The body is over the limit of %d bytes.", w.limits.Body),
		}
	case err != nil:
		return &objection{reason: refusal.Malformed, detail: "The body could not be read to its end.", cause: err, final: true}
	}
	return nil
}

// check asks the backend once more, under the lease, where the route says that it has other writers.
func (w *write) check(ctx context.Context) *objection {
	if w.held == nil || !w.judged || !w.x.route.VerifyAlways {
		return nil
	}
	f := w.probe(ctx, w.req, w.x, etagcache.Begun{})
	if f.objection != nil {
		return f.objection
	}
	verdict := w.held.Verify(w.x.key, w.cond, f.evidence)
	if verdict == etagcache.Admit {
		return nil
	}
	w.tag = f.tag
	if w.x.route.Mode == Observe {
		return w.verdictObjection(verdict, etagcache.View{}, false)
	}
	if verdict != etagcache.Stale && verdict != etagcache.Absent {
		return w.verdictObjection(verdict, etagcache.View{}, false)
	}
	// Somebody wrote past the fleet. What the probe showed is the resource's next version.
	w.drift(w.x, true)
	shows := f.evidence.Kind == etagcache.ShownVersion
	view := w.conclude(etagcache.Conclusion{
		Outcome: etagcache.Applied, Shows: shows, Shown: f.evidence.Shown, Confirmed: true,
	})
	return w.verdictObjection(verdict, view, shows && view.Noted(f.tag))
}

// unwritten tells that what became of the write is not on record, and will not be.
func (w *write) unwritten(err error) {
	w.observer.RecordUnwritten(w.x.route.Name)
	w.warn(context.Background(), w.x, "the outcome of a write could not be recorded; the resource stays closed until its lease has run out",
		slog.String("cause", err.Error()))
}
