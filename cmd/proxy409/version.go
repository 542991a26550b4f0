package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"proxy409/metrics"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = ""

// build tells which build this is, from the linker or from what Go itself records.
func build() metrics.Build {
	b := metrics.Build{Version: version, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := build()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "proxy409 %s (revision %s, %s, %s/%s)\n",
				orUnknown(b.Version), orUnknown(b.Revision), b.GoVersion, runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
