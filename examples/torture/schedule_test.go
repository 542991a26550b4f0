package main

import (
	"fmt"
	"testing"
	"time"
)

func drawn(seed uint64, storms int, kinds []faultKind) string {
	s := newScheduler(seed, kinds, 3)
	text := ""
	for range storms {
		text += fmt.Sprint(s.draw(12 * time.Second))
	}
	return text
}

func TestASeedIsASchedule(t *testing.T) {
	if one, again := drawn(1, 3, faultKinds), drawn(1, 3, faultKinds); one != again {
		t.Error("one seed, two schedules")
	}
	if drawn(1, 3, faultKinds) == drawn(2, 3, faultKinds) {
		t.Error("two seeds, one schedule")
	}
}

func TestTheScheduleKeepsToWhatIsPromised(t *testing.T) {
	s := newScheduler(3, faultKinds, 3)
	met, moods := make(map[string]bool), make(map[string]bool)
	for range 40 {
		for l, faults := range s.draw(12 * time.Second) {
			free := time.Duration(0)
			for _, f := range faults {
				met[f.kind.name], moods[f.mood] = true, true
				if f.at < free || f.at >= 12*time.Second {
					t.Errorf("%s at %s, while the one before lasts until %s", f, f.at, free)
				}
				if int(f.kind.lane) != l || f.replica < 0 || f.replica > 2 {
					t.Errorf("lane %d: %+v", l, f)
				}
				if f.kind.name == "freeze" && f.lasts >= leaseTime-writeTime {
					t.Errorf("a replica is frozen for %s, and a lease may be over by then", f.lasts)
				}
				free = f.at + f.lasts
			}
		}
	}
	for _, k := range faultKinds {
		if !met[k.name] && k.lane != laneClient {
			t.Errorf("%s never comes", k.name)
		}
		for _, m := range k.moods {
			if _, ok := moodNamed[m]; !ok || !moods[m] {
				t.Errorf("%s: %q is no mood, or never comes", k.name, m)
			}
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		text string
		own  bool
		want int // -1: an error
	}{
		{"all", true, len(faultKinds)},
		{"none", true, 0},
		{"kill, redis-empty", true, 2},
		{"all", false, len(faultKinds) - 3},
		{"kill,redis-kill", false, -1},
		{"kill,teleport", true, -1},
	} {
		kinds, err := parseFaults(tc.text, tc.own)
		if (err != nil) != (tc.want < 0) || err == nil && len(kinds) != tc.want {
			t.Errorf("%q, own Redis %v: %d faults, %v", tc.text, tc.own, len(kinds), err)
		}
	}
}
