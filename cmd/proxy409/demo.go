package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"proxy409/config"
	"proxy409/examples/legacy"
)

func newDemo() *cobra.Command {
	var stay bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the lost update, and the 409 that prevents it, on a legacy API of our own",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			return demo(ctx, cmd.OutOrStdout(), stay)
		},
	}
	cmd.Flags().BoolVar(&stay, "stay", false, "keep the API and the proxy running, to try them by hand")
	return cmd
}

// demo starts the lossy API and a proxy before it, both on free loopback ports, and plays the two editors.
func demo(ctx context.Context, out io.Writer, stay bool) (err error) {
	api, apiURL, err := serveOn(legacy.New(legacy.Options{}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	cfg, err := config.Default(apiURL)
	if err != nil {
		return err
	}
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	front, proxyURL, err := serveOn(in.proxy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.Close(), in.proxy.Drain(context.Background())) }()

	s := script{ctx: ctx, out: out}
	s.past(apiURL)
	s.through(proxyURL)
	if s.err != nil {
		return fmt.Errorf("the demonstration failed: %w", s.err)
	}
	if !stay {
		return nil
	}
	s.invite(apiURL, proxyURL)
	<-ctx.Done()
	return nil
}

// serveOn serves the handler on a free loopback port.
func serveOn(h http.Handler) (server *http.Server, url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // returns when it is closed
	return server, "http://" + l.Addr().String(), nil
}
