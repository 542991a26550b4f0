package proxy

import (
	"context"

	"proxy409/etagcache"
)

// check asks the backend once more, under the lease, where the route says that it has other writers.
func (w *write) check(ctx context.Context) *objection {
	if w.held == nil || !w.judged || !w.x.route.VerifyAlways {
		return nil
	}
	f := w.probe(ctx, w.until, w.req, w.x, etagcache.Begun{})
	if f.objection != nil {
		return f.objection
	}
	verdict := w.held.Verify(w.x.key, w.cond, f.evidence, w.x.route.Version.Lag)
	switch {
	case verdict == etagcache.Admit:
		return nil
	case verdict == etagcache.Stale && w.x.route.Mode != Observe:
		return w.overtaken(f)
	default: // what a 404 says may be a mask before someone who may not look
		return w.verdictObjection(verdict, etagcache.View{}, false)
	}
}

// overtaken is for a write that somebody who writes past the fleet came before: what the probe showed is the resource's
// next version.
func (w *write) overtaken(f finding) *objection {
	w.drift(w.x, true)
	w.shown = f.shown
	view := w.conclude(etagcache.Conclusion{
		Outcome: etagcache.Applied, Shows: true, Shown: f.evidence.Shown, Confirmed: true,
	})
	return w.verdictObjection(etagcache.Stale, view, view.Noted(w.x.route.unsuffixed(f.shown.tag)))
}
