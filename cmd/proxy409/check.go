package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"proxy409/config"
)

func newCheck() *cobra.Command {
	var path string
	var o online
	cmd := &cobra.Command{
		Use:   "check (--config FILE | --online URL | --online [URL] --config FILE)",
		Short: "Check a configuration file, or ask its Redis and its backend whether resources can be guarded",
		Long: "check reports all that is wrong with a configuration file and the files that it names, and warns of what is weak,\n" +
			"as of a certificate that is about to expire; it notes what goes to other machines in the clear. With --online and a\n" +
			"URL it asks the backend about one resource: whether what it shows names a version, as the configuration has it or\n" +
			"by default, and whether letter case in its path matters. The last line is the version: that serves best. With --online and a configuration it also asks the Redis that this names, and\n" +
			"without a URL only that: whether it answers, does all that a write needs (a value of a second's life is stored),\n" +
			"evicts nothing, and has the replicas that wait_replicas wants. Like a replica that starts it begins the grace\n" +
			"period of a Redis that is new. The exit status is 0 if guarding works, and 1 if it does not.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			if !o.wanted {
				if err := o.alone(cmd); err != nil {
					return err
				}
				return checkFile(cmd.OutOrStdout(), path)
			}
			var cfg *config.Config
			if path != "" {
				var err error
				if cfg, _, err = config.Load(path, os.LookupEnv); err != nil {
					return fmt.Errorf("the configuration cannot be used:\n%w", err)
				}
			}
			return o.checkAll(cmd, cfg)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the configuration file")
	o.flags(cmd)
	return cmd
}

// alone checks the flags of a check that asks nobody.
func (o *online) alone(cmd *cobra.Command) error {
	if err := o.withoutURL(cmd); err != nil {
		return err
	}
	if !cmd.Flags().Changed("config") {
		return errors.New(`required flag(s) "config" not set`)
	}
	return nil
}

// checkFile checks a file.
func checkFile(out io.Writer, path string) error {
	cfg, warnings, err := config.Load(path, os.LookupEnv)
	if err == nil {
		var weak []config.Warning
		weak, err = inspect(cfg)
		warnings = append(warnings, weak...)
	}
	for _, w := range warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	if err != nil {
		return fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	for _, n := range inTheClear(cfg) {
		fmt.Fprintln(out, "note:", n)
	}
	fmt.Fprintf(out, "%s: ok, %s\n", path, counted(len(cfg.Routes), "route"))
	return tell(out, cfg.Routes)
}

// tell says what the routes come to, so that a match that was meant otherwise is seen.
func tell(out io.Writer, routes []config.Route) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	everything := false
	for _, r := range routes {
		everything = everything || r.Match == "/"
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", r.Name, matches(r), r.Mode, does(r))
	}
	if !everything {
		fmt.Fprintln(table, "  everything else passes unguarded")
	}
	return table.Flush()
}

// matches is what a route matches.
func matches(r config.Route) string {
	text := r.Match
	for _, name := range slices.Sorted(maps.Keys(r.When.Query)) {
		text += " when " + name + " is " + r.When.Query[name]
	}
	return text
}

// does is what a route does with requests.
func does(r config.Route) string {
	switch {
	case r.Mode == config.Closed:
		return "answers 403"
	case r.Mode == config.Off:
		return "passes everything"
	case len(r.Pass) == 0:
		return "guards " + strings.Join(r.Guard, " ")
	}
	return "guards " + strings.Join(r.Guard, " ") + "\tpasses " + strings.Join(r.Pass, " ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
