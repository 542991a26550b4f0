package main

import (
	"context"
	"fmt"
	"time"
)

// A run is a number of cycles. Each has a fair part without faults, a storm, the time in which everything heals, and a quiet
// part; all histories are judged at its end, so that a run can be as long as one likes. Fair parts and storms alternate, so
// that what slows the machine for a while slows both.
const (
	cycleTime = 20 * time.Second
	healTime  = leaseTime + 1500*time.Millisecond // that and the quiet part, about
	fairPart  = 0.2                               // of the rest
	shortest  = 10 * time.Second
	rounds    = 4
)

// cycle does one cycle of the given length, and adds to the report.
func (t *torture) cycle(ctx context.Context, n int, length time.Duration) error {
	busy := length - healTime
	fair := time.Duration(float64(busy) * fairPart)
	fmt.Fprintf(t.out, "cycle %d, %s after the start: %s without faults, %s of faults\n",
		n, seconds(t.history.now()), seconds(fair), seconds(busy-fair))
	rate, err := t.fair(ctx, n, fair)
	if err != nil {
		return err
	}
	if err := t.storm(ctx, n, busy-fair, rate); err != nil {
		return err
	}
	t.report.healing(t.heal(ctx))
	t.report.quiet(t.calm(ctx))
	return t.judge(ctx, false)
}

// fair is the part without faults. It returns how many writes a second were acknowledged.
func (t *torture) fair(ctx context.Context, n int, length time.Duration) (rate float64, err error) {
	begun := time.Now()
	t.report.rounds(rounds, t.rounds(ctx, rounds))
	abandoned := t.origin.abandoned.Load()
	work := stretch{from: t.history.now()}
	t.work(ctx, length-time.Since(begun), n, 0)
	work.to = t.history.now()
	// A client that went away may have left its write behind, which the backend has all but finished.
	sleep(ctx, busyWait)
	t.report.abandon(t.origin.abandoned.Load() - abandoned)
	rate = t.report.fairRate(work, t.history.acks())
	return rate, t.judge(ctx, true)
}

// work lets the crowd work for a while.
func (t *torture) work(ctx context.Context, length time.Duration, n int, part uint64) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	t.crowd(ctx, t.habits(), t.seed+uint64(n)<<32+part<<31)
}

func (t *torture) habits() (h habits) {
	if t.has("client-hangup") {
		h.hangUp = 0.02
	}
	if t.has("client-half") {
		h.half = 0.02
	}
	return h
}

// storm is the part with faults.
func (t *torture) storm(ctx context.Context, n int, length time.Duration, fair float64) error {
	s := &storm{stand: t.stand, out: t.out}
	limited, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	work := stretch{from: t.history.now()}
	raged := make(chan error, 1)
	go func() { raged <- s.rage(limited, t.scheduler.draw(length)) }()
	t.work(ctx, length, n, 1)
	work.to = min(t.history.now(), work.from+length)
	err := <-raged
	t.report.storm(work, t.history.acks(), fair, s)
	return err
}

// judge takes log and histories and puts both judges to work.
func (t *torture) judge(ctx context.Context, strict bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now, err := t.present(ctx)
	if err != nil {
		return err
	}
	log, ops := t.origin.journal.take(), t.history.take()
	t.report.account(settle(log, ops), ops)
	findings := linearize(ops, t.start, strict)
	t.start = now
	return t.report.findings(findings, log, ops)
}
