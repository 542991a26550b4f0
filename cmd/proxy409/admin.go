package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"

	"proxy409/config"
	"proxy409/proxy"
)

// adminServer is what operators talk to. It changes nothing, whatever it is asked.
func (in *instance) adminServer(log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(in.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("/readyz", in.ready)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "proxy409: /metrics /healthz /readyz")
	})
	return &http.Server{
		Handler:           onlyReads(mux),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          proxy.QuietLog(log),
	}
}

// onlyReads answers 405 to every method but GET and HEAD, wherever it is sent.
func onlyReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "nothing here takes another method than GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveAdmin serves until the server is closed, as the web configuration file says if there is one.
func (in *instance) serveAdmin(server *http.Server, l net.Listener, log *slog.Logger) error {
	path := in.cfg.Admin.WebConfig
	if path == "" {
		return server.Serve(l)
	}
	return web.Serve(l, server, &web.FlagConfig{WebConfigFile: &path}, log.With("listener", "admin"))
}

// checkWebConfig reports what is wrong with the web configuration file, if there is one.
func checkWebConfig(cfg *config.Config) error {
	path := cfg.Admin.WebConfig
	if path == "" {
		return nil
	}
	if err := web.Validate(path); err != nil {
		return cfg.Problem("admin.web_config", path+": "+withoutValues(err))
	}
	return nil
}

// quoted is how the YAML library shows the values that it complains of. They may be passwords, or pieces of keys.
var quoted = regexp.MustCompile("(?s)`.*?`")

func withoutValues(err error) string {
	return quoted.ReplaceAllLiteralString(err.Error(), "(a value, not shown)")
}

// webConfig is what a web configuration file says, with defaults as its library has them. The file has been checked.
func webConfig(path string) (*web.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &web.Config{TLSConfig: web.TLSConfig{MinVersion: tls.VersionTLS12}}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return nil, fmt.Errorf("%s: %s", path, withoutValues(err))
	}
	c.TLSConfig.SetDirectory(filepath.Dir(path))
	return c, nil
}
