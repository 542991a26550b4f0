package etagcache

import "testing"

func TestClaimFromAKnownVersionIsAdmittedOnce(t *testing.T) {
	s := knows(t, tagged("a"))
	v := s.r.Version
	first, second := s.claim("W1", `"a"`), s.claim("W2", `"a"`)
	s.do(Admit, first)
	s.is(Writing)
	if s.r.Lease.BeforeVersion != v || s.r.Lease.Before != Known || s.r.Version == v {
		t.Errorf("%+v", s.r)
	}
	s.do(Busy, second)
	s.do(Done, Conclude{ID: id("W1"), Outcome: Applied})
	s.do(Stale, second)
}

func TestUnseenTagIsAskedFor(t *testing.T) {
	s := knows(t, tagged("a"))
	s.judged(Ask, `"x"`)
	s.judged(Admit, `"x", "a"`)
	s.do(Stale, s.seeing("W", `"x"`, tagged("a")))
	s.do(Admit, s.seeing("W", `"x"`, taggedFor("html", "x")))
}

func TestUnknownVersionIsAskedFor(t *testing.T) {
	s := newTale(t)
	s.do(Ask, s.claim("W", `"a"`))
	s.do(Stale, s.seeing("W", `"a"`, tagged("b")))
	s.is(Known) // a refused claim leaves what was learned
	s.judged(Admit, `"b"`)
	s.do(Admit, s.claim("W", `"b"`))
}

func TestRetiredTagSentBareIsStale(t *testing.T) {
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Applied)
	s.judged(Stale, `"a"`)
	s.do(Stale, s.seeing("W", `"a"`, tagged("a"))) // whatever the backend shows
	s.judged(Stale, `"a"`)
	s.judged(Ask, `"a", "x"`)
	s.judged(Stale, `W/"a"`)
}

func TestRetiredTagIsStaleWhileAnotherWriteIsUnderWay(t *testing.T) {
	s := knows(t, tagged("a"))
	s.write("W1", `"a"`, Applied)
	s.learn(Done, tagged("b"))
	s.do(Admit, s.claim("W2", `"b"`))
	s.judged(Stale, `"a"`)
	s.judged(Busy, `"b"`)
	s.judged(Busy, `"x"`)
	s.judged(Busy, `"a", "b"`)
}

func TestReturnedTagIsAcceptedWhileItsVersionStands(t *testing.T) {
	s := knows(t, tagged("a"))
	s.write("W1", `"a"`, Applied)
	s.learn(Done, tagged("a"))
	q := s.qualified("a")
	s.judged(Stale, `"a"`)
	s.judged(Admit, q)
	s.judged(Admit, `W/`+q)
	s.do(Admit, s.claim("W2", q))
	s.judged(Busy, q)
	s.do(Done, Conclude{ID: id("W2"), Outcome: Unapplied})
	s.judged(Admit, q)
	s.write("W3", q, Applied)
	s.judged(Stale, q)
}

func TestQualifiedTagOfAnotherVersionIsStale(t *testing.T) {
	s := knows(t, tagged("a"))
	nobody := Tag{Opaque: "a"}.Qualify(id("nobody's")).String()
	s.judged(Stale, nobody)
	s.do(Stale, s.seeing("W", nobody, tagged("a")))
	s.r = Record{}
	s.do(Planted, Plant{})
	s.judged(Stale, nobody) // what is forgotten must not become permission
	s.judged(Ask, nobody+`, "x"`)
}

// The version stands, but the tag is not among its validators: of a representation that nobody noted, or made up.
func TestQualifiedTagOfThisVersionIsAskedFor(t *testing.T) {
	s := knows(t, tagged("a"))
	s.judged(Ask, s.qualified("x"))
	s.do(Stale, s.seeing("W", s.qualified("x"), tagged("a")))
	s.do(Admit, s.seeing("W", s.qualified("x"), taggedFor("html", "x")))
}

func TestStrongComparison(t *testing.T) {
	strong := func(field string) Condition { c := ifMatch(field); c.Strong = true; return c }
	tests := []struct {
		name  string
		at    Validator
		field string
		want  Verdict // by strong comparison; by weak comparison all are admitted
	}{
		{"strong and strong", tagged("a"), `"a"`, Admit},
		{"weak was sent", tagged("a"), `W/"a"`, Stale},
		{"weak is present", weak(tagged("a")), `"a"`, Ask},
		{"both weak", weak(tagged("a")), `W/"a"`, Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := knows(t, tt.at)
			s.judged(Admit, tt.field)
			c := s.claim("W", tt.field)
			c.Condition = strong(tt.field)
			s.do(tt.want, c)
			if tt.want == Ask {
				c.Evidence = Evidence{Begun: s.begin(), Kind: ShownVersion, Shown: tt.at}
				s.do(Stale, c)
				c.Evidence.Shown.Weak = false // it has turned strong by itself
				s.do(Admit, c)
			}
		})
	}
}

