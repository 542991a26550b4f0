package etagcache

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// Every cell of the protocol: what an event does to a record in a state. The events are begun under the record's version,
// as far as that can be.
func TestEveryCell(t *testing.T) {
	record := map[State]func(t *testing.T) *tale{
		None:    func(t *testing.T) *tale { return &tale{t: t, now: 1000} },
		Unknown: func(t *testing.T) *tale { return newTale(t) },
		Known:   func(t *testing.T) *tale { return knows(t, tagged("a")) },
		Writing: func(t *testing.T) *tale {
			s := knows(t, tagged("a"))
			s.do(Admit, s.claim("W", `"a"`))
			return s
		},
	}
	event := map[string]func(s *tale) Event{
		"plant":    func(*tale) Event { return Plant{} },
		"learn":    func(s *tale) Event { return Learn{Begun: s.begin(), Shown: tagged("a")} },
		"gone":     func(s *tale) Event { return Gone{Begun: s.begin()} },
		"claim":    func(s *tale) Event { return s.claim("W2", `"a"`) },
		"conclude": func(s *tale) Event { return Conclude{ID: id("W"), Outcome: Applied, From: s.r.Version} },
		"open":     func(s *tale) Event { return OpenMark{ID: id("M"), Until: s.now + 1} },
		"close":    func(*tale) Event { return CloseMark{ID: id("M")} },
	}
	type cell struct {
		verdict Verdict
		after   State
		stored  bool // whether it is another record
	}
	table := map[string]cell{
		"none plant":    {Planted, Unknown, true},
		"none learn":    {Late, None, false},
		"none gone":     {Late, None, false},
		"none claim":    {Planted, Unknown, true},
		"none conclude": {Late, None, false},
		"none open":     {Done, Unknown, true},
		"none close":    {Done, Unknown, true},

		"unknown plant":    {Done, Unknown, false},
		"unknown learn":    {Done, Known, true},
		"unknown gone":     {Done, Unknown, false},
		"unknown claim":    {Ask, Unknown, false},
		"unknown conclude": {Late, Unknown, false},
		"unknown open":     {Done, Unknown, true},
		"unknown close":    {Done, Unknown, true},

		"known plant":    {Done, Known, false},
		"known learn":    {Done, Known, false},
		"known gone":     {Done, Unknown, true},
		"known claim":    {Admit, Writing, true},
		"known conclude": {Late, Known, false},
		"known open":     {Done, Unknown, true},
		"known close":    {Done, Unknown, true},

		"writing plant":    {Done, Writing, false},
		"writing learn":    {Late, Writing, false},
		"writing gone":     {Late, Writing, false},
		"writing claim":    {Busy, Writing, false},
		"writing conclude": {Done, Unknown, true},
		"writing open":     {Done, Writing, true},
		"writing close":    {Done, Writing, true},
	}
	if len(table) != len(record)*len(event) {
		t.Errorf("the table has %d cells of %d", len(table), len(record)*len(event))
	}
	kinds := map[reflect.Type]bool{}
	for state, begin := range record {
		for name, begun := range event {
			cell, ok := table[state.String()+" "+name]
			if !ok {
				t.Errorf("no cell for %s %s", state, name)
				continue
			}
			t.Run(state.String()+" "+name, func(t *testing.T) {
				s := begin(t)
				seq, e := s.r.Seq, begun(s)
				s.do(cell.verdict, e)
				s.is(cell.after)
				if (s.r.Seq != seq) != cell.stored {
					t.Errorf("stored: %v", s.r.Seq != seq)
				}
				kinds[reflect.TypeOf(e)] = true
			})
		}
	}
	for _, e := range everyEvent() {
		if !kinds[reflect.TypeOf(e)] {
			t.Errorf("no column for %T", e)
		}
	}
}

