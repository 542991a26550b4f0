package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stand is all that takes part: the backend, Redis, and between them the replicas, each with its own way to Redis.
type stand struct {
	options
	dir     string
	binary  string
	prefix  string
	origin  *origin
	redis   *redisServer // nil without a proxy
	fleet   []*replica   // none without a proxy
	doors   []door
	history *history
	began   time.Time
}

// raise starts everything and waits until all replicas are ready. The caller ends the stand, also after an error.
func raise(ctx context.Context, s *stand) error {
	s.began = time.Now()
	s.history = newHistory(s.began)
	s.prefix = fmt.Sprintf("torture-%d-%d", os.Getpid(), s.began.UnixNano())
	var err error
	if s.origin, err = newOrigin(newJournal(s.resources, s.began)); err != nil {
		return err
	}
	if s.proxy == withoutProxy {
		for n := range s.replicas {
			s.doors = append(s.doors, door{fmt.Sprintf("door %d", n+1), "http://" + s.origin.addr, newHTTPClient()})
		}
		return nil
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	if s.redisURL == "" {
		s.redis, err = startRedis(ctx, s.dir)
	} else {
		s.redis, err = useRedis(ctx, s.redisURL)
	}
	if err != nil {
		return err
	}
	for n := range s.replicas {
		r, err := s.newReplica(n + 1)
		if err != nil {
			return err
		}
		s.fleet = append(s.fleet, r)
		if err := r.start(ctx); err != nil {
			return err
		}
		s.doors = append(s.doors, door{r.name(), "http://" + r.listen, newHTTPClient()})
	}
	for _, r := range s.fleet { // the grace period of a Redis that is empty
		if err := r.proc.Await(ctx, r.says("/readyz")); err != nil {
			return err
		}
	}
	return nil
}

// build makes the program, unless there is one already.
func (s *stand) build(ctx context.Context) error {
	if s.proxy != "" {
		var err error
		s.binary, err = filepath.Abs(s.proxy)
		return err
	}
	s.binary = filepath.Join(s.dir, "proxy409")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", s.binary, "proxy409/cmd/proxy409").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// end stops all processes, and says what is in the replicas' logs that never may be.
func (s *stand) end() error {
	var errs []error
	for _, r := range s.fleet {
		r.stop()
		text, err := os.ReadFile(r.log)
		if err != nil {
			errs = append(errs, err)
		}
		for _, bad := range []string{"panic:", "DATA RACE", "fatal error:"} {
			if strings.Contains(string(text), bad) {
				errs = append(errs, fmt.Errorf("the log of %s has %q", r.name(), bad))
			}
		}
	}
	s.redis.stop()
	if s.origin != nil {
		s.origin.shut()
	}
	return errors.Join(errs...)
}
