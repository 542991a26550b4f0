package proxy

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestWhatIsHeldIsGivenBackOnce(t *testing.T) {
	b := &newBudget(1<<20, nobody{}).writes
	b.held.Store(7) // of others
	h := &holding{of: b}
	if _, _, err := h.read(strings.NewReader(strings.Repeat("x", 100_000)), 1<<20, -1); err != nil {
		t.Fatal(err)
	}
	if held := b.held.Load(); held < 100_007 {
		t.Fatalf("%d bytes are held", held)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(h.release)
	}
	all.Wait()
	if held := b.held.Load(); held != 7 {
		t.Errorf("%d bytes are held after it", held)
	}
}

// What is counted is what is allocated: at least what has come, at most twice that, above a mebibyte a quarter more, and never what
// is announced.
func TestWhatIsCountedFollowsWhatHasCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]int{200_000, 4_000_000}).Draw(t, "most")
		came := rapid.IntRange(0, most).Draw(t, "came")
		limit := rapid.Int64Range(1, int64(most)*5/4).Draw(t, "limit")
		budget := rapid.Int64Range(0, int64(most)*2).Draw(t, "budget")
		announced := rapid.SampledFrom([]int64{-1, 0, int64(came), 1, 1 << 40}).Draw(t, "announced")
		all := []byte(strings.Repeat("0123456789", came/10+1))[:came]
		var r io.Reader = bytes.NewReader(all)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			r = iotest.DataErrReader(r)
		case 1:
			r = iotest.HalfReader(r)
		}
		b := &pool{limit: budget, observer: nobody{}}
		h := &holding{of: b}
		content, over, err := h.read(r, limit, announced)
		if h.counted() != b.held.Load() || h.counted() < int64(len(content)) || int64(cap(content)) != h.counted() {
			t.Fatalf("%d counted for %d bytes, of room for %d", h.counted(), len(content), cap(content))
		}
		allowed := func(n int64) int64 {
			if n > 1<<20 {
				return n + n/4
			}
			return max(4<<10, 2*n)
		}
		if h.counted() > allowed(int64(len(content))) || budget > 0 && b.held.Load() > budget || int64(len(content)) > limit {
			t.Fatalf("%d counted for %d bytes; the budget is %d, the limit %d", h.counted(), len(content), budget, limit)
		}
		left, _ := io.ReadAll(r)
		if whole := string(content) + string(over) + string(left); whole != string(all) {
			t.Fatalf("of %d bytes %d are there", len(all), len(whole))
		}
		switch {
		case errors.Is(err, errBodyTooLarge):
			if int64(came) <= limit {
				t.Fatalf("%d bytes are over the limit of %d", came, limit)
			}
		case errors.Is(err, errNoRoom):
			if budget == 0 || allowed(int64(came)) <= budget {
				t.Fatalf("no room for %d bytes in %d", came, budget)
			}
		case err != nil || int64(came) > limit:
			t.Fatalf("%d bytes, limit %d: %v", came, limit, err)
		}
	})
}

// A body that is as large as its limit, and as it said, takes no more than that: budgets can be filled to the last byte.
func TestABodyOfItsAnnouncedLengthTakesNoMore(t *testing.T) {
	for _, n := range []int64{1, 4 << 10, 4<<10 + 1, 1 << 20} {
		b := &pool{limit: n, observer: nobody{}}
		if _, _, err := (&holding{of: b}).read(strings.NewReader(strings.Repeat("x", int(n))), n, n); err != nil || b.held.Load() != n {
			t.Errorf("%d bytes: %d are held, %v", n, b.held.Load(), err)
		}
		if _, _, err := (&holding{of: b}).read(strings.NewReader("x"), 1, 1); !errors.Is(err, errNoRoom) {
			t.Errorf("one more byte: %v", err)
		}
	}
}

func TestAByteOfALargeBodyTakesLittle(t *testing.T) {
	b := newBudget(1<<40, nobody{})
	r, w := io.Pipe()
	var done sync.WaitGroup
	done.Go(func() { _, _, _ = b.forWrites().read(r, 1<<30, 1<<30) })
	_, _ = w.Write([]byte("x")) // it has been read when this returns
	_, _ = w.Write([]byte("x")) // and counted, when this does
	if held := b.writes.held.Load(); held == 0 || held > 4<<10 {
		t.Errorf("for two bytes of a gigabyte %d are held", held)
	}
	_ = w.Close()
	done.Wait()
}

func TestAnswersAndWritesDoNotCrowdEachOtherOut(t *testing.T) {
	const limit, each = 4 << 20, 100_000
	b := newBudget(limit, nobody{})
	fill := func(h func() *holding) (n int) {
		for {
			if _, _, err := h().read(strings.NewReader(strings.Repeat("x", each)), each, each); err != nil {
				return n
			}
			n++
		}
	}
	small := func(h *holding) error {
		_, _, err := h.read(strings.NewReader("some text"), 1<<20, -1)
		return err
	}
	if n := fill(b.forAnswers); n < 3 || n > limit/4/each {
		t.Errorf("%d large answers have room", n)
	}
	if err := small(b.forAnswers()); err != nil {
		t.Errorf("beside them a small one has none: %v", err)
	}
	if n := fill(b.forWrites); n < limit*3/4/each-1 || n > limit*3/4/each {
		t.Errorf("beside them there is room for %d large writes", n)
	}
	if err := small(b.forAnswers()); err != nil {
		t.Errorf("beside all of them a small answer has none: %v", err)
	}
}
