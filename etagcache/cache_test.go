package etagcache

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

var (
	keyA = Key{'a'}
	keyB = Key{'b'}
	term = Term{Work: 10 * time.Second, Settle: 5 * time.Second}
)

// bench is one cache on a fake store, in virtual time.
type bench struct {
	*testing.T
	ctx   context.Context
	store *fakeStore
	cache *Cache
}

// inCache runs f in a bubble, and sees that nothing is left running after it.
func inCache(t *testing.T, opt Options, f func(b *bench)) {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := &bench{T: t, ctx: t.Context(), store: store, cache: New(store, opt)}
		f(b)
		if len(store.returned) > 0 {
			t.Errorf("a stored value returned: %s", store.returned)
		}
	})
}

func (b *bench) fetch(k Key) View {
	b.Helper()
	v, err := b.cache.Fetch(b.ctx, k)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// known makes the record one that knows "a".
func (b *bench) known(k Key) View {
	b.Helper()
	v := b.fetch(k)
	v, verdict, err := b.cache.Learn(b.ctx, v, v.Begin(0), tagged("a"))
	if verdict != Done || err != nil {
		b.Fatal(verdict, err)
	}
	return v
}

func (b *bench) claim(wishes ...Wish) *Held {
	b.Helper()
	h, r, err := b.cache.Claim(b.ctx, wishes, term)
	if h == nil {
		b.Fatal(r.Verdict, err)
	}
	return h
}

func (b *bench) is(k Key, want State) Record {
	b.Helper()
	r := b.store.record(k)
	if got := r.at(b.store.now()).State; got != want {
		b.Errorf("the record is %s, want %s: %+v", got, want, r)
	}
	return r
}

func onA(v View) Wish { return Wish{View: v, Condition: ifMatch(`"a"`)} }

func TestHotReadCostsOneGetPerLifetime(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		b.known(keyA)
		time.Sleep(time.Second)
		gets, swaps := b.store.counts()
		for range 30 { // three seconds
			v, err := b.cache.Look(b.ctx, keyA)
			if err != nil {
				b.Fatal(err)
			}
			if _, verdict, err := b.cache.Learn(b.ctx, v, v.Begin(0), tagged("a")); verdict != Done || err != nil {
				b.Fatal(verdict, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if g, s := b.store.counts(); g-gets != 3 || s != swaps {
			b.Errorf("%d gets, %d swaps in three seconds", g-gets, s-swaps)
		}
	})
}

func TestLocalCopyIsNeverOlderThanItsLifetime(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		b.fetch(keyA)
		time.Sleep(time.Second - 1)
		if v, _ := b.cache.Look(b.ctx, keyA); !v.Local {
			b.Error("a young copy was passed over")
		}
		time.Sleep(time.Nanosecond)
		if v, _ := b.cache.Look(b.ctx, keyA); v.Local {
			b.Error("an old copy was used")
		}
	})
}

func TestNothingIsCopiedThatReadsLearnNothingUnder(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		h := b.claim(onA(b.known(keyA)))
		for range 2 {
			if v, _ := b.cache.Look(b.ctx, keyA); v.Local || !v.Begin(0).Closed {
				b.Error("a copy of a write that is under way")
			}
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
		if v, _ := b.cache.Look(b.ctx, keyA); v.Begin(0).Closed {
			b.Error("the end of the write is hidden")
		}
	})
}

func TestWithoutLocalCopiesEveryLookAsks(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.fetch(keyA)
		gets, _ := b.store.counts()
		for range 3 {
			_, _ = b.cache.Look(b.ctx, keyA)
		}
		if g, _ := b.store.counts(); g-gets != 3 {
			b.Errorf("%d gets", g-gets)
		}
	})
}

func TestClaimOfASetIsAllOrNone(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		va, vb := b.known(keyA), b.known(keyB)
		first := b.claim(onA(vb))
		h, r, err := b.cache.Claim(b.ctx, []Wish{onA(vb), onA(va)}, term)
		if h != nil || err != nil || r.Verdict != Busy || r.View.Key != keyB {
			b.Fatalf("%v, %+v, %v", h, r, err)
		}
		if rec := b.is(keyA, Known); rec.Version != va.Record.Version {
			b.Error("a claim that was given back moved the record")
		}
		_, _, _ = first.Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
		h = b.claim(onA(vb), onA(va))
		b.is(keyA, Writing)
		b.is(keyB, Writing)
		v, verdict, err := h.Conclude(b.ctx, Conclusion{Outcome: Applied, Primary: keyB, Shows: true, Confirmed: true, Shown: tagged("b")}, nil)
		if verdict != Done || err != nil || v.Key != keyB {
			b.Error(verdict, err)
		}
		b.is(keyA, Unknown)
		b.is(keyB, Known)
	})
}

