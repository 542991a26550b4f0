package merge

import (
	"encoding/json"
	"slices"
	"strings"
)

// mostChanges is how many are shown of one comparison.
const mostChanges = 100

// Change is a place at which somebody has changed the value. As JSON, what is not there is left out.
type Change struct {
	Pointer string `json:"pointer"` // RFC 6901
	// Base is the value before; nil: there was none.
	Base json.RawMessage `json:"base,omitempty"`
	// Yours and Theirs are the values after; nil: that side does not change it, or removes it.
	Yours         json.RawMessage `json:"yours,omitempty"`
	Theirs        json.RawMessage `json:"theirs,omitempty"`
	YoursRemoved  bool            `json:"yours_removed,omitempty"`
	TheirsRemoved bool            `json:"theirs_removed,omitempty"`
	// Overlap: the two cannot both be.
	Overlap bool `json:"overlap,omitempty"`
}

// Comparison is what [Compare] finds.
type Comparison struct {
	// Changes are in the order of their pointers: at most a hundred, those that overlap before others.
	Changes []Change
	// More: there are others, or some are too deep to be shown.
	More bool

	overlaps bool
	theirs   Document
	merged   *node
}

// Overlaps reports whether yours and theirs cannot both be, be it shown or not.
func (c Comparison) Overlaps() bool { return c.overlaps }

// Merged is theirs with your changes on top; false: they overlap, or it would be larger than what [Parse] reads.
//
// What you have not changed is written and ordered as in theirs.
func (c Comparison) Merged() (Document, bool) {
	switch {
	case c.overlaps:
		return Document{}, false
	case c.merged == c.theirs.root:
		return c.theirs, true
	}
	merged, err := document(c.merged)
	return merged, err == nil
}

func (c *comparer) comparison(theirs Document, merged *node) Comparison {
	made := Comparison{theirs: theirs, merged: merged}
	for _, overlap := range []bool{true, false} {
		for _, found := range c.changes {
			if found.overlap != overlap {
				continue
			}
			made.overlaps = made.overlaps || overlap
			if len(made.Changes) == mostChanges || !found.at.short() {
				made.More = true
				continue
			}
			made.Changes = append(made.Changes, found.shown())
		}
	}
	slices.SortFunc(made.Changes, func(a, b Change) int { return strings.Compare(a.Pointer, b.Pointer) })
	return made
}

func (f change) shown() Change {
	shown := Change{Pointer: f.at.pointer(), Overlap: f.overlap}
	if f.base != nil {
		shown.Base = f.base.raw
	}
	if f.by&byYou != 0 {
		if shown.YoursRemoved = f.yours == nil; f.yours != nil {
			shown.Yours = f.yours.raw
		}
	}
	if f.by&byThem != 0 {
		if shown.TheirsRemoved = f.theirs == nil; f.theirs != nil {
			shown.Theirs = f.theirs.raw
		}
	}
	return shown
}
