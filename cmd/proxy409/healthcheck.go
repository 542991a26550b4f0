package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"proxy409/config"
)

// healthcheck is what the command is told.
type healthcheck struct {
	url, config string
	timeout     time.Duration
	tls         healthTLS
	userFile    string
}

// userVariable is a variable of the environment with user:password, for who has no file.
const userVariable = "PROXY409_HEALTHCHECK_USER"

func newHealthcheck() *cobra.Command {
	var h healthcheck
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running proxy whether it is alive, for containers without a shell",
		Long: "healthcheck asks /healthz of the admin listener, which is found in the configuration file or by --url.\n" +
			"It exits with 0 if the answer is 200. Name /readyz with --url to ask for readiness.\n\n" +
			"Where admin.web_config gives the listener TLS, --config is enough: the certificate must be the one that it names.\n" +
			"A user and password are taken from --user-file, or from " + userVariable + " in the environment.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), h.timeout)
			defer cancel()
			body, err := h.ask(ctx)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), body)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&h.url, "url", "http://127.0.0.1:9409/healthz", "what to ask")
	f.StringVar(&h.config, "config", "", "take the address, and the certificate if there is one, from this configuration file")
	f.DurationVar(&h.timeout, "timeout", 3*time.Second, "how long to wait")
	f.StringVar(&h.userFile, "user-file", "", "a file with user:password")
	h.tls.flags(cmd)
	cmd.MarkFlagsMutuallyExclusive("config", "url")
	return cmd
}

// ask returns the body of a 200 answer.
func (h *healthcheck) ask(ctx context.Context) (string, error) {
	if err := h.locate(); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url, nil)
	if err != nil {
		return "", errors.New("--url is no URL")
	}
	if err := h.identify(req); err != nil {
		return "", err
	}
	client, err := h.tls.client()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return "", err
	}
	return verdict(req.URL, res.StatusCode, strings.TrimSpace(string(body)))
}

func verdict(asked *url.URL, status int, text string) (string, error) {
	switch status {
	case http.StatusOK:
		return text, nil
	case http.StatusUnauthorized:
		return "", fmt.Errorf("%s answered 401: it wants a user and password; give them by --user-file or %s", asked.Redacted(), userVariable)
	}
	return "", fmt.Errorf("%s answered %d: %s", asked.Redacted(), status, text)
}

// locate finds out from the configuration file what to ask, and which certificate to expect.
func (h *healthcheck) locate() error {
	if h.config == "" {
		return nil
	}
	cfg, _, err := config.Load(h.config, os.LookupEnv)
	if err != nil {
		return err
	}
	scheme := "http"
	if path := cfg.Admin.WebConfig; path != "" {
		web, err := webConfig(path)
		if err != nil {
			return err
		}
		if web.TLSConfig.IsEnabled() {
			scheme = "https"
			if h.tls.expected, err = webChain(web); err != nil {
				return err
			}
		}
	}
	h.url = scheme + "://" + reachable(cfg.Admin.Listen) + "/healthz"
	return nil
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

// identify adds the user and password, if any are given.
func (h *healthcheck) identify(req *http.Request) error {
	text, from := os.Getenv(userVariable), userVariable
	if h.userFile != "" {
		raw, err := os.ReadFile(h.userFile)
		if err != nil {
			return fmt.Errorf("--user-file: %w", err)
		}
		text, from = strings.TrimRight(string(raw), "\r\n"), "--user-file"
	}
	if text == "" {
		return nil
	}
	user, password, ok := strings.Cut(text, ":")
	if !ok {
		return fmt.Errorf("%s: what is given is not user:password", from)
	}
	req.SetBasicAuth(user, password)
	return nil
}
