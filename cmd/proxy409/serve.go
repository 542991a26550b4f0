package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"proxy409/config"
)

type serveFlags struct {
	config, upstream    string
	logFormat, logLevel string
	drainDelay          time.Duration
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve (--config FILE | --upstream URL)",
		Short: "Run the proxy",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), f.logFormat, f.logLevel)
			if err != nil {
				return err
			}
			quietStandardLog(log)
			cfg, err := f.load(log)
			if err != nil {
				return err
			}
			signals := make(chan os.Signal, 2)
			signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
			defer signal.Stop(signals)
			return serve(cmd.Context(), cfg, log, signals, f.drainDelay)
		},
	}
	cmd.Flags().StringVar(&f.config, "config", "", "the configuration file")
	cmd.Flags().StringVar(&f.upstream, "upstream", "", "the backend, with everything else at its default")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "text or json")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().DurationVar(&f.drainDelay, "drain-delay", 0,
		"after SIGTERM, how long to go on serving while /readyz fails, so that balancers notice")
	return cmd
}

func (f serveFlags) load(log *slog.Logger) (*config.Config, error) {
	if (f.config == "") == (f.upstream == "") {
		return nil, errors.New("serve needs either --config FILE or --upstream URL")
	}
	if f.config == "" {
		return config.Default(f.upstream)
	}
	cfg, warnings, err := config.Load(f.config, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	warn(log, warnings)
	return cfg, nil
}

func warn(log *slog.Logger, warnings []config.Warning) {
	for _, w := range warnings {
		log.Warn("suspicious configuration", "at", w.String())
	}
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q is none of debug, info, warn, error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, fmt.Errorf("--log-format %q is neither text nor json", format)
}

// serve runs the proxy until a signal comes, and then ends it in order. A second signal ends it at once.
func serve(
	ctx context.Context, cfg *config.Config, log *slog.Logger, signals <-chan os.Signal, drainDelay time.Duration,
) error {
	in, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }()
	weak, err := in.readFiles()
	if err != nil {
		return fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	warn(log, weak)
	front, admin, err := listen(cfg)
	if err != nil {
		return err
	}
	framed, err := in.framed(front, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in.watchCertificates(ctx, log)
	go in.ready.watch(ctx)
	server, adminServer := in.server(log), in.adminServer(log)
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(framed) }()
	go func() { failed <- in.serveAdmin(adminServer, admin, log) }()
	log.Info("serving", "listen", front.Addr().String(), "admin", admin.Addr().String(),
		"upstream", cfg.Upstream.Redacted(), "store", storeName(cfg), "tls", cfg.TLS != nil, "version", orUnknown(build().Version))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	case s := <-signals:
		log.Info("draining: /readyz fails; after drain_delay no more requests are taken, and writes under way are finished",
			"signal", s.String(), "drain_delay", drainDelay)
	}
	return in.drain(log, signals, drainDelay, server, adminServer)
}

func storeName(cfg *config.Config) string {
	if cfg.Store.Redis == nil {
		return "embedded"
	}
	return "redis (" + string(cfg.Store.Redis.Mode) + ")"
}

// drain ends an instance: readiness fails first, then no more requests are taken, writes under way are finished and
// recorded, and the admin listener goes last. A signal meanwhile ends it at once.
func (in *instance) drain(
	log *slog.Logger, signals <-chan os.Signal, delay time.Duration, server, admin *http.Server,
) error {
	in.ready.drain()
	// A write may wait for another, then for its backend; its outcome may then wait for the store.
	longest := delay + in.cfg.LongestWait() + in.cfg.LongestWrite() + 5*time.Second
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	go func() {
		select {
		case <-signals:
			log.Warn("a second signal: ending at once, leases under way run out by themselves")
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
	err := server.Shutdown(ctx)
	if err == nil {
		err = in.proxy.Drain(ctx)
	}
	if err != nil {
		_ = server.Close()
	}
	_ = admin.Close()
	if err != nil {
		return fmt.Errorf("not everything was finished: %w", err)
	}
	log.Info("drained: everything is finished and recorded")
	return nil
}
