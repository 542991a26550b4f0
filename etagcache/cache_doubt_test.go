package etagcache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What the cache does when the store does not answer.

func TestClaimWithoutReplyIsReleased(t *testing.T) {
	for _, f := range []fault{lostRequest, lostReply, delayed} {
		t.Run(f.String(), func(t *testing.T) {
			inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
				v := b.known(keyA)
				b.store.fail(f)
				h, _, err := b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
				if h != nil || err == nil || errors.Is(err, ErrNotSent) {
					b.Fatal(h, err)
				}
				if err := b.cache.Drain(b.ctx); err != nil {
					b.Fatal(err)
				}
				if f == delayed && b.store.deliver(0) {
					b.Error("the claim arrived after its release, and was made")
				}
				if r := b.is(keyA, Known); r.Version != v.Record.Version {
					b.Error("the version is another")
				}
				b.claim(onA(v))
			})
		})
	}
}

// The claim arrives before the release: then it is made, and released.
func TestLateClaimThatOvertakesItsReleaseIsReleased(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		v := b.known(keyA)
		b.store.fail(delayed)
		_, _, _ = b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
		if !b.store.deliver(0) {
			b.Fatal("it was not made")
		}
		b.is(keyA, Writing)
		_ = b.cache.Drain(b.ctx)
		b.is(keyA, Known)
	})
}

func TestClaimThatWasNotSentLeavesNothingToDo(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		v := b.known(keyA)
		b.store.fail(notSent)
		_, swaps := b.store.counts()
		_, _, err := b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
		_ = b.cache.Drain(b.ctx)
		if _, s := b.store.counts(); !errors.Is(err, ErrNotSent) || s != swaps+1 {
			b.Errorf("%d swaps, %v", s-swaps, err)
		}
	})
}

func TestLostClaimOfASetReleasesAllOfIt(t *testing.T) {
	for _, f := range []fault{lostReply, lostRequest, notSent} {
		t.Run(f.String(), func(t *testing.T) {
			inCache(t, Options{}, func(b *bench) {
				wishes := []Wish{onA(b.known(keyA)), onA(b.known(keyB))}
				b.store.fail(fine, f)
				if h, r, err := b.cache.Claim(b.ctx, wishes, term); h != nil || err == nil || r.View.Key != keyB {
					b.Fatal(h, r, err)
				}
				_ = b.cache.Drain(b.ctx)
				b.is(keyA, Known)
				b.is(keyB, Known)
			})
		})
	}
}

func TestConclusionIsRecordedWhenTheStoreIsBack(t *testing.T) {
	want := map[Outcome]State{Applied: Unknown, Unapplied: Known, Doubt: Writing}
	for o, state := range want {
		t.Run(o.String(), func(t *testing.T) {
			inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
				h := b.claim(onA(b.known(keyA)))
				b.store.setDown(true)
				_, verdict, err := h.Conclude(b.ctx, Conclusion{Outcome: o}, func(err error) { b.Error(err) })
				if err == nil || verdict == Done {
					b.Fatal(verdict, err)
				}
				time.Sleep(3 * time.Second)
				b.store.setDown(false)
				b.is(keyA, Writing)
				if err := b.cache.Drain(b.ctx); err != nil {
					b.Fatal(err)
				}
				b.is(keyA, state)
			})
		})
	}
}

func TestLostReplyToAConclusionIsNoSecondConclusion(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(onA(b.known(keyA)))
		b.store.fail(lostReply)
		_, _, err := h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		if err == nil {
			b.Fatal("no error")
		}
		v := b.fetch(keyA)
		_, _, _ = b.cache.Learn(b.ctx, v, v.Begin(0), tagged("b"))
		_ = b.cache.Drain(b.ctx)
		b.is(keyA, Known)
	})
}

func TestConclusionThatIsNeverTakenIsReportedOnce(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(onA(b.known(keyA)))
		b.store.setDown(true)
		var told []error
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, func(err error) { told = append(told, err) })
		start := time.Now()
		_ = b.cache.Drain(b.ctx)
		if len(told) != 1 || !errors.Is(told[0], errDown) {
			b.Errorf("told: %v", told)
		}
		if took, most := time.Since(start), term.Work+term.Settle+2*time.Second; took > most {
			b.Errorf("it tried for %s", took)
		}
		b.store.setDown(false)
		time.Sleep(time.Minute)
		b.is(keyA, Unknown) // the lease has run out all the same
	})
}

func TestDrainEndsWithItsContext(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		if err := b.cache.Drain(b.ctx); err != nil {
			b.Fatal(err)
		}
		h := b.claim(onA(b.known(keyA)))
		b.store.setDown(true)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		if err := b.cache.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Error(err)
		}
		b.store.setDown(false)
		time.Sleep(2 * time.Second)
	})
}

