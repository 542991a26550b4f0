package etagcache

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Attacks on the protocol that have succeeded once.

// A tag that is shown under an open mark names the state before the mark's request is through. When the mark runs out by
// itself (its replica died), nothing moves the record; so the tag must not be noted, or a client would have it bare.
func TestTagShownUnderAMarkIsNotNoted(t *testing.T) {
	for name, read := range map[string]struct {
		shown Validator
		want  Verdict // of the tag that was shown under the mark
	}{
		"a read of another representation": {taggedFor("html", "y"), Ask},
		"a read that shows another":        {taggedFor("json", "a2"), Ask},
	} {
		t.Run(name, func(t *testing.T) {
			s := knows(t, taggedFor("json", "a0"))
			s.do(Admit, s.claim("W", `"a0"`))
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Shows: true, Confirmed: true, Shown: taggedFor("json", "a1")})
			if (View{Record: s.r}).Noted(Tag{Opaque: "a1"}) {
				t.Error("it goes out bare")
			}
			s.now += 1000             // the POST was applied, and its replica died
			s.learn(Done, read.shown) // and no drift: nobody wrote past the proxy
			s.judged(read.want, `"a1"`)
		})
	}
}

// What was shown while a write was at the backend may be older than the write, although the version stands when its lease runs out.
func TestEvidenceBegunWhileWritingIsNoEvidence(t *testing.T) {
	s := newTale(t)
	s.do(Admit, Claim{ID: id("W1"), Until: s.now + 1000})
	c := s.seeing("W2", `"a"`, tagged("a")) // a probe that nobody judged before: `verify: always`, disclosure
	s.now += 1000                           // W1 was applied after the probe, and its replica died
	s.do(Ask, c)
}

func TestIfMatchWithIfNoneMatchIsNotACreation(t *testing.T) {
	s := newTale(t)
	c := s.claim("W", `"a"`)
	c.Condition.Absent = true
	c.Evidence = Evidence{Begun: s.begin(), Kind: ShownAbsent}
	if v := s.try(c); v == Admit {
		t.Errorf("If-Match: \"a\" of an absent resource: %s", v)
	}
}

// A replica that concluded in doubt and then, by a deferred release, as unapplied.
func TestReleaseAfterDoubtReopensNothing(t *testing.T) {
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Doubt)
	s.do(Late, Conclude{ID: id("W"), Outcome: Unapplied})
	s.judged(Busy, `"a"`)
}

// The tag that is present and retired loses its place among the retired to other representations of its own version; then
// a client that holds it bare, for an earlier state, is admitted.
func TestPresentTagThatCameBackStaysRetired(t *testing.T) {
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Applied)
	b := s.begin()
	learn := func(v Verdict, i int) {
		s.do(v, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), "t"+strconv.Itoa(i))})
	}
	for i := range usualValidators {
		learn(Done, i)
	}
	s.do(Crowded, Learn{Begun: b, Shown: tagged("a")})
	for i := range 60 {
		learn(Crowded, 100+i)
	}
	s.judged(Stale, `"a"`)
}

func TestRecordIsStoredInOneWayOnly(t *testing.T) {
	for name, change := range map[string]func(b []byte) []byte{
		"flags of a lease": func(b []byte) []byte { b[10] = 0xff; return b },
		"a long varint":    func(b []byte) []byte { return append(append(b[:11:11], 0x81, 0x00), b[12:]...) },
	} {
		b := change(encode(goldenRecords()["unknown"], inEpoch))
		if r, err := decode(b, inEpoch); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	b := encode(goldenRecords()["writing"], inEpoch)
	b[len(b)-13] = 9
	if r, err := decode(b, inEpoch); err == nil {
		t.Errorf("a state before of 9: %+v", r)
	}
}

// Where two of us stand behind each other, the backend's own tags end like qualified ones.
func TestBackendsTagThatLooksQualifiedIsQualified(t *testing.T) {
	own := Tag{Opaque: "a"}.Qualify(Version{1})
	s := knows(t, Validator{Tag: own.Digest(), Rep: DigestOf("rep", "")})
	sent := own
	if _, returned := (View{Record: s.r}).Describe(own, QualifyReturned); returned {
		sent = own.Qualify(s.r.Version)
	}
	s.judged(Admit, sent.String())
}

// The clock of a machine that is suspended, or of a guest that is moved, stands still; the store's does not.
func TestNoLeaseIsGrantedInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		frozen := time.Now()
		c := New(store, Options{Clock: func() time.Time { return frozen }})
		v, err := c.Fetch(t.Context(), Key{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		h, _, err := c.Claim(t.Context(), []Wish{{View: v}}, Term{Work: time.Second, Settle: time.Second})
		if h != nil && err == nil && store.record(Key{}).at(store.now()).State != Writing {
			t.Error("the owner believes that it has a second, and any other may claim")
		}
	})
}

