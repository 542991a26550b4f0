package main

import (
	"fmt"
	"slices"
	"strings"
)

// named is what a list on the command line chooses from.
type named interface{ String() string }

// workload is what wrk does, and how the route is configured for it.
type workload struct {
	name, title string
	script      string // in the folder wrk
	guarded     bool   // the resources are on a route that judges writes
	trustWrites bool   // the route's version.trust_writes
}

func (w workload) String() string { return w.name }

var workloads = []workload{
	{
		name: "reads", title: "Guarded reads of known resources",
		script: "reads.lua", guarded: true, trustWrites: true,
	},
	{
		name: "writes", title: "Guarded writes with the current ETag, `trust_writes: true`",
		script: "writes.lua", guarded: true, trustWrites: true,
	},
	{
		name: "cycle", title: "Reads and guarded writes by turns, `trust_writes: false`",
		script: "cycle.lua", guarded: true,
	},
	{
		name: "unguarded", title: "Reads through a route that is off",
		script: "reads.lua",
	},
}

// contender is one of the proxies that are compared.
type contender struct {
	name   string
	title  string
	guards bool // it refuses stale writes, and must prove it before it is measured
	redis  bool // it needs one
	// missing says what the machine lacks for it; nil means that nothing can be missing.
	missing func(tools) string
	// start starts it before s.backend, and sets s.proxy and s.listen.
	start func(b *bench, s *stand, w workload) error
}

func (c contender) String() string { return c.name }

// lacks names what the contender needs and the machine does not have.
func (c contender) lacks(t tools) string {
	if c.missing == nil {
		return ""
	}
	return c.missing(t)
}

// bareName is the contender that all others are compared with.
const bareName = "bare"

var contenders = []contender{
	{name: bareName, title: "bare `httputil.ReverseProxy`", start: (*bench).startBare},
	{name: "pooled", title: "the same with a `BufferPool`", start: (*bench).startPooled},
	{name: "embedded", title: "proxy409, embedded", guards: true, start: (*bench).startProxy409},
	{name: "redis", title: "proxy409 over Redis", guards: true, redis: true, missing: tools.noRedis, start: (*bench).startProxy409},
	{name: "nginx", title: "nginx, Lua and Redis", guards: true, redis: true, missing: tools.noNginx, start: (*bench).startNginx},
}

func names[T named](all []T) []string {
	list := make([]string, len(all))
	for i, x := range all {
		list[i] = x.String()
	}
	return list
}

// choose finds those of all that a list on the command line names.
func choose[T named](flag, list string, all []T) ([]T, error) {
	var chosen []T
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("-%s: %q is none of %s", flag, name, strings.Join(names(all), ", "))
		}
	}
	for _, x := range all {
		if slices.Contains(wanted, x.String()) {
			chosen = append(chosen, x)
		}
	}
	return chosen, nil
}

// turn is the order of a round: each round begins with another contender, so that none has always the same neighbour in
// time as the machine warms up or others use it.
func turn[T any](all []T, round int) []T {
	n := round % len(all)
	return slices.Concat(all[n:], all[:n])
}
