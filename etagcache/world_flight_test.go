package etagcache

import (
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// sleep lets time pass, but not past what must happen before: an owner gives up before its deadline, and what was given
// up on is applied within the settle time or never.
func (w *world) sleep(d time.Duration) {
	end := time.Now().Add(d)
	for {
		next, act := end, func() {}
		for _, o := range w.writes {
			if t, f := w.obligation(&o.flight, func() { w.giveUp(o) }, func() { w.applied(o) }); f != nil && t.Before(next) {
				next, act = t, f
			}
		}
		for _, o := range w.posts {
			if t, f := w.obligation(&o.flight, func() { o.abandon(w) }, func() { w.postApplied(o) }); f != nil && t.Before(next) {
				next, act = t, f
			}
		}
		if wait := time.Until(next); wait > 0 {
			time.Sleep(wait)
			synctest.Wait()
		}
		if !next.Before(end) {
			return
		}
		act()
		w.tick()
	}
}

// flight is a request at the backend.
type flight struct {
	sent      bool
	over      bool // it is applied, or never will be
	abandoned bool
	deadline  time.Time // of the owner, or, when it is abandoned, of the backend
	ended     time.Time // when it became over
}

func (f *flight) abandon(w *world) {
	f.abandoned, f.deadline = true, time.Now().Add(w.term.Settle)
}

func (f *flight) end() { f.over, f.ended = true, time.Now() }

func (w *world) obligation(f *flight, giveUp, apply func()) (time.Time, func()) {
	at := f.deadline.Add(-time.Millisecond)
	switch {
	case f.sent && !f.abandoned:
		return at, giveUp
	case f.sent && !f.over:
		return at, func() {
			if rapid.Bool().Draw(w.t, "applied at last") {
				apply()
			} else {
				f.end()
			}
		}
	}
	return at, nil
}
