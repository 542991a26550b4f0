package examples_test

import (
	"os"
	"strconv"
	"testing"

	"proxy409/etagcache/redisstore/redistest"
)

const (
	racers = 8 // the clients of a race
	edits  = 4 // of one thing, in a race of edits
)

// conflictRaces are the races for each cause. The judge looks for what may not be in the backend's log.
var conflictRaces = []struct {
	name, cause string
	race        func(*arena, int)
	judge       func([]applied) []string
	winners     int      // of one turn, which has as many races; 0: one race, and any number of winners
	losers      []string // the reasons, and the rules, for which there must be some
}{
	{"one e-mail is one user", "creation", (*arena).oneEMail, twins, 1, []string{"duplicate e-mail"}},
	{"one e-mail is one user, also where users change theirs", "creation", (*arena).changedEMail, twins, 1, []string{"duplicate e-mail"}},
	{"one address is created once", "creation", (*arena).oneAddress, overwritten, 1, []string{"exists"}},
	{"one edit is made from each version", "edit", (*arena).oneTag, lost, edits, []string{"stale"}},
	{"one edit is made from each version number", "version-number", (*arena).oneNumber, lost, edits, []string{"stale"}},
	{"no order has a customer who is gone", "dependents", (*arena).oneCustomer, orphans, 0, []string{"rule no-orders", "rule customer-exists"}},
	{"no order leaves its path", "workflow", (*arena).oneOrder, missteps, 0, []string{"rule pending", "transition transitions"}},
}

// TestConflictsHappenWithoutTheProxy is the disease. Where it did not break out, the test below would prove nothing.
func TestConflictsHappenWithoutTheProxy(t *testing.T) {
	t.Parallel()
	for _, r := range conflictRaces {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			api := conflictAPI(t, "--delay", "2ms")
			a := &arena{t: t, urls: []string{api}, lost: map[string]int{}}
			const few = 20
			a.repeat(few, r.race)
			found := r.judge(history(t, api))
			t.Logf("%d races, %d violations", few, len(found))
			if len(found) == 0 {
				t.Error("the backend's log shows no violation, so these races are no test of the proxy")
			}
		})
	}
}

func TestConflictsNeverHappenOverTwoReplicas(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for _, r := range conflictRaces {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			api := conflictAPI(t, "--delay", "2ms")
			a := &arena{t: t, urls: replicas(t, r.cause, api, redis.URL()), lost: map[string]int{}}
			races := numberOfRaces(t)
			turns := max(1, races/max(1, r.winners))
			a.repeat(turns, r.race)
			log := history(t, api)
			t.Logf("%d races: %d writes won, %d are in the backend's log, %v lost", races, a.won, len(log), a.lost)
			if found := r.judge(log); len(found) > 0 {
				t.Errorf("%d violations, the first of them: %s", len(found), found[0])
			}
			if r.winners > 0 && a.won != turns*r.winners {
				t.Errorf("%d writes won, want %d: one in each race", a.won, turns*r.winners)
			}
			for _, reason := range r.losers {
				if a.lost[reason] == 0 {
					t.Errorf("nobody was refused as %s", reason)
				}
			}
		})
	}
}

// numberOfRaces is how many there are of each kind.
func numberOfRaces(t *testing.T) int {
	t.Helper()
	const enough = 10 // for each way in which a race may end
	n := 400
	if text := os.Getenv("PROXY409_CONFLICT_RACES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < enough {
			t.Fatalf("PROXY409_CONFLICT_RACES=%s: want a number of races, at least %d", text, enough)
		}
	}
	if testing.Short() {
		n = max(enough, n/10)
	}
	return n
}

// replicas starts two proxies with a configuration of examples/conflicts over one Redis.
func replicas(t *testing.T, cause, backend, redis string) (urls []string) {
	t.Helper()
	for _, r := range fleetOf(t, "conflicts/proxy409-"+cause+".yaml", "write: 5s, settle: 1s, busy_wait: 4s", backend, redis) {
		urls = append(urls, r.url)
	}
	return urls
}
