package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (o *online) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var((*whom)(o), "online", "ask the backend about one resource: its URL, or with --config a path as clients send it; with --config ask Redis, too")
	f.Lookup("online").NoOptDefVal = nobody // so that it needs no value
	f.StringArrayVarP(&o.headers, "header", "H", nil, "a field of the requests' header, 'Name: value'; repeatable, never shown")
	f.StringVar(&o.method, "write", "", "a method that may be sent to the backend, three times, past every proxy, and is not undone: PUT, PATCH or POST")
	f.StringArrayVarP(&o.data, "data", "d", nil, "the write's body, or @FILE; a second, different one shows whether two saves in one second share a tag")
	f.DurationVar(&o.pause, "pause", 1100*time.Millisecond, "between two reads, so that what changes by the clock is seen")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "how long one answer may take")
}

// whom is --online as a flag. What follows it is an argument, because it may be missing; --online=URL is understood all the
// same.
type whom online

// nobody is what the flag is set to without a value: pflag shows no value in the help of what looks like a boolean.
const nobody = "true"

func (w *whom) Set(text string) error {
	w.wanted = true
	if text != nobody {
		w.url = text
	}
	return nil
}

func (w *whom) String() string { return w.url }
func (w *whom) Type() string   { return "bool" }

// named takes the URL from the arguments.
func (o *online) named(args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !o.wanted:
		return fmt.Errorf("unknown argument %q; a URL goes with --online", args[0])
	case o.url != "":
		return errors.New("--online asks about one resource at a time")
	}
	o.url = args[0]
	return nil
}

// withoutURL checks the flags of a check that asks no backend.
func (o *online) withoutURL(cmd *cobra.Command) error {
	for _, name := range []string{"header", "write", "data", "pause", "timeout"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s belongs to --online URL", name)
		}
	}
	return nil
}