func TestCreationAsksFirst(t *testing.T) {
	create := func(s *tale, k EvidenceKind) Claim {
		c := Claim{ID: id("W"), Until: s.now + 60000, Condition: Condition{Absent: true}}
		if k != NotAsked {
			c.Evidence = Evidence{Begun: s.begin(), Kind: k, Shown: tagged("a")}
		}
		return c
	}
	s := newTale(t)
	s.do(Ask, create(s, NotAsked))
	s.do(Exists, create(s, ShownUnversioned))
	s.do(Exists, create(s, ShownVersion))
	s.is(Known)
	s.do(Ask, create(s, NotAsked)) // by the writer's own probe, always
	c := create(s, ShownAbsent)
	s.do(Admit, c)
	c.ID = id("W2")
	s.do(Busy, c)
	s.do(Done, Conclude{ID: id("W"), Outcome: Applied})
	s.do(Ask, c) // what it was shown is over
	s.judged(Stale, `"a"`)
}

func TestAbsentAndUnversionedAreJudgedByTheWritersOwnProbe(t *testing.T) {
	s := knows(t, tagged("a"))
	c := s.claim("W", `"a"`)
	c.Evidence = Evidence{Begun: s.begin(), Kind: ShownUnversioned}
	s.do(Unversioned, c)
	s.is(Known)
	c.Evidence.Kind = ShownAbsent
	s.do(Absent, c)
	s.is(Unknown)
	s.judged(Ask, `"a"`)
}

func TestWriteWithoutConditionWaitsOnlyForOthers(t *testing.T) {
	s := newTale(t)
	free := Claim{ID: id("W1"), Until: s.now + 60000}
	s.do(Admit, free)
	free.ID = id("W2")
	s.do(Busy, free)
}

func TestEvidenceOfAnotherVersionCountsForNothing(t *testing.T) {
	s := newTale(t)
	c := s.seeing("W", `"a"`, tagged("a"))
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
	s.do(Done, CloseMark{ID: id("M")})
	s.do(Ask, c)
	s.is(Unknown)
	c.Evidence.Kind = ShownAbsent
	s.do(Ask, c)
}

func TestEvidenceThatRevealsADriftIsOfTheVersionThatBeginsWithIt(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.seeing("W", `"b"`, tagged("b")))
	s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied})
	s.is(Known)
	s.judged(Admit, `"b"`)
	s.judged(Stale, `"a"`)
}

func TestNothingIsAdmittedInGrace(t *testing.T) {
	s := knows(t, tagged("a"))
	s.grace = true
	s.judged(Grace, `"a"`)
	s.do(Grace, s.seeing("W", `"a"`, tagged("a")))
	s.do(Grace, Claim{ID: id("W"), Until: s.now + 60000})
	if b := s.begin(); !b.Closed {
		t.Error("a read begun in grace teaches nothing")
	}
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000}) // but what is sent all the same is noted
	s.grace = false
	s.judged(Stale, `"a"`)
}

func TestRepeatedClaimRecognisesItsOwnSuccess(t *testing.T) {
	s := knows(t, tagged("a"))
	c := s.claim("W", `"a"`)
	s.do(Admit, c)
	seq := s.r.Seq
	s.do(Admit, c)
	if s.r.Seq != seq {
		t.Error("it was claimed twice")
	}
}

// A claim whose reply was lost is released. If it had not been made, the release leaves a mark, and a late copy of the swap
// finds other bytes.
func TestLateCopyOfACancelledClaimFails(t *testing.T) {
	for name, made := range map[string]bool{"it was made": true, "it was not made": false} {
		t.Run(name, func(t *testing.T) {
			s := knows(t, tagged("a"))
			old, from := string(encode(s.r, inEpoch)), s.r.Version
			if made {
				s.do(Admit, s.claim("W", `"a"`))
			}
			s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied, From: from})
			s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied, From: from})
			s.is(Known)
			s.judged(Admit, `"a"`)
			if string(encode(s.r, inEpoch)) == old || s.r.Version != from {
				t.Errorf("%+v", s.r)
			}
		})
	}
}