func TestReadWhoseSwapGotNoReplyTeachesNothing(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		v := b.fetch(keyA)
		b.store.fail(lostReply)
		if _, _, err := b.cache.Learn(b.ctx, v, v.Begin(0), tagged("a")); err == nil {
			b.Error("no error")
		}
		if v, _ := b.cache.Look(b.ctx, keyA); v.Local {
			b.Error("the copy is in doubt, and used")
		}
	})
}

func TestStoreThatIsDownIsAnErrorEverywhere(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		v := b.known(keyA)
		time.Sleep(time.Second)
		b.store.setDown(true)
		_, fetched := b.cache.Fetch(b.ctx, keyA)
		_, looked := b.cache.Look(b.ctx, keyA)
		_, _, claimed := b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
		_, marked := b.cache.Mark(b.ctx, v, term)
		_, pinged := b.cache.Ping(b.ctx)
		for i, err := range []error{fetched, looked, claimed, marked, pinged} {
			if !errors.Is(err, errDown) {
				b.Errorf("%d: %v", i, err)
			}
		}
		b.store.setDown(false)
		_ = b.cache.Drain(b.ctx)
	})
}

func TestGraceFollowsANewEpochAndEndsByItself(t *testing.T) {
	inCache(t, Options{Grace: time.Minute, LocalFor: time.Second}, func(b *bench) {
		time.Sleep(time.Minute)
		h := b.claim(onA(b.known(keyA)))
		b.store.empty()
		if left, err := b.cache.Ping(b.ctx); left != time.Minute || err != nil {
			b.Error(left, err)
		}
		if _, verdict, err := h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil); verdict != Late || err != nil {
			b.Error(verdict, err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		v := b.fetch(keyA)
		if _, r, _ := b.cache.Claim(b.ctx, []Wish{{View: v}}, term); r.Verdict != Grace || v.GraceLeft() != time.Millisecond || !v.Begin(0).Closed {
			b.Error(r.Verdict, v.GraceLeft())
		}
		begun := v.Begin(0)
		time.Sleep(time.Millisecond)
		v = b.fetch(keyA)
		if _, verdict, _ := b.cache.Learn(b.ctx, v, begun, tagged("a")); verdict != Late {
			b.Error(verdict)
		}
		if left, _ := b.cache.Ping(b.ctx); left != 0 || v.GraceLeft() != 0 {
			b.Error(left, v.GraceLeft())
		}
		b.claim(Wish{View: v})
	})
}

func TestSwapJudgedUnderAnOldEpochIsNotMade(t *testing.T) {
	inCache(t, Options{Grace: time.Minute}, func(b *bench) {
		time.Sleep(time.Minute)
		v := b.known(keyA)
		b.store.empty()
		_, r, err := b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
		if r.Verdict != Grace || err != nil {
			b.Error(r.Verdict, err)
		}
		if _, verdict, _ := b.cache.Learn(b.ctx, v, v.Begin(0), taggedFor("html", "h")); verdict != Late {
			b.Error(verdict)
		}
	})
}

func TestSimultaneousLooksShareOneGet(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		gate := gatedStore{b.store, make(chan struct{})}
		c := New(gate, Options{LocalFor: time.Second})
		b.fetch(keyA)
		gets, _ := b.store.counts()
		for range 10 {
			go func() {
				if _, err := c.Look(b.ctx, keyA); err != nil {
					b.Error(err)
				}
			}()
		}
		synctest.Wait()
		close(gate.open)
		synctest.Wait()
		if g, _ := b.store.counts(); g-gets != 1 {
			b.Errorf("%d gets", g-gets)
		}
	})
}

// gatedStore answers no Get before it is opened.
type gatedStore struct {
	*fakeStore
	open chan struct{}
}

func (s gatedStore) Get(ctx context.Context, k Key) (Reply, error) {
	<-s.open
	return s.fakeStore.Get(ctx, k)
}

func TestMarkAndItsEnd(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		m, err := b.cache.Mark(b.ctx, b.known(keyA), term)
		if err != nil {
			b.Fatal(err)
		}
		if v, _ := b.cache.Look(b.ctx, keyA); !v.Begin(0).Closed || b.cache.Judge(v, ifMatch(`"a"`), Evidence{}) != Stale {
			b.Error("a mark is open, and it does not show")
		}
		if err := m.Close(b.ctx); err != nil {
			b.Error(err)
		}
		if v, _ := b.cache.Look(b.ctx, keyA); v.Begin(0).Closed {
			b.Error("it is closed yet")
		}
		m, _ = b.cache.Mark(b.ctx, b.fetch(keyA), term)
		b.store.fail(lostRequest)
		if err := m.Close(b.ctx); err == nil {
			b.Error("no error")
		}
		time.Sleep(term.Work + term.Settle + term.margin())
		if v := b.fetch(keyA); v.Begin(0).Closed {
			b.Error("it does not end by itself")
		}
	})
}
