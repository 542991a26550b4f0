package etagcache

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// kept wishes for a key without changing what it names.
func kept(v View) Wish { return Wish{View: v, Kept: true} }

func TestAKeptKeyIsHeldExclusively(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(kept(b.known(keyA)))
		for name, w := range map[string]Wish{"a write of it": onA(b.fetch(keyA)), "another that keeps it": kept(b.fetch(keyA))} {
			if other, r, err := b.cache.Claim(b.ctx, []Wish{w}, term); other != nil || err != nil || r.Verdict != Busy {
				b.Errorf("%s: %s, %v", name, r.Verdict, err)
			}
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
	})
}

func TestAWriteThatKeptAKeyLeavesItsVersion(t *testing.T) {
	for outcome, want := range map[Outcome]State{Applied: Known, Unapplied: Known} {
		t.Run(outcome.String(), func(t *testing.T) {
			inCache(t, Options{}, func(b *bench) {
				before, changed := b.known(keyA), b.known(keyB)
				h := b.claim(kept(before), onA(changed))
				if _, _, err := h.Conclude(b.ctx, Conclusion{Outcome: outcome, Primary: keyB}, nil); err != nil {
					b.Fatal(err)
				}
				if r := b.is(keyA, want); r.Version != before.Record.Version {
					b.Error("the kept key has another version")
				}
				if r := b.store.record(keyB); (r.Version == changed.Record.Version) != (outcome == Unapplied) {
					b.Errorf("the changed key: %+v", r)
				}
				// Whoever read it before may write it now.
				_, _, _ = b.claim(onA(b.fetch(keyA))).Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
			})
		})
	}
}

// What is in doubt may be applied yet: what must not change under it stays closed for as long.
func TestDoubtClosesAKeptKeyToo(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(kept(b.known(keyA)))
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Doubt}, nil)
		if r := b.is(keyA, Writing); !r.Lease.InDoubt {
			b.Error("it is not in doubt")
		}
		time.Sleep(term.margin() + term.Settle)
		if r := b.is(keyA, Known); !r.names(tagged("a").Tag) {
			b.Error("what was not changed is not known any more")
		}
	})
}

func TestAKeptKeyThatAMarkTouchedIsUnknown(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(kept(b.known(keyA)))
		m, err := b.cache.Mark(b.ctx, b.fetch(keyA), term)
		if err != nil {
			b.Fatal(err)
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		b.is(keyA, Unknown)
		_ = m.Close(b.ctx)
	})
}

// created makes a write that creates what the key stands for.
func (b *bench) created(k Key) {
	b.Helper()
	h := b.claim(kept(b.fetch(k)))
	if h.Created(k, time.Hour) {
		b.Error("it was created before")
	}
	if _, _, err := h.Conclude(b.ctx, Conclusion{Outcome: Applied, Created: []Key{k}}, nil); err != nil {
		b.Fatal(err)
	}
}

func TestWhatWasJustCreatedIsRememberedForAsLongAsAsked(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.created(keyA)
		time.Sleep(4 * time.Second)
		h := b.claim(kept(b.fetch(keyA)))
		if !h.Created(keyA, 5*time.Second) || h.Created(keyA, 3*time.Second) || h.Created(keyB, time.Hour) {
			b.Error("it is not remembered, or for too long, or of another key")
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil) // a refusal forgets nothing
		h = b.claim(kept(b.fetch(keyA)))
		if !h.Created(keyA, time.Hour) {
			b.Error("a write that was not sent has made it forgotten")
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied, Forgotten: []Key{keyA}}, nil)
		h = b.claim(kept(b.fetch(keyA)))
		if h.Created(keyA, time.Hour) {
			b.Error("it is remembered though the backend shows it")
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
	})
}

// Nothing says that a write in doubt has created anything, nor one whose replica died.
func TestDoubtIsNotTakenForACreation(t *testing.T) {
	for name, end := range map[string]func(b *bench, h *Held){
		"doubt": func(b *bench, h *Held) {
			_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Doubt, Created: []Key{keyA}}, nil)
		},
		"died": func(*bench, *Held) {},
		"unapplied": func(b *bench, h *Held) {
			_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied, Created: []Key{keyA}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCache(t, Options{}, func(b *bench) {
				end(b, b.claim(kept(b.fetch(keyA))))
				time.Sleep(time.Minute)
				h := b.claim(kept(b.fetch(keyA)))
				if h.Created(keyA, time.Hour) {
					b.Error("it counts as created")
				}
				_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
			})
		})
	}
}

func TestACreationIsRecordedInTheBackgroundToo(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		h := b.claim(kept(b.fetch(keyA)))
		b.store.setDown(true)
		if _, _, err := h.Conclude(b.ctx, Conclusion{Outcome: Applied, Created: []Key{keyA}}, nil); !errors.Is(err, errDown) {
			b.Fatal(err)
		}
		b.store.setDown(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if r := b.is(keyA, Unknown); !r.Created {
			b.Errorf("it is not on record: %+v", r)
		}
	})
}

// A customer who is read while an order is made for him can be written afterwards, by what was read.
func TestReadsUnderALeaseThatKeepsTheResourceAreAsGoodAsBefore(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		before := b.fetch(keyA)
		h := b.claim(kept(before))
		v := b.fetch(keyA)
		v, verdict, err := b.cache.Learn(b.ctx, v, v.Begin(0), tagged("a"))
		if err != nil || verdict != Done {
			b.Fatal(verdict, err)
		}
		if known, _ := v.Describe(Tag{Opaque: "a"}, QualifyReturned); !known || v.Version() != before.Record.Version {
			b.Error("the tag is not known under it")
		}
		b.is(keyA, Writing)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		if r := b.is(keyA, Known); r.Version != before.Record.Version {
			b.Error("it has another version")
		}
		_, _, _ = b.claim(onA(b.fetch(keyA))).Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
	})
}

// A read that began before the write of somebody else, and comes after it, teaches nothing, whatever keeps the resource meanwhile.
func TestALateReadUnderAKeptLeaseTeachesNothing(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		old := b.known(keyA)
		_, _, _ = b.claim(onA(old)).Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		h := b.claim(kept(b.fetch(keyA)))
		if _, verdict, err := b.cache.Learn(b.ctx, b.fetch(keyA), old.Begin(0), tagged("a")); verdict != Late || err != nil {
			b.Error(verdict, err)
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
	})
}

func TestDriftUnderAKeptLeaseMovesWhatIsBeneath(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		before := b.known(keyA)
		h := b.claim(kept(before))
		v := b.fetch(keyA)
		other := tagged("a")
		other.Tag = tagged("b").Tag
		if _, verdict, _ := b.cache.Learn(b.ctx, v, v.Begin(0), other); verdict != Drift {
			b.Error(verdict)
		}
		b.is(keyA, Writing)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		if r := b.is(keyA, Known); r.Version == before.Record.Version || !r.names(other.Tag) || !r.isRetired(tagged("a").Tag) {
			b.Errorf("%+v", r)
		}
	})
}

// A kept key is concluded in the background as a kept one.
func TestAKeptKeyKeepsItsVersionWhenItIsConcludedLater(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		before := b.known(keyA)
		h := b.claim(kept(before))
		b.store.setDown(true)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		b.store.setDown(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if r := b.is(keyA, Known); r.Version != before.Record.Version {
			b.Error("it has another version")
		}
	})
}
