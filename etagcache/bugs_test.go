package etagcache

import (
	"context"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Tests that fail as of now. BUGS=1 runs them.
func bug(t *testing.T, story string) {
	t.Helper()
	if os.Getenv("BUGS") == "" {
		t.Skip("BUG: " + story)
	}
}

// A tag that a touched write left behind names the state before the mark's request is through. When the mark runs out by
// itself (its replica died), nothing moves the record.
func TestTagShownUnderAMarkDiesWithTheMark(t *testing.T) {
	bug(t, "P1: validators that a touched conclusion leaves survive a mark that runs out, and a read of another representation confirms them")
	for name, read := range map[string]struct {
		shown Validator
		want  Verdict
	}{
		"a read of another representation": {taggedFor("html", "y"), Done},
		"a read that shows it again":       {taggedFor("json", "a1"), Done}, // of a backend whose tags come back
		"a read that shows another":        {taggedFor("json", "a2"), Done}, // and no drift: nobody wrote past the proxy
	} {
		t.Run(name, func(t *testing.T) {
			s := knows(t, taggedFor("json", "a0"))
			s.do(Admit, s.claim("W", `"a0"`))
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Shows: true, Confirmed: true, Shown: taggedFor("json", "a1")})
			s.now += 1000 // the POST was applied, and its replica died
			s.learn(read.want, read.shown)
			s.judged(Stale, `"a1"`)
		})
	}
}

// What was shown while a write was at the backend may be older than the write, although the version stands when its lease runs out.
func TestEvidenceBegunWhileWritingIsNoEvidence(t *testing.T) {
	bug(t, "P1: judge heeds evidence that was begun closed, once the lease has run out")
	s := newTale(t)
	s.do(Admit, Claim{ID: id("W1"), Until: s.now + 1000})
	c := s.seeing("W2", `"a"`, tagged("a")) // a probe that nobody judged before: `verify: always`, disclosure
	s.now += 1000                           // W1 was applied after the probe, and its replica died
	s.do(Ask, c)
}

func TestIfMatchWithIfNoneMatchIsNotACreation(t *testing.T) {
	bug(t, "P1: a condition with both Match and Absent is judged by Absent alone")
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
	bug(t, "a second conclusion, unapplied after doubt, restores the version while the backend may be working")
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Doubt)
	s.do(Late, Conclude{ID: id("W"), Outcome: Unapplied})
	s.judged(Busy, `"a"`)
}

// The tag that is present and retired loses its place among the retired to other representations of its own version; then
// a client that holds it bare, for an earlier state, is admitted.
func TestPresentTagThatCameBackStaysRetired(t *testing.T) {
	bug(t, "P1 for tags that come back: evictions push the mark of a present returned tag out of the retired ones")
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Applied)
	b := s.begin()
	learn := func(i int) { s.do(Done, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), "t"+strconv.Itoa(i))}) }
	for i := range maxValidators + 25 {
		learn(i)
	}
	s.do(Done, Learn{Begun: b, Shown: tagged("a")})
	for i := range 28 {
		learn(100 + i)
	}
	s.judged(Stale, `"a"`)
}

func TestRecordIsStoredInOneWayOnly(t *testing.T) {
	bug(t, "decode accepts values that encode does not write: unknown flags, a long varint, a validator's flag of 7")
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
	bug(t, "P2: a backend's own tag in the form of a qualified one is handed out bare, and then read as qualified")
	own := Tag{Opaque: "a"}.Qualify(Version{1})
	s := knows(t, Validator{Tag: own.Digest(), Rep: DigestOf("rep", "")})
	sent := own
	if _, returned := (View{Record: s.r}).Describe(own); returned {
		sent = own.Qualify(s.r.Version)
	}
	s.judged(Admit, sent.String())
}

// The clock of a machine that is suspended, or of a guest that is moved, stands still; the store's does not.
func TestNoLeaseIsGrantedInThePast(t *testing.T) {
	bug(t, "P1: a replica that was frozen between its view and its claim gets a lease that the store regards as over")
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

func TestClaimFromALocalCopyRefusesNothing(t *testing.T) {
	bug(t, "P3: a claim from a local view is refused as stale without asking the store")
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		ctx := context.Background()
		a, b := New(store, Options{LocalFor: time.Second}), New(store, Options{LocalFor: time.Second})
		v, _ := a.Look(ctx, Key{})
		v, _, _ = a.Learn(ctx, v, v.Begin(), tagged("a"))
		h, _, _ := b.Claim(ctx, []Wish{{View: v, Condition: ifMatch(`"a"`)}}, Term{Work: time.Second})
		v, _, _ = h.Conclude(ctx, Conclusion{Outcome: Applied}, nil)
		_, _ = a.Fetch(ctx, Key{}) // a has a copy: unknown, "a" retired
		_, _, _ = b.Learn(ctx, v, v.Begin(), tagged("a"))
		local, _ := a.Look(ctx, Key{})
		store.forget(Key{})
		gets, _ := store.counts()
		_, ruling, err := a.Claim(ctx, []Wish{{View: local, Condition: ifMatch(`"a"`)}}, Term{Work: time.Second})
		if now, _ := store.counts(); now == gets && ruling.Verdict == Stale && err == nil {
			t.Errorf("stale, said by a local copy (%v)", ruling.View.Local)
		}
	})
}

func TestSetWithOneKeyTwiceIsJudgedTwice(t *testing.T) {
	bug(t, "the second of two wishes for one key is admitted as a repetition of the first, whatever it requires")
	ctx := context.Background()
	c := New(newFakeStore(), Options{})
	old, _ := c.Fetch(ctx, Key{})
	old, _, _ = c.Learn(ctx, old, old.Begin(), tagged("a"))
	m, _ := c.Mark(ctx, old, Term{Work: time.Minute})
	_ = m.Close(ctx)
	now, _ := c.Fetch(ctx, Key{})
	if h, _, _ := c.Claim(ctx, []Wish{{View: now}, {View: old, Condition: ifMatch(`"a"`)}}, Term{Work: time.Minute}); h != nil {
		t.Error("a wish for a version that is over was granted")
	}
}

// A swap from nothing succeeds again once the record is forgotten, and with it a version returns.
func TestCopyOfAPlantBringsAVersionBack(t *testing.T) {
	bug(t, "ABA: a repeated swap from nothing plants a version anew that was in use")
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		ctx := context.Background()
		c := New(store, Options{})
		var plant lateSwap
		store.swapped = func(key Key, _, after []byte) { plant = lateSwap{key, Change{Epoch: store.epoch.ID, New: after}} }
		late, _ := c.Fetch(ctx, Key{}) // a read begins
		store.swapped = nil
		store.forget(Key{})
		store.late = append(store.late, plant)
		store.deliver(0)
		if _, verdict, _ := c.Learn(ctx, late, late.Begin(), tagged("old")); verdict != Late {
			t.Errorf("a read from before the record was forgotten: %s", verdict)
		}
	})
}
