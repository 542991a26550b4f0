package etagcache

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// exploreCell is where verdicts are made: what the record said, and which event was put to it.
type exploreCell struct{ state, marks, event string }

// visits counts the verdicts of each cell.
type visits map[exploreCell]*[len(verdictNames)]int

// decided notes the cell of an event that has led to the view.
func (x *explorer) decided(v View, verdict Verdict) {
	if x.swapping && len(x.tries) > 0 && x.tries[len(x.tries)-1].made {
		x.swapping = false
		if x.before.State != None || x.event == "open" || x.event == "close" {
			x.visit(x.before, x.w.now, verdict)
			return
		}
		x.visit(x.before, x.w.now, Planted)
		if x.event == "plant" {
			return
		}
	}
	x.visit(v.Record, v.at.Now, verdict)
}

func (x *explorer) visit(r Record, now Instant, verdict Verdict) {
	c := exploreCell{state: r.State.String(), event: x.event}
	switch {
	case r.State == Writing && now >= r.Lease.Until:
		c.state = "writing, over"
	case r.State == Writing && r.Lease.InDoubt:
		c.state = "writing, in doubt"
	}
	switch {
	case len(r.Marks) == 0:
	case len(openMarks(r.Marks, now)) == 0:
		c.marks = ", mark over"
	default:
		c.marks = ", marked"
	}
	if x.cells[c] == nil {
		x.cells[c] = new([len(verdictNames)]int)
	}
	x.cells[c][verdict]++
}

func (v visits) add(o visits) {
	for c, by := range o {
		if v[c] == nil {
			v[c] = new([len(verdictNames)]int)
		}
		for verdict, n := range by {
			v[c][verdict] += n
		}
	}
}

// lines is one line for each cell, with its verdicts.
func (v visits) lines() []string {
	var lines []string
	for c, by := range v {
		line := fmt.Sprintf("%s%s: %s:", c.state, c.marks, c.event)
		for verdict, n := range by {
			if n > 0 {
				line += " " + Verdict(verdict).String()
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// compare demands that the cells that were visited are those of exploredCells.
func (v visits) compare(t *testing.T) {
	want := strings.Split(strings.TrimSpace(exploredCells), "\n")
	got := v.lines()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("not so: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("it came to this: %s", line)
		}
	}
}
