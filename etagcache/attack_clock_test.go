package etagcache

import (
	"testing"
	"time"
)

// Attacks on the roster and on lag by clocks.

// The replica stands still between the reply that says what time it is at the store, and putting itself on the roster.
func TestAttackAnEnrolmentIsMeasuredFromBeforeTheStoreSaidTheTime(t *testing.T) {
	inFleet(t, func(f *fleet) {
		way := &pausing{Store: f.store}
		first, later := f.over(way, "by id", f.grace), f.replica("by path")
		way.answered = func(key Key) {
			if key == rosterKey {
				time.Sleep(2 * enrolmentLasts)
			}
		}
		v, _ := first.Fetch(f.ctx, Key{})
		way.answered = nil
		if _, err := later.Fetch(f.ctx, Key{}); err == nil && first.stands(v) {
			f.Error("two replicas with unlike keys both believe to be on the roster")
		}
	})
}

// A new generation began; later the store's clock was an hour ahead, and is set right.
func TestAttackAClockThatWasSetBackDoesNotProlongTheGraceOfAGeneration(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		_ = f.fetch(first)
		_ = first.Drain(f.ctx)
		f.pastGrace(later)
		f.store.skew -= time.Hour
		f.store.epoch = Epoch{ID: EpochID{1}, Start: f.store.now()} // which a store begins then
		for range 6 {
			time.Sleep(f.grace / 2)
			_ = f.fetch(later)
		}
		if left := f.fetch(later).GraceLeft(); left > 0 {
			f.Errorf("after three times the grace period %v of it are left", left)
		}
	})
}

// The replica's machine was suspended: its clock stood still.
func TestAttackAReplicaWhoseClockStoodStillIsNoMember(t *testing.T) {
	inFleet(t, func(f *fleet) {
		var asleep time.Duration
		first := New(f.store, Options{
			Grace: f.grace, Settings: map[string]string{"upstream": "u", "route /x": "by id"},
			Clock: func() time.Time { return time.Now().Add(-asleep) },
		})
		later := f.replica("by path")
		f.known(first, "a")
		began := time.Now()
		time.Sleep(enrolmentLasts * 3 / 2)
		f.pastGrace(later)
		asleep = time.Since(began)
		v, err := first.Fetch(f.ctx, Key{})
		if err != nil {
			return
		}
		h1, _, _ := f.claim(first, v)
		f.known(later, "a")
		h2, _, _ := f.claim(later, f.fetch(later))
		if h1 != nil && h2 != nil {
			f.Error("both admit a write of one resource at one time")
		}
	})
}

// The part of the store with the roster has its clock set forward, so that the member there seems to be gone. It notices when it
// enrols anew, and what it let through until then goes on for as long as any write.
func TestAttackAClockThatWasSetForwardEndsNoMemberBeforeItsWrites(t *testing.T) {
	inFleet(t, func(f *fleet) {
		s := parted{roster: newFakeStore(), records: f.store}
		first, later := f.over(s, "by id", f.grace), f.over(s, "by path", f.grace)
		f.known(first, "a")
		s.roster.skew += time.Minute
		s.roster.epoch = Epoch{ID: EpochID{1}, Start: s.roster.now()} // which a jump of the clock begins
		if _, err := later.Ping(f.ctx); err != nil {
			return // it waits
		}
		time.Sleep(enrolmentLasts/2 - time.Millisecond)
		v, err := first.Fetch(f.ctx, Key{})
		if err != nil {
			return
		}
		h1, _, _ := first.Claim(f.ctx, []Wish{{View: v, Condition: ifMatch(`"a"`)}}, Term{Work: f.grace / 2, Settle: f.grace / 2})
		if h1 == nil {
			return
		}
		time.Sleep(f.grace - enrolmentLasts/2 + 2*time.Millisecond)
		v = f.fetch(later)
		if v.Begin(0).Closed {
			return
		}
		v, _, _ = later.Learn(f.ctx, v, v.Begin(0), tagged("a"))
		end := h1.Deadline.Add(f.grace / 2)
		if h2, _, _ := f.claim(later, v); h2 != nil && time.Now().Before(end) {
			f.Errorf("a write is admitted while one of the generation before may be applied for %v yet", time.Until(end))
		}
	})
}

// The store forgets a write that ends when its time is over, as the grace period does; the backend's replicas show it later.
func TestAttackTheGraceLeavesTimeForTheLag(t *testing.T) {
	inFleet(t, func(f *fleet) {
		const lag = 2 * time.Second
		term := Term{Work: f.grace}
		c := f.over(f.store, "by id", f.grace+lag) // as package config has it
		h1, r, err := c.Claim(f.ctx, []Wish{{View: f.known(c, "a"), Condition: ifMatch(`"a"`)}}, term)
		if h1 == nil {
			f.Fatal(r.Verdict, err)
		}
		f.store.empty()
		time.Sleep(f.grace - time.Millisecond)
		_, _, _ = h1.Conclude(f.ctx, Conclusion{Outcome: Applied}, nil)
		time.Sleep(time.Millisecond)
		v := f.fetch(c)
		_, verdict, err := c.Learn(f.ctx, v, v.Begin(lag), tagged("a"))
		if err != nil || verdict == Done {
			f.Errorf("what the backend's replica shows a millisecond after a write is believed: %s, %v", verdict, err)
		}
	})
}

// A record that remembers nothing but when it was moved is kept for minutes, and a lag may be an hour.
func TestAttackARecordIsNotForgottenWithinTheLag(t *testing.T) {
	inFleet(t, func(f *fleet) {
		const lag = time.Hour // which package config allows
		c := f.replica("by id")
		m, err := c.Mark(f.ctx, f.fetch(c), Term{Work: time.Minute})
		if err != nil || m.Close(f.ctx) != nil {
			f.Fatal(err)
		}
		time.Sleep(emptyTTL + time.Second)
		v := f.fetch(c)
		if _, verdict, _ := c.Learn(f.ctx, v, v.Begin(lag), tagged("a")); verdict != Lagging {
			f.Errorf("what the backend's replica shows within the lag is believed: %s", verdict)
		}
	})
}

// The clock is stepped back by less than anybody would call a jump, just when a member has enrolled.
func TestAttackAClockThatIsCorrectedALittleTakesNobodyOffTheRoster(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		v := f.fetch(first)
		f.store.skew -= 10 * time.Millisecond
		if _, err := later.Fetch(f.ctx, Key{}); err == nil && first.stands(v) {
			f.Error("two replicas with unlike keys both believe to be on the roster")
		}
	})
}
