package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// routes finds the route of a request: the most specific pattern wins, as in net/http.
type routes struct {
	exact     *matcher
	folded    *matcher            // the same patterns, for paths whose letter case is folded
	byHost    map[string]*matcher // the patterns that name a host, without it; for paths whose letter case is folded
	unmatched *route              // for what no route matches: it is not guarded
	lowerCase bool                // no pattern has a letter that folding changes
	guarding  bool                // there is a route that guards
	guarded   []*route            // those whose upstream is not the one of what matches none
	unfit     map[*route]*route   // from the first of a list to the route of what fits none of it
}

func newRoutes(cfg *Config) (*routes, error) {
	unmatched, err := cfg.prepare(Route{Mode: Off}, "")
	if err != nil {
		return nil, unplaced(err)
	}
	var all []*route
	rs := &routes{exact: newMatcher(), folded: newMatcher(), byHost: make(map[string]*matcher), unmatched: unmatched, lowerCase: true, unfit: make(map[*route]*route)}
	for i, r := range cfg.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		if r.Match == "" || r.Match[0] == ' ' {
			return nil, Problem{Path: at + ".match", Message: "a pattern [HOST]/path is required"}
		}
		prepared, err := cfg.prepare(r, at)
		if err != nil {
			return nil, err
		}
		if err := rs.register(prepared); err != nil {
			return nil, Problem{Path: at + ".match", Message: err.Error()}
		}
		all = append(all, prepared)
	}
	rs.introduce()
	for i, p := range all {
		if err := rs.checkReach(p, fmt.Sprintf("routes[%d]", i)); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// unplaced is a problem of what all routes inherit.
func unplaced(err error) error {
	if p, ok := errors.AsType[Problem](err); ok {
		p.Path = strings.TrimPrefix(p.Path, ".")
		return p
	}
	return err
}

// introduce tells routes that are told apart by parameters about each other.
func (rs *routes) introduce() {
	for _, list := range rs.exact.lists {
		if !slices.ContainsFunc(list, (*route).guarded) {
			continue
		}
		var chosenBy []parameter
		for _, p := range list {
			chosenBy = append(chosenBy, p.when...)
		}
		if len(chosenBy) == 0 {
			continue
		}
		none := *rs.unmatched
		rs.unfit[list[0]] = &none
		for _, p := range append([]*route{&none}, list...) {
			p.siblings, p.chosenBy = list, chosenBy
		}
	}
}

// register adds a route to all matchers.
func (rs *routes) register(r *route) error {
	rs.guarding = rs.guarding || r.guarded()
	if r.guarded() && r.base != rs.unmatched.base {
		rs.guarded = append(rs.guarded, r)
	}
	noWhen := func(o *route) bool { return len(o.when)+len(r.when) == 0 }
	if slices.ContainsFunc(rs.exact.lists[r.Match], noWhen) {
		return errors.New("another route has the same match, and no when either")
	}
	if err := rs.exact.add(r.Match, r); err != nil {
		return err
	}
	folded := foldPattern(r.Match)
	rs.lowerCase = rs.lowerCase && !folds(r.Match)
	if err := rs.folded.add(folded, r); err != nil {
		return fmt.Errorf("letter case aside, %w", err)
	}
	if r.host == "" {
		return nil
	}
	if rs.byHost[r.host] == nil {
		rs.byHost[r.host] = newMatcher()
	}
	return rs.byHost[r.host].add(strings.TrimPrefix(folded, r.host), r)
}

// strictest returns the route of the list that lets the least pass; nil if the list is empty.
func strictest(list []*route, method string) *route {
	if len(list) == 0 {
		return nil
	}
	return slices.MaxFunc(list, func(a, b *route) int { return cmp.Compare(a.strictness(method), b.strictness(method)) })
}

func (p *route) strictness(method string) int {
	switch {
	case p.Mode == Closed:
		return 4
	case !p.guarded():
		return 0
	case p.Mode == Observe:
		return 1
	case p.safe(method):
		return 2
	default:
		return 3
	}
}

// hostname is the host of a request as patterns have it.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if name, _, several := strings.Cut(host, ":"); several && !strings.HasPrefix(host, "[") {
		host = name // what is no port is not looked at by everybody
	}
	return strings.TrimRight(strings.ToLower(host), ".")
}

// fits reports whether the query is one that the route's when asks for. Odd: it has a parameter of it more than once, or in
// a spelling that backends read differently.
func (p *route) fits(rawQuery string) (fits, odd bool) {
	fits = true
	for _, w := range p.when {
		values, plain := target.QueryValues(rawQuery, w.name)
		matched := false
		for _, v := range values {
			matched = matched || w.form.MatchString(v)
		}
		fits, odd = fits && matched, odd || len(values) > 1 || !plain
	}
	return fits, odd
}
