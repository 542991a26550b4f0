package etagcache

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"
)

// tale is one record through a run of steps. Versions are minted as v1, v2, ...; a step that changes what it was given, or
// that changes the record without another Seq, fails the test.
type tale struct {
	t      rapid.TB
	r      Record
	now    Instant
	grace  bool
	lag    time.Duration
	room   int
	minted int
}

func newTale(t rapid.TB) *tale {
	s := &tale{t: t, now: 1000}
	s.do(Planted, Plant{})
	return s
}

// knows makes the record one that knows the validators under a version that is new.
func knows(t rapid.TB, vs ...Validator) *tale {
	s := newTale(t)
	b := s.begin()
	for _, v := range vs {
		s.do(Done, Learn{Begun: b, Shown: v})
	}
	return s
}

func (s *tale) try(e Event) Verdict {
	s.t.Helper()
	s.minted++
	before, copied := s.r, deepCopy(s.r)
	next, v := Step(s.r, e, Moment{Now: s.now, Grace: s.grace, Fresh: id("v" + strconv.Itoa(s.minted)), Room: s.room})
	if !reflect.DeepEqual(before, copied) {
		s.t.Fatalf("%T changed the record that it was given", e)
	}
	if next.Seq != before.Seq {
		if next.Seq < before.Seq {
			s.t.Fatalf("%T counted backwards", e)
		}
		s.r = next
	}
	return v
}

// do takes a step and demands a verdict.
func (s *tale) do(want Verdict, e Event) {
	s.t.Helper()
	if got := s.try(e); got != want {
		s.t.Fatalf("%T: %s, want %s; the record is %+v", e, got, want, s.r)
	}
}

func (s *tale) begin() Begun { return Begin(s.r, Moment{Now: s.now, Grace: s.grace}, s.lag) }

// is demands a state.
func (s *tale) is(want State) {
	s.t.Helper()
	if got := s.r.at(s.now).State; got != want {
		s.t.Fatalf("the record is %s, want %s: %+v", got, want, s.r)
	}
}

// judge says what a write with the field value would be told, without evidence.
func (s *tale) judge(field string) Verdict {
	_, v := Step(s.r, Claim{ID: id("judged"), Condition: ifMatch(field)}, Moment{Now: s.now, Grace: s.grace, Fresh: id("fresh")})
	return v
}

func (s *tale) judged(want Verdict, field string) {
	s.t.Helper()
	if got := s.judge(field); got != want {
		s.t.Fatalf("If-Match: %s: %s, want %s; the record is %+v", field, got, want, s.r)
	}
}

// claim is a claim for 60000 ms by If-Match.
func (s *tale) claim(name, field string) Claim {
	return Claim{ID: id(name), Until: s.now + 60000, Condition: ifMatch(field)}
}

// seeing is a claim with a probe that was begun and answered just now.
func (s *tale) seeing(name, field string, v Validator) Claim {
	c := s.claim(name, field)
	c.Evidence = Evidence{Begun: s.begin(), Kind: ShownVersion, Shown: v}
	return c
}

// write claims and concludes.
func (s *tale) write(name, field string, o Outcome) {
	s.t.Helper()
	s.do(Admit, s.claim(name, field))
	s.do(Done, Conclude{ID: id(name), Outcome: o, Now: s.now, Until: s.now + 30000})
}

// learn is a read that begins and ends now.
func (s *tale) learn(want Verdict, v Validator) {
	s.t.Helper()
	s.do(want, Learn{Begun: s.begin(), Shown: v})
}

// qualified is the tag with the record's version, as a client would send it.
func (s *tale) qualified(opaque string) string {
	return Tag{Opaque: opaque}.Qualify(s.r.Version).String()
}

func deepCopy(r Record) Record {
	r.Validators, r.Retired, r.Marks = slices.Clone(r.Validators), slices.Clone(r.Retired), slices.Clone(r.Marks)
	return r
}
