package etagcache

import (
	"bytes"
	"testing"
	"time"
)

func printOf(text string) Print {
	return Print{Head: DigestOf("head", text[:1]), Whole: DigestOf("whole", text)}
}

// again is a claim of a request that is known by its print.
func (b *bench) again(w Wish) Ruling {
	b.Helper()
	h, r, err := b.cache.Claim(b.ctx, []Wish{w}, term)
	if h != nil || err != nil {
		b.Fatalf("granted: %t, %v", h != nil, err)
	}
	return r
}

// wrote makes a write that is answered, and has it known again.
func (b *bench) wrote(k Key, p Print) {
	b.Helper()
	v := b.known(k)
	h := b.claim(Wish{View: v, Condition: ifMatch(`"a"`), Print: p})
	c := Conclusion{Outcome: Applied, Primary: k, Answers: map[Key][]byte{k: []byte("the answer")}}
	if _, _, err := h.Conclude(b.ctx, c, nil); err != nil {
		b.Fatal(err)
	}
}

func TestTheLatestWriteIsKnownAgain(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.wrote(keyA, printOf("one"))
		repeated := Wish{View: b.fetch(keyA), Condition: ifMatch(`"a"`), Print: printOf("one")}
		if r := b.again(repeated); r.Verdict != Repeated || !bytes.Equal(r.View.Last().Answer, []byte("the answer")) {
			b.Errorf("%s, %+v", r.Verdict, r.View.Last())
		}
		if r := b.again(Wish{View: b.fetch(keyA), Condition: ifMatch(`"a"`), Print: printOf("other")}); r.Verdict != Stale {
			b.Errorf("another one: %s", r.Verdict)
		}
		// What only adds knowledge leaves it the latest.
		v := b.fetch(keyA)
		_, _, _ = b.cache.Learn(b.ctx, v, v.Begin(0), tagged("b"))
		if r := b.again(repeated); r.Verdict != Repeated {
			b.Errorf("after a read: %s", r.Verdict)
		}
		// So does a write that came to nothing.
		_, _, _ = b.claim(Wish{View: b.fetch(keyA), Condition: ifMatch(`"b"`), Print: printOf("two")}).Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
		if r := b.again(repeated); r.Verdict != Repeated {
			b.Errorf("after a write that was not applied: %s", r.Verdict)
		}
	})
}

func TestAWriteThatIsNotTheLatestIsNotKnownAgain(t *testing.T) {
	for name, next := range map[string]func(b *bench){
		"another write": func(b *bench) {
			v := b.fetch(keyA)
			v, _, _ = b.cache.Learn(b.ctx, v, v.Begin(0), tagged("b"))
			_, _, _ = b.claim(Wish{View: v, Condition: ifMatch(`"b"`)}).Conclude(b.ctx, Conclusion{Outcome: Applied}, nil)
		},
		"an unjudged one": func(b *bench) {
			m, err := b.cache.Mark(b.ctx, b.fetch(keyA), term)
			if err != nil {
				b.Fatal(err)
			}
			_ = m.Close(b.ctx)
		},
		"drift": func(b *bench) {
			v := b.fetch(keyA)
			v, _, _ = b.cache.Learn(b.ctx, v, v.Begin(0), tagged("b"))
			other := tagged("b")
			other.Tag = tagged("c").Tag
			if _, verdict, _ := b.cache.Learn(b.ctx, v, v.Begin(0), other); verdict != Drift {
				b.Fatal(verdict)
			}
		},
		"a write in doubt": func(b *bench) {
			v := b.fetch(keyA)
			v, _, _ = b.cache.Learn(b.ctx, v, v.Begin(0), tagged("b"))
			_, _, _ = b.claim(Wish{View: v, Condition: ifMatch(`"b"`)}).Conclude(b.ctx, Conclusion{Outcome: Doubt}, nil)
			time.Sleep(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCache(t, Options{}, func(b *bench) {
				b.wrote(keyA, printOf("one"))
				next(b)
				if r := b.again(Wish{View: b.fetch(keyA), Condition: ifMatch(`"a"`), Print: printOf("one")}); r.Verdict != Stale {
					b.Errorf("%s", r.Verdict)
				}
			})
		})
	}
}

func TestAWriteInDoubtIsKnownAgainAsThat(t *testing.T) {
	for name, end := range map[string]func(*bench, *Held){
		"given up":         func(b *bench, h *Held) { _, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Doubt}, nil) },
		"its replica died": func(*bench, *Held) {},
	} {
		t.Run(name, func(t *testing.T) {
			inCache(t, Options{}, func(b *bench) {
				wish := func() Wish { return Wish{View: b.fetch(keyA), Condition: ifMatch(`"a"`), Print: printOf("one")} }
				b.known(keyA)
				end(b, b.claim(wish()))
				if r := b.again(wish()); r.Verdict != Busy {
					b.Errorf("before the settle time is over: %s", r.Verdict)
				}
				time.Sleep(time.Minute)
				if r := b.again(wish()); r.Verdict != Repeated || !r.View.Last().Doubt || r.View.Last().Answer != nil {
					b.Errorf("%s, %+v", r.Verdict, r.View.Last())
				}
			})
		})
	}
}

func TestAKeyIsOneRequestsOwn(t *testing.T) {
	const day = 24 * time.Hour
	inCache(t, Options{}, func(b *bench) {
		wish := func(text string) Wish {
			return Wish{View: b.fetch(keyB), Kept: true, Keyed: true, Remember: day, Print: printOf(text)}
		}
		h := b.claim(wish("one"))
		if r := b.again(wish("one")); r.Verdict != Busy {
			b.Errorf("the same, while it is under way: %s", r.Verdict)
		}
		if r := b.again(wish("two")); r.Verdict != Reused {
			b.Errorf("another one, while it is under way: %s", r.Verdict)
		}
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
		h = b.claim(wish("one")) // it came to nothing, so it may be sent again
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied, Answers: map[Key][]byte{keyB: []byte("201")}}, nil)
		time.Sleep(day - time.Minute)
		if r := b.again(wish("one")); r.Verdict != Repeated || string(r.View.Last().Answer) != "201" {
			b.Errorf("the same: %s, %+v", r.Verdict, r.View.Last())
		}
		if r := b.again(wish("two")); r.Verdict != Reused {
			b.Errorf("another one: %s", r.Verdict)
		}
		time.Sleep(2 * time.Minute)
		_, _, _ = b.claim(wish("two")).Conclude(b.ctx, Conclusion{Outcome: Unapplied}, nil)
	})
}

func TestWhatIsKnownMayBeSentAgainAfterAsking(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		wish := Wish{View: b.fetch(keyB), Kept: true, Keyed: true, Remember: time.Hour, Print: printOf("one")}
		_, _, _ = b.claim(wish).Conclude(b.ctx, Conclusion{Outcome: Doubt}, nil)
		time.Sleep(time.Minute)
		wish.View = b.fetch(keyB)
		if r := b.again(wish); r.Verdict != Repeated || !r.View.Last().Doubt {
			b.Fatalf("%s, %+v", r.Verdict, r.View.Last())
		}
		wish.Again = wish.View.Record.Version
		h := b.claim(wish)
		_, _, _ = h.Conclude(b.ctx, Conclusion{Outcome: Applied, Answers: map[Key][]byte{keyB: []byte("201")}}, nil)
		if last := b.fetch(keyB).Last(); last.Doubt || string(last.Answer) != "201" {
			b.Errorf("%+v", last)
		}
	})
}
