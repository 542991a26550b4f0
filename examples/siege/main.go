// Command siege attacks one real proxy409 in all ways at once that are meant to fill it up, while well-behaved clients write, and
// judges what came of it. See the README in this folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// The exit statuses, beside 0.
const (
	exitViolated = 1 // something that was promised did not hold
	exitFailed   = 2 // it could not be tried
)

// options are what the command line says.
type options struct {
	duration time.Duration
	proxy    string // the binary; "": it is built
	rss      int64  // MiB that the proxy may take at the most
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("siege", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.duration, "duration", 20*time.Second, "how long the attack goes on")
	flags.StringVar(&o.proxy, "proxy", "", "the proxy409 to attack; left out: it is built from this module")
	flags.Int64Var(&o.rss, "rss", 192, "how many MiB of memory the proxy may take at the most")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.duration < 5*time.Second || o.rss < 1 {
		return o, errors.New("the attack takes five seconds at least, some memory, and no arguments")
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "siege:", err)
		os.Exit(exitFailed)
	case !good:
		os.Exit(exitViolated)
	}
}

// run does what the arguments say. It reports whether all went well, and an error if that could not be found out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (good bool, err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return false, err
	}
	s, err := raise(ctx, o)
	defer s.end()
	if err != nil {
		return false, err
	}
	before, err := s.proxy.measure(ctx)
	if err != nil {
		return false, err
	}
	attacks, citizens := s.attack(ctx)
	if ctx.Err() != nil {
		return false, errors.New("it was stopped before there was anything to judge")
	}
	verdict := s.judge(ctx, before, attacks, citizens)
	verdict.write(stdout, attacks, citizens)
	return len(verdict.faults) == 0, nil
}

// attack goes on for as long as the options say. When it returns, every connection of it has been closed.
func (s *stand) attack(ctx context.Context) ([]*attack, []*citizen) {
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var all sync.WaitGroup
	attacks := newAttacks(s)
	for _, a := range attacks {
		for range a.workers {
			all.Go(func() {
				for ctx.Err() == nil {
					a.once(ctx)
				}
			})
		}
	}
	var citizens []*citizen
	for i := range 4 {
		c := newCitizen(s, i)
		citizens = append(citizens, c)
		all.Go(func() { c.live(ctx) })
	}
	all.Wait()
	return attacks, citizens
}
