package main

import (
	"testing"
	"time"
)

func wrote(id, base version, o outcome) op {
	return op{id: id, base: base, outcome: o, end: time.Second}
}

func TestTheFirstJudgeFindsEachWrongInTheLog(t *testing.T) {
	for _, tc := range []struct {
		name                           string
		log                            []applied
		ops                            []op
		lost, missing, twice, unwanted int
	}{
		{
			name: "nothing wrong",
			log:  []applied{{id: 1, base: 0, over: 0}, {id: 2, base: 1, over: 1}, {id: 4, base: 2, over: 2}},
			ops:  []op{wrote(1, 0, done), wrote(2, 1, open), wrote(3, 1, refused), wrote(4, 2, done), {read: true, shown: 4}},
		},
		{
			name: "a write applied over something that its writer had not read",
			log:  []applied{{id: 1, base: 0, over: 0}, {id: 2, base: 0, over: 1}},
			ops:  []op{wrote(1, 0, done), wrote(2, 0, done)},
			lost: 1,
		},
		{
			name: "a late write that nobody waits for any more is lost update all the same",
			log:  []applied{{id: 1, base: 0, over: 0}, {id: 2, base: 0, over: 1}},
			ops:  []op{wrote(1, 0, done), wrote(2, 0, open)},
			lost: 1,
		},
		{name: "an acknowledged write that never was", ops: []op{wrote(1, 0, done)}, missing: 1},
		{
			name:  "a write that is applied twice",
			log:   []applied{{id: 1, base: 0, over: 0}, {id: 1, base: 0, over: 1}},
			ops:   []op{wrote(1, 0, done)},
			lost:  1,
			twice: 1,
		},
		{
			name:     "a refused write that is applied",
			log:      []applied{{id: 1, base: 0, over: 0}},
			ops:      []op{wrote(1, 0, refused)},
			unwanted: 1,
		},
		{
			name:     "half a write that is applied",
			log:      []applied{{id: 1, base: 0, over: 0}},
			ops:      []op{{id: 1, outcome: done, partial: true}},
			unwanted: 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := settle(tc.log, tc.ops)
			got := [4]int{len(a.lost), len(a.missing), len(a.twice), len(a.unwanted)}
			if want := [4]int{tc.lost, tc.missing, tc.twice, tc.unwanted}; got != want {
				t.Errorf("lost, missing, twice, unwanted: %v, want %v: %+v", got, want, a)
			}
			if a.writes != len(tc.log) {
				t.Errorf("%d writes, want %d", a.writes, len(tc.log))
			}
		})
	}
}
