package config

import (
	"net"
	"slices"
	"strings"
)

// warnings are about what is legal, and seldom meant.
func (d *decoder) warnings(c *Config) []Warning {
	w := warner{source: d.source}
	w.admin(c.Admin)
	w.store(c)
	w.times(c)
	w.warn(c.Limits.Representation != MiB, "limits.representation",
		"has no effect yet: versions made from representations come with a later version")
	for i, r := range c.Routes {
		w.route(item("routes", i), r)
	}
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
	w.warn(!isLoopback(host), "admin.listen",
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
	w.warn(c.GracePeriod() < c.Timeouts.Write+c.Timeouts.Settle, "store.grace",
		"is shorter than timeouts.write and timeouts.settle together: "+
			"if Redis loses its memory, a write may be admitted while a forgotten one is under way")
}

func (w *warner) times(c *Config) {
	w.warn(c.Timeouts.Settle == 0, "timeouts.settle",
		"with 0s a write that was given up on must be finished at once, or the next may be lost to it")
	w.warn(c.Limits.Waiters == 0 && c.Timeouts.BusyWait > 0, "limits.waiters",
		"with 0 no write ever waits, and timeouts.busy_wait does nothing")
}

func (w *warner) route(path string, r Route) {
	host, rest, _ := strings.Cut(r.Match, "/")
	w.warn(host != "" && host != "localhost" && !strings.Contains(host, "."), path+".match",
		"matches only requests to a host called "+host+"; for the path on any host write /"+host+"/"+rest)
	w.warn(r.Mode == Off, path+".mode",
		"off: nothing is guarded here, and updates can be lost")
	if r.Mode == Off {
		return
	}
	w.warn(r.Missing == MissingAllow, path+".missing",
		"allow: a write without If-Match overwrites whatever is there")
	w.warn(!slices.Contains(r.Guard, "POST") && !slices.Contains(r.Pass, "POST"), path+".pass",
		"POST is in neither guard nor pass, and so is judged: one that creates is refused for want of a precondition")
	w.warn(r.Version.TrustWrites, path+".version.trust_writes",
		"relies on the backend to answer a write with the ETag that a GET would show; many send another's")
	w.warn(r.Version.TrustWrites && r.Version.Reread, path+".version.reread",
		"the version after a write is read back, so trust_writes adds nothing")
}
