package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// clock is a time since the start.
func clock(d time.Duration) string { return fmt.Sprintf("%7.3fs", d.Seconds()) }

// seconds is a length of time.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// verdict is one line of the report on something that must be so.
func verdict(out io.Writer, good bool, format string, args ...any) {
	word := "ok       "
	if !good {
		word = "VIOLATED "
	}
	fmt.Fprintf(out, "  %s%s\n", word, fmt.Sprintf(format, args...))
}

// most is how many violations of one kind are shown.
const most = 5

func details(out io.Writer, list []string) {
	for i, text := range list {
		if i == most {
			fmt.Fprintf(out, "             and %d more\n", len(list)-most)
			return
		}
		fmt.Fprintf(out, "           - %s\n", text)
	}
}

func (r *report) write(out io.Writer, o options) {
	fmt.Fprintf(out, "\n== Report: %s, seed %d, %d replicas, %d writers, %d readers, %d resources\n\n",
		seconds(time.Since(r.began)), o.seed, o.replicas, o.writers, o.readers, o.resources)
	fmt.Fprintf(out, "The backend applied %d writes; %d were acknowledged to their clients; %d reads.\n", r.sum.writes, r.sum.acked, r.reads)
	fmt.Fprintf(out, "\nWhat the clients were told of their writes\n")
	for _, name := range slices.SortedFunc(maps.Keys(r.outcomes), func(a, b string) int {
		return r.outcomes[b] - r.outcomes[a]
	}) {
		fmt.Fprintf(out, "  %8d  %s\n", r.outcomes[name], name)
	}
	r.writeThroughput(out)
	r.writeVerdicts(out, o)
}

func (r *report) writeThroughput(out io.Writer) {
	fmt.Fprintf(out, "\nAcknowledged writes a second without faults: %.0f (median of %d parts)\n", median(r.fairRates), len(r.fairRates))
	if len(r.shares) == 0 {
		return
	}
	fmt.Fprintf(out, "While a fault lasted, and until what it closes is open again, faults of other kinds among it:\n")
	fmt.Fprintf(out, "  %-14s %6s  %s\n", "fault", "times", "of the throughput without faults")
	for _, k := range faultKinds {
		s, ok := r.shares[k.name]
		switch {
		case ok && k.lane == laneAnswer: // it closes nothing
			fmt.Fprintf(out, "  %-14s %6d\n", k.name, s.times)
		case ok:
			fmt.Fprintf(out, "  %-14s %6d  %3.0f %%\n", k.name, s.times, 100*s.ratio())
		}
	}
}

func (r *report) writeVerdicts(out io.Writer, o options) {
	fmt.Fprintf(out, "\nFirst judge: the backend's log\n")
	verdict(out, len(r.sum.lost) == 0, "%d writes were applied over something that their writer had not read", len(r.sum.lost))
	details(out, r.sum.lost)
	verdict(out, len(r.sum.missing) == 0, "%d acknowledged writes are missing", len(r.sum.missing))
	details(out, r.sum.missing)
	verdict(out, len(r.sum.twice) == 0, "%d writes were applied twice", len(r.sum.twice))
	details(out, r.sum.twice)
	verdict(out, len(r.sum.unwanted) == 0, "%d writes were applied though they were refused, or never sent whole", len(r.sum.unwanted))
	details(out, r.sum.unwanted)
	verdict(out, r.abandoned == 0, "%d writes were given up on because their clients went away", r.abandoned)

	fmt.Fprintf(out, "\nSecond judge: the clients' histories (porcupine; %d operations in %d histories)\n", r.judged, r.histories)
	verdict(out, len(r.illegal) == 0, "%d histories are not those of a compare-and-set register", len(r.illegal))
	details(out, r.illegal)
	verdict(out, len(r.undecided) == 0, "%d histories could not be judged in time", len(r.undecided))
	details(out, r.undecided)

	fmt.Fprintf(out, "\nProgress\n")
	verdict(out, len(r.lostRounds) == 0, "in %d rounds without faults, %d times nobody won at a resource", r.roundsRun, len(r.lostRounds))
	details(out, r.lostRounds)
	verdict(out, len(r.stuck) == 0, "%d times a resource could not be written in time after the faults; the longest took %s of %s",
		len(r.stuck), seconds(r.longest), seconds(leaseTime+slack))
	details(out, r.stuck)
	verdict(out, len(r.falsely) == 0, "%d of %d writes were refused in quiet", len(r.falsely), r.quietTries)
	details(out, r.falsely)
	switch text := fmt.Sprintf("%.0f %% of the throughput without faults was acknowledged under faults (median of %d storms: %s)",
		100*median(r.ratios), len(r.ratios), percents(r.ratios)); {
	case len(o.faults) == 0:
	case len(r.ratios) <= fewStorms:
		fmt.Fprintf(out, "  (%s; too few to judge)\n", text)
	default:
		verdict(out, !r.slow(), "%s; at least %.0f %% must be", text, 100*enough)
	}
	verdict(out, len(r.broken) == 0, "%d other failures", len(r.broken))
	details(out, r.broken)

	if r.good() {
		fmt.Fprintf(out, "\nAll is well.\n")
		return
	}
	if r.first > 0 {
		fmt.Fprintf(out, "\nThe first violation was found %s after the start.\n", seconds(r.first))
	}
	fmt.Fprintf(out, "\nFAILED. The same faults again: -seed %d. What was kept: %s\n", o.seed, r.keep.dir)
}

func percents(values []float64) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprintf("%.0f", 100*v))
	}
	return strings.Join(texts, ", ")
}
