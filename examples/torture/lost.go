package main

import (
	"fmt"
	"slices"
)

// account is what the backend's log says against what the clients were told: the first judge's finding.
type account struct {
	writes   int // applied
	acked    int
	lost     []string // applied over something that their writer had not read
	missing  []string // acknowledged, and not in the log
	twice    []string // applied more than once
	unwanted []string // applied though their client was told that they were not, or never sent them whole
}

// settle compares a log with the histories of the clients.
func settle(log []applied, ops []op) account {
	var a account
	times := make(map[version]int)
	how := make(map[version]string)
	for _, w := range log {
		a.writes++
		times[w.id]++
		how[w.id] = w.how
		if w.over != w.base {
			a.lost = append(a.lost, fmt.Sprintf("%s at %s: write %d, made from %d, was applied over %d (backend: %s)",
				pathOf(w.resource), clock(w.at), w.id, w.base, w.over, w.how))
		}
		if times[w.id] == 2 {
			a.twice = append(a.twice, fmt.Sprintf("%s at %s: write %d", pathOf(w.resource), clock(w.at), w.id))
		}
	}
	for _, o := range ops {
		if o.read {
			continue
		}
		if o.outcome == done {
			a.acked++
		}
		switch n := times[o.id]; {
		case o.outcome == done && n == 0:
			a.missing = append(a.missing, o.String())
		case (o.outcome == refused || o.partial) && n > 0:
			a.unwanted = append(a.unwanted, fmt.Sprintf("%s (backend: %s)", o, how[o.id]))
		}
	}
	return a
}

// add joins the account of another stretch of time.
func (a *account) add(b account) {
	a.writes += b.writes
	a.acked += b.acked
	a.lost = slices.Concat(a.lost, b.lost)
	a.missing = slices.Concat(a.missing, b.missing)
	a.twice = slices.Concat(a.twice, b.twice)
	a.unwanted = slices.Concat(a.unwanted, b.unwanted)
}

func (o op) String() string {
	if o.read {
		return fmt.Sprintf("%s %s..%s at %s: client %d read %d", pathOf(o.resource), clock(o.call), clock(o.end), o.at, o.client, o.shown)
	}
	return fmt.Sprintf("%s %s..%s at %s: client %d wrote %d from %d: %s %s",
		pathOf(o.resource), clock(o.call), clock(o.end), o.at, o.client, o.id, o.base, o.outcome, o.reason)
}
