package proxy_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/validator"
)

// law is what one world is like: drawn once, from its seed.
type law struct {
	tags      tagging
	writeTags string // what tag the answer to a write has: "none", "own body", "previous"
	absentTag bool   // answers to DELETE, and those that say that there is nothing, have tags too
	route     proxy.Route
	resources int
	slow      time.Duration // the longest latency of a connection

	storeFaults, originFaults, readFaults, dialFaults float64
	upheavals                                         []upheaval
}

// tagging is how the backend tags its texts.
type tagging string

const (
	byContent  tagging = "by content"
	byItsSize  tagging = "by size"
	weakAtOnce tagging = "weak at first"
	compressed tagging = "compressed"
	untagged   tagging = "none" // the proxy makes them
)

// drawLaw draws a law in which some faults are frequent and some do not happen at all: faults that never leave each other
// alone hide each other.
func drawLaw(r *rand.Rand) law {
	l := law{
		route: route(), resources: 1 + r.IntN(3), slow: 3 * time.Millisecond,
		writeTags: pick(r, "none", "own body", "previous"), absentTag: r.IntN(2) == 0,
	}
	if r.IntN(5) == 0 {
		l.slow = 150 * time.Millisecond
	}
	rate := func(most float64) float64 { return pick(r, 0, most/4, most) }
	l.storeFaults, l.originFaults = rate(0.08), rate(0.2)
	l.readFaults, l.dialFaults = rate(0.1), rate(0.1)
	for _, u := range allUpheavals {
		if r.IntN(2) == 0 {
			l.upheavals = append(l.upheavals, u)
		}
	}
	v := &l.route.Version
	v.Reread, l.route.VerifyAlways = r.IntN(4) == 0, r.IntN(5) == 0
	l = l.tagged(pick(r, byContent, byItsSize, byItsSize, weakAtOnce, compressed, untagged), r.IntN(3) == 0)
	if (l.tags == byContent || l.tags == weakAtOnce) && r.IntN(2) == 0 {
		l = l.trusting()
	}
	return l
}

// tagged is the law with a backend that tags its texts so, and a route that is made for it. A bare tag that is older than its
// record names no version of a backend whose tags come back, which only qualify: always tells: without it such a world's
// store forgets nothing.
func (l law) tagged(tags tagging, always bool) law {
	l.tags = tags
	v := &l.route.Version
	switch tags {
	case byItsSize:
		if always {
			v.Qualify = etagcache.QualifyAlways
			break
		}
		l.upheavals = slices.DeleteFunc(l.upheavals, func(u upheaval) bool { return u == empties || u == forgets })
	case compressed:
		v.Suffixes = []string{"-gzip"}
	case untagged:
		v.Source = validator.Source{From: validator.Body}
	case byContent, weakAtOnce:
	}
	return l
}

// trusting is the law with a route that takes equal tags for equal texts, which they do mean at a backend that makes them of
// the text; only what it says of a write is of what was there before.
func (l law) trusting() law {
	l.route.Version.Qualify, l.writeTags = etagcache.QualifyNever, "previous"
	return l
}

// enoughForAll is how many worlds it takes for every fault to happen, as good as certainly.
const enoughForAll = 24

// allFaults lists what can go wrong, as [world.fault] is told it.
func allFaults() []string {
	list := []string{
		"backend: 1xx first", "backend: 202, and applied later", "backend: 408, 502, 503 or 504, and applied later", "backend: 4xx",
		"backend: 500 after it is applied", "backend: 500 before it is applied", "backend: a dial refused",
		"backend: a dial without an answer", "backend: a read is answered late, with what was there before",
		"backend: a read is answered with an error", "backend: a read is reset", "backend: a read takes longer than anybody waits",
		"backend: an answer that is no HTTP", "backend: applied after the proxy gave up", "backend: applied, and answered late",
		"backend: applied, then reset", "backend: half a header", "backend: half an answer to a read",
		"backend: half an answer to a write", "backend: reset before it is applied",
		"client: a POST that nobody judges", "client: hangs up after its body", "client: hangs up before its body is complete",
		"client: one byte a second",
		"store: a reply is late", "store: a reply is lost", "store: a request arrives late", "store: a request is lost",
		"store: a swap arrives twice", "store: it is slow",
	}
	for _, i := range []instant{beforeSwap, afterSwap, atBackend, answered} {
		list = append(list, "replica: killed "+string(i))
	}
	for _, u := range allUpheavals {
		if u != traps { // which is said when it snaps
			list = append(list, string(u))
		}
	}
	return list
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
