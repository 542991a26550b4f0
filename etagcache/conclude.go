package etagcache

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Conclusion is what is known of a write when its lease ends.
type Conclusion struct {
	Outcome Outcome
	// Primary is the key that Shown belongs to. The other keys of the set are only known to have changed, or not.
	Primary   Key
	Shows     bool
	Shown     Validator
	Confirmed bool
	// Created are those of the keys that were kept and stand for something that the write, which was applied, has created: see
	// [Held.Created]. Forgotten are those of which that is to be forgotten.
	Created, Forgotten []Key
	// Answers are what the client of the write, which was applied, is answered, by those keys with which that is to be remembered.
	Answers map[Key][]byte
}

// ending is what the conclusion says of one key.
func (c Conclusion) ending(k heldKey) Conclude {
	e := Conclude{Outcome: c.Outcome}
	created := c.Outcome == Applied && slices.Contains(c.Created, k.view.Key)
	if e.Answer = c.Answers[k.view.Key]; e.Answer != nil && k.kept {
		e.Outcome = Applied // of a name, the answer is all that there is
	}
	switch {
	case created:
		e.Created = true
	case k.kept && c.Outcome == Applied && e.Answer == nil:
		e.Outcome = Unapplied
	case c.Shows && k.view.Key == c.Primary:
		e.Shows, e.Shown, e.Confirmed = true, c.Shown, c.Confirmed
	}
	e.Forget = e.Outcome == Unapplied && slices.Contains(c.Forgotten, k.view.Key)
	return e
}

// Conclude ends the lease and returns the primary key's view after it. What the store does not take now is tried again in
// the background until the lease has run out anyway; unwritten is then called, once, if it was all in vain (nil: nobody
// is told).
func (h *Held) Conclude(ctx context.Context, c Conclusion, unwritten func(error)) (View, Verdict, error) {
	var (
		primary View
		verdict = Late
		failed  []heldKey
		first   error
	)
	for _, k := range h.keys {
		v, got, err := h.concludeKey(ctx, k, c)
		if err != nil {
			failed, first = append(failed, k), errors.Join(first, err)
			continue
		}
		if k.view.Key == c.Primary {
			primary, verdict = v, got
		}
	}
	h.later(failed, c, unwritten)
	return primary, verdict, first
}

func (h *Held) concludeKey(ctx context.Context, k heldKey, c Conclusion) (View, Verdict, error) {
	return h.cache.apply(ctx, k.view, func(v View) Event {
		e := c.ending(k)
		e.ID, e.From, e.Now = h.id, k.from, h.cache.laterThan(v, 0)
		e.Until = h.cache.laterThan(v, h.term.margin()+h.term.Settle)
		return e
	})
}

// later concludes in the background.
func (h *Held) later(keys []heldKey, c Conclusion, unwritten func(error)) {
	if len(keys) > 0 {
		h.cache.background.Go(func() { h.concludeLater(keys, c, unwritten) })
	}
}

// concludeLater tries again, at ever longer intervals, from the records as they are then.
func (h *Held) concludeLater(keys []heldKey, c Conclusion, unwritten func(error)) {
	end := h.Deadline.Add(h.term.Settle)
	wait := 50 * time.Millisecond
	for {
		time.Sleep(wait)
		wait = min(2*wait, time.Second)
		var failed []heldKey
		var last error
		for _, k := range keys {
			// A fresh view: the swap whose reply was lost may have been made.
			v, err := h.cache.Fetch(context.Background(), k.view.Key)
			if err == nil {
				k.view = v
				_, _, err = h.concludeKey(context.Background(), k, c)
			}
			if err != nil {
				failed, last = append(failed, k), err
			}
		}
		if len(failed) == 0 {
			return
		}
		if h.cache.opt.Clock().After(end) {
			if unwritten != nil {
				unwritten(last)
			}
			return
		}
		keys = failed
	}
}
