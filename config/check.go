package config

import (
	"fmt"
	"net/url"
)

// check looks for values that are good each by itself but contradict each other.
func (d *decoder) check(c *Config) {
	d.checkAddresses(c)
	d.checkUpstream("upstream", c.Upstream, c)
	d.checkTimes("timeouts", c.Timeouts.RouteTimeouts, c.Store)
	d.checkTLS("upstream_tls", c.UpstreamTLS)
	d.checkUpstreamTLS(c)
	d.checkRedis(c)
	d.checkNames(c.Routes)
	d.checkMatches(c.Routes)
	for i, r := range c.Routes {
		path := item("routes", i)
		if d.said(path + ".upstream") {
			d.checkUpstream(path+".upstream", r.Upstream, c)
		}
		d.checkTimes(path+".timeouts", r.Timeouts, c.Store)
		d.checkMethods(path, r)
		d.checkSource(path+".version", r.Version)
		d.checkKey(path, r)
		d.checkTemplate(path, "version.read", r, names(r.Version.Read))
		d.checkRules(path, r)
	}
}

// contradiction fails if the values at the paths are sound and still bad together; it is placed at the first path that
// the file has, and rather in a route than in `defaults`, and there rather than in what holds for the file as a whole.
func (d *decoder) contradiction(bad bool, paths []string, format string, args ...any) {
	if !bad || !d.sound(paths...) {
		return
	}
	at, nearest := paths[0], -1
	for _, path := range paths {
		if found, _ := d.find(path); d.has(found) && nearness(found) > nearest {
			at, nearest = path, nearness(found)
		}
	}
	// Not by fail: each value is sound by itself, and may be part of another contradiction.
	d.problems = append(d.problems, d.problem(at, fmt.Sprintf(format, args...)))
}

func (d *decoder) checkAddresses(c *Config) {
	d.contradiction(sameListener(c.Admin.Listen, c.Listen), []string{"admin.listen", "listen"},
		"%q and listen %q cannot both be listened on", c.Admin.Listen, c.Listen)
}

func (d *decoder) checkUpstream(path string, upstream *url.URL, c *Config) {
	if upstream == nil {
		return
	}
	d.contradiction(leadsTo(upstream, c.Listen), []string{path, "listen"},
		"the proxy would be its own backend: listen is %q", c.Listen)
	d.contradiction(leadsTo(upstream, c.Admin.Listen), []string{path, "admin.listen"},
		"the proxy would be its own backend: admin.listen is %q", c.Admin.Listen)
}

// checkTimes checks the timeouts at a path, those of the file or of a route.
func (d *decoder) checkTimes(path string, t RouteTimeouts, s Store) {
	write, settle, busyWait := path+".write", path+".settle", path+".busy_wait"
	d.contradiction(t.BusyWait >= t.Write, []string{busyWait, write},
		"busy_wait (%s) must be less than write (%s)", short(t.BusyWait), short(t.Write))
	d.contradiction(t.Write+t.Settle > s.TTL, []string{"store.ttl", write, settle},
		"store.ttl (%s) must be at least timeouts.write and timeouts.settle together (%s), or a write could outlive its record",
		short(s.TTL), short(t.Write+t.Settle))
	if r := s.Redis; r != nil {
		d.contradiction(r.Timeout >= t.Write, []string{"store.redis.timeout", write},
			"store.redis.timeout (%s) must be less than timeouts.write (%s)", short(r.Timeout), short(t.Write))
	}
}

func (d *decoder) checkRedis(c *Config) {
	r := c.Store.Redis
	if r == nil {
		return
	}
	reason := r.mismatch()
	d.contradiction(reason != "", []string{"store.redis.url", "store.redis.mode"}, "%s", reason)
	d.checkTLS("store.redis.tls", r.TLS)
	d.contradiction(d.has("store.redis.tls") && !r.isTLS(), []string{"store.redis.tls", "store.redis.url"},
		"is for a URL that begins with rediss://")
}

func (d *decoder) checkNames(routes []Route) {
	first := make(map[string]int)
	for i, r := range routes {
		path := item("routes", i) + ".name"
		if !d.has(path) || !d.sound(path) {
			continue
		}
		if j, ok := first[r.Name]; ok {
			_, line := d.find(item("routes", j) + ".name")
			d.fail(path, "%q is the name of the route at line %d already", r.Name, line)
			continue
		}
		first[r.Name] = i
	}
}
