package proxy

import (
	"fmt"
	"strings"

	"proxy409/proxy/target"
)

// KeySettings are the settings that the names of resources in the store are made by. Two replicas over one store that differ in
// any of them would keep two records for one resource, and so let two writes through from one version.
//
// Routes whose keys are the default (the file's upstream, the canonical path, nothing of the query) are left out: that one
// replica has such a route and another one not, as while a new configuration is rolled out, makes no second record.
func (cfg *Config) KeySettings() (map[string]string, error) {
	plain, err := cfg.prepare(Route{Match: "/"}, "")
	if err != nil {
		return nil, unplaced(err)
	}
	settings := map[string]string{"release": target.KeyDomain, "upstream": plain.keyedBy()}
	for i, r := range cfg.Routes {
		p, err := cfg.prepare(r, fmt.Sprintf("routes[%d]", i))
		if err != nil {
			return nil, err
		}
		if keyed := p.keyedBy(); p.guarded() && keyed != plain.keyedBy() {
			settings["route "+p.Match+spell(p.when)] = keyed
		}
	}
	return settings, nil
}

// keyedBy spells all that a key of the route is made by beside the request.
func (p *route) keyedBy() string {
	s := fmt.Sprintf("%q %q %q", p.origin, p.base.String(), p.host)
	if len(p.inPath)+len(p.inQuery) == 0 {
		return s
	}
	return s + " path" + spell(p.inPath) + " query" + spell(p.inQuery)
}

func spell(list []parameter) string {
	var b strings.Builder
	for _, in := range list {
		fmt.Fprintf(&b, " %s=%s@%d", in.name, in.form, in.segment)
	}
	return b.String()
}
