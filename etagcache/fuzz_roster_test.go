package etagcache

import (
	"encoding/json"
	"maps"
	"testing"
	"time"
)

// FuzzRoster: whatever stands in the store, a replica becomes a member only of a roster with its own settings or of one without
// members; new settings begin a generation that was not there before; what is written is read again; and what a newer replica has
// written is an error.
func FuzzRoster(f *testing.F) {
	settings := digestSettings(map[string]string{"upstream": "http://h", "key": "/a"})
	old := Epoch{Start: -1 << 40}
	fresh, _ := roster{}.enrol(applicant{id: "a", name: "host-a", settings: settings, lasts: time.Minute}, 1000, old)
	other := digestSettings(map[string]string{"upstream": "http://other", "key": "/a"})
	strange, _ := fresh.enrol(applicant{id: "b", name: "host-b", settings: other, lasts: time.Minute}, 2000, old)
	for _, r := range []roster{{}, fresh, strange, strange.leave("a")} {
		value, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value, "http://h", int64(3000))
		f.Add(value, "http://other", int64(3000))
		f.Add(value, "http://h", int64(90_000))
		f.Add(value, "http://other", int64(-3000))
	}
	for _, s := range []string{"null", "{}", "[]", `{"format":2}`, `{"format":-1,"settings":null,"members":{"a":{"until":9e18}}}`, `{"settings":{}}`, `{"turn":9223372036854775807,"settings":{"a":"b"}}`, "\xff"} {
		f.Add([]byte(s), "http://h", int64(0))
	}
	f.Fuzz(func(t *testing.T, value []byte, upstream string, at int64) {
		r, err := parseRoster(value)
		if err != nil {
			return
		}
		if r.Format > rosterFormat {
			t.Fatalf("%s is of a newer format, and is read", value)
		}
		mine := digestSettings(map[string]string{"upstream": upstream, "key": "/a"})
		now, epoch := Instant(at&(1<<50-1)), old
		if at < 0 {
			epoch.Start = now // in which nobody who was there can be certain to have gone
		}
		me := applicant{id: "me", name: "host", settings: mine, lasts: longestEntry, grace: time.Second}
		next, member := r.enrol(me, now, epoch)
		alive := present(r.Members, now)
		delete(alive, "me")
		gone := len(alive) == 0 && (epoch == old || len(r.Members) == 0)
		if want := maps.Equal(r.Settings, mine) || r.Settings == nil || gone; member != want {
			t.Fatalf("%s: a member: %t, with %v among %v", value, member, mine, next)
		}
		if member && !maps.Equal(next.Settings, mine) || !member && !maps.Equal(next.Settings, r.Settings) {
			t.Fatalf("%s: the settings become %v", value, next.Settings)
		}
		if kept := next.generation() == r.generation(); r.Settings != nil && kept != maps.Equal(next.Settings, r.Settings) {
			t.Fatalf("%s: the generation is kept: %t, and the settings are %v", value, kept, next.Settings)
		}
		if len(next.Others) > maxStrangers && len(next.Others) > len(present(r.Others, now)) {
			t.Fatalf("%s: there are %d strangers", value, len(next.Others))
		}
		if _, there := next.Members["me"]; there != member && gone {
			t.Fatalf("%s: among the members: %t, and a member: %t", value, there, member)
		}
		if next.Start > now {
			t.Fatalf("%s: the generation begins at %d, and it is %d", value, next.Start, now)
		}
		mustComeBack(t, next)
		again, memberAgain := next.enrol(me, now, epoch)
		if memberAgain != member || again.generation() != next.generation() || len(again.Members) != len(next.Members) {
			t.Fatalf("%s: enrolled twice it is %+v, once %+v", value, again, next)
		}
		left := next.leave("me")
		if _, there := left.Members["me"]; there || left.generation() != next.generation() {
			t.Fatalf("%s: it has left, and there is %+v", value, left)
		}
	})
}

func mustComeBack(t *testing.T, r roster) {
	t.Helper()
	value, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := parseRoster(value)
	if err != nil || back.generation() != r.generation() || len(back.Members) != len(r.Members) || len(back.Others) != len(r.Others) {
		t.Fatalf("%s is read as %+v, %v", value, back, err)
	}
}
