// Command torture tries to make proxy409 lose an update, with real processes: several proxies over a real Redis, in front of
// a backend that lets the last write win. It kills, freezes, delays and empties, and two judges look at what came of it. See
// the README in this folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The exit statuses, beside 0.
const (
	exitViolated = 1 // something that was promised did not hold
	exitFailed   = 2 // it could not be tried
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(exitFailed)
	case !good:
		os.Exit(exitViolated)
	}
}

// torture is one run.
type torture struct {
	*stand
	out       io.Writer
	report    *report
	scheduler *scheduler
	start     []version // what the resources were at when the present histories began
}

// run does what the arguments say. It reports whether all went well, and an error if that could not be found out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (good bool, err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return false, err
	}
	dir, err := o.folder()
	if err != nil {
		return false, err
	}
	t := &torture{stand: &stand{options: o, dir: dir}, out: stdout}
	err = t.run(ctx)
	if err == nil && t.report.good() && o.keep == "" {
		return true, os.RemoveAll(dir)
	}
	if err != nil {
		return false, fmt.Errorf("%w; what was kept: %s", err, dir)
	}
	return t.report.good(), nil
}

func (o options) folder() (string, error) {
	if o.keep == "" {
		return os.MkdirTemp("", "proxy409-torture-")
	}
	if err := os.MkdirAll(o.keep, 0o700); err != nil {
		return "", err
	}
	return o.keep, nil
}

func (t *torture) run(ctx context.Context) error {
	err := raise(ctx, t.stand)
	t.report = newReport(t.out, keeper{t.dir, t.keep != ""}, t.began)
	t.start = make([]version, t.resources)
	t.scheduler = newScheduler(t.seed, t.faults, len(t.fleet))
	if err == nil {
		err = t.cycles(ctx)
	}
	if ended := t.end(); ended != nil {
		t.report.broken = append(t.report.broken, ended.Error())
		t.report.check()
	}
	if err != nil {
		return err
	}
	t.report.write(t.out, t.options)
	return nil
}

var errStopped = errors.New("it was stopped before there was anything to judge")

// cycles does as many cycles as there is time for. When it is told to end early, it reports what there is.
func (t *torture) cycles(ctx context.Context) error {
	fmt.Fprintf(t.out, "seed %d\n", t.seed)
	n := max(1, int((t.duration+cycleTime/2)/cycleTime))
	for i := range n {
		err := t.cycle(ctx, i+1, t.duration/time.Duration(n))
		switch {
		case ctx.Err() != nil && i > 0:
			return nil
		case ctx.Err() != nil:
			return errStopped
		}
		if err != nil {
			return err
		}
	}
	return nil
}
