package proxy

import (
	"context"
	"net/url"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// admitted asks the backend as the caller before it waits for another write, or is told that there is one: whoever may not
// look learns neither, and takes no place in the line. What is shown says nothing of the version, since a write is under way.
func (w *write) admitted(ctx context.Context, wish *etagcache.Wish) *objection {
	there := wish.View.Key != w.x.key
	asked := &w.mayKnow.here
	if there {
		asked = &w.mayKnow.there
	}
	if wish.Kept {
		return w.admittedAt(ctx, wish)
	}
	if *asked || !w.judged && !w.mustHold() || w.x.route.Mode == Observe || w.isUnderWay(wish.View) {
		return nil
	}
	until := w.soon()
	var o *objection
	if there {
		o = w.askThere(ctx, until)
	} else if f := w.probe(ctx, until, w.req, w.x, etagcache.Begun{}); f.objection != nil {
		o = f.objection
	} else if f.evidence.Kind == etagcache.ShownAbsent && w.judged && !w.cond.Absent {
		o = &objection{reason: refusal.Absent}
	}
	*asked = o == nil
	return o
}

// admittedAt asks for a resource that the write holds and does not change. That it is there is no secret from who may not look, for the rule
// would be none without, but that somebody is at it is.
func (w *write) admittedAt(ctx context.Context, wish *etagcache.Wish) *objection {
	at, isPlace := w.places[wish.View.Key]
	if !isPlace || at.asked || w.x.route.Mode == Observe {
		return nil
	}
	resource, err := at.resource(at.query)
	if err != nil {
		return nil
	}
	f := w.ask(ctx, w.soon(), w.req, w.x, etagcache.Begun{}, at.askedAt(resource))
	if f.objection != nil && f.objection.instead != nil {
		return f.objection
	}
	at.asked = true
	w.places[wish.View.Key] = at
	return nil
}

// soon is by when a backend must have answered that is asked while another write is at it.
func (w *write) soon() time.Time {
	until := time.Now().Add(max(w.x.route.timeouts.BusyWait, time.Second)) // one that does one thing at a time is at it now
	if w.until.Before(until) {
		return w.until
	}
	return until
}

// askThere asks for the destination of a MOVE or COPY. Nothing need be there, so no answer counts but a 401 or 403.
func (w *write) askThere(ctx context.Context, until time.Time) *objection {
	u, err := url.Parse(w.req.Header.Get("Destination"))
	if err != nil {
		return nil
	}
	there, err := w.routes.locate(w.x.method, w.x.host, u)
	if err != nil {
		return nil
	}
	resource, err := there.resource(u.RawQuery)
	if err != nil {
		return nil
	}
	if f := w.ask(ctx, until, w.req, w.x, etagcache.Begun{}, there.itself(resource)); f.objection != nil && f.objection.instead != nil {
		return f.objection
	}
	return nil
}
