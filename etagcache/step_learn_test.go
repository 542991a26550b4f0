package etagcache

import (
	"strconv"
	"testing"
)

func TestNothingIsLearnedFromNothing(t *testing.T) {
	s := &tale{t: t, now: 1}
	for _, e := range []Event{
		Learn{Shown: tagged("a")}, Learn{Begun: s.begin(), Shown: tagged("a")}, Gone{}, Conclude{Outcome: Unapplied}, Conclude{Outcome: Applied},
	} {
		s.do(Late, e)
	}
	s.is(None)
	s.do(Planted, s.claim("W", `"a"`))
	s.is(Unknown)
	s.do(Ask, s.claim("W", `"a"`))
}

func TestReadTeachesItsVersion(t *testing.T) {
	s := newTale(t)
	v := s.r.Version
	s.learn(Done, tagged("a"))
	s.is(Known)
	s.judged(Admit, `"a"`)
	if s.r.Version != v {
		t.Error("what only adds knowledge keeps the version")
	}
	seq := s.r.Seq
	s.learn(Done, tagged("a"))
	if s.r.Seq != seq {
		t.Error("what is known already costs no swap")
	}
}

func TestLateReadNeverRecordsAnOldVersion(t *testing.T) {
	moves := map[string]func(s *tale){
		"a write that was applied": func(s *tale) { s.write("W", `"a"`, Applied) },
		"a write in doubt":         func(s *tale) { s.write("W", `"a"`, Doubt) },
		"a write that is under way": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
		},
		"a write whose lease ran out": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
			s.now += 60000
		},
		"a mark that is open": func(s *tale) { s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000}) },
		"a mark that came and went": func(s *tale) {
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Done, CloseMark{ID: id("M")})
		},
		"a mark that only closed":       func(s *tale) { s.do(Done, CloseMark{ID: id("M")}) },
		"a drift":                       func(s *tale) { s.learn(Drift, tagged("b")) },
		"a record that was forgotten":   func(s *tale) { s.r = Record{} },
		"a record that was planted new": func(s *tale) { s.r = Record{}; s.do(Planted, Plant{}) },
		"a 4xx under a mark": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Done, CloseMark{ID: id("M")})
			s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied})
		},
	}
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			s := knows(t, tagged("a"))
			b := s.begin()
			move(s)
			seq := s.r.Seq
			s.do(Late, Learn{Begun: b, Shown: tagged("a")})
			s.do(Late, Gone{Begun: b})
			if s.r.Seq != seq {
				t.Errorf("a late answer changed the record: %+v", s.r)
			}
		})
	}
}

func TestReadThatBeganWhileClosedTeachesNothing(t *testing.T) {
	closed := map[string]struct{ close, open func(s *tale) }{
		"a write that fails": {
			func(s *tale) { s.do(Admit, s.claim("W", `"a"`)) },
			func(s *tale) { s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied}) },
		},
		"a lease that runs out": {
			func(s *tale) { s.do(Admit, s.claim("W", `"a"`)) },
			func(s *tale) { s.now += 60000 },
		},
		"a mark that runs out": {
			func(s *tale) { s.do(Done, OpenMark{ID: id("M"), Until: s.now + 500}) },
			func(s *tale) { s.now += 500 },
		},
		"grace that ends": {
			func(s *tale) { s.grace = true },
			func(s *tale) { s.grace = false },
		},
	}
	for name, c := range closed {
		t.Run(name, func(t *testing.T) {
			s := knows(t, tagged("a"))
			c.close(s)
			b := s.begin()
			if !b.Closed {
				t.Fatal("it is not closed")
			}
			c.open(s)
			s.do(Late, Learn{Begun: b, Shown: tagged("x")})
			s.do(Late, Gone{Begun: b})
			if b := s.begin(); b.Closed {
				t.Fatal("it is closed yet")
			}
		})
	}
}

// A lease is judged by the time of the Get that came before the backend was asked, not by that of the swap.
func TestLeaseThatEndsDuringAReadDoesNotOpenIt(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.claim("W", `"a"`))
	b := Begun{Version: s.r.Version, Now: s.now + 59999} // as if it had not looked
	s.now += 60000
	s.do(Late, Learn{Begun: b, Shown: tagged("x")})
	b.Now = s.now
	s.do(Done, Learn{Begun: b, Shown: tagged("x")})
	s.is(Known)
	s.judged(Stale, `"a"`)
}

