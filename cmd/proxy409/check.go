package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"proxy409/config"
)

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Check a configuration file and report all that is wrong with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, warnings, err := config.Load(path, os.LookupEnv)
			if err == nil {
				err = validate(cfg)
			}
			out := cmd.OutOrStdout()
			for _, w := range warnings {
				fmt.Fprintln(out, "warning:", w)
			}
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			fmt.Fprintf(out, "%s: ok, %s\n", path, counted(len(cfg.Routes), "route"))
			return tell(out, cfg.Routes)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the configuration file")
	_ = cmd.MarkFlagRequired("config") // fails only for an unknown flag
	return cmd
}

// tell says what the routes come to, so that a match that was meant otherwise is seen.
func tell(out io.Writer, routes []config.Route) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	everything := false
	for _, r := range routes {
		everything = everything || r.Match == "/"
		fmt.Fprintf(table, "  %s\t%s\t%s\tguards %s\tpasses %s\n",
			r.Name, r.Match, r.Mode, strings.Join(r.Guard, " "), strings.Join(r.Pass, " "))
	}
	if !everything {
		fmt.Fprintln(table, "  everything else passes unguarded")
	}
	return table.Flush()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
