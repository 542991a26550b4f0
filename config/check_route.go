package config

import (
	"maps"
	"slices"
	"strings"
)

func (d *decoder) checkMethods(path string, r Route) {
	guard, pass := path+".guard", path+".pass"
	d.contradiction(len(r.Guard) == 0, []string{guard},
		"names no method; a route without a guard says mode: off")
	for _, m := range r.Pass {
		d.contradiction(slices.Contains(r.Guard, m), []string{pass, guard},
			"%s is in pass and in guard; guard is %v here", m, r.Guard)
	}
	d.contradiction(r.Mode.guards() && slices.Contains(r.Guard, "GET") && r.WebSocket, []string{path + ".websocket", guard},
		"the WebSocket protocol begins with a GET, and a GET in guard is judged as a write")
	d.contradiction(r.Mode.guards() && slices.Contains(r.Guard, "GET") && r.Version.Read == "",
		[]string{guard, path + ".version.read"},
		"GET in guard needs version.read, or the proxy would ask for the version by the very request that it guards")
}

// checkSource holds the keys of version at a path against the source of versions.
func (d *decoder) checkSource(path string, v Version) {
	from := path + ".from"
	for _, k := range v.sourceKeys() {
		d.contradiction(k.present && k.source != v.From, []string{join(path, k.name), from},
			"is for from: %s alone; from is %s here", k.source, v.From)
	}
	if pointer := path + ".pointer"; v.From == FromJSON && v.Pointer == "" && d.sound(from, pointer) {
		d.fail(pointer, "is required with from: json: the JSON pointer to the version, such as /version")
	}
	if header := path + ".header"; v.From == FromHeader && v.Header == "" && d.sound(from, header) {
		d.fail(header, "is required with from: header: the name of a header field, such as X-Revision")
	}
}

func (d *decoder) checkKey(path string, r Route) {
	single := wildcards(r.Match)
	for _, name := range slices.Sorted(maps.Keys(r.Key.Path)) {
		alone, known := single[name]
		at := []string{path + ".key.path." + plainKey(name), path + ".match"}
		d.contradiction(!known, at, "key.path names {%s}, which is no wildcard of match %q", name, r.Match)
		d.contradiction(known && !alone, at,
			"key.path names {%s}, which stands for several segments in match %q; only one segment can be part of the key so",
			name, r.Match)
	}
}

// checkTemplate looks for what the names in a template stand for; key is where the route at path has it.
func (d *decoder) checkTemplate(path, key string, r Route, names []string) {
	known := wildcards(r.Match)
	at := []string{join(path, key), path + ".match", path + ".key.query"}
	for _, name := range names {
		_, wildcard := known[name]
		_, parameter := r.Key.Query[name]
		d.contradiction(!wildcard && !parameter, at,
			"%s names {%s}, which is neither a wildcard of match %q nor a parameter of key.query%s",
			key, name, r.Match, choice(known, r.Key.Query))
		d.contradiction(wildcard && parameter, at,
			"%s names {%s}, which is both a wildcard of match %q and a parameter of key.query", key, name, r.Match)
	}
}

// choice lists what a template may name; "" if that is nothing.
func choice(wildcards map[string]bool, parameters map[string]string) string {
	all := slices.Collect(maps.Keys(wildcards))
	all = append(all, slices.Collect(maps.Keys(parameters))...)
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return "; there is {" + strings.Join(slices.Compact(all), "}, {") + "}"
}