// What no event may do, to whatever record.
func TestNoStepBreaksTheRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &tale{t: t, r: drawRecord(t), now: drawInstant(t, "now")}
		s.r.Seq = rapid.Uint64Range(1, 1<<50).Draw(t, "small seq")
		e := drawEvent(t, s.r)
		before := s.r
		v := s.try(e)
		if len(s.r.Validators) > usualValidators || len(s.r.Retired) > usualRetired || len(s.r.Marks) > maxMarks {
			t.Fatalf("%T made a record that does not fit: %+v", e, s.r)
		}
		if s.r.State == None || (s.r.State == Known && len(s.r.Validators) == 0 && before.State == Unknown) {
			t.Fatalf("%T made %+v", e, s.r)
		}
		if back, err := decode(encode(s.r, inEpoch), inEpoch); err != nil || back.Seq != s.r.Seq {
			t.Fatalf("%T made a record that cannot be stored: %v", e, err)
		}
		if c, ok := e.(Claim); (v == Admit) != (ok && s.r.State == Writing && s.r.Lease.ID == c.ID) {
			t.Fatalf("%T: %s, and the record is %+v", e, v, s.r)
		}
		// A known tag that leaves the record's validators is retired, or its like is asked for; it never just vanishes.
		for _, old := range before.Validators {
			if s.r.Seq != before.Seq && !s.r.names(old.Tag) && !s.r.isRetired(old.Tag) && len(before.Validators) < usualRetired {
				t.Fatalf("%T lost a validator: %+v", e, s.r)
			}
		}
	})
}

func drawEvent(t *rapid.T, r Record) Event {
	begun := Begun{Version: r.Version, Now: drawInstant(t, "begun"), Closed: rapid.IntRange(0, 3).Draw(t, "closed") == 0}
	shown := tagged("a")
	if len(r.Validators) > 0 && rapid.Bool().Draw(t, "shown again") {
		shown = rapid.SampledFrom(r.Validators).Draw(t, "shown")
	}
	if rapid.Bool().Draw(t, "another tag") {
		shown.Tag = DigestOf("b")
	}
	until := drawInstant(t, "until")
	switch rapid.IntRange(0, 6).Draw(t, "event") {
	case 0:
		return Learn{Begun: begun, Shown: shown}
	case 1:
		return Gone{Begun: begun}
	case 2:
		return OpenMark{ID: drawID(t, "mark"), Until: until}
	case 3:
		return CloseMark{ID: drawID(t, "mark")}
	case 4:
		return Conclude{
			ID: r.Lease.ID, From: r.Version, Until: until, Outcome: Outcome(rapid.IntRange(0, 2).Draw(t, "outcome")),
			Shown: shown, Shows: rapid.Bool().Draw(t, "shows"), Confirmed: rapid.Bool().Draw(t, "confirmed"),
		}
	case 5:
		return Plant{}
	default:
		kind := EvidenceKind(rapid.IntRange(0, 3).Draw(t, "evidence"))
		c := Claim{ID: drawID(t, "claim"), Until: until, Evidence: Evidence{Begun: begun, Kind: kind, Shown: shown}}
		switch rapid.IntRange(0, 2).Draw(t, "condition") {
		case 0:
			c.Condition.Absent = true
		case 1:
			c.Condition = ifMatch(rapid.SampledFrom([]string{`"a"`, `"b"`, `W/"a", "c"`}).Draw(t, "field"))
		}
		return c
	}
}

func TestNamesOfEnums(t *testing.T) {
	for want, s := range map[string]fmt.Stringer{
		"none": None, "unknown": Unknown, "known": Known, "writing": Writing, "State(?)": State(9),
		"doubt": Doubt, "applied": Applied, "unapplied": Unapplied, "Outcome(?)": Outcome(9),
		"not asked": NotAsked, "version": ShownVersion, "unversioned": ShownUnversioned, "absent": ShownAbsent, "EvidenceKind(?)": EvidenceKind(9),
		"done": Done, "drift": Drift, "Verdict(?)": Verdict(99),
	} {
		if s.String() != want {
			t.Errorf("%T: %s, want %s", s, s, want)
		}
	}
}