func TestSetsInOppositeOrderNeverDeadlock(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		va, vb := b.known(keyA), b.known(keyB)
		var won, lost int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				wishes := []Wish{onA(va), onA(vb)}
				if i%2 == 1 {
					wishes[0], wishes[1] = wishes[1], wishes[0]
				}
				h, r, err := b.cache.Claim(b.ctx, wishes, term)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					b.Error(err)
				case h != nil:
					won++
				case r.Verdict == Busy:
					lost++
				default:
					b.Error(r.Verdict)
				}
			})
		}
		wg.Wait()
		if won != 1 || lost != 7 {
			b.Errorf("%d won, %d lost", won, lost)
		}
	})
}

func TestOfConcurrentClaimsFromOneViewOneIsAdmitted(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		v := b.known(keyA)
		other := New(b.store, Options{})
		verdicts := make(chan Verdict, 20)
		start := make(chan struct{})
		for i := range cap(verdicts) {
			c := b.cache
			if i%2 == 0 {
				c = other
			}
			go func() {
				<-start
				_, r, err := c.Claim(b.ctx, []Wish{onA(v)}, term)
				if err != nil {
					b.Error(err)
				}
				verdicts <- r.Verdict
			}()
		}
		synctest.Wait()
		close(start)
		got := map[Verdict]int{}
		for range cap(verdicts) {
			got[<-verdicts]++
		}
		if got[Admit] != 1 || got[Busy] != cap(verdicts)-1 {
			b.Errorf("%v", got)
		}
	})
}

func TestLeaseOutlastsItsOwnersDeadline(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		v := b.known(keyA)
		time.Sleep(3 * time.Second) // the view is as old as a probe takes
		h := b.claim(onA(v))
		time.Sleep(time.Until(h.Deadline) + term.Settle)
		b.is(keyA, Writing)
		time.Sleep(term.margin() + time.Millisecond)
		b.is(keyA, Unknown)
		v = b.fetch(keyA)
		h = b.claim(Wish{View: v})
		if !h.Overran {
			b.Error("nobody is told that a lease ran out")
		}
	})
}

func TestClaimThatTookTooLongIsGivenBack(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		v := b.known(keyA)
		slow := New(slowStore{b.store, term.Work}, Options{})
		h, _, err := slow.Claim(b.ctx, []Wish{onA(v)}, term)
		if h != nil || !errors.Is(err, ErrLeaseSpent) {
			b.Errorf("%v, %v", h, err)
		}
		b.is(keyA, Known)
	})
}

// slowStore answers swaps after a while.
type slowStore struct {
	*fakeStore
	by time.Duration
}

func (s slowStore) Swap(ctx context.Context, k Key, c Change) (Reply, error) {
	r, err := s.fakeStore.Swap(ctx, k, c)
	time.Sleep(s.by)
	return r, err
}

func TestNewerRecordIsNeverOverwritten(t *testing.T) {
	inCache(t, Options{LocalFor: time.Second}, func(b *bench) {
		v := b.known(keyA)
		newer := bytes.Clone(b.store.value(keyA))
		newer[0]++
		b.store.mu.Lock()
		b.store.data[keyA] = fakeEntry{value: newer}
		b.store.mu.Unlock()
		_, err := b.cache.Fetch(b.ctx, keyA)
		_, _, learned := b.cache.Learn(b.ctx, v, v.Begin(0), taggedFor("html", "h"))
		_, _, claimed := b.cache.Claim(b.ctx, []Wish{onA(v)}, term)
		_, marked := b.cache.Mark(b.ctx, v, term)
		for _, err := range []error{err, learned, claimed, marked} {
			if !errors.Is(err, ErrNewer) {
				b.Error(err)
			}
		}
		time.Sleep(time.Minute)
		if !bytes.Equal(b.store.value(keyA), newer) {
			b.Error("it was overwritten")
		}
	})
}
