package proxy

import (
	"context"
	"log/slog"
	"net/http"

	"proxy409/etagcache"
)

// concludeAnswered records what the answer says, and gives the client the tag that it may use next. Reread, if it is not
// nil, is the request to read the resource again by.
func (w *write) concludeAnswered(res *http.Response, reread *http.Request) {
	outcome := outcomeOf(res.StatusCode)
	c := etagcache.Conclusion{Outcome: outcome}
	own, shown, tagged, malformed := validatorOf(w.req, res)
	if malformed {
		w.observer.MalformedETag(w.x.route.Name)
	}
	next := own
	fruitful := outcome == etagcache.Applied && success(res.StatusCode)
	if fruitful && tagged && w.x.method != http.MethodDelete {
		shown.Rep = etagcache.Digest{} // the answer to a write does not say which representation it speaks of
		c.Shows, c.Shown, c.Confirmed = true, shown, w.x.route.Version.TrustWrites
	}
	if fruitful && reread != nil {
		if f := w.reread(reread); f.evidence.Kind == etagcache.ShownVersion {
			next, c.Shows, c.Shown, c.Confirmed = f.tag, true, f.evidence.Shown, true
		}
	}
	view := w.conclude(c)
	switch {
	case c.Shows && view.Noted(next):
		res.Header["Etag"] = []string{w.handOut(next, view, true).String()}
	case tagged:
		setETag(res, own, w.handOut(own, view, false))
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
	if f.objection != nil {
		f.objection.close()
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

// unwritten tells that what became of the write is not on record, and will not be.
func (w *write) unwritten(err error) {
	w.observer.RecordUnwritten(w.x.route.Name)
	w.warn(context.Background(), w.x, "the outcome of a write could not be recorded; the resource stays closed until its lease has run out",
		slog.String("cause", err.Error()))
}