func TestDriftRetires(t *testing.T) {
	s := knows(t, taggedFor("json", "a"), taggedFor("html", "h"))
	v := s.r.Version
	s.learn(Drift, taggedFor("json", "b"))
	s.is(Known)
	s.judged(Stale, `"a"`)
	s.judged(Stale, `"h"`)
	s.judged(Admit, `"b"`)
	if s.r.Version == v {
		t.Error("a drift begins a version")
	}
	s.learn(Drift, taggedFor("json", "a"))
	s.judged(Stale, `"a"`) // it is shown again, and may be another version's
	s.judged(Admit, s.qualified("a"))
}

func TestAnotherRepresentationIsNoDrift(t *testing.T) {
	s := knows(t, taggedFor("json", "a"))
	v := s.r.Version
	s.learn(Done, taggedFor("html", "h"))
	s.judged(Admit, `"a"`)
	s.judged(Admit, `"h"`)
	s.judged(Admit, `"x", "h"`)
	if s.r.Version != v {
		t.Error("the version moved")
	}
}

func TestWeakTurningStrongIsNoDrift(t *testing.T) {
	s := knows(t, weak(tagged("a")))
	v := s.r.Version
	s.learn(Done, tagged("a"))
	if s.r.Version != v || len(s.r.Validators) != 1 || s.r.Validators[0].Weak {
		t.Errorf("%+v", s.r)
	}
	s.learn(Done, weak(tagged("a")))
	if s.r.Version != v || len(s.r.Validators) != 1 || !s.r.Validators[0].Weak {
		t.Errorf("%+v", s.r)
	}
}

func Test404RetiresNothing(t *testing.T) {
	s := knows(t, taggedFor("json", "a"), taggedFor("html", "h"))
	v := s.r.Version
	s.do(Done, Gone{Begun: s.begin()})
	s.is(Unknown)
	s.judged(Ask, `"a"`)
	s.judged(Ask, `"x"`)
	seq := s.r.Seq
	s.do(Done, Gone{Begun: s.begin()})
	if s.r.Seq != seq {
		t.Error("a second 404 says nothing new")
	}
	s.learn(Done, taggedFor("json", "a"))
	s.judged(Admit, `"a"`)
	if s.r.Version != v || len(s.r.Retired) != 0 {
		t.Errorf("%+v", s.r)
	}
}

func TestAfter404AnotherTagIsADrift(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Done, Gone{Begun: s.begin()})
	s.learn(Drift, tagged("b"))
	s.judged(Stale, `"a"`)
}

// The record of a version that came back after a 404 is told from the one before by its Seq alone.
func TestVersionThatComesBackIsStoredAnew(t *testing.T) {
	s := knows(t, tagged("a"))
	before := string(encode(s.r, inEpoch))
	s.do(Done, Gone{Begun: s.begin()})
	s.learn(Done, tagged("a"))
	if string(encode(s.r, inEpoch)) == before {
		t.Error("a stored value returned")
	}
}

func TestARepresentationTooManyIsLeftOutAndRetiresNone(t *testing.T) {
	s := newTale(t)
	b := s.begin()
	for i := range usualValidators {
		s.do(Done, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), "t"+strconv.Itoa(i))})
	}
	before := s.r
	s.do(Crowded, Learn{Begun: b, Shown: taggedFor("32", "t32")})
	if s.r.Seq != before.Seq || len(s.r.Validators) != usualValidators || len(s.r.Retired) != 0 {
		t.Fatalf("%d validators, %d retired", len(s.r.Validators), len(s.r.Retired))
	}
	s.judged(Admit, `"t0"`)
	s.judged(Admit, `"t31"`)
	s.judged(Ask, `"t32"`)
	s.judged(Ask, s.qualified("t32"))
}

// What did not fit is not among what retires. It must have retired all the same when it has admitted a write, bare.
func TestATagThatDidNotFitAdmitsOnce(t *testing.T) {
	s := newTale(t)
	b := s.begin()
	for i := range usualValidators {
		s.do(Done, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), "t"+strconv.Itoa(i))})
	}
	shown := Evidence{Begun: s.begin(), Kind: ShownVersion, Shown: taggedFor("32", "t32")}
	s.do(Admit, Claim{ID: id("W"), Until: s.now + 1000, Condition: ifMatch(`"t32"`), Evidence: shown})
	s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Now: s.now})
	s.judged(Stale, `"t32"`)
	shown.Begun = s.begin()
	s.do(Stale, Claim{ID: id("X"), Until: s.now + 1000, Condition: ifMatch(`"t32"`), Evidence: shown}) // it has come back
	for i := range usualValidators {
		s.judged(Stale, `"t`+strconv.Itoa(i)+`"`)
	}
}

