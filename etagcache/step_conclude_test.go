package etagcache

import (
	"strconv"
	"testing"
)

func TestAppliedWriteRetires(t *testing.T) {
	s := knows(t, taggedFor("json", "a"), taggedFor("html", "h"))
	v := s.r.Version
	s.write("W", `"a"`, Applied)
	s.is(Unknown)
	s.judged(Stale, `"a"`)
	s.judged(Stale, `"h"`)
	s.judged(Ask, `"b"`)
	if s.r.Version == v || s.r.Version == id("W") || s.r.Lease != (Lease{}) {
		t.Errorf("%+v", s.r)
	}
}

func TestRereadUnderTheLeaseIsKnown(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.claim("W", `"a"`))
	s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Shows: true, Shown: tagged("b"), Confirmed: true})
	s.is(Known)
	s.judged(Admit, `"b"`)
	s.judged(Stale, `"a"`)
}

func TestTagThatTheWriteLeftAsItWasComesBack(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.claim("W", `"a"`))
	s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Shows: true, Shown: tagged("a"), Confirmed: true})
	s.judged(Stale, `"a"`)
	s.judged(Admit, s.qualified("a"))
}

// The ETag on the answer to a write is often not the resource's. It admits nothing before a read confirms it, and retires if
// the first read shows another.
func TestTagOnTheAnswerToAWriteAdmitsNothingByItself(t *testing.T) {
	unconfirmed := Validator{Tag: DigestOf("b")}
	after := func(t *testing.T) *tale {
		s := knows(t, tagged("a"))
		s.do(Admit, s.claim("W", `"a"`))
		s.do(Done, Conclude{ID: id("W"), Outcome: Applied, Shows: true, Shown: unconfirmed})
		s.is(Unknown)
		s.judged(Ask, `"b"`)
		return s
	}
	t.Run("confirmed", func(t *testing.T) {
		s := after(t)
		s.do(Admit, s.seeing("W2", `"b"`, tagged("b")))
		if len(s.r.Validators) != 1 {
			t.Errorf("%+v", s.r)
		}
	})
	t.Run("refuted", func(t *testing.T) {
		s := after(t)
		v := s.r.Version
		s.learn(Done, tagged("c"))
		s.judged(Stale, `"b"`)
		s.judged(Admit, `"c"`)
		if s.r.Version != v {
			t.Error("that is no drift")
		}
	})
	t.Run("overtaken", func(t *testing.T) {
		s := after(t)
		s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
		s.judged(Stale, `"b"`)
	})
}

func Test4xxRestoresTheRecordWithItsVersion(t *testing.T) {
	s := knows(t, tagged("a"))
	b, v, value := s.begin(), s.r.Version, string(encode(s.r, inEpoch))
	s.write("W", `"a"`, Unapplied)
	s.is(Known)
	s.judged(Admit, `"a"`)
	if s.r.Version != v || s.r.Left != id("W") || len(s.r.Retired) != 0 {
		t.Errorf("%+v", s.r)
	}
	if string(encode(s.r, inEpoch)) == value {
		t.Error("a stored value returned")
	}
	s.do(Done, Learn{Begun: b, Shown: taggedFor("html", "h")}) // a read that began before
	s.judged(Admit, `"h"`)
}

func Test4xxRestoresAnUnknownRecordToo(t *testing.T) {
	s := newTale(t)
	v := s.r.Version
	s.do(Admit, Claim{ID: id("W"), Until: s.now + 60000})
	s.do(Done, Conclude{ID: id("W"), Outcome: Unapplied})
	s.is(Unknown)
	if s.r.Version != v {
		t.Error("the version moved")
	}
}

func TestDoubtKeepsTheResourceClosed(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.claim("W", `"a"`))
	v := s.r.Version
	s.do(Done, Conclude{ID: id("W"), Outcome: Doubt, Until: s.now + 30000})
	s.is(Writing)
	if s.r.Version == v || !s.r.Lease.InDoubt {
		t.Errorf("%+v", s.r)
	}
	b := s.begin()
	s.now += 29999
	s.judged(Busy, `"a"`)
	s.judged(Busy, `"x"`)
	s.now++
	s.is(Unknown)
	s.judged(Stale, `"a"`)
	s.judged(Ask, `"x"`)
	s.do(Late, Learn{Begun: b, Shown: tagged("x")})
	s.learn(Done, tagged("x"))
	s.judged(Admit, `"x"`)
}

func TestExpiredLeaseReadsAsUnknown(t *testing.T) {
	s := knows(t, tagged("a"))
	s.do(Admit, s.claim("W", `"a"`))
	seq := s.r.Seq
	s.now += 59999
	s.judged(Busy, `"a"`)
	s.now++
	s.is(Unknown)
	s.judged(Stale, `"a"`)
	s.judged(Ask, `"b"`)
	if s.r.Seq != seq {
		t.Error("a lease that ends changes no record")
	}
	s.do(Admit, s.seeing("W2", `"b"`, tagged("b")))
	for _, o := range []Outcome{Applied, Unapplied, Doubt} {
		s.do(Late, Conclude{ID: id("W"), Outcome: o}) // the owner was asleep
	}
	s.do(Done, Conclude{ID: id("W2"), Outcome: Unapplied})
	s.judged(Admit, `"b"`)
	s.judged(Stale, `"a"`)
}

