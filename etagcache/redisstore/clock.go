package redisstore

import (
	"sync"
	"time"

	"proxy409/etagcache"
)

// What the server's clock may be out of step with our own before it has jumped: tolerance, and one part in maxDrift of the
// time that has passed. NTP slews a clock by up to 500 parts in a million, and there are two of them.
const (
	tolerance = 100 * time.Millisecond
	maxDrift  = 1000
)

// clockWatch is what is known of the clock of one server, for one bucket: how far it is ahead of our own. The package comment
// tells what for, under "The clock".
type clockWatch struct {
	mu sync.Mutex
	// beginnings counts how often it was begun to be known: when the server was first heard, and after each jump. 0: never.
	beginnings uint64
	// The tightest bounds that a reply has set since the clock jumped, each with the moment at which it was read. They widen as time
	// passes; so of two bounds the tighter one depends on when one asks.
	least, most bound
	// sent is when the command was sent that got the latest of the replies, and epoch the one that it came from.
	sent  time.Duration
	epoch etagcache.EpochID
}

// bound limits how far the server's clock is ahead, as it was known at a moment on our own clock.
type bound struct{ ahead, at time.Duration }

// drift is how far the clocks may have drifted apart between the bound and another moment.
func (b bound) drift(at time.Duration) time.Duration { return (at - b.at).Abs() / maxDrift }

// reading is a reply with the moments, on our own clock, between which its time was taken.
type reading struct {
	etagcache.Reply

	sent, received time.Duration
	beginnings     uint64 // of the watch, when it was sent
}

// bounds are what a reading says of the clock by itself. Its time is cut to milliseconds.
func (r reading) bounds() (least, most bound) {
	now := time.Duration(r.Now) * time.Millisecond
	return bound{now - r.received, r.received}, bound{now + time.Millisecond - r.sent, r.received}
}

// finding is what a reading shows.
type finding uint8

const (
	inStep  finding = iota // the clock goes as it did
	stepped                // it has jumped, but the reading comes from an epoch that began after that
	jumped                 // it has jumped, and the epoch that the reading comes from was there before
)

// send begins a reading, whose command is sent at a moment of our own clock.
func (w *clockWatch) send(at time.Duration) reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	return reading{sent: at, beginnings: w.beginnings}
}

// check compares a reading with what is known, and learns from it unless the clock has jumped. by is how far.
func (w *clockWatch) check(r reading) (f finding, by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.beginnings == 0 {
		w.begin(r)
		return inStep, 0
	}
	least, most := r.bounds()
	forward, back := least.ahead-w.most.ahead, w.least.ahead-most.ahead
	switch {
	case forward > tolerance+w.most.drift(r.received):
		by = forward
	case back > tolerance+w.least.drift(r.received):
		by = -back
	default:
		w.narrow(r, least, most)
		return inStep, 0
	}
	if !w.isNew(r) {
		return jumped, by
	}
	w.begin(r)
	return stepped, by
}

// narrow keeps the tighter ones of the bounds. An old one that a new one has overtaken, within the tolerance, stays: small steps
// add up.
func (w *clockWatch) narrow(r reading, least, most bound) {
	if least.ahead > w.least.ahead-w.least.drift(r.received) {
		w.least = least
	}
	if most.ahead < w.most.ahead+w.most.drift(r.received) {
		w.most = most
	}
	if r.sent >= w.sent {
		w.sent, w.epoch = r.sent, r.Epoch.ID
	}
}

// isNew tells whether the epoch of a reading began after the latest contact: by the reading's own clock, it is not older. A
// reading that was asked for before what is known began may be from before that, and is no news.
func (w *clockWatch) isNew(r reading) bool {
	age := r.Now.Sub(r.Epoch.Start)
	return r.beginnings == w.beginnings && r.Epoch.ID != w.epoch && age >= 0 && age <= r.received-w.sent+time.Millisecond
}

// restart forgets what was known, because an epoch has begun with this reading. It tells whether that is news.
func (w *clockWatch) restart(r reading) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.epoch != r.Epoch.ID
	w.begin(r)
	return news
}

func (w *clockWatch) begin(r reading) {
	w.beginnings++
	w.sent, w.epoch = r.sent, r.Epoch.ID
	w.least, w.most = r.bounds()
}

// monotonicTime returns a clock that is not set, but may stand still while the machine is suspended.
func monotonicTime() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
