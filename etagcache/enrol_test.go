package etagcache

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fleet is replicas over one store, in virtual time. Each is given its settings.
type fleet struct {
	*testing.T
	ctx   context.Context
	store *fakeStore
	grace time.Duration
}

func inFleet(t *testing.T, f func(*fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStore()
		time.Sleep(time.Hour) // the store is no new one
		f(&fleet{T: t, ctx: context.Background(), store: s, grace: time.Minute})
	})
}

func (f *fleet) replica(keys string) *Cache {
	return New(f.store, Options{Grace: f.grace, LocalFor: time.Second, Name: keys, Settings: map[string]string{"upstream": "u", "route /x": keys}})
}

func (f *fleet) fetch(c *Cache) View {
	f.Helper()
	v, err := c.Fetch(f.ctx, Key{})
	if err != nil {
		f.Fatal(err)
	}
	return v
}

// knows makes the record one that knows the tag.
func (f *fleet) knows(c *Cache, opaque string) View {
	f.Helper()
	v := f.fetch(c)
	v, verdict, err := c.Learn(f.ctx, v, v.Begin(0), tagged(opaque))
	if err != nil || verdict != Done {
		f.Fatal(verdict, err)
	}
	return v
}

func (f *fleet) claim(c *Cache, v View) (*Held, Ruling, error) {
	return c.Claim(f.ctx, []Wish{{View: v, Condition: ifMatch(`"a"`)}}, Term{Work: time.Second, Settle: time.Second})
}

// shutOut demands that nothing works at a replica.
func (f *fleet) shutOut(c *Cache, stale View) {
	f.Helper()
	_, fetch := c.Fetch(f.ctx, Key{})
	_, look := c.Look(f.ctx, Key{})
	_, mark := c.Mark(f.ctx, stale, Term{Work: time.Second})
	h, _, claim := f.claim(c, stale)
	_, ping := c.Ping(f.ctx)
	for what, err := range map[string]error{"Fetch": fetch, "Look": look, "Mark": mark, "Claim": claim, "Ping": ping} {
		if !errors.Is(err, ErrUnlike) {
			f.Errorf("%s: %v", what, err)
		}
	}
	if h != nil {
		f.Error("a lease was granted")
	}
}

func TestReplicasWithOneConfigurationShareTheirRecords(t *testing.T) {
	inFleet(t, func(f *fleet) {
		here, there := f.replica("by id"), f.replica("by id")
		f.knows(here, "a")
		if h, r, err := f.claim(there, f.fetch(there)); h == nil {
			f.Error(r.Verdict, err)
		}
		if here.Unlike() != 0 || there.Unlike() != 0 {
			f.Error("one is unlike the other")
		}
	})
}

func TestWhoComesLaterWithOtherKeysIsShutOutAndBothNotice(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		v := f.knows(first, "a")
		f.shutOut(later, v)
		_, err := later.Fetch(f.ctx, Key{})
		if !strings.Contains(err.Error(), `"by id"`) || !strings.HasSuffix(err.Error(), "what differs: route /x") {
			f.Errorf("it is not said who and what: %v", err)
		}
		time.Sleep(enrolmentLasts)
		if h, r, err := f.claim(first, f.fetch(first)); h == nil {
			f.Errorf("who was there first does not go on: %v %v", r.Verdict, err)
		}
		_, _ = later.Fetch(f.ctx, Key{})
		time.Sleep(enrolmentLasts / 2)
		_ = f.fetch(first)
		if first.Unlike() != 1 || later.Unlike() != 1 {
			f.Errorf("the first sees %d unlike replicas, the later one %d", first.Unlike(), later.Unlike())
		}
	})
}

func TestWhenTheOthersHaveEndedOtherKeysBeginWithGraceAndWithoutTheirRecords(t *testing.T) {
	for name, end := range map[string]func(*fleet, *Cache){
		"in order":    func(f *fleet, c *Cache) { _ = c.Drain(f.ctx) },
		"by a crash":  func(*fleet, *Cache) { time.Sleep(enrolmentLasts * 3 / 2) },
		"an hour ago": func(*fleet, *Cache) { time.Sleep(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, func(f *fleet) {
				first, later := f.replica("by id"), f.replica("by path")
				old := f.knows(first, "a")
				f.shutOut(later, View{})
				end(f, first)
				time.Sleep(strangerWaits)
				v := f.fetch(later)
				if v.Record.State != Unknown || v.Record.Version == old.Record.Version {
					f.Errorf("a record of other keys counts: %+v", v.Record)
				}
				if _, r, _ := f.claim(later, v); r.Verdict != Grace || v.GraceLeft() != f.grace {
					f.Errorf("%s, %v of grace left", r.Verdict, v.GraceLeft())
				}
				if left, err := later.Ping(f.ctx); left != f.grace || err != nil {
					f.Errorf("Ping: %v, %v", left, err)
				}
				time.Sleep(f.grace)
				if v := f.fetch(later); v.Begin(0).Closed {
					f.Error("the grace period does not end")
				}
				f.shutOut(f.replica("by id"), old) // now they are the unlike ones
			})
		})
	}
}

