package proxy

import (
	"context"
	"log/slog"
	"net/http"

	"proxy409/etagcache"
)

// forward sends the write, concludes, and makes the client's answer.
func (w *write) forward() (*http.Response, error) {
	w.decided()
	if w.held == nil {
		return w.sendMarked(w.req, w.x, w.mark, w.blind)
	}
	towardsBackend(w.req.Header, w.cond.Match)
	again := w.snapshot()
	res, sent, err := w.dispatch(w.req, w.x, w.held.Deadline)
	if err != nil {
		outcome := etagcache.Doubt
		if !sent {
			outcome = etagcache.Unapplied
		}
		w.conclude(etagcache.Conclusion{Outcome: outcome})
		return w.lost(err)
	}
	w.concludeAnswered(res, again)
	return res, nil
}

// decided notes the decision, now that the write is about to be sent.
func (w *write) decided() {
	switch {
	case w.objected != nil:
		w.x.decide(WouldRefuse, w.objected)
	case w.judged:
		w.x.decide(Admitted, nil)
	default:
		w.x.decide(Passed, nil)
	}
}

// lost is the answer to a write that the backend did not answer.
func (w *write) lost(err error) (*http.Response, error) {
	o := transportObjection(err)
	w.x.reason, w.x.cause = o.reason.String(), err
	if w.req.Context().Err() == nil {
		w.warn(w.req.Context(), w.x, "no answer from the backend to a write", slog.String("cause", err.Error()))
	}
	return w.refuse(w.req, o), nil
}

// concludeAnswered records what the answer says, and gives the client the tag that it may use next.
func (w *write) concludeAnswered(res *http.Response, reread *http.Request) {
	outcome := outcomeOf(res.StatusCode)
	c := etagcache.Conclusion{Outcome: outcome}
	tag, shown, ok, malformed := validatorOf(w.req, res)
	if malformed {
		w.observer.MalformedETag(w.x.route.Name)
	}
	fruitful := outcome == etagcache.Applied && success(res.StatusCode)
	if fruitful && ok && w.x.method != http.MethodDelete {
		shown.Rep = etagcache.Digest{} // the answer to a write does not say which representation it speaks of
		c.Shows, c.Shown, c.Confirmed = true, shown, w.x.route.Version.TrustWrites
	}
	if fruitful && reread != nil {
		if f := w.reread(reread); f.evidence.Kind == etagcache.ShownVersion {
			tag, ok = f.tag, true
			c.Shows, c.Shown, c.Confirmed = true, f.evidence.Shown, true
		}
	}
	view := w.conclude(c)
	if !fruitful {
		return
	}
	switch {
	case c.Shows && view.Record.Version != etagcache.Version{} && view.Noted(tag):
		res.Header["Etag"] = []string{w.handOut(tag, view, true).String()}
	case ok:
		res.Header["Etag"] = []string{w.handOut(tag, view, false).String()}
	}
}

// snapshot keeps what a re-read needs of the request, before it is sent.
func (w *write) snapshot() *http.Request {
	if !w.x.route.Version.Reread || w.x.method == http.MethodDelete {
		return nil
	}
	return w.req.Clone(context.WithoutCancel(w.req.Context()))
}

// reread reads the resource under the write's own lease. Nobody else can have written it meanwhile.
func (w *write) reread(req *http.Request) finding {
	ctx, cancel := context.WithDeadline(context.Background(), w.held.Deadline)
	defer cancel()
	f := w.ask(ctx, req, w.x, etagcache.Begun{}, req.URL)
	if f.objection != nil && f.objection.instead != nil {
		discard(f.objection.instead)
	}
	return f
}

// conclude ends the lease and wakes who waits for it.
func (w *write) conclude(c etagcache.Conclusion) etagcache.View {
	c.Primary = w.x.key
	held := w.held
	w.held = nil
	view, verdict, err := held.Conclude(context.Background(), c, w.unwritten)
	for _, wish := range w.wishes {
		w.queue.wake(wish.View.Key)
	}
	w.observer.WriteEnded()
	w.writes.Done()
	if err != nil {
		w.warn(context.Background(), w.x, "the outcome of a write is not recorded yet", slog.String("cause", err.Error()))
	}
	if err != nil || verdict != etagcache.Done {
		return etagcache.View{}
	}
	return view
}

// abandon gives the lease back, if there is one, because the write is not sent.
func (w *write) abandon() {
	if w.held != nil {
		w.conclude(etagcache.Conclusion{Outcome: etagcache.Unapplied})
	}
}

// pass forwards an unsafe request that is not judged. It takes no lease, or collections would serialise, but it moves
// the record before it is sent and again after its answer.
func (g *guard) pass(req *http.Request, x *exchange) (*http.Response, error) {
	mark, err := g.leaveMark(req.Context(), x)
	if err != nil && x.route.Mode != Observe {
		o := storeObjection(err)
		x.decide(Refused, o)
		return g.refuse(req, o), nil
	}
	x.decide(Passed, nil)
	return g.sendMarked(req, x, mark, err != nil)
}

// sendMarked sends a request that nobody judged. Its mark is closed when the answer came, and left to run out when
// none did.
func (g *guard) sendMarked(
	req *http.Request, x *exchange, mark *etagcache.Marked, blind bool,
) (*http.Response, error) {
	if blind {
		g.observer.Unguarded(x.route.Name)
		g.warn(req.Context(), x, "an unsafe request went to the backend without a note in the store")
	}
	neverReplayed(req)
	res, err := g.send(req, x)
	doubt := err != nil && !dialFailed(err) || err == nil && outcomeOf(res.StatusCode) == etagcache.Doubt
	if mark != nil && !doubt {
		if failed := mark.Close(context.WithoutCancel(req.Context())); failed != nil {
			g.unclosed(x, failed)
		}
	}
	if err != nil {
		x.reason = transportObjection(err).reason.String()
		return g.unanswered(req, x, err)
	}
	if tag, ok, bad := etagcache.ParseETag(res.Header["Etag"]); bad == nil && ok && success(res.StatusCode) {
		setETag(res, tag, g.handOut(tag, etagcache.View{}, false))
	}
	return res, nil
}

// unclosed tells that a mark stays open until it runs out.
func (g *guard) unclosed(x *exchange, err error) {
	g.observer.RecordUnwritten(x.route.Name)
	g.warn(context.Background(), x, "the answer to an unjudged request could not be noted; its mark runs out by itself",
		slog.String("cause", err.Error()))
}
