package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"proxy409/config"
)

func newHealthcheck() *cobra.Command {
	var url, path string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running proxy whether it is alive, for containers without a shell",
		Long: "healthcheck asks /healthz of the admin listener, which is found in the configuration file or by --url.\n" +
			"It exits with 0 if the answer is 200. Name /readyz with --url to ask for readiness.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path != "" {
				cfg, _, err := config.Load(path, os.LookupEnv)
				if err != nil {
					return err
				}
				url = "http://" + reachable(cfg.Admin.Listen) + "/healthz"
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			body, err := ask(ctx, url)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), body)
			return err
		},
	}
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:9409/healthz", "what to ask")
	cmd.Flags().StringVar(&path, "config", "", "take the address from this configuration file")
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait")
	cmd.MarkFlagsMutuallyExclusive("config", "url")
	return cmd
}

// reachable turns an address to listen on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// ask returns the body of a 200 answer.
func ask(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %d: %s", url, res.StatusCode, text)
	}
	return text, nil
}
