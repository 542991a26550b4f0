package main

import (
	"slices"
	"time"
)

// stretch is a stretch of time, since the start.
type stretch struct{ from, to time.Duration }

func (s stretch) length() time.Duration { return s.to - s.from }

// count counts the acknowledgements in a stretch.
func (s stretch) count(acks []time.Duration) (n int) {
	for _, at := range acks {
		if at >= s.from && at < s.to {
			n++
		}
	}
	return n
}

// rate is how many there were a second.
func (s stretch) rate(acks []time.Duration) float64 {
	if s.length() <= 0 {
		return 0
	}
	return float64(s.count(acks)) / s.length().Seconds()
}

// share is what was done under one kind of fault, beside what would have been done without.
type share struct {
	times    int
	done     float64
	expected float64
}

func (s share) ratio() float64 {
	if s.expected == 0 {
		return 0
	}
	return s.done / s.expected
}

// aftermath is how long after its end a kind of fault is held responsible for what is not done.
func aftermath(kind faultKind) time.Duration {
	switch kind.lane {
	case laneStore, laneReplica, laneWay:
		return leaseTime
	case laneDoubt:
		return settleTime + margin
	case laneAnswer, laneClient, lanes:
	}
	return 0
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
