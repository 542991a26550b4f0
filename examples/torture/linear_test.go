package main

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A tale is a history in short: from and to are in any unit.
func reads(from, to int, v version) op {
	return op{read: true, shown: v, call: time.Duration(from), end: time.Duration(to)}
}

func writes(from, to int, base, id version, o outcome) op {
	return op{base: base, id: id, outcome: o, call: time.Duration(from), end: time.Duration(to)}
}

func stale(from, to int, base version, bare bool) op {
	return op{base: base, id: 99, outcome: refused, reason: "stale", bare: bare, call: time.Duration(from), end: time.Duration(to)}
}

func TestTheSecondJudgeKnowsACompareAndSetRegister(t *testing.T) {
	const good, bad = porcupine.Ok, porcupine.Illegal
	for _, tc := range []struct {
		name   string
		ops    []op
		strict bool
		want   porcupine.CheckResult
	}{
		{name: "one after the other", want: good, ops: []op{
			reads(0, 1, 0), writes(2, 3, 0, 1, done), reads(4, 5, 1), writes(6, 7, 1, 2, done), reads(8, 9, 2),
		}},
		{name: "a read beside a write shows either", want: good, ops: []op{
			writes(0, 9, 0, 1, done), reads(1, 2, 0), reads(3, 4, 1), reads(5, 6, 1),
		}},
		{name: "a read that goes back", want: bad, ops: []op{
			writes(0, 9, 0, 1, done), reads(1, 2, 1), reads(3, 4, 0),
		}},
		{name: "two writes from one version", want: bad, ops: []op{
			writes(0, 1, 0, 1, done), writes(2, 3, 0, 2, done),
		}},
		{name: "two writes from one version, side by side", want: bad, ops: []op{
			writes(0, 9, 0, 1, done), writes(0, 9, 0, 2, done),
		}},
		{name: "an acknowledged write that is not there", want: bad, ops: []op{
			writes(0, 1, 0, 1, done), reads(2, 3, 0),
		}},
		{name: "a version from nowhere", want: bad, ops: []op{reads(0, 1, 7)}},
		{name: "an open write that was applied late", want: good, ops: []op{
			writes(0, 1, 0, 1, open), reads(2, 3, 0), reads(4, 9, 1), writes(10, 11, 1, 2, done),
		}},
		{name: "an open write that never was", want: good, ops: []op{
			writes(0, 1, 0, 1, open), writes(2, 3, 0, 2, done), reads(4, 5, 2),
		}},
		{name: "an open write that was applied over what its writer had not read", want: bad, ops: []op{
			writes(0, 1, 0, 1, open), writes(2, 3, 0, 2, done), reads(4, 5, 2), reads(6, 7, 1),
		}},
		{name: "an open write that is seen only as the ground of the next", want: good, ops: []op{
			writes(0, 1, 0, 1, open), writes(2, 3, 1, 2, done),
		}},
		{name: "an open write that is seen before it was begun", want: bad, ops: []op{
			reads(0, 1, 1), writes(2, 3, 0, 1, open),
		}},
		{name: "a refused write that was applied", want: bad, ops: []op{
			writes(0, 1, 0, 1, refused), reads(2, 3, 1),
		}},
		{name: "stale, and so it is", want: good, strict: true, ops: []op{
			writes(0, 5, 0, 1, done), stale(1, 2, 0, true), reads(3, 4, 1),
		}},
		{name: "stale, and it is the present one", want: bad, strict: true, ops: []op{
			stale(0, 1, 0, true), reads(2, 3, 0), writes(4, 5, 0, 1, done),
		}},
		{name: "stale, of a tag that nobody vouched for", want: good, strict: true, ops: []op{
			stale(0, 1, 0, false), reads(2, 3, 0),
		}},
		{name: "stale, when writes were in doubt", want: good, ops: []op{stale(0, 1, 0, true), reads(2, 3, 0)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if f := linearize(tc.ops, []version{0}, tc.strict)[0]; f.result != tc.want {
				t.Errorf("%s, want %s", f.result, tc.want)
			}
		})
	}
}

func TestEachResourceIsARegisterOfItsOwnAndBeginsWhereItWas(t *testing.T) {
	other := writes(0, 1, 5, 7, done)
	other.resource = 1
	findings := linearize([]op{writes(0, 1, 3, 6, done), other}, []version{3, 4}, false)
	if findings[0].result != porcupine.Ok || findings[1].result != porcupine.Illegal {
		t.Errorf("%s and %s, want Ok and Illegal", findings[0].result, findings[1].result)
	}
}

// TestTheSecondJudgeDecidesALongHistory also one with many open writes and a wrong at its end, where a search in all orders
// would never end.
func TestTheSecondJudgeDecidesALongHistory(t *testing.T) {
	var ops []op
	at, present := 0, version(0)
	for id := version(1); id < 3000; id += 2 {
		ops = append(ops,
			reads(at, at+10, present),
			writes(at+1, at+9, present, id, open), // half of them are applied
			writes(at+2, at+8, present, id+1, refused),
		)
		if id%4 == 1 {
			present = id
		}
		ops = append(ops, reads(at+20, at+30, present))
		at += 40
	}
	if f := linearize(ops, []version{0}, false)[0]; f.result != porcupine.Ok {
		t.Fatalf("%s, want Ok", f.result)
	}
	ops = append(ops, reads(at, at+1, 1))
	if f := linearize(ops, []version{0}, false)[0]; f.result != porcupine.Illegal {
		t.Fatalf("with a wrong at its end: %s, want Illegal", f.result)
	}
}