func TestOwnerThatConcludesLateButFirstIsHeard(t *testing.T) {
	for o, want := range map[Outcome]Verdict{Applied: Stale, Unapplied: Admit} {
		s := knows(t, tagged("a"))
		s.do(Admit, s.claim("W", `"a"`))
		s.now += 70000
		s.do(Done, Conclude{ID: id("W"), Outcome: o})
		s.judged(want, `"a"`)
	}
}

// Somebody has read under the version of the lease that ran out; then it cannot be undone any more.
func TestOwnerThatConcludesAfterAReadIsLate(t *testing.T) {
	s := knows(t, tagged("a"))
	before := s.r.Version
	s.do(Admit, s.claim("W", `"a"`))
	s.now += 60000
	s.learn(Done, tagged("b"))
	s.do(Late, Conclude{ID: id("W"), Outcome: Unapplied, From: before})
	s.judged(Admit, `"b"`)
	s.judged(Stale, `"a"`)
}

func TestRepeatedConclusionRecognisesItself(t *testing.T) {
	for _, o := range []Outcome{Applied, Unapplied} {
		s := knows(t, tagged("a"))
		s.write("W", `"a"`, o)
		seq := s.r.Seq
		s.do(Done, Conclude{ID: id("W"), Outcome: o})
		if s.r.Seq != seq {
			t.Errorf("%s was concluded twice", o)
		}
		s.learn(Done, taggedFor("html", "b2"))
		s.do(Done, Conclude{ID: id("W"), Outcome: o})
		if !s.r.names(DigestOf("b2")) {
			t.Errorf("a repeated %s undid what was learned since", o)
		}
	}
	s := knows(t, tagged("a"))
	s.write("W", `"a"`, Doubt)
	s.do(Done, Conclude{ID: id("W"), Outcome: Doubt, Until: s.now + 30000})
	s.is(Writing)
}

func TestMarkTouchesAWriting(t *testing.T) {
	conclusions := map[string]Conclude{
		"unapplied":            {Outcome: Unapplied},
		"applied":              {Outcome: Applied},
		"applied and read":     {Outcome: Applied, Shows: true, Shown: tagged("b"), Confirmed: true},
		"applied and not read": {Outcome: Applied, Shows: true, Shown: tagged("b")},
	}
	orders := map[string]func(s *tale){
		"the mark came first": func(s *tale) {
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Admit, s.seeing("W", `"x"`, tagged("x")))
		},
		"the claim came first": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
		},
		"the mark came and went": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
			s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
			s.do(Done, CloseMark{ID: id("M")})
		},
		"only its end was seen": func(s *tale) {
			s.do(Admit, s.claim("W", `"a"`))
			s.do(Done, CloseMark{ID: id("M")})
		},
	}
	for order, begin := range orders {
		for name, c := range conclusions {
			t.Run(order+", "+name, func(t *testing.T) {
				s := knows(t, tagged("a"))
				begin(s)
				s.is(Writing)
				v := s.r.Version
				c.ID = id("W")
				s.do(Done, c)
				s.is(Unknown)
				s.judged(Stale, `"a"`)
				if s.r.Version == v {
					t.Error("the version stands")
				}
				if c.Shows {
					s.judged(Ask, `"b"`)
				}
			})
		}
	}
}

func TestMarkMovesTheRecordTwice(t *testing.T) {
	s := knows(t, tagged("a"))
	seen := map[Version]bool{s.r.Version: true}
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
	seen[s.r.Version] = true
	s.is(Unknown)
	s.judged(Stale, `"a"`)
	b := s.begin()
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000}) // its reply was lost
	s.do(Done, CloseMark{ID: id("M")})
	seen[s.r.Version] = true
	s.do(Late, Learn{Begun: b, Shown: tagged("b")})
	s.learn(Done, tagged("c"))
	if len(seen) != 3 {
		t.Errorf("%d versions", len(seen))
	}
	s.do(Done, CloseMark{ID: id("M")}) // a copy of the swap may not come, but a second attempt may
	s.judged(Stale, `"c"`)
}

func TestReadsStayClosedUntilTheLastMark(t *testing.T) {
	s := newTale(t)
	s.do(Done, OpenMark{ID: id("M1"), Until: s.now + 1000})
	s.do(Done, OpenMark{ID: id("M2"), Until: s.now + 2000})
	s.do(Done, CloseMark{ID: id("M1")})
	s.learn(Late, tagged("a"))
	s.now += 1999
	s.learn(Late, tagged("a"))
	s.now++
	s.learn(Done, tagged("a"))
}

func TestMarkCanBeExtended(t *testing.T) {
	s := newTale(t)
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 1000})
	s.do(Done, OpenMark{ID: id("M"), Until: s.now + 5000})
	s.now += 4999
	s.learn(Late, tagged("a"))
	s.do(Done, CloseMark{ID: id("M")})
	s.learn(Done, tagged("a"))
}

func TestTooManyMarksCloseUntilTheirTime(t *testing.T) {
	s := newTale(t)
	for i := range maxMarks + 4 {
		s.do(Done, OpenMark{ID: id("M" + strconv.Itoa(i)), Until: s.now + Instant(1000+i)})
	}
	if len(s.r.Marks) != maxMarks {
		t.Fatalf("%d marks", len(s.r.Marks))
	}
	for i := range maxMarks + 4 {
		s.do(Done, CloseMark{ID: id("M" + strconv.Itoa(i))})
	}
	if len(s.r.Marks) != 1 || s.r.Marks[0].Until != s.now+1004 {
		t.Errorf("%+v", s.r.Marks)
	}
	s.learn(Late, tagged("a"))
	s.now += 1004
	s.learn(Done, tagged("a"))
}