// A configuration is rolled back: what the records of its keys say is older than what was written meanwhile.
func TestKeysThatComeBackDoNotBringTheirRecordsBack(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first := f.replica("by id")
		old := f.knows(first, "a")
		_ = first.Drain(f.ctx)
		between := f.replica("by path")
		_ = f.fetch(between)
		_ = between.Drain(f.ctx)
		again := f.replica("by id")
		if v := f.fetch(again); v.Record.Version == old.Record.Version || v.Record.State == Known {
			f.Errorf("the record is back: %+v", v.Record)
		}
	})
}

// A replica looks at a record, stands still until others have taken over, and claims from what it saw.
func TestAReplicaThatStoodStillWhileOthersTookOverClaimsNothing(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		stale := f.knows(first, "a")
		time.Sleep(enrolmentLasts * 3 / 2)
		_ = f.fetch(later)
		f.shutOut(first, stale)
	})
}

// It enrols again before anybody who has waited for its end may begin.
func TestAnEntryOutlastsItsReplicasTrustInIt(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		stale := f.knows(first, "a")
		time.Sleep(enrolmentLasts - time.Millisecond)
		if !first.stands(stale) {
			f.Error("it does not trust its enrolment any more")
		}
		time.Sleep(2 * time.Millisecond)
		if first.stands(stale) {
			f.Error("it trusts its enrolment")
		}
		f.shutOut(later, View{})
	})
}

func TestARosterThatWasLostIsFollowedByTheSameGeneration(t *testing.T) {
	inFleet(t, func(f *fleet) {
		here, there := f.replica("by id"), f.replica("by id")
		_, _ = f.fetch(here), f.fetch(there)
		f.store.empty()
		time.Sleep(enrolmentLasts / 2)
		_ = f.fetch(there) // writes the roster anew
		a, b := here.member.now.Load().generation, there.member.now.Load().generation
		if a != b {
			f.Error("the two do not see each other's leases")
		}
	})
}

func TestAClockThatWasSetBackKeepsNobodyOnTheRoster(t *testing.T) {
	inFleet(t, func(f *fleet) {
		first, later := f.replica("by id"), f.replica("by path")
		_ = f.fetch(first)
		f.store.skew -= time.Hour
		f.store.epoch = Epoch{ID: EpochID{1}, Start: f.store.now()} // which a jump of the clock begins
		f.shutOut(later, View{})                                    // who seems to have gone may be there
		time.Sleep(longestEntry)
		if v := f.fetch(later); v.GraceLeft() != f.grace {
			f.Errorf("%v of grace left, want %v", v.GraceLeft(), f.grace)
		}
	})
}

func TestWithoutTheStoreAnEnrolmentLastsAWhile(t *testing.T) {
	inFleet(t, func(f *fleet) {
		c := f.replica("by id")
		v := f.fetch(c)
		time.Sleep(enrolmentLasts * 3 / 4)
		f.store.setDown(true)
		if _, err := c.Fetch(f.ctx, Key{}); !errors.Is(err, errDown) || !c.stands(v) {
			f.Errorf("%v; it stands: %v", err, c.stands(v))
		}
		f.store.setDown(false)
		_ = f.fetch(c)
		if c.member.now.Load() == nil || !c.stands(v) {
			f.Error("it has not enrolled again")
		}
	})
}

func TestARosterOfANewerReleaseIsLeftAlone(t *testing.T) {
	inFleet(t, func(f *fleet) {
		c := f.replica("by id")
		newer := []byte(`{"format":2}`)
		_, _ = f.store.Swap(f.ctx, rosterKey, Change{Epoch: f.store.epoch.ID, New: newer})
		if _, err := c.Fetch(f.ctx, Key{}); !errors.Is(err, ErrNewer) || !errors.Is(err, ErrUnreadable) {
			f.Error(err)
		}
		if got := f.store.value(rosterKey); string(got) != string(newer) {
			f.Errorf("it was overwritten: %s", got)
		}
	})
}
