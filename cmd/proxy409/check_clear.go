package main

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"proxy409/config"
)

// inTheClear says once where clients, and once where backends, are on other machines and not reached by TLS. Often that is as it
// should be, behind a balancer or within a container's network, so that it is no warning, and `serve` does not repeat it. Of
// Redis and the admin listener warnings speak.
func inTheClear(cfg *config.Config) (notes []config.Problem) {
	if host, _, _ := net.SplitHostPort(cfg.Listen); cfg.TLS == nil && !isLoopback(host) {
		notes = append(notes, cfg.Problem("listen",
			"clients of other machines connect in the clear; tls is for where nothing in front of the proxy does TLS for it"))
	}
	path, hosts := "", []string(nil)
	add := func(at string, scheme, host string) {
		if scheme != "http" || isLoopback(host) || slices.Contains(hosts, host) {
			return
		}
		if path == "" {
			path = at
		}
		hosts = append(hosts, host)
	}
	add("upstream", cfg.Upstream.Scheme, cfg.Upstream.Hostname())
	for i, r := range cfg.Routes {
		if r.Mode != config.Closed {
			add(fmt.Sprintf("routes[%d].upstream", i), r.Upstream.Scheme, r.Upstream.Hostname())
		}
	}
	if len(hosts) > 0 {
		notes = append(notes, cfg.Problem(path, "requests, with their credentials, go to "+strings.Join(hosts, ", ")+
			" in the clear; https:// is for where others share the network between"))
	}
	return notes
}
