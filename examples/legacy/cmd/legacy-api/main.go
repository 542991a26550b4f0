// Command legacy-api serves the lossy backend of package legacy, to put proxy409 in front of.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"proxy409/examples/legacy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "legacy-api:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("legacy-api", flag.ContinueOnError)
	flags.SetOutput(stderr)
	options := legacy.Options{Keep: -1}
	listen := flags.String("listen", "127.0.0.1:9000", "`address` to listen on")
	flags.TextVar(&options.ETags, "etags", legacy.Strong, "entity tags to show: strong, weak or none")
	flags.DurationVar(&options.Latency, "latency", 0, "how long each request takes before it has any effect")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "legacy-api: listening on http://%s, etags %s\n", listener.Addr(), options.ETags)

	server := &http.Server{Handler: legacy.New(options), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
