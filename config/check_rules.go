package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkRules holds the rules of the route at path against each other, and against the rest of the route.
func (d *decoder) checkRules(path string, r Route) {
	if !r.Mode.guards() {
		for _, key := range slices.Concat(judging, ownRules) {
			at := join(path, key)
			d.contradiction(d.has(at), []string{at, path + ".mode"}, "is for a route that judges; mode is %s here", r.Mode)
		}
		return
	}
	d.checkExpect(path, r)
	d.checkIdempotency(path, r)
	d.checkHistory(path, r)
	for i := range r.Unique {
		d.checkUnique(path, i, r)
	}
	for i := range r.Require {
		d.checkRequire(path, i, r)
	}
	if r.Transitions != nil {
		d.checkTransitions(path+".transitions", *r.Transitions)
	}
	d.checkRuleNames(path, r)
	d.checkTemplates(path, r)
}

func (d *decoder) checkExpect(path string, r Route) {
	v := path + ".version"
	i := slices.Index(r.Expect, "if-unmodified-since")
	d.contradiction(i >= 0 && (r.Version.From != FromHeader || !strings.EqualFold(r.Version.Header, "Last-Modified")),
		[]string{item(path+".expect", max(i, 0)), path + ".expect", v + ".from", v + ".header"},
		"if-unmodified-since is for version: {from: header, header: Last-Modified} alone: a time says nothing of another version")
}

func (d *decoder) checkUnique(path string, i int, r Route) {
	u, at, guard := r.Unique[i], item(path+".unique", i), path+".guard"
	post := slices.Contains(r.Guard, "POST")
	update := slices.Contains(r.Guard, "PUT") || slices.Contains(r.Guard, "PATCH")
	d.contradiction(!post && !update, []string{at, guard}, "unique is for what POST, PUT and PATCH write; guard is %v here", r.Guard)
	d.contradiction(!post && update && u.Location == "", []string{at, guard},
		"unique needs a location where guard has no POST: without it each update would be a duplicate of itself; guard is %v here", r.Guard)
	d.contradiction(u.OnDuplicate == DuplicateReturn && u.Location == "" && len(r.AskHeaders) > 0,
		[]string{at + ".on_duplicate", path + ".ask_headers"},
		"on_duplicate: return needs a location with ask_headers: what is shown to those is not for every caller to see")
}

func (d *decoder) checkRequire(path string, i int, r Route) {
	on := item(path+".require", i) + ".on"
	for _, m := range r.Require[i].On {
		d.contradiction(slices.Contains(r.Pass, m), []string{on, path + ".pass"},
			"%s is in on and in pass, whose methods are not judged; pass is %v here", m, r.Pass)
		d.contradiction(m == "GET" && !slices.Contains(r.Guard, m), []string{on, path + ".guard"},
			"GET is in on, and not judged but where guard names it; guard is %v here", r.Guard)
	}
}

func (d *decoder) checkTransitions(path string, t Transitions) {
	moves := path + ".moves"
	for _, from := range slices.Sorted(maps.Keys(t.Moves)) {
		for i, to := range t.Moves[from] {
			_, known := t.Moves[to]
			at := item(join(moves, plainKey(from)), i)
			d.contradiction(!known, []string{at, moves}, "%q has no line of its own in moves; add it, as %s: [], with the states that may follow it", to, to)
		}
	}
	for i, state := range t.Initial {
		_, known := t.Moves[state]
		d.contradiction(!known, []string{item(path+".initial", i), path + ".initial", moves}, "%q is no state in moves", state)
	}
}

// checkRuleNames lets no two rules of a route have one name, since that is how metrics and logs tell them apart.
func (d *decoder) checkRuleNames(path string, r Route) {
	first := make(map[string]string) // from names to where rules stand
	if r.Transitions != nil {
		first["transitions"] = path + ".transitions"
	}
	add := func(name, at string) {
		earlier, taken := first[name]
		if !taken {
			first[name] = at
			return
		}
		_, line := d.find(earlier)
		d.contradiction(true, []string{at + ".name"}, "%q is the name of the rule at line %d already", name, line)
	}
	for i, u := range r.Unique {
		add(u.Name, item(path+".unique", i))
	}
	for i, q := range r.Require {
		add(q.Name, item(path+".require", i))
	}
}

// checkTemplates looks for what the names in the templates of the rules stand for.
func (d *decoder) checkTemplates(path string, r Route) {
	check := func(key, template string) { d.checkTemplate(path, key, r, plainNames(template)) }
	for i, u := range r.Unique {
		at := item("unique", i)
		check(at+".ask", u.Ask)
		check(at+".location", u.Location)
	}
	for i, q := range r.Require {
		for _, name := range slices.Sorted(maps.Keys(q.Ask)) {
			check(fmt.Sprintf("require[%d].ask.%s", i, name), q.Ask[name])
		}
	}
	check("resource", r.Resource)
	for key, list := range map[string][]string{"leases": r.Leases, "touches": r.Touches} {
		for i, template := range list {
			if d.sound(join(path, key)) { // then the places in the list are those of the file
				check(item(key, i), template)
			}
		}
	}
}
