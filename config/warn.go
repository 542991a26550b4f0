package config

import "net"

// warnings are about what is legal, and seldom meant.
func (d *decoder) warnings(c *Config) []Warning {
	w := warner{source: d.source}
	w.admin(c.Admin)
	w.store(c)
	for i, r := range c.Routes {
		w.route(item("routes", i), r, c.Store)
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
