package proxy

import (
	"context"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// answerTo deals with a verdict that is neither Admit nor Busy: it asks the backend if that is what it takes, and returns
// nil, or says what is to be refused.
func (w *write) answerTo(ctx context.Context, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	if verdict == etagcache.Ask {
		return w.gather(ctx, wish)
	}
	if verdict == etagcache.Grace {
		return &objection{reason: refusal.Grace, retry: wish.View.GraceLeft()}
	}
	if own, err := w.metItself(ctx, wish); err != nil {
		return storeObjection(err)
	} else if own {
		return nil
	}
	if verdict == etagcache.Lagging && wish.Evidence.Kind == etagcache.ShownAbsent && !w.cond.Absent {
		return &objection{reason: refusal.Absent} // may be true, may be a mask: it is what this caller is shown
	}
	if verdict == etagcache.Lagging {
		return &objection{
			reason: refusal.Unverifiable, retry: wish.View.LagLeft(w.x.route.Version.Lag),
			detail: "The resource was written a moment ago, and the backend's answer may be older than that. The request was not " +
				"forwarded. Send it again after the time in Retry-After.",
		}
	}
	if left, inDoubt := wish.View.BusyFor(); verdict == etagcache.Stale && left > 0 && w.cond.Unvouched() {
		// The tag was read while this write was under way. It will not do, but reading again will not help before the end.
		if o := w.admitted(ctx, wish); o != nil {
			return o
		}
		if !inDoubt {
			left = time.Second // as for those who wait: the lease may last a minute, and the write is over long before
		}
		return &objection{reason: refusal.Busy, retry: left}
	}
	return w.disclosed(ctx, verdict, wish)
}

// gather asks the backend for the evidence to judge a wish by.
func (w *write) gather(ctx context.Context, wish *etagcache.Wish) *objection {
	f := w.probe(ctx, w.until, w.req, w.x, wish.View.Begin(w.x.route.Version.Lag))
	w.shown, wish.Evidence = f.shown, f.evidence
	return f.objection
}

// disclosed is the objection for a verdict about the resource. Nobody learns from it what the backend would not show
// them: unless it has just been asked as this caller, it is asked now, and its answer counts.
func (w *write) disclosed(ctx context.Context, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	// What was shown before may be gone by now, and nothing is compared with that.
	compared := w.x.route.History.Keep > 0
	if e := wish.Evidence; e.Kind == etagcache.NotAsked || compared && e.Begun.Version != wish.View.Version() {
		if o := w.gather(ctx, wish); o != nil {
			return o
		}
	}
	if !w.x.route.refusals.Disclose {
		return w.verdictObjection(verdict, wish.View, false)
	}
	switch wish.Evidence.Kind {
	case etagcache.ShownAbsent:
		return &objection{reason: refusal.Absent}
	case etagcache.ShownVersion:
		// What the probe showed is only a version to offer if it is on record.
		view, learned, err := w.cache.Learn(ctx, wish.View, wish.Evidence.Begun, wish.Evidence.Shown)
		if err != nil && w.cond.Unvouched() {
			// The store answers reads and takes nothing: reading again would give the caller a tag that is no better.
			return storeObjection(err)
		}
		w.overran(w.x, view.Overran)
		w.drift(w.x, err == nil && learned == etagcache.Drift)
		if err == nil && learned == etagcache.Late && !wish.Evidence.Begun.Closed && verdict == etagcache.Stale && w.mayMerge() {
			w.outrun++
			wish.View, wish.Evidence = view, etagcache.Evidence{}
			return nil // somebody has written while the backend was asked
		}
		known, _ := view.Describe(w.x.route.unsuffixed(w.shown.tag), w.x.route.Version.Qualify)
		o := w.verdictObjection(verdict, view, err == nil && known)
		if err == nil && learned == etagcache.Crowded {
			o.current, o.version = w.shown.tag.Qualify(view.Version()).String(), w.shown.current
		}
		if moved := view.Version() != wish.Evidence.Begun.Version; compared && err == nil && learned == etagcache.Late && moved {
			wish.View = view // somebody has written meanwhile, and what was shown is of no use
			return w.disclosed(ctx, verdict, wish)
		}
		// Late, the tag may have come back since with another content than the one that was shown.
		current := err == nil && known && (learned == etagcache.Done || learned == etagcache.Drift)
		return w.explainStale(ctx, o, view, current)
	case etagcache.NotAsked, etagcache.ShownUnversioned:
	}
	return w.verdictObjection(verdict, wish.View, false)
}

// verdictObjection puts a verdict into words. current: w.shown is on record, as view has it, and may be shown.
func (w *write) verdictObjection(verdict etagcache.Verdict, view etagcache.View, current bool) *objection {
	o := &objection{}
	switch verdict {
	case etagcache.Exists:
		o.reason = refusal.Exists
	case etagcache.Absent:
		o.reason = refusal.Absent
	case etagcache.Unversioned:
		o.reason = refusal.Unversioned
		o.cause = w.x.route.unversionedCause()
	case etagcache.Stale, etagcache.Late, etagcache.Drift, etagcache.Done, etagcache.Planted,
		etagcache.Admit, etagcache.Ask, etagcache.Busy, etagcache.Grace, etagcache.Lagging, etagcache.Crowded, etagcache.Repeated, etagcache.Reused: // none but Stale comes here
		o.reason = refusal.Stale
		if w.cond.Unvouched() {
			o.detail = "You read the resource while nobody could take note of its version: a write was under way or in doubt, " +
				"or the store of versions was away. Read it again, apply your change, send it with the new ETag."
		}
	}
	if current {
		o.current, o.version = w.handOut(w.shown.tag, w.x.route, view, true).String(), w.shown.current
	}
	return o
}
