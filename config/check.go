package config

import (
	"fmt"
	"net/http"
	"slices"
)

// check looks for values that are good each by itself but contradict each other.
func (d *decoder) check(c *Config) {
	d.checkAddresses(c)
	d.checkTimes(c)
	d.checkRedis(c)
	d.checkNames(c.Routes)
	d.checkMatches(c.Routes)
	for i, r := range c.Routes {
		d.checkMethods(item("routes", i), r)
	}
}

// contradiction fails if the values at the paths are sound and still bad together; it is placed at the first path that
// the file has, and rather in a route than in `defaults`.
func (d *decoder) contradiction(bad bool, paths []string, format string, args ...any) {
	if !bad || !d.sound(paths...) {
		return
	}
	at := paths[0]
	for _, path := range slices.Backward(paths) {
		if found, _ := d.find(path); d.has(found) {
			at = path
		}
	}
	for _, path := range slices.Backward(paths) {
		if d.has(path) {
			at = path
		}
	}
	// Not by fail: each value is sound by itself, and may be part of another contradiction.
	d.problems = append(d.problems, d.problem(at, fmt.Sprintf(format, args...)))
}

func (d *decoder) checkAddresses(c *Config) {
	d.contradiction(sameListener(c.Admin.Listen, c.Listen), []string{"admin.listen", "listen"},
		"%q and listen %q cannot both be listened on", c.Admin.Listen, c.Listen)
	if c.Upstream == nil {
		return
	}
	d.contradiction(leadsTo(c.Upstream, c.Listen), []string{"upstream", "listen"},
		"the proxy would be its own backend: listen is %q", c.Listen)
	d.contradiction(leadsTo(c.Upstream, c.Admin.Listen), []string{"upstream", "admin.listen"},
		"the proxy would be its own backend: admin.listen is %q", c.Admin.Listen)
}

func (d *decoder) checkTimes(c *Config) {
	t := c.Timeouts
	d.contradiction(t.BusyWait >= t.Write, []string{"timeouts.busy_wait", "timeouts.write"},
		"busy_wait (%s) must be less than write (%s)", short(t.BusyWait), short(t.Write))
	d.contradiction(t.Write+t.Settle > c.Store.TTL, []string{"store.ttl", "timeouts.write", "timeouts.settle"},
		"ttl (%s) must be at least timeouts.write and timeouts.settle together (%s), or a write could outlive its record",
		short(c.Store.TTL), short(t.Write+t.Settle))
	if r := c.Store.Redis; r != nil {
		d.contradiction(r.Timeout >= t.Write, []string{"store.redis.timeout", "timeouts.write"},
			"timeout (%s) must be less than timeouts.write (%s)", short(r.Timeout), short(t.Write))
	}
}

func (d *decoder) checkRedis(c *Config) {
	r := c.Store.Redis
	if r == nil {
		return
	}
	reason := r.mismatch()
	d.contradiction(reason != "", []string{"store.redis.url", "store.redis.mode"}, "%s", reason)
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

func (d *decoder) checkMatches(routes []Route) {
	mux := http.NewServeMux()
	for i, r := range routes {
		path := item("routes", i) + ".match"
		if !d.has(path) || !d.sound(path) || register(mux, r.Match) == nil {
			continue
		}
		for j, other := range routes[:i] {
			if reason := overlap(r.Match, other.Match); reason != "" && d.sound(item("routes", j)+".match") {
				d.fail(path, "%s", d.ambiguity(i, j, routes, reason))
				break
			}
		}
	}
}

func (d *decoder) ambiguity(i, j int, routes []Route, reason string) string {
	_, line := d.find(item("routes", j) + ".match")
	both := fmt.Sprintf("routes %q and %q (line %d)", routes[i].Name, routes[j].Name, line)
	if routes[i].Match == routes[j].Match {
		return fmt.Sprintf("%s have the same match, %q", both, routes[i].Match)
	}
	return fmt.Sprintf("%s are ambiguous: %s", both, reason)
}

func (d *decoder) checkMethods(path string, r Route) {
	guard, pass := path+".guard", path+".pass"
	d.contradiction(len(r.Guard) == 0, []string{guard},
		"names no method; a route without a guard says mode: off")
	for _, m := range r.Pass {
		d.contradiction(slices.Contains(r.Guard, m), []string{pass, guard},
			"%s is in pass and in guard; guard is %v here", m, r.Guard)
	}
}
