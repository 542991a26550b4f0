package config

import (
	"slices"
	"time"
)

// History is what is kept of the JSON representations behind the validators of a resource, so that a stale write can be told, field by
// field, what others have changed since.
type History struct {
	// Keep is how much all versions of one resource may take together, compressed, 1KiB to 1MiB; the oldest go first. Default 64KiB.
	Keep ByteSize
	// For is how long a version is kept that nobody reads, 1s to 720h. Default 1h.
	For time.Duration
	// Sets are RFC 6901 pointers to arrays in which order does not count, and each element is a value by itself; every other array is
	// one value. At most 64. A route's replace those of `defaults`. Default none.
	Sets []string
}

// OnStale is what becomes of a write from a version that is not the present one.
type OnStale string

// The ways with stale writes.
const (
	StaleRefuse OnStale = "refuse" // it is refused
	// StaleMerge applies a PUT or PATCH of JSON on top of the present version where it does not overlap with what others have changed.
	// It needs History.
	StaleMerge OnStale = "merge"
)

const maxSets = 64

var defaultHistory = History{Keep: 64 * KiB, For: time.Hour}

// clone shares nothing with h.
func (h *History) clone() *History {
	if h == nil {
		return nil
	}
	c := *h
	c.Sets = slices.Clone(h.Sets)
	return &c
}

func (r *Route) decodeHistory(d *decoder, v value) {
	if r.History == nil {
		r.History = defaultHistory.clone()
	}
	d.mapping(v, keys{
		"keep": one(&r.History.Keep, size(KiB, MiB)),
		"for":  one(&r.History.For, duration(time.Second, 30*day)),
		"sets": texts(&r.History.Sets, maxSets, jsonPointer),
	})
}

func (d *decoder) checkHistory(path string, r Route) {
	d.contradiction(r.OnStale == StaleMerge && r.History == nil, []string{path + ".on_stale", path + ".history"},
		"merge needs history, such as history: {keep: 64KiB}: without it nobody knows what a stale write was made from")
}
