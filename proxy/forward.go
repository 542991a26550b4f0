package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// forward sends the write under its lease, concludes, and makes the client's answer.
func (w *write) forward() (*http.Response, error) {
	again := w.snapshot()
	res, sent, err := w.dispatch(w.req, w.x, w.held.Deadline)
	if err != nil {
		outcome := etagcache.Doubt
		if !sent {
			outcome = etagcache.Unapplied
		}
		w.conclude(etagcache.Conclusion{Outcome: outcome, Forgotten: w.forgotten})
		w.settleMarks(outcome == etagcache.Doubt)
		return w.lost(err, sent), nil
	}
	w.concludeAnswered(res, again)
	w.settleMarks(outcomeOf(res.StatusCode) == etagcache.Doubt)
	return res, nil
}

// lost is the answer to a write that the backend did not answer.
func (w *write) lost(err error, sent bool) *http.Response {
	o := transportObjection(err)
	switch {
	case sent:
		o.unsent = false
		o.detail = fmt.Sprintf("The backend gave no answer. The request may have been applied, or may yet be: "+
			"in %s read the resource, before you send it again.", w.x.route.term.Settle)
	case o.reason == refusal.Timeout:
		o.unsent = true
		o.detail = "The time for the request was over before it could be sent. Nothing was sent to the backend."
	default:
		o.unsent = true
		o.detail = "The backend cannot be reached. Nothing was sent to it."
	}
	w.x.reason, w.x.cause = o.reason.String(), err
	if w.req.Context().Err() == nil {
		w.warn(w.req.Context(), w.x, "no answer from the backend to a write", slog.String("method", w.x.loggedMethod()),
			slog.Bool("sent", sent), slog.String("cause", told(err)))
	}
	return w.x.route.refusals.answer(w.req, o)
}

// forwardMarked sends a write that holds no lease. Its marks are kept open while it is under way, closed when the answer came,
// and left to run out when none did.
func (w *write) forwardMarked() (*http.Response, error) {
	neverReplayed(w.req)
	over := func() {}
	if w.late != nil {
		w.late.ReadCloser, w.req.Body = w.req.Body, w.late
	} else {
		w.tellUnnoted()
		over = w.keepMarked()
	}
	_, ctx := newPassage(w.req.Context())
	res, err := w.begin(w.req.WithContext(ctx), w.x)
	over()
	outcome := etagcache.Unapplied
	switch {
	case err == nil:
		outcome = outcomeOf(res.StatusCode)
	case !dialFailed(err):
		outcome = etagcache.Doubt
	}
	marked := true
	if w.late != nil {
		var why *objection
		if marked, why = w.late.concluded(outcome == etagcache.Unapplied); why != nil {
			if err == nil {
				discard(res)
			}
			return w.refused(why), nil
		}
	}
	if marked {
		w.settleMarks(outcome == etagcache.Doubt)
	}
	if err != nil {
		if w.req.Context().Err() == nil {
			w.x.reason = transportObjection(err).reason.String()
		}
		return w.unanswered(w.req, w.x, err)
	}
	w.unnoted(res, w.x.route)
	return res, nil
}

// tellUnnoted tells and remembers that the store could take no note of the write.
func (w *write) tellUnnoted() {
	if len(w.marks) < len(w.marked) {
		w.observer.Unguarded(w.x.route.Name)
		w.warn(w.req.Context(), w.x, "an unsafe request goes to the backend without a note in the store")
		w.owe(0)
	}
}

// settleMarks closes the marks, or leaves them to run out where it is in doubt what the backend did.
func (w *write) settleMarks(doubt bool) {
	unnoted := len(w.marks) < len(w.marked)
	switch {
	case !doubt:
		w.closeMarks()
		if unnoted {
			w.owe(0)
		}
	case unnoted:
		w.owe(w.x.route.term.Settle)
	default:
		w.leaveMarks()
	}
}

// owe remembers the resources of a write that the store could take no note of; false: there are too many by now.
func (w *write) owe(open time.Duration) bool {
	keys := w.marked
	if keys == nil {
		keys = w.changes()
	}
	for _, key := range keys {
		if !w.cache.Owe(key, open) {
			return false
		}
	}
	return true
}

// keepMarked extends the marks while the write is under way, and returns what ends that.
func (w *write) keepMarked() (over func()) {
	if len(w.marks) == 0 {
		return func() {}
	}
	var (
		turn  = newTurn()
		ended bool
		timer *time.Timer
		every = w.x.route.term.Work / 2 // so that it may fail once
	)
	turn.take()
	defer turn.pass()
	timer = time.AfterFunc(every, func() {
		turn.take()
		defer turn.pass()
		if ended {
			return
		}
		_ = w.extendMarks(w.x.route.term) // there is another time
		timer.Reset(every)
	})
	return func() {
		timer.Stop()
		turn.take()
		defer turn.pass()
		ended = true
	}
}

// leaveMarks leaves the marks open for as long as the backend, which was given up on, may yet apply the write.
func (w *write) leaveMarks() {
	if err := w.extendMarks(etagcache.Term{Settle: w.x.route.term.Settle}); err != nil {
		w.owe(w.x.route.term.Settle)
	}
}

func (w *write) extendMarks(term etagcache.Term) error {
	var errs []error
	for _, mark := range w.marks {
		errs = append(errs, mark.Extend(context.WithoutCancel(w.req.Context()), term))
	}
	return errors.Join(errs...)
}

// closeMarks moves the records once more, whatever became of the client.
func (w *write) closeMarks() {
	for _, mark := range w.marks {
		if err := mark.Close(context.WithoutCancel(w.req.Context())); err != nil {
			w.observer.RecordUnwritten(w.x.route.Name)
			w.warn(w.req.Context(), w.x, "the answer to an unjudged request could not be noted; its mark runs out by itself",
				slog.String("cause", err.Error()))
		}
	}
}