func TestWhatProbesDoNotAskForTakesHalfTheRoomAtMost(t *testing.T) {
	for room := 1; room <= maxValidators; room *= 2 {
		s := newTale(t)
		s.room = room
		aside := s.begin()
		aside.Aside = true
		for i := range 2 * maxValidators {
			want := Done
			if i >= room/2 {
				want = Crowded
			}
			s.do(want, Learn{Begun: aside, Shown: taggedFor(strconv.Itoa(i), "t"+strconv.Itoa(i))})
		}
		if (s.r.State == Known) != (room > 1) {
			t.Errorf("room %d: %s", room, s.r.State)
		}
		for i := range room - room/2 {
			s.do(Done, Learn{Begun: s.begin(), Shown: taggedFor("main"+strconv.Itoa(i), "m"+strconv.Itoa(i))})
			s.judged(Admit, `"m`+strconv.Itoa(i)+`"`)
		}
		s.do(Crowded, Learn{Begun: s.begin(), Shown: tagged("one too many")})
		if len(s.r.Validators) != room {
			t.Errorf("room %d: %d validators", room, len(s.r.Validators))
		}
	}
}

// However much room there is, all that named the version before is refused without asking.
func TestAllValidatorsOfTheVersionBeforeFitAmongTheRetired(t *testing.T) {
	s := newTale(t)
	s.room = maxValidators
	learn := func(prefix string) {
		b := s.begin()
		for i := range maxValidators {
			s.do(Done, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), prefix+strconv.Itoa(i))})
		}
	}
	learn("a")
	s.write("V", `"a0"`, Applied)
	learn("b")
	s.write("W", `"b0"`, Applied)
	for i := range maxValidators {
		s.judged(Stale, `"b`+strconv.Itoa(i)+`"`)
	}
	if len(s.r.Retired) != maxRetired {
		t.Errorf("%d retired", len(s.r.Retired))
	}
	back, err := decode(encode(s.r, inEpoch), inEpoch)
	if err != nil || len(back.Retired) != maxRetired {
		t.Errorf("%d retired of %d came back: %v", len(back.Retired), maxRetired, err)
	}
	if n := len(encode(s.r, inEpoch)); n > 4<<10 {
		t.Errorf("the record takes %d bytes", n)
	}
}

// A 404 has made the record unknown. What is shown then confirms those that are there, and does not take the place of any.
func TestAReadThatDoesNotFitConfirmsTheOthers(t *testing.T) {
	s := newTale(t)
	s.room = 2
	s.learn(Done, taggedFor("a", "a"))
	s.learn(Done, taggedFor("b", "b"))
	s.do(Done, Gone{Begun: s.begin()})
	s.do(Crowded, Learn{Begun: s.begin(), Shown: taggedFor("c", "c")})
	s.judged(Admit, `"a"`)
	s.judged(Admit, `"b"`)
	s.judged(Ask, `"c"`)
}

func TestRepresentationsThatShareATagDoNotPushOthersOut(t *testing.T) {
	s := newTale(t)
	b := s.begin()
	for i := range 3 * usualValidators {
		s.do(Done, Learn{Begun: b, Shown: taggedFor(strconv.Itoa(i), "same")})
	}
	if len(s.r.Validators) != usualValidators || len(s.r.Retired) != 0 {
		t.Errorf("%d validators, %d retired", len(s.r.Validators), len(s.r.Retired))
	}
	s.learn(Done, taggedFor("other", "o"))
	s.judged(Admit, `"same"`)
	s.judged(Admit, `"o"`)
}

func TestRetiredKeepsTheNewest(t *testing.T) {
	s := newTale(t)
	for i := range usualRetired + 2 {
		s.learn(Done, tagged("t"+strconv.Itoa(i)))
		s.write("W"+strconv.Itoa(i), `"t`+strconv.Itoa(i)+`"`, Applied)
	}
	if len(s.r.Retired) != usualRetired {
		t.Fatalf("%d retired", len(s.r.Retired))
	}
	s.judged(Ask, `"t1"`) // forgotten: the backend is asked
	s.judged(Stale, `"t2"`)
	s.judged(Stale, `"t49"`)
	s.learn(Done, tagged("t2"))
	s.write("W", s.qualified("t2"), Applied)
	if s.r.Retired[usualRetired-1] != DigestOf("t2") || len(s.r.Retired) != usualRetired {
		t.Error("a tag that retires again is the newest, once")
	}
}
