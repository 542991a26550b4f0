package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// lane is a sequence of faults of which one follows the other. The lanes run side by side, so that different things
// break at once, but never two replicas, nor is Redis lost twice.
type lane uint8

const (
	laneStore   lane = iota // all replicas lose Redis: every resource is closed meanwhile, and after a restart in grace
	laneReplica             // one replica: what it was writing is closed until its lease ends
	laneWay                 // one replica's way to Redis, or for a moment the backend's door
	laneDoubt               // one write at the backend, which is left in doubt: its resource is closed for the settle time
	laneAnswer              // one write at the backend, which gets an odd answer, and that is all
	laneClient              // not scheduled: some clients do it all the time
	lanes
)

// pace is how a lane's faults follow each other. The paces are chosen so that at least half of the work can be done
// in spite of them: how much a fault costs is known (its own length, then settle, lease or grace), so what is costly is rare.
var paces = [lanes]struct{ least, most time.Duration }{
	laneStore:   {14 * time.Second, 20 * time.Second},
	laneReplica: {2500 * time.Millisecond, 4500 * time.Millisecond},
	laneWay:     {1500 * time.Millisecond, 3000 * time.Millisecond},
	laneDoubt:   {900 * time.Millisecond, 1800 * time.Millisecond},
	laneAnswer:  {200 * time.Millisecond, 500 * time.Millisecond},
}

// faultKind is what may be named with -faults.
type faultKind struct {
	name        string
	lane        lane
	least, most time.Duration // how long it lasts
	moods       []string      // of the backend
	amid        []string      // moods of the writes that are at the backend when it happens
	own         bool          // it needs a Redis of our own
}

const ms = time.Millisecond

var faultKinds = []faultKind{
	{name: "kill", lane: laneReplica, least: 50 * ms, most: 600 * ms, amid: []string{"slow", "late"}},
	{name: "freeze", lane: laneReplica, least: 50 * ms, most: longestFreeze, amid: []string{"slow"}},
	{name: "term", lane: laneReplica, least: 50 * ms, most: 300 * ms, amid: []string{"slow", "slow"}},
	{name: "redis-kill", lane: laneStore, least: 50 * ms, most: 500 * ms, own: true, amid: []string{"late", "slow"}},
	{name: "redis-empty", lane: laneStore, own: true, amid: []string{"late", "slow", "reset, then applied", "late"}},
	{name: "redis-freeze", lane: laneStore, least: 300 * ms, most: 2000 * ms, own: true},
	{name: "redis-pause", lane: laneStore, least: 300 * ms, most: 1500 * ms},
	{name: "redis-delay", lane: laneWay, least: 300 * ms, most: 2000 * ms},
	{name: "redis-cut", lane: laneWay, least: 100 * ms, most: 1000 * ms},
	{name: "redis-lose", lane: laneWay, least: 100 * ms, most: 1000 * ms},
	{name: "redis-late", lane: laneWay, least: 300 * ms, most: 1500 * ms},
	{name: "backend-down", lane: laneWay, least: 50 * ms, most: 300 * ms},
	{name: "backend-reset", lane: laneDoubt, moods: []string{"reset before", "reset after", "reset, then applied", "half a header"}},
	{name: "backend-late", lane: laneDoubt, moods: []string{"late", "never"}},
	{name: "backend-busy", lane: laneDoubt, moods: []string{"503, then applied", "202, then applied", "408 before"}},
	{name: "backend-500", lane: laneAnswer, moods: []string{"500 before", "500 after"}},
	{name: "backend-slow", lane: laneAnswer, moods: []string{"slow"}},
	{name: "backend-odd", lane: laneAnswer, moods: []string{"303", "1xx first", "half a body"}},
	{name: "backend-4xx", lane: laneAnswer, moods: []string{"4xx"}},
	{name: "client-hangup", lane: laneClient},
	{name: "client-half", lane: laneClient},
}