// A client writes, reads and writes again, through a balancer: the replica of its second write has a copy from before the
// first one, and does not know the version that the tag is qualified with.
func TestClaimFromALocalCopyRefusesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		ctx := context.Background()
		near, far := New(store, Options{LocalFor: time.Second}), New(store, Options{LocalFor: time.Second})
		_, _ = near.Look(ctx, Key{})
		v, _ := far.Fetch(ctx, Key{})
		h, _, _ := far.Claim(ctx, []Wish{{View: v}}, Term{Work: time.Second})
		v, _, _ = h.Conclude(ctx, Conclusion{Outcome: Applied}, nil)
		v, _, _ = far.Learn(ctx, v, v.Begin(0), tagged("a"))
		sent := ifMatch(Tag{Opaque: "a"}.Qualify(v.Record.Version).String())

		local, _ := near.Look(ctx, Key{})
		if _, ruling, _ := near.Claim(ctx, []Wish{{View: local, Condition: sent}}, Term{Work: time.Second}); ruling.Verdict != Admit {
			t.Errorf("%s, said by a local copy: %v", ruling.Verdict, ruling.View.Local)
		}
	})
}

func TestSetWithOneKeyTwiceIsJudgedTwice(t *testing.T) {
	ctx := context.Background()
	c := New(newFakeStore(), Options{})
	old, _ := c.Fetch(ctx, Key{})
	old, _, _ = c.Learn(ctx, old, old.Begin(0), tagged("a"))
	m, _ := c.Mark(ctx, old, Term{Work: time.Minute})
	_ = m.Close(ctx)
	now, _ := c.Fetch(ctx, Key{})
	if h, _, _ := c.Claim(ctx, []Wish{{View: now}, {View: old, Condition: ifMatch(`"a"`)}}, Term{Work: time.Minute}); h != nil {
		t.Error("a wish for a version that is over was granted")
	}
}

// A swap from nothing would succeed again once the record is forgotten, and with it a version would return.
func TestCopyOfAPlantBringsNoVersionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		ctx := context.Background()
		c := New(store, Options{})
		store.fail(repeated)
		late, _ := c.Fetch(ctx, Key{}) // a read begins
		time.Sleep(emptyTTL)
		if store.value(Key{}) != nil {
			t.Fatal("the record is not forgotten")
		}
		if store.deliver(0) {
			t.Error("the copy was stored")
		}
		if _, verdict, _ := c.Learn(ctx, late, late.Begin(0), tagged("old")); verdict != Late {
			t.Errorf("a read from before the record was forgotten: %s", verdict)
		}
	})
}

func TestAPlantsTimeIsOverBeforeTheShortestLifeOfARecord(t *testing.T) {
	for _, ttl := range []time.Duration{time.Second, time.Minute, 720 * time.Hour} {
		c := New(nil, Options{TTL: ttl})
		r, _ := Step(Record{}, Plant{}, Moment{})
		if change := c.change(View{}, r); change.By == 0 || time.Duration(change.By)*time.Millisecond >= change.TTL {
			t.Errorf("ttl %v: a record that lives for %v may be planted for %d ms", ttl, change.TTL, change.By)
		}
	}
}

func TestARecordIsPlantedAfterASlowTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		slow := true
		store.gate = func() {
			if slow {
				slow = false
				time.Sleep(plantWithin + time.Second)
			}
		}
		v, err := New(store, Options{}).Fetch(t.Context(), Key{})
		if _, swaps := store.counts(); err != nil || v.Record.State != Unknown || swaps != 2 {
			t.Errorf("%v, %+v after %d swaps", err, v.Record, swaps)
		}
	})
}
