package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// report gathers what a run has shown.
type report struct {
	out   io.Writer
	keep  keeper
	began time.Time

	sum        account
	roundsRun  int
	lostRounds []string
	abandoned  int64
	longest    time.Duration // until all could be written again
	stuck      []string
	quietTries int
	falsely    []string // refused in quiet
	judged     int      // operations that the second judge judged
	histories  int
	illegal    []string
	undecided  []string
	fairRates  []float64
	ratios     []float64
	shares     map[string]share
	outcomes   map[string]int // of the writes, by outcome and reason
	reads      int
	codes      map[int]int
	broken     []string // what else went wrong
	first      time.Duration
	bad        int // violations so far
	kept       int // those whose histories are kept
}

func newReport(out io.Writer, keep keeper, began time.Time) *report {
	return &report{
		out: out, keep: keep, began: began,
		shares: make(map[string]share), outcomes: make(map[string]int), codes: make(map[int]int),
	}
}

// violations counts them, and tells of each kind that is new.
func (r *report) check() {
	n := len(r.sum.lost) + len(r.sum.missing) + len(r.sum.twice) + len(r.sum.unwanted) + len(r.lostRounds) + len(r.stuck) + len(r.falsely) +
		len(r.illegal) + len(r.undecided) + len(r.broken)
	if r.abandoned > 0 {
		n++
	}
	if n > r.bad && r.first == 0 {
		r.first = time.Since(r.began)
		fmt.Fprintf(r.out, "  %s  VIOLATION, the first; the report at the end has all\n", clock(r.first))
	}
	r.bad = n
}

func (r *report) rounds(n int, losers []string) {
	r.roundsRun += n
	r.lostRounds = append(r.lostRounds, losers...)
	r.check()
}

func (r *report) abandon(n int64) {
	r.abandoned += n
	r.check()
}

func (r *report) fairRate(work stretch, acks []time.Duration) float64 {
	rate := work.rate(acks)
	r.fairRates = append(r.fairRates, rate)
	return rate
}

func (r *report) storm(work stretch, acks []time.Duration, fair float64, s *storm) {
	if fair > 0 {
		r.ratios = append(r.ratios, work.rate(acks)/fair)
	}
	for _, h := range s.did {
		i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.name == h.kind })
		under := stretch{h.from, min(h.to+aftermath(faultKinds[i]), work.to)}
		sh := r.shares[h.kind]
		sh.times++
		if under.length() > 0 {
			sh.done += float64(under.count(acks))
			sh.expected += fair * under.length().Seconds()
		}
		r.shares[h.kind] = sh
	}
	for _, code := range s.codes {
		r.codes[code]++
		if code != 0 {
			r.broken = append(r.broken, fmt.Sprintf("a replica that was asked to end exited with %d", code))
		}
	}
	r.check()
}

func (r *report) healing(h healing) {
	r.longest = max(r.longest, h.longest)
	r.stuck = append(r.stuck, h.stuck...)
	r.check()
}

func (r *report) quiet(tries int, refusals []string) {
	r.quietTries += tries
	r.falsely = append(r.falsely, refusals...)
	r.check()
}

func (r *report) account(a account, ops []op) {
	r.sum.add(a)
	for _, o := range ops {
		if o.read {
			r.reads++
			continue
		}
		name := o.outcome.String()
		if o.reason != "" {
			name += ": " + o.reason
		}
		r.outcomes[name]++
	}
	r.check()
}

// findings notes what the second judge says, and keeps what a person needs to see of a violation.
func (r *report) findings(list []finding, log []applied, ops []op) error {
	for _, f := range list {
		r.judged += f.ops
		r.histories++
		switch f.result {
		case porcupine.Ok:
			continue
		case porcupine.Unknown:
			r.undecided = append(r.undecided, fmt.Sprintf("%s until %s: %d operations not judged within %s",
				pathOf(f.resource), clock(time.Since(r.began)), f.ops, judgingTime))
		case porcupine.Illegal:
			picture, err := r.keep.picture(f, r.histories)
			if err != nil {
				return err
			}
			r.illegal = append(r.illegal, fmt.Sprintf("%s until %s: no order of these %d operations explains them: %s",
				pathOf(f.resource), clock(time.Since(r.began)), f.ops, picture))
		}
	}
	r.check()
	wrong := r.bad > r.kept
	r.kept = r.bad
	return r.keep.stretch(log, ops, wrong)
}

// enough is the part of the fault-free throughput that must still be acknowledged, and fewStorms is how many storms say
// nothing about it: what a single fault costs depends on what it happens to hit.
const (
	enough    = 0.5
	fewStorms = 2
)

// slow reports whether too little was done under the faults.
func (r *report) slow() bool { return len(r.ratios) > fewStorms && median(r.ratios) < enough }

// good reports whether nothing was violated.
func (r *report) good() bool { return r.bad == 0 && !r.slow() }
