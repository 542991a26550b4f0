package proxy

import (
	"context"
	"errors"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// claim takes the lease, asking the backend where the record does not know, and waiting where another write is under way.
func (w *write) claim(ctx context.Context) *objection {
	for i := range w.wishes {
		if wish := &w.wishes[i]; wish.View.Record.State == etagcache.None {
			view, err := w.cache.Look(ctx, wish.View.Key)
			if err != nil {
				return w.unclaimed(ctx, storeObjection(err))
			}
			wish.View = view
		}
		if w.wishes[i].View.Key == w.x.key {
			w.wishes[i].Condition = w.cond // it may have been forgiven
		}
	}
	if w.streamed {
		return w.unclaimed(ctx, w.objected)
	}
	line := waiting{write: w, until: time.Now().Add(w.wait)}
	defer line.leave()
	for {
		held, ruling, err := w.cache.Claim(ctx, w.wishes, w.term)
		if err != nil {
			return w.unclaimed(ctx, storeObjection(err))
		}
		if held != nil {
			w.hold(held)
			return nil
		}
		wish := &w.wishes[ruling.Wish]
		wish.View = ruling.View
		w.drift(w.x, ruling.View.Drifted)
		if ruling.Verdict != etagcache.Busy {
			if o := w.answerTo(ctx, ruling.Verdict, wish); o != nil {
				return w.unclaimed(ctx, o)
			}
			continue
		}
		if o := line.wait(ctx, wish); o != nil {
			return w.unclaimed(ctx, o)
		}
	}
}

// hold notes that the lease is ours.
func (w *write) hold(held *etagcache.Held) {
	w.held = held
	w.writes.Add(1)
	w.observer.WriteStarted()
	w.overran(w.x, held.Overran)
	w.drift(w.x, held.Drifted)
}

// unclaimed is for a write that gets no lease. One that nobody judges goes on all the same, with an open mark; one that is
// judged is refused, unless the route only observes, which goes on with a mark as well.
func (w *write) unclaimed(ctx context.Context, o *objection) *objection {
	observes := w.x.route.Mode == Observe
	if !observes && (w.judged || o.reason == refusal.Store) {
		return o
	}
	if observes && w.judged && w.objected == nil {
		w.objected = o
	}
	w.judged = false
	mark, err := w.leaveMark(ctx, w.x)
	if err != nil && !observes {
		return storeObjection(err)
	}
	w.mark, w.blind = mark, err != nil
	return nil
}

// leaveMark opens a mark at the key, for an unsafe request that nobody judges.
func (g *guard) leaveMark(ctx context.Context, x *exchange) (*etagcache.Marked, error) {
	view, err := g.cache.Look(ctx, x.key)
	if err != nil {
		return nil, err
	}
	mark, err := g.cache.Mark(ctx, view, g.term)
	if err != nil {
		return nil, err
	}
	g.overran(x, mark.Overran)
	return mark, nil
}

// answerTo deals with a verdict that is neither Admit nor Busy: it asks the backend if that is what it takes, and returns
// nil, or says what is to be refused.
func (w *write) answerTo(ctx context.Context, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	if verdict == etagcache.Ask {
		f := w.probe(ctx, w.req, w.x, wish.View.Begin())
		w.tag, wish.Evidence = f.tag, f.evidence
		return f.objection
	}
	if verdict == etagcache.Grace {
		return &objection{reason: refusal.Grace, retry: wish.View.GraceLeft()}
	}
	return w.disclosed(ctx, verdict, wish)
}

// disclosed is the objection for a verdict about the resource. Nobody learns from it what the backend would not show
// them: unless it has just been asked as this caller, it is asked now, and its answer counts.
func (w *write) disclosed(ctx context.Context, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	asked := wish.Evidence.Kind != etagcache.NotAsked
	if !w.disclose {
		return w.verdictObjection(verdict, wish.View, false)
	}
	if !asked {
		begun := wish.View.Begin()
		f := w.probe(ctx, w.req, w.x, begun)
		if f.objection != nil {
			return f.objection
		}
		w.tag, wish.Evidence = f.tag, f.evidence
	}
	switch wish.Evidence.Kind {
	case etagcache.ShownAbsent:
		return &objection{reason: refusal.Absent}
	case etagcache.ShownVersion:
		// What the probe showed is only a version to offer if it is on record.
		view, learned, err := w.cache.Learn(ctx, wish.View, wish.Evidence.Begun, wish.Evidence.Shown)
		w.overran(w.x, view.Overran)
		w.drift(w.x, err == nil && learned == etagcache.Drift)
		known, _ := view.Describe(w.tag)
		return w.verdictObjection(verdict, view, err == nil && known)
	case etagcache.NotAsked, etagcache.ShownUnversioned:
	}
	return w.verdictObjection(verdict, wish.View, false)
}

// verdictObjection puts a verdict into words. current: w.tag is on record, as view has it, and may be shown.
func (w *write) verdictObjection(verdict etagcache.Verdict, view etagcache.View, current bool) *objection {
	o := &objection{}
	switch verdict {
	case etagcache.Exists:
		o.reason = refusal.Exists
	case etagcache.Absent:
		o.reason = refusal.Absent
	case etagcache.Unversioned:
		o.reason = refusal.Unversioned
		o.cause = errors.New("the backend sends no ETag; version: {from: body} would make one, and comes with a later version")
	case etagcache.Stale, etagcache.Late, etagcache.Drift, etagcache.Done, etagcache.Planted,
		etagcache.Admit, etagcache.Ask, etagcache.Busy, etagcache.Grace: // none but Stale comes here
		o.reason = refusal.Stale
	}
	if current {
		o.current = w.handOut(w.tag, view, true).String()
	}
	return o
}

// waiting is a write's place in the line at a resource.
type waiting struct {
	*write
	until   time.Time
	key     etagcache.Key
	entered bool
	attempt int
}

func (l *waiting) leave() {
	if l.entered {
		l.queue.leave(l.key)
		l.entered = false
	}
}

// wait waits for a change at the wish's key and takes a new view of it, or says that it is busy.
func (l *waiting) wait(ctx context.Context, wish *etagcache.Wish) *objection {
	left, inDoubt := wish.View.BusyFor()
	busy := &objection{reason: refusal.Busy, retry: time.Second}
	if inDoubt {
		busy.retry = left // nobody will say before
	}
	patient := l.x.route.Mode != Observe && !inDoubt && time.Now().Before(l.until)
	if !patient {
		return busy
	}
	if l.entered && l.key != wish.View.Key {
		l.leave()
	}
	if !l.entered {
		l.key = wish.View.Key
		if l.entered = l.queue.enter(l.key); !l.entered {
			return busy
		}
	}
	ctx, cancel := context.WithDeadline(ctx, l.until)
	defer cancel()
	l.queue.pause(ctx, l.queue.signal(l.key), l.attempt)
	l.attempt++
	view, err := l.cache.Fetch(context.WithoutCancel(ctx), l.key)
	if err != nil {
		return storeObjection(err)
	}
	wish.View = view
	return nil
}