// parseFaults reads -faults: names, "all" or "none".
func parseFaults(text string, ownRedis bool) ([]faultKind, error) {
	switch text {
	case "none", "":
		return nil, nil
	case "all":
		return slices.DeleteFunc(slices.Clone(faultKinds), func(k faultKind) bool { return k.own && !ownRedis }), nil
	}
	var kinds []faultKind
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.name == strings.TrimSpace(name) })
		switch {
		case i < 0:
			return nil, fmt.Errorf("-faults %q: there is no such fault; there are all, none, %s", name, strings.Join(faultNames(), ", "))
		case faultKinds[i].own && !ownRedis:
			return nil, fmt.Errorf("-faults %q: that is not done to a Redis that is there already (-redis)", name)
		}
		kinds = append(kinds, faultKinds[i])
	}
	return kinds, nil
}

func faultNames() (names []string) {
	for _, k := range faultKinds {
		names = append(names, k.name)
	}
	return names
}

// fault is one entry of the schedule.
type fault struct {
	kind    faultKind
	at      time.Duration // after the beginning of the storm
	lasts   time.Duration
	replica int
	mood    string
	restart bool // redis-empty: by a restart without its data, instead of FLUSHALL
}

func (f fault) String() string {
	switch {
	case f.mood != "":
		return fmt.Sprintf("%-14s the next write: %s", f.kind.name, f.mood)
	case f.kind.name == "redis-empty" && f.restart:
		return fmt.Sprintf("%-14s killed, and started without its data", f.kind.name)
	case f.kind.name == "redis-empty":
		return fmt.Sprintf("%-14s FLUSHALL", f.kind.name)
	case f.kind.lane == laneStore || f.kind.name == "backend-down":
		return fmt.Sprintf("%-14s for %s", f.kind.name, seconds(f.lasts))
	default:
		return fmt.Sprintf("%-14s replica %d, for %s", f.kind.name, f.replica+1, seconds(f.lasts))
	}
}

// scheduler draws the schedules of all storms from one seed. Each lane goes through its kinds in a random order, and does
// all before it does one again: what a run lasts long enough for has been done.
type scheduler struct {
	rng      *rand.Rand
	replicas int
	kinds    [lanes][]faultKind
	decks    [lanes][]faultKind
	moods    map[string][]string
}

func newScheduler(seed uint64, kinds []faultKind, replicas int) *scheduler {
	s := &scheduler{rng: rand.New(rand.NewPCG(seed, 0)), replicas: replicas, moods: make(map[string][]string)}
	for _, k := range kinds {
		s.kinds[k.lane] = append(s.kinds[k.lane], k)
	}
	return s
}

// draw returns the schedule of a storm, lane by lane.
func (s *scheduler) draw(length time.Duration) (schedule [lanes][]fault) {
	for l := range laneClient {
		if len(s.kinds[l]) == 0 {
			continue
		}
		at := s.between(paces[l].least, paces[l].most) / 2
		if l == laneStore { // one in each storm, in time to be over before its end
			at = s.between(0, length/2)
		}
		for at < length {
			f := s.fault(l, at)
			schedule[l] = append(schedule[l], f)
			at += f.lasts + s.between(paces[l].least, paces[l].most)
		}
	}
	return schedule
}

func (s *scheduler) fault(l lane, at time.Duration) fault {
	if len(s.decks[l]) == 0 {
		s.decks[l] = slices.Clone(s.kinds[l])
		s.rng.Shuffle(len(s.decks[l]), func(i, j int) { s.decks[l][i], s.decks[l][j] = s.decks[l][j], s.decks[l][i] })
	}
	k := s.decks[l][0]
	s.decks[l] = s.decks[l][1:]
	f := fault{
		kind: k, at: at, lasts: s.between(k.least, k.most), replica: s.rng.IntN(max(1, s.replicas)),
		restart: s.rng.IntN(2) == 0,
	}
	if len(k.moods) > 0 {
		if len(s.moods[k.name]) == 0 {
			s.moods[k.name] = slices.Clone(k.moods)
			s.rng.Shuffle(len(k.moods), func(i, j int) {
				s.moods[k.name][i], s.moods[k.name][j] = s.moods[k.name][j], s.moods[k.name][i]
			})
		}
		f.mood, s.moods[k.name] = s.moods[k.name][0], s.moods[k.name][1:]
	}
	return f
}

func (s *scheduler) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}
