// Command proxy409 is a reverse proxy that gives an HTTP API optimistic concurrency control.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if err := newRoot().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "proxy409:", err)
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "proxy409",
		Short: "A reverse proxy that answers 409 to writes made from an old version",
		Long: "proxy409 stands before a legacy HTTP API that would let the last write win, remembers which version of\n" +
			"every resource it has seen, and answers 409 Conflict to a write that was made from another version.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newCheck(), newExplain(), newDemo(), newHealthcheck(), newVersion())
	return root
}
