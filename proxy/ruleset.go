package proxy

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"proxy409/proxy/expression"
	"proxy409/proxy/rules"
	"proxy409/proxy/target"
)

// ruleset is Rules, prepared: with their texts parsed and their expressions compiled.
type ruleset struct {
	expect   []expectation
	unique   []uniqueRule
	steps    *rules.Transitions
	require  []requirement
	resource rules.Template
	leases   []rules.Template
	touches  []rules.Template
	asAsker  http.Header // what is set on questions in the place of the caller's credentials; nil: nothing
	expects  bool        // there is a list of places where versions may be named
	any      bool        // there is something to plan and to decide
}

// uniqueRule is a Unique, prepared.
type uniqueRule struct {
	name     string
	fields   []rules.Pointer
	fold     rules.Fold
	ask      rules.Template
	list     rules.Pointer
	location rules.Template
	returns  bool
}

// requirement is a Require, prepared.
type requirement struct {
	name    string
	on      []string
	ask     []question // sorted by name
	that    *expression.Condition
	message string
	made    *expression.Message // nil: message is all there is
	reads   expression.Reads    // of both
}

// question is one of the things that a requirement asks for.
type question struct {
	name string
	at   rules.Template
}

// The name that the rule about transitions has in answers, logs and metrics.
const transitionsName = "transitions"

// names lists the rules of the set.
func (s *ruleset) names() []string {
	var names []string
	for _, u := range s.unique {
		names = append(names, u.name)
	}
	if s.steps != nil {
		names = append(names, transitionsName)
	}
	for _, r := range s.require {
		names = append(names, r.name)
	}
	return names
}

// prepareRules parses the texts of the route's rules, and compiles their expressions. Path is the route's in the YAML file.
func (p *route) prepareRules(path string) error {
	r, s := p.Rules, &ruleset{}
	for _, step := range []func(Rules, string, *ruleset) error{
		p.prepareExpect, p.prepareUnique, prepareTransitions, p.prepareRequire, p.prepareReach,
	} {
		if err := step(r, path, s); err != nil {
			return err
		}
	}
	if len(r.AskHeaders) > 0 {
		s.asAsker = make(http.Header, len(r.AskHeaders))
		for name, value := range r.AskHeaders {
			s.asAsker.Set(name, value)
		}
	}
	s.any = len(s.names())+len(s.leases)+len(s.touches) > 0
	p.rules = s
	return nil
}

func (p *route) prepareUnique(r Rules, path string, s *ruleset) (err error) {
	for i, u := range r.Unique {
		at := fmt.Sprintf("%s.unique[%d]", path, i)
		rule := uniqueRule{name: u.Name, returns: u.Return}
		if rule.name == "" {
			rule.name = "unique-" + strconv.Itoa(i+1)
		}
		for j, field := range u.Fields {
			pointer, err := rules.ParsePointer(field)
			if err != nil {
				return Problem{Path: fmt.Sprintf("%s.fields[%d]", at, j), Message: err.Error()}
			}
			rule.fields = append(rule.fields, pointer)
		}
		if len(rule.fields) == 0 {
			return Problem{Path: at + ".fields", Message: "names no field"}
		}
		if rule.fold, err = rules.ParseFold(u.Fold); err != nil {
			return Problem{Path: at + ".fold", Message: err.Error()}
		}
		if rule.list, err = rules.ParsePointer(u.List); err != nil {
			return Problem{Path: at + ".list", Message: err.Error()}
		}
		if rule.ask, err = p.template(u.Ask, at+".ask"); err != nil {
			return err
		}
		if u.Location != "" {
			if rule.location, err = rules.ParseTemplate(u.Location, p.holes(true)); err != nil {
				return Problem{Path: at + ".location", Message: err.Error()}
			}
		}
		if rule.returns && len(r.AskHeaders) > 0 && u.Location == "" {
			return Problem{Path: at + ".on_duplicate", Message: "needs a location where the caller reads the existing one, for it is not the caller who asks (ask_headers)"}
		}
		s.unique = append(s.unique, rule)
	}
	return nil
}

