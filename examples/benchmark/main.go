// Command benchmark measures proxy409 beside Go's bare reverse proxy and beside nginx with the same check in Lua, all
// before one cheap backend, on the loopback interface, with wrk. See the README in this folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := role(os.Args[1:]); !errors.Is(err, errNoRole) {
		fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if !errors.Is(err, flag.ErrHelp) {
		fatal(err)
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	rounds      int
	duration    time.Duration
	connections int
	threads     int
	resources   int
	only        string
	workloads   string
	proxy409    string
	json        string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "how long one measurement takes")
	flags.IntVar(&o.connections, "connections", 32, "connections that wrk keeps busy")
	flags.IntVar(&o.threads, "threads", 2, "threads of wrk")
	flags.IntVar(&o.resources, "resources", 5000, "resources that are read and written")
	flags.StringVar(&o.only, "only", strings.Join(names(contenders), ","), "`contenders`, separated by commas")
	flags.StringVar(&o.workloads, "workloads", strings.Join(names(workloads), ","), "`workloads`, separated by commas")
	flags.StringVar(&o.proxy409, "proxy409", "", "a `binary` that is there; otherwise it is built from this module")
	flags.StringVar(&o.json, "json", "", "a `file` for all measurements")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, o.check()
}

func (o options) check() error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("-rounds %d: at least 1 is needed", o.rounds)
	case o.duration <= 0:
		return fmt.Errorf("-duration %s: it must be longer than nothing", o.duration)
	case o.threads < 1 || o.connections < o.threads || o.connections%o.threads != 0:
		return fmt.Errorf("-connections %d: wrk wants a multiple of its threads, which are %d", o.connections, o.threads)
	case o.resources < 20*o.connections:
		// A writer must not come back to a resource before it has the answer to its last write.
		return fmt.Errorf("-resources %d: %d connections need at least %d", o.resources, o.connections, 20*o.connections)
	}
	return nil
}

// run measures what the arguments say, and writes the tables to stdout and what goes on meanwhile to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	samples, err := b.measureAll(ctx)
	if err != nil {
		return err
	}
	m := b.machine(ctx)
	command := "go run ./examples/benchmark " + strings.Join(args, " ")
	writeReport(stdout, m, strings.TrimSpace(command), samples)
	if o.json == "" {
		return nil
	}
	return writeJSON(o.json, m, strings.TrimSpace(command), samples)
}
