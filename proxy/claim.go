package proxy

import (
	"context"
	"slices"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// claim takes the lease, asking the backend where the record does not know, and waiting where another write is under way.
// A write that nobody judges and that gets no lease goes on without, to leave a mark, unless a rule is decided under it.
func (w *write) claim(ctx context.Context) *objection {
	if w.streamed || w.blind || len(w.wishes) == 0 {
		return nil
	}
	if err := w.look(ctx); err != nil {
		return storeObjection(err)
	}
	place := place{queue: w.queue, limit: w.x.route.limits.Waiters, until: time.Now().Add(w.x.route.timeouts.BusyWait)}
	defer place.leave()
	for {
		held, ruling, err := w.cache.Claim(ctx, w.wishes, w.x.route.term)
		if err != nil {
			return storeObjection(err)
		}
		if held != nil {
			w.hold(held)
			return nil
		}
		wish := &w.wishes[ruling.Wish]
		wish.View = ruling.View
		w.drift(w.x, ruling.View.Drifted)
		o := w.notClaimed(ctx, &place, ruling.Verdict, wish)
		switch {
		case o == nil:
		case o.reason == refusal.Busy && wish.Keyed:
			w.observer.Idempotency(w.x.route.Name, IdempotencyBusy)
			return o
		case !w.judged && !w.mustHold() && (o.reason == refusal.Busy || o.reason == refusal.Grace):
			return nil
		default:
			return o
		}
	}
}

// notClaimed deals with the verdict for which a wish was not granted. Nil: it is worth another try.
func (w *write) notClaimed(ctx context.Context, p *place, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	if verdict == etagcache.Busy || w.mergesLater(verdict, wish.View) {
		return w.await(ctx, p, wish)
	}
	if verdict == etagcache.Repeated || verdict == etagcache.Reused {
		return w.known(ctx, verdict, wish)
	}
	if o := w.recall(ctx); o != nil { // what has come under its name meanwhile comes first
		return o
	}
	return w.answerTo(ctx, verdict, wish)
}

// look takes a view of every wish that has none yet, and gives the primary one the condition that is left to hold.
func (w *write) look(ctx context.Context) error {
	for i := range w.wishes {
		wish := &w.wishes[i]
		if wish.View.Key == w.x.key {
			wish.Condition = w.cond // it may have been forgiven
		}
		if wish.View.Record.State != etagcache.None {
			continue
		}
		view, err := w.cache.Look(ctx, wish.View.Key)
		if err != nil {
			return err
		}
		wish.View = view
	}
	return nil
}

// hold notes that the lease is ours.
func (w *write) hold(held *etagcache.Held) {
	w.held = held
	w.writes.Add(1)
	if w.named != "" {
		w.observer.Idempotency(w.x.route.Name, IdempotencyFirst)
	}
	w.observer.WriteStarted()
	w.overran(w.x, held.Overran)
	w.drift(w.x, held.Drifted)
}

// changes are the keys of what the write changes without holding them: those that it touches, and all of its own where it holds no lease.
func (w *write) changes() []etagcache.Key {
	keys := slices.Clone(w.touches)
	for _, wish := range w.wishes {
		if w.held == nil && !wish.Kept && !slices.Contains(keys, wish.View.Key) {
			keys = append(keys, wish.View.Key)
		}
	}
	return keys
}

// mark leaves a mark at every key that the write changes without holding it: what it changes there must not be taken for what was known
// before. If its body is yet to come, that is done when it has come (lateMark).
func (w *write) mark(ctx context.Context) *objection {
	w.marked = w.changes()
	if len(w.marked) == 0 || w.blind {
		return nil
	}
	if w.held == nil && !repeatable(w.req) && !w.x.body.whole() {
		if err := w.look(ctx); err != nil { // while the store is away, there is no sense in the upload
			return storeObjection(err)
		}
		w.late = &lateMark{w: w, left: w.req.ContentLength, turn: newTurn()}
		return nil
	}
	return w.markNow(ctx)
}

func (w *write) markNow(ctx context.Context) *objection {
	for _, key := range w.marked {
		view, err := w.viewOf(ctx, key)
		if err != nil {
			return storeObjection(err)
		}
		mark, err := w.cache.Mark(ctx, view, w.x.route.term)
		if err != nil {
			return storeObjection(err)
		}
		w.overran(w.x, mark.Overran)
		w.marks = append(w.marks, mark)
	}
	return nil
}

// viewOf is a view of a key, the one that there is already if there is one.
func (w *write) viewOf(ctx context.Context, key etagcache.Key) (etagcache.View, error) {
	for _, wish := range w.wishes {
		if wish.View.Key == key && wish.View.Record.State != etagcache.None {
			return wish.View, nil
		}
	}
	return w.cache.Look(ctx, key)
}

// await waits for a change at the wish's key and takes a new view of it, or says that it is busy.
func (w *write) await(ctx context.Context, p *place, wish *etagcache.Wish) *objection {
	if o := w.admitted(ctx, wish); o != nil {
		return o
	}
	left, inDoubt := wish.View.BusyFor()
	busy := &objection{reason: refusal.Busy, retry: time.Second}
	if inDoubt {
		busy.retry = left // nobody will say before
	}
	patient := w.x.route.Mode != Observe && !inDoubt && ctx.Err() == nil && time.Now().Before(w.until)
	if !patient || !p.pause(ctx, wish.View.Key) {
		return busy
	}
	view, err := w.cache.Fetch(ctx, wish.View.Key)
	if err != nil {
		return storeObjection(err)
	}
	wish.View, wish.Again = view, etagcache.Version{} // what the backend was asked was about the time before
	return nil
}
