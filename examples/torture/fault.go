package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// happened is a fault that was done, and when.
type happened struct {
	kind     string
	from, to time.Duration // since the start
}

// storm does what the schedule says until ctx ends, and leaves everything whole.
type storm struct {
	*stand
	out io.Writer

	mu    sync.Mutex
	did   []happened
	codes []int // the exit codes of the replicas that were asked to end
}

func (s *storm) rage(ctx context.Context, schedule [lanes][]fault) error {
	begun := time.Now()
	errs := make([]error, lanes)
	var all sync.WaitGroup
	for l, faults := range schedule {
		all.Go(func() {
			for _, f := range faults {
				sleep(ctx, f.at-time.Since(begun))
				if ctx.Err() != nil || errs[l] != nil {
					return
				}
				errs[l] = s.do(ctx, f)
			}
		})
	}
	all.Wait()
	s.origin.moods.clear()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// do does one fault and undoes it when its time is over, or the storm's. An error means that something could not be
// made whole again.
func (s *storm) do(ctx context.Context, f fault) error {
	h := happened{kind: f.kind.name, from: s.history.now()}
	if f.kind.lane != laneAnswer { // too many to be read; they are in the backend's log
		s.say("  %s  %s\n", clock(h.from), f)
	}
	err := s.break1(ctx, f)
	h.to = s.history.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, h)
	if err != nil {
		return fmt.Errorf("%s: %w", f.kind.name, err)
	}
	return nil
}

func (s *storm) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// underWay is how long the storm waits for writes that are to be at the backend when something breaks.
const underWay = 80 * time.Millisecond

func (s *storm) break1(ctx context.Context, f fault) error {
	if f.mood != "" {
		s.origin.moods.expect(moodNamed[f.mood])
		return nil
	}
	if len(f.kind.amid) > 0 {
		for _, name := range f.kind.amid {
			s.origin.moods.expect(moodNamed[name])
		}
		sleep(ctx, underWay)
	}
	switch f.kind.lane {
	case laneStore:
		return s.breakStore(ctx, f)
	case laneReplica:
		return s.breakReplica(ctx, f, s.fleet[f.replica])
	case laneWay:
		if f.kind.name == "backend-down" {
			s.origin.shut()
			sleep(ctx, f.lasts)
			return s.origin.open()
		}
		s.breakWay(ctx, f, s.fleet[f.replica].way)
	case laneDoubt, laneAnswer, laneClient, lanes:
	}
	return nil
}

// mending is the context in which things are made whole again: also when the storm is over.
func mending(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func (s *storm) breakStore(ctx context.Context, f fault) error {
	switch f.kind.name {
	case "redis-kill":
		s.redis.proc.Kill()
		sleep(ctx, f.lasts)
		return s.redis.start(mending(ctx))
	case "redis-empty":
		if !f.restart {
			return s.redis.do(mending(ctx), "FLUSHALL")
		}
		s.redis.proc.Kill()
		if err := s.redis.forget(); err != nil {
			return err
		}
		return s.redis.start(mending(ctx))
	case "redis-freeze":
		s.redis.proc.Freeze()
		sleep(ctx, f.lasts)
		s.redis.proc.Thaw()
	case "redis-pause":
		err := s.redis.do(mending(ctx), "CLIENT", "PAUSE", fmt.Sprint(f.lasts.Milliseconds()), "ALL")
		time.Sleep(f.lasts) // it cannot be ended earlier: CLIENT UNPAUSE would wait too
		return err
	}
	return nil
}

func (s *storm) breakReplica(ctx context.Context, f fault, r *replica) error {
	switch f.kind.name {
	case "freeze":
		r.proc.Freeze()
		sleep(ctx, f.lasts)
		r.proc.Thaw()
		return nil
	case "kill":
		r.proc.Kill()
	case "term":
		code := r.proc.Terminate(drainTime)
		s.mu.Lock()
		s.codes = append(s.codes, code)
		s.mu.Unlock()
	}
	sleep(ctx, f.lasts)
	return r.start(mending(ctx))
}

// drainTime is how long a replica may take to end when it is asked to.
const drainTime = writeTime + settleTime + 5*time.Second

func (s *storm) breakWay(ctx context.Context, f fault, way *relay) {
	var w weather
	switch f.kind.name {
	case "redis-delay":
		w.latency = f.lasts // the last of what is on its way comes when it has been on the way for that long
	case "redis-cut":
		w.cut = true
	case "redis-lose":
		w.loses[back] = true
	case "redis-late":
		w.holds[there] = true
	}
	way.set(w)
	sleep(ctx, f.lasts)
	if f.kind.name == "redis-lose" {
		way.set(weather{cut: true}) // a reply after a lost one would be taken for it
	}
	way.set(weather{})
}
