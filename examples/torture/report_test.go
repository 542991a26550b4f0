package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestEveryKindOfViolationIsSaidAndFailsTheRun(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(*report)
		says string
	}{
		{"nothing", func(*report) {}, ""},
		{"lost", func(r *report) { r.account(account{lost: []string{"this one"}}, nil) }, "1 writes were applied over something"},
		{"missing", func(r *report) { r.account(account{missing: []string{"this one"}}, nil) }, "1 acknowledged writes are missing"},
		{"twice", func(r *report) { r.account(account{twice: []string{"this one"}}, nil) }, "1 writes were applied twice"},
		{"unwanted", func(r *report) { r.account(account{unwanted: []string{"this one"}}, nil) }, "1 writes were applied though"},
		{"abandoned", func(r *report) { r.abandon(1) }, "1 writes were given up on"},
		{"illegal", func(r *report) {
			err := r.findings(linearize([]op{reads(0, 1, 7)}, []version{0}, false), nil, nil)
			if err != nil {
				panic(err)
			}
		}, "1 histories are not those of a compare-and-set register"},
		{"round", func(r *report) { r.rounds(4, []string{"this one"}) }, "in 4 rounds without faults, 1 times"},
		{"stuck", func(r *report) { r.healing(healing{stuck: []string{"this one"}}) }, "1 times a resource could not be written in time"},
		{"falsely", func(r *report) { r.quiet(9, []string{"this one"}) }, "1 of 9 writes were refused in quiet"},
		{"slow", func(r *report) { r.ratios = []float64{0.9, 0.4, 0.49} }, "49 % of the throughput"},
		{"too few storms", func(r *report) { r.ratios = []float64{0.1, 0.2} }, ""},
		{"exit", func(r *report) { r.storm(stretch{}, nil, 1, &storm{codes: []int{0, 1}}) }, "1 other failures"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReport(io.Discard, keeper{dir: t.TempDir()}, time.Now())
			tc.do(r)
			var out bytes.Buffer
			r.write(&out, options{faults: faultKinds})
			if r.good() != (tc.says == "") {
				t.Errorf("good: %v", r.good())
			}
			violated := strings.Count(out.String(), "VIOLATED")
			if tc.says == "" && violated == 0 && strings.Contains(out.String(), "All is well") {
				return
			}
			if violated != 1 || !strings.Contains(out.String(), "VIOLATED "+tc.says) || !strings.Contains(out.String(), "FAILED") {
				t.Errorf("%d violations are said:\n%s", violated, &out)
			}
		})
	}
}

func TestHalfOfTheThroughputIsEnough(t *testing.T) {
	acks := make([]time.Duration, 0, 100)
	for i := range 100 {
		acks = append(acks, time.Duration(i)*100*time.Millisecond)
	}
	work := stretch{2 * time.Second, 7 * time.Second}
	if n := work.rate(acks); n != 10 {
		t.Errorf("%v a second, want 10", n)
	}
	r := newReport(io.Discard, keeper{dir: t.TempDir()}, time.Now())
	kill := faultKinds[0]
	for range 5 {
		r.storm(work, acks, 20, &storm{did: []happened{{kill.name, 3 * time.Second, 3500 * time.Millisecond}}})
	}
	if r.slow() || median(r.ratios) != 0.5 {
		t.Errorf("slow: %v, ratios %v", r.slow(), r.ratios)
	}
	if got := r.shares[kill.name]; got.times != 5 || got.ratio() < 0.4 || got.ratio() > 0.6 {
		t.Errorf("under %s: %+v", kill.name, got)
	}
}