func prepareTransitions(r Rules, path string, s *ruleset) error {
	t := r.Transitions
	if t == nil {
		return nil
	}
	field, err := rules.ParsePointer(t.Field)
	if err != nil {
		return Problem{Path: path + ".transitions.field", Message: err.Error()}
	}
	if s.steps, err = rules.NewTransitions(field, t.Moves, t.Initial); err != nil {
		return Problem{Path: path + ".transitions", Message: err.Error()}
	}
	return nil
}

func (p *route) prepareRequire(r Rules, path string, s *ruleset) (err error) {
	for i, q := range r.Require {
		at := fmt.Sprintf("%s.require[%d]", path, i)
		rule := requirement{name: q.Name, on: q.On, message: q.Message}
		if rule.name == "" {
			rule.name = "require-" + strconv.Itoa(i+1)
		}
		var asks []string
		for name, text := range q.Ask {
			asks = append(asks, name)
			if err := expression.ValidName(name); err != nil {
				return Problem{Path: at + ".ask." + name, Message: err.Error()}
			}
			template, err := p.template(text, at+".ask."+name)
			if err != nil {
				return err
			}
			rule.ask = append(rule.ask, question{name: name, at: template})
		}
		slices.SortFunc(rule.ask, func(a, b question) int { return strings.Compare(a.name, b.name) })
		if rule.that, err = expression.CompileCondition(q.That, asks); err != nil {
			return Problem{Path: at + ".that", Message: err.Error()}
		}
		if q.MessageExpression != "" {
			if rule.made, err = expression.CompileMessage(q.MessageExpression, asks); err != nil {
				return Problem{Path: at + ".message_expression", Message: err.Error()}
			}
		}
		rule.reads = rule.read()
		s.require = append(s.require, rule)
	}
	return nil
}

// read is what the condition and the message read.
func (r requirement) read() expression.Reads {
	reads := r.that.Reads()
	if r.made == nil {
		return reads
	}
	also := r.made.Reads()
	reads.RequestBody, reads.Current = reads.RequestBody || also.RequestBody, reads.Current || also.Current
	reads.Asks = maps.Clone(reads.Asks)
	maps.Copy(reads.Asks, also.Asks)
	return reads
}

// prepareReach prepares what writes are about, hold and touch beside what they are sent to.
func (p *route) prepareReach(r Rules, path string, s *ruleset) (err error) {
	if r.Resource != "" {
		if s.resource, err = p.template(r.Resource, path+".resource"); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		texts []string
		key   string
		into  *[]rules.Template
	}{{r.Leases, ".leases", &s.leases}, {r.Touches, ".touches", &s.touches}} {
		for i, text := range list.texts {
			t, err := p.template(text, fmt.Sprintf("%s%s[%d]", path, list.key, i))
			if err != nil {
				return err
			}
			*list.into = append(*list.into, t)
		}
	}
	return nil
}

// template parses a template that names what every request of the route has.
func (p *route) template(text, path string) (rules.Template, error) {
	t, err := rules.ParseTemplate(text, p.holes(false))
	if err != nil {
		return t, Problem{Path: path, Message: err.Error()}
	}
	return t, nil
}

func (p *route) holes(found bool) rules.Holes {
	return rules.Holes{Wildcard: p.stands, Rest: p.isRest, Body: true, Query: true, Found: found}
}

// checkReach finds templates that lead to nothing guarded: what is leased or touched there would keep nobody out.
func (rs *routes) checkReach(p *route, path string) error {
	check := func(t rules.Template, path string) error {
		if t.IsZero() || rs.mayGuard(p.host, t) {
			return nil
		}
		return Problem{Path: path, Message: fmt.Sprintf("%s is guarded by no route, so nobody would be kept out there; add a route that matches it", t)}
	}
	errs := []error{check(p.rules.resource, path+".resource")}
	for i, t := range p.rules.leases {
		errs = append(errs, check(t, fmt.Sprintf("%s.leases[%d]", path, i)))
	}
	for i, t := range p.rules.touches {
		errs = append(errs, check(t, fmt.Sprintf("%s.touches[%d]", path, i)))
	}
	return cmp.Or(errs...)
}

// mayGuard reports whether one of the paths that a template makes is guarded by a route.
func (rs *routes) mayGuard(host string, t rules.Template) bool {
	path, err := target.Canonical(t.Sample())
	return err == nil && slices.ContainsFunc(rs.exact.match(host, path), (*route).guarded)
}
