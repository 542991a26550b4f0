package main

import (
	"fmt"
	"os"

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
			_, err = fmt.Fprintf(out, "%s: ok, %s\n", path, counted(len(cfg.Routes), "route"))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the configuration file")
	_ = cmd.MarkFlagRequired("config") // fails only for an unknown flag
	return cmd
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
