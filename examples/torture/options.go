package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// withoutProxy is the -proxy that leaves the proxy out.
const withoutProxy = "none"

// options are what the command line says.
type options struct {
	duration  time.Duration
	seed      uint64
	replicas  int
	writers   int
	readers   int
	resources int
	faults    []faultKind
	proxy     string
	redisURL  string
	keep      string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var faults string
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.duration, "duration", 60*time.Second, "how long it goes on, without building and starting")
	flags.Uint64Var(&o.seed, "seed", 0, "of the schedule of faults; 0 draws one")
	flags.IntVar(&o.replicas, "replicas", 3, "how many proxies")
	flags.IntVar(&o.writers, "writers", 24, "clients that read and write")
	flags.IntVar(&o.readers, "readers", 4, "clients that only read")
	flags.IntVar(&o.resources, "resources", len(kinds), "how many resources they share")
	flags.StringVar(&faults, "faults", "all", "`faults`, separated by commas, or all, or none")
	flags.StringVar(&o.proxy, "proxy", "", "a proxy409 `binary` that is there; otherwise it is built from this module. "+
		"\"none\": no proxy at all, which must lose updates")
	flags.StringVar(&o.redisURL, "redis", "", "`URL` of a Redis that is there; otherwise one is started")
	flags.StringVar(&o.keep, "keep", "", "a `folder` for logs, histories and pictures; otherwise they are only kept of a violation")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.faults, err = parseFaults(faults, o.redisURL == ""); err != nil {
		return o, err
	}
	if o.proxy == withoutProxy {
		o.faults = nil
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000_000) + 1
	}
	return o, o.check()
}

func (o options) check() error {
	switch {
	case o.duration < shortest:
		return fmt.Errorf("-duration %s: at least %s is needed", o.duration, shortest)
	case o.replicas < 1 || o.writers < 1 || o.resources < 1 || o.readers < 0:
		return fmt.Errorf("-replicas %d -writers %d -resources %d -readers %d: one of each is needed, but for readers",
			o.replicas, o.writers, o.resources, o.readers)
	}
	return nil
}

// has reports whether a fault is among those that are done.
func (o options) has(name string) bool {
	for _, k := range o.faults {
		if k.name == name {
			return true
		}
	}
	return false
}
