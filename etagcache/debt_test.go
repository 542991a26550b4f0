package etagcache

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// owing is a cache that knows "a", and owes a note of a write that the store did not hear of.
func owing(t *testing.T, opt Options, f func(b *bench, before View)) {
	t.Helper()
	inCache(t, opt, func(b *bench) {
		before := b.known(keyA)
		b.store.setDown(true)
		if !b.cache.Owe(keyA, 0) {
			b.Fatal("it is not remembered")
		}
		synctest.Wait() // who settles debts has found the store down, and sleeps
		f(b, before)
		b.store.setDown(false)
		if err := b.cache.Drain(b.ctx); err != nil {
			b.Error(err)
		}
		if n := b.cache.Owes(); n != 0 {
			b.Errorf("%d resources are owed after all", n)
		}
	})
}

// Owes is how many resources are owed now.
func (c *Cache) Owes() int { return int(c.debts.count.Load()) }

func TestWhatIsOwedIsNotShownBeforeItIsSettled(t *testing.T) {
	owing(t, Options{LocalFor: time.Minute}, func(b *bench, _ View) {
		for range 3 {
			if v, err := b.cache.Look(b.ctx, keyA); err == nil {
				b.Fatalf("a local copy was shown: %+v", v.Record)
			}
			time.Sleep(time.Second)
		}
		b.store.setDown(false)
		v, err := b.cache.Look(b.ctx, keyA)
		if err != nil || v.Record.State != Unknown || !v.Record.isRetired(tagged("a").Tag) {
			b.Errorf("%v, %+v", err, v.Record)
		}
		if r := b.is(keyA, Unknown); r.Version != v.Record.Version {
			b.Error("what is shown is not what is stored")
		}
	})
}

func TestWhatIsOwedIsSettledByItself(t *testing.T) {
	owing(t, Options{}, func(b *bench, _ View) {
		time.Sleep(time.Minute)
		b.store.setDown(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.is(keyA, Unknown)
		if n := b.cache.Owes(); n != 0 {
			b.Errorf("%d resources are owed yet", n)
		}
		gets, _ := b.store.counts()
		time.Sleep(time.Minute)
		if now, _ := b.store.counts(); now != gets {
			b.Errorf("owing nothing, it asked %d times more", now-gets)
		}
	})
}

func TestAStoreThatIsAwayIsAskedSeldom(t *testing.T) {
	owing(t, Options{}, func(b *bench, _ View) {
		for i := range 100 {
			b.cache.Owe(Key{1, byte(i)}, 0)
		}
		time.Sleep(time.Minute)
		if gets, _ := b.store.counts(); gets > 80 {
			b.Errorf("it was asked %d times in a minute", gets)
		}
	})
}

func TestAClaimFromAViewThatIsOlderThanADebtIsNotGranted(t *testing.T) {
	owing(t, Options{}, func(b *bench, before View) {
		b.store.setDown(false)
		h, ruling, err := b.cache.Claim(b.ctx, []Wish{onA(before)}, term)
		if h != nil || err != nil || ruling.Verdict != Stale {
			b.Errorf("granted: %t, %s, %v", h != nil, ruling.Verdict, err)
		}
	})
}

func TestAWriteThatIsOwedWhileItsDebtIsSettledIsOwedYet(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		first := b.known(keyA)
		b.store.setDown(true)
		b.cache.Owe(keyA, 0)
		synctest.Wait() // who settles debts has found the store down, and sleeps
		b.store.setDown(false)
		var between Version
		b.store.swapped = func(Key, []byte, []byte) { // the first settlement is made, its reply on the way
			b.store.swapped = nil
			b.cache.Owe(keyA, 0)
		}
		between = b.fetch(keyA).Record.Version
		if n := b.cache.Owes(); n != 1 {
			b.Errorf("%d resources are owed", n)
		}
		_ = b.cache.Drain(b.ctx)
		if r := b.is(keyA, Unknown); r.Version == between || between == first.Record.Version {
			b.Error("the record was not moved twice")
		}
	})
}

func TestALostReplyLeavesTheDebt(t *testing.T) {
	for _, f := range []fault{lostRequest, lostReply, delayed} {
		t.Run(f.String(), func(t *testing.T) {
			owing(t, Options{}, func(b *bench, _ View) {
				b.store.setDown(false)
				b.store.fail(f)
				if _, err := b.cache.Fetch(b.ctx, keyA); err == nil || b.cache.Owes() != 1 {
					b.Errorf("%v, %d owed", err, b.cache.Owes())
				}
				if b.fetch(keyA).Record.State != Unknown || b.cache.Owes() != 0 {
					b.Error("the next one did not settle it")
				}
			})
		})
	}
}

// A lease of another replica stays, but what it concludes with is not believed.
func TestADebtTouchesTheLeaseOfAnother(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		other := New(b.store, Options{})
		v, _ := other.Fetch(b.ctx, keyA)
		v, _, _ = other.Learn(b.ctx, v, v.Begin(0), tagged("a"))
		h, _, err := other.Claim(b.ctx, []Wish{onA(v)}, term)
		if h == nil {
			b.Fatal(err)
		}
		b.cache.Owe(keyA, 0)
		_ = b.cache.Drain(b.ctx)
		b.is(keyA, Writing)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
		if r := b.is(keyA, Unknown); !r.isRetired(tagged("a").Tag) {
			b.Error("the validator is not retired")
		}
	})
}

func TestDebtsAreBounded(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.store.setDown(true)
		var key Key
		for i := range maxDebts {
			binary.BigEndian.PutUint32(key[:], uint32(i))
			if !b.cache.Owe(key, 0) {
				b.Fatalf("debt %d is not remembered", i)
			}
		}
		if !b.cache.Owe(key, 0) {
			b.Error("one that is owed already is not remembered")
		}
		if b.cache.Owe(Key{255}, 0) || b.cache.Owes() != maxDebts {
			b.Errorf("%d debts are remembered", b.cache.Owes())
		}
		_ = b.cache.Drain(b.ctx)
	})
}

func TestDrainWithDebtsAndNoStoreEnds(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.store.setDown(true)
		b.cache.Owe(keyA, 0)
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
		defer cancel()
		if err := b.cache.Drain(ctx); err != nil {
			b.Error(err)
		}
	})
}
