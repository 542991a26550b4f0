package proxy_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"proxy409/proxy"
)

// told is an Observer that keeps what it is told.
type told struct {
	mu      sync.Mutex
	events  []string
	started func()
	// held is what is held now, mostHeld what was at the most.
	held, mostHeld int64
}

func (o *told) add(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, fmt.Sprintf(format, args...))
}

func (o *told) count(event string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		if e == event {
			n++
		}
	}
	return n
}

func (o *told) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.events)
}

func (o *told) Request(_, method string, status int, _, _, _ time.Duration) {
	o.add("request %s %d", method, status)
}

func (o *told) Decision(_ string, _ proxy.Mode, d proxy.Decision, reason string) {
	o.add("decision %s %s", d, reason)
}

func (o *told) WriteStarted() {
	o.add("started")
	if o.started != nil {
		o.started()
	}
}

func (o *told) WriteEnded(_, outcome string) { o.add("ended %s", outcome) }

func (o *told) LeaseExpired(string) { o.add("expired") }

func (o *told) Drift(string) { o.add("drift") }

func (o *told) RecordUnwritten(string) { o.add("unwritten") }

func (o *told) Unguarded(string) { o.add("unguarded") }

func (o *told) Held(change int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held += change
	o.mostHeld = max(o.mostHeld, o.held)
}

func (o *told) MalformedETag(string) { o.add("malformed") }

func (o *told) Probe(_, how string)       { o.add("probe %s", how) }
func (o *told) Unversioned(_, why string) { o.add("unversioned %s", why) }

func (o *told) Rule(_, rule, how string) { o.add("rule %s %s", rule, how) }

func (o *told) Idempotency(_, how string) { o.add("idempotency %s", how) }
func (o *told) History(_, how string)     { o.add("history %s", how) }
