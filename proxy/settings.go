package proxy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"proxy409/proxy/target"
)

// KeySettings are the settings that the names of resources in the store are made by. Two replicas over one store that differ in
// any of them would keep two records for one resource, and so let two writes through from one version.
//
// Routes whose keys are the default (the file's upstream, the canonical path, nothing of the query) are left out, but where
// they may take paths out of a route that has others: that one replica has such a route and another one not, as while a
// new configuration is rolled out, makes no second record. Closed routes make none at all.
func (cfg *Config) KeySettings() (map[string]string, error) {
	plain, err := cfg.prepare(Route{Match: "/"}, "")
	if err != nil {
		return nil, unplaced(err)
	}
	var routes []*route
	for i, r := range cfg.Routes {
		p, err := cfg.prepare(r, fmt.Sprintf("routes[%d]", i))
		if err != nil {
			return nil, err
		}
		if p.guarded() && p.Mode != Closed {
			routes = append(routes, p)
		}
	}
	byDefault := plain.keyedBy()
	settings := map[string]string{"release": target.KeyDomain, "upstream": byDefault}
	for _, p := range routes {
		meets := func(o *route) bool { return o.keyedBy() != byDefault && p.mayMeet(o) }
		if slices.ContainsFunc(routes, meets) { // with itself, too
			name := "route " + anonymous.ReplaceAllString(p.Match, "{$1}")
			settings[name] += p.keyedBy() + " when" + spell(p.when, true) + "; " // the first whose when fits counts
		}
	}
	return settings, nil
}

// anonymous is a wildcard, of whose name keys know nothing.
var anonymous = regexp.MustCompile(`\{[^}.$]*(\.\.\.|\$)?\}`)

// mayMeet reports whether there may be a path that both routes match: the beginning of one, up to its first wildcard, begins
// the other.
func (p *route) mayMeet(o *route) bool {
	beginning := func(match string) string {
		_, path, _ := strings.Cut(match, "/")
		path, _, _ = strings.Cut(path, "{")
		return path
	}
	a, b := beginning(p.Match), beginning(o.Match)
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// keyedBy spells all that a key of the route is made by beside the request.
func (p *route) keyedBy() string {
	s := fmt.Sprintf("%q %q %q", p.origin, p.base.String(), p.host)
	if p.Key.FoldCase {
		s += " letter case folded"
	}
	if p.AllowOdd {
		s += " dangerous spellings merged"
	}
	if len(p.inPath)+len(p.inQuery) == 0 {
		return s
	}
	return s + " path" + spell(p.inPath, false) + " query" + spell(p.inQuery, true)
}

func spell(list []parameter, named bool) string {
	var b strings.Builder
	for _, in := range list {
		name := in.name
		if !named {
			name = strconv.Itoa(in.segment)
		}
		fmt.Fprintf(&b, " %s=%s", name, in.form)
	}
	return b.String()
}
