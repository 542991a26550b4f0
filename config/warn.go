package config

import (
	"net"
	"net/url"
	"slices"
)

// warnings are about what is legal, and seldom meant.
func (d *decoder) warnings(c *Config) []Warning {
	w := warner{source: d.source}
	w.admin(c.Admin)
	w.proxies(c)
	w.backends(c)
	w.store(c)
	for i, r := range c.Routes {
		w.route(item("routes", i), r, c.Store)
		w.held(item("routes", i)+".limits", r, c.Limits.Held)
	}
	w.matches(c.Routes)
	var out []Warning
	for _, p := range tidy(w.found) {
		out = append(out, Warning(p))
	}
	return out
}

type warner struct {
	source
	found []Problem
}

func (w *warner) warn(suspicious bool, path, message string) {
	if suspicious {
		w.found = append(w.found, w.problem(path, message))
	}
}

func (w *warner) admin(a Admin) {
	host, _, _ := net.SplitHostPort(a.Listen)
	w.warn(!isLoopback(host) && a.WebConfig == "", "admin.listen",
		"others than this machine can reach the admin listener, which asks for no password")
}

func (w *warner) proxies(c *Config) {
	for i, p := range c.TrustedProxies {
		w.warn(p.Bits() == 0, item("trusted_proxies", i),
			"is everybody: every client may say by X-Forwarded-For who it is; name the proxies in front")
	}
}

// backends warns of one backend that is spelt in two ways, which the proxy takes for two.
func (w *warner) backends(c *Config) {
	named := []*url.URL{c.Upstream}
	for i, r := range c.Routes {
		if slices.ContainsFunc(named, func(u *url.URL) bool { return u.Host == r.Upstream.Host }) {
			continue
		}
		for _, u := range named {
			w.warn(aliases(u, r.Upstream), item("routes", i)+".upstream",
				r.Upstream.Host+" is "+u.Host+" by another name: the proxy takes them for two backends, with records of their own")
		}
		named = append(named, r.Upstream)
	}
}

func (w *warner) store(c *Config) {
	r := c.Store.Redis
	if r == nil {
		return
	}
	w.warn(r.isOpen(), "store.redis.url",
		"the server is on another machine and has no password: who reaches it can change every record")
	w.warn(r.Mode != Single && r.WaitReplicas == 0, "store.redis.mode",
		"with wait_replicas: 0 a failover may forget leases; only the grace period covers for it")
	w.warn(c.GracePeriod() < c.longestTrace(), "store.grace",
		"is shorter than "+short(c.longestTrace())+", the longest timeouts.write, timeouts.settle and version.lag together: "+
			"if Redis loses its memory, a write may be admitted while a forgotten one is under way")
}
