package proxy

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// GiveUpAfter sets how long clients may take over what is held for them, where others have no room.
func (p *Proxy) GiveUpAfter(d time.Duration) {
	p.guard.memory.writes.patience, p.guard.memory.answers.patience = d, d
}

// slowly is a holding of so many bytes, for a client that takes its time.
func slowly(t *testing.T, p *pool, n int64) (h *holding, hurried *atomic.Int32) {
	t.Helper()
	hurried = &atomic.Int32{}
	h = &holding{of: p, hurry: func() error { hurried.Add(1); return nil }}
	h.await()
	if !h.take(n) {
		t.Fatalf("no room for %d bytes beside %d", n, p.held.Load())
	}
	return h, hurried
}

func TestWhoTakesTheLongestIsGivenUpForWhoNeedsTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &newBudget(400, nobody{}).writes // 300 of it
		first, hurriedFirst := slowly(t, p, 100)
		time.Sleep(time.Second)
		second, hurriedSecond := slowly(t, p, 100)
		third, hurriedThird := slowly(t, p, 100)
		hurried := func() [3]int32 { return [3]int32{hurriedFirst.Load(), hurriedSecond.Load(), hurriedThird.Load()} }

		newcomer := &holding{of: p}
		time.Sleep(patienceWithClients - time.Second - 1)
		if newcomer.take(1) || hurried() != [3]int32{} {
			t.Fatalf("before their time was over %v were given up", hurried())
		}
		time.Sleep(time.Nanosecond)
		if newcomer.take(301) || hurried() != [3]int32{} {
			t.Fatalf("for what has no place in it at all %v were given up", hurried())
		}
		if first.take(1) || hurried() != [3]int32{} {
			t.Fatalf("for the one that takes the longest %v were given up", hurried())
		}
		if !newcomer.take(60) || hurried() != [3]int32{1} || p.held.Load() != 260 || first.counted() != 0 {
			t.Fatalf("%v were given up; %d bytes are held, of that %d by the first", hurried(), p.held.Load(), first.counted())
		}
		if !newcomer.take(40) || newcomer.take(1) || hurried() != [3]int32{1} {
			t.Fatalf("%v were given up; %d bytes are held", hurried(), p.held.Load())
		}
		if first.take(1) || !first.settle() {
			t.Error("the one that was given up goes on")
		}
		time.Sleep(time.Second)
		if second.settle() || !newcomer.take(1) || hurried() != [3]int32{1, 0, 1} {
			t.Errorf("%v were given up, and the second does not wait for its client any more", hurried())
		}
		for _, h := range []*holding{first, second, third, newcomer} {
			h.release()
		}
		if p.held.Load() != 0 || p.waiting.Len() != 0 {
			t.Errorf("after it %d bytes are held, and %d wait", p.held.Load(), p.waiting.Len())
		}
	})
}

// Of answers nobody has more than a quarter of what is left, so that much must be given up for a large one.
func TestAnswersThatAreReadSlowlyMakeRoomForQuickOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &newBudget(4000, nobody{}).answers // 1000 of it
		var all []*atomic.Int32
		for range 100 {
			h := &holding{of: p}
			if n := (1000 - p.held.Load()) / 4; n == 0 || !h.take(n) {
				break
			}
			hurried := &atomic.Int32{}
			h.hurry = func() error { hurried.Add(1); return nil }
			h.await()
			all = append(all, hurried)
		}
		quick := &holding{of: p}
		if quick.take(100) {
			t.Fatal("it is not full")
		}
		time.Sleep(patienceWithClients)
		if !quick.take(100) || all[0].Load() != 1 || all[len(all)-1].Load() != 0 {
			t.Errorf("%d bytes are held; was the first of %d given up: %d", p.held.Load(), len(all), all[0].Load())
		}
	})
}

func TestAClientThatCannotBeHurriedKeepsItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &newBudget(400, nobody{}).writes
		h := &holding{of: p, hurry: func() error { return errors.ErrUnsupported }}
		h.await()
		if !h.take(300) {
			t.Fatal("no room")
		}
		time.Sleep(time.Hour)
		if (&holding{of: p}).take(1) || h.counted() != 300 || h.settle() {
			t.Errorf("%d bytes are held", p.held.Load())
		}
	})
}

// Whoever needs room, waits for its client, is given up or gives back, at whatever moment: what is counted is right, and no
// connection is touched that has gone on to something else.
func TestGivingUpAtAnyMomentCountsRight(t *testing.T) {
	p := &pool{limit: 1000, observer: nobody{}} // and no patience at all
	var given, over atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var open []func() // more than there is room for
			for range 3000 {
				var settled atomic.Bool
				h := &holding{of: p, hurry: func() error {
					if settled.Load() {
						over.Add(1)
					}
					return nil
				}}
				h.await()
				for range rand.IntN(4) {
					h.take(1 + rand.Int64N(400))
				}
				if p.held.Load() > p.limit {
					over.Add(1)
				}
				open = append(open, func() {
					if rand.IntN(2) == 0 {
						if h.settle() {
							given.Add(1)
						}
						settled.Store(true)
					}
					h.release()
					settled.Store(true)
				})
				if len(open) == 5 {
					open[0]()
					open = open[1:]
				}
			}
			for _, end := range open {
				end()
			}
		})
	}
	all.Wait()
	if over.Load() != 0 || given.Load() == 0 {
		t.Errorf("%d were given up; %d times that was wrong", given.Load(), over.Load())
	}
	if p.held.Load() != 0 || p.waiting.Len() != 0 {
		t.Errorf("after it %d bytes are held, and %d wait", p.held.Load(), p.waiting.Len())
	}
}
