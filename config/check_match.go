package config

import (
	"fmt"
	"maps"
	"net/http"
)

// checkMatches lets no request belong to two routes alike. Routes with the very same match may differ in their when.
func (d *decoder) checkMatches(routes []Route) {
	mux := http.NewServeMux()
	known := make(map[string]bool) // the matches in mux
	for i, r := range routes {
		path := item("routes", i)
		switch {
		case !d.has(path+".match") || !d.sound(path+".match"):
		case known[r.Match]:
			d.checkWhen(i, routes)
		case register(mux, r.Match) == nil:
			known[r.Match] = true
		default:
			d.findAmbiguity(i, routes)
		}
	}
}

// checkWhen holds a route against those before it that have the same match.
func (d *decoder) checkWhen(i int, routes []Route) {
	r, path := routes[i], item("routes", i)
	for j, other := range routes[:i] {
		earlier := item("routes", j)
		if other.Match != r.Match || !maps.Equal(other.When.Query, r.When.Query) ||
			!d.sound(path+".when", earlier+".match", earlier+".when") {
			continue
		}
		if len(r.When.Query) == 0 {
			d.fail(path+".match", "%s have the same match, %q", d.both(i, j, routes), r.Match)
		} else {
			d.fail(path+".when", "%s have the same match, %q, and the same when", d.both(i, j, routes), r.Match)
		}
		return
	}
}

func (d *decoder) findAmbiguity(i int, routes []Route) {
	for j, other := range routes[:i] {
		reason := overlap(routes[i].Match, other.Match)
		if reason != "" && d.sound(item("routes", j)+".match") {
			d.fail(item("routes", i)+".match", "%s are ambiguous: %s", d.both(i, j, routes), reason)
			return
		}
	}
}

func (d *decoder) both(i, j int, routes []Route) string {
	_, line := d.find(item("routes", j) + ".match")
	return fmt.Sprintf("routes %q and %q (line %d)", routes[i].Name, routes[j].Name, line)
}
