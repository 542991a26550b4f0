package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// located is where a request, or the Destination of one, leads to.
type located struct {
	route *route // never nil: what no rule matches has one that does not guard
	// path is the canonical path. Of a spelling that has none, it is one that some backend may take it for; the zero value if
	// none of these is guarded.
	path target.Path
	// merged is what the key is made of in the place of path; the zero value: path is.
	merged target.Path
	// via is the route by which the request is sent on where no difference is seen between path or host and those of another rule, which
	// route then is; nil: route.
	via *route
	// borrowed: the route is that of the Destination. Its pattern says nothing of the path.
	borrowed bool
	// untaught: the spelling may mean another resource. A read of it teaches nothing.
	untaught bool
	// query is that of the resource, where it was found by a template.
	query string
}

// resource names what is there, with this query. The error is fit for the client to read.
func (at located) resource(rawQuery string) (resource, error) {
	if at.path == (target.Path{}) {
		return resource{}, errNoPath
	}
	r, err := at.route.resource(at.path, rawQuery)
	if err == nil && at.merged != (target.Path{}) {
		r.path = at.route.folded(at.merged)
	}
	return r, err
}

// What can be wrong with a spelling beside a [target.Problem].
var (
	errAmbiguous   = errors.New("the query or the body has a parameter by which rules are chosen more than once, or in an odd spelling")
	errLetterCase  = errors.New("the path differs from that of a rule in letter case")
	errNoPath      = errors.New("the path has no form that all backends read alike")
	errLongOdd     = errors.New("it is too long to tell what all its spellings mean")
	errAboveBase   = errors.New("the path leads out of the upstream's")
	errSideDoor    = errors.New("the path leads to the resource of a rule by another way")
	errForeignHost = errors.New("a rule for this path names another Host")
)

// longestOdd is how long a path may be that backends read in many ways: all of them are looked at.
const longestOdd = 1 << 10

// hopeless reports whether a spelling is one of which nobody can tell whether it leads to something guarded.
func hopeless(err error) bool { return errors.Is(err, errAboveBase) || errors.Is(err, errLongOdd) }

// locate finds where a method, host and URL lead to. The error is what is wrong with their spelling, so that backends read
// it differently.
func (rs *routes) locate(method, host string, u *url.URL) (located, error) {
	r := &http.Request{Method: method, Host: host, URL: u}
	path, err := target.Canonical(u.EscapedPath())
	switch {
	case err != nil && len(u.EscapedPath()) > longestOdd:
		return located{route: rs.unmatched}, errLongOdd
	case err != nil:
		return rs.locateOdd(r, err)
	}
	found, err := rs.find(r, path)
	at := located{route: found, path: path, untaught: err != nil}
	if err != nil && !errors.Is(err, errAmbiguous) {
		at.via, _ = rs.choose(r, rs.exact.match(host, path))
	}
	return at, err
}

// find returns the route of a request, if its path is this. If a backend may take the request for one of another route, because it
// sees no difference between hosts or letter cases, or looks at another one of several parameters, then the strictest of these is
// returned, and the error says why.
func (rs *routes) find(r *http.Request, path target.Path) (*route, error) {
	list := rs.exact.match(r.Host, path)
	found, err := rs.choose(r, list)
	if err != nil {
		return found, err
	}
	folded := path
	if !path.IsFolded() {
		folded = path.FoldCase()
	} else if rs.lowerCase {
		return rs.atHome(found, list, folded, r.Method)
	}
	if alike := rs.folded.match(r.Host, folded); !meet(alike, list) && strictest(alike, r.Method).guarded() {
		if slices.ContainsFunc(alike, func(p *route) bool { return !p.Key.FoldCase }) {
			return strictest(alike, r.Method), errLetterCase
		}
		return rs.choose(r, alike)
	}
	return rs.atHome(found, list, folded, r.Method)
}

// atHome returns the route that was found in a list, unless the list is empty, and there is one for the path at another host of the
// backend that gets the request.
func (rs *routes) atHome(found *route, list []*route, folded target.Path, method string) (*route, error) {
	if !found.guarded() {
		if p := rs.sideDoor(found, folded); p.guarded() {
			return p, errSideDoor
		}
	}
	if len(list) == 0 {
		for _, host := range rs.byHost {
			if elsewhere := strictest(host.match("", folded), method); elsewhere.guarded() && elsewhere.origin == rs.unmatched.origin {
				return elsewhere, errForeignHost
			}
		}
	}
	return found, nil
}

// sideDoor returns the guarded route whose resource a path leads to although another one was found, because both have one backend
// and their upstreams' paths differ; nil if there is none.
func (rs *routes) sideDoor(found *route, path target.Path) *route {
	for _, p := range rs.guarded {
		if p.origin != found.origin || p.base == found.base {
			continue
		}
		if below, ok := path.Under(found.base.FoldCase()).Below(p.base.FoldCase()); ok && slices.Contains(rs.folded.match(p.host, below), p) {
			return p
		}
	}
	return nil
}

// meet reports whether two lists have a route in common.
func meet(a, b []*route) bool {
	return slices.ContainsFunc(a, func(p *route) bool { return slices.Contains(b, p) })
}

// choose returns the first route of a list that the query fits.
func (rs *routes) choose(r *http.Request, list []*route) (found *route, err error) {
	if len(list) == 1 && len(list[0].when) == 0 {
		return list[0], nil
	}
	found = rs.unmatched
	if len(list) > 0 && rs.unfit[list[0]] != nil {
		found = rs.unfit[list[0]]
	}
	for _, candidate := range slices.Backward(list) {
		fits, odd := candidate.fits(r.URL.RawQuery)
		if fits {
			found = candidate
		}
		if odd {
			err = errAmbiguous
		}
	}
	if err != nil {
		found = strictest(list, r.Method)
	}
	return found, err
}

// locateOdd finds the route of a path whose spelling backends read differently. It belongs to whatever guarded route it
// could mean, to a closed one before all others.
func (rs *routes) locateOdd(r *http.Request, spelling error) (located, error) {
	odd := located{route: rs.unmatched}
	foreign := odd // where only the Host is another, or the body may choose a guarded one, and no other candidate is guarded
	several := false
	var readings []target.Path
	for _, candidate := range rs.readings(r.URL.EscapedPath()) {
		found, err := rs.find(r, candidate)
		switch {
		case errors.Is(err, errForeignHost):
			foreign = located{route: found, path: candidate, untaught: true}
		case found.Mode == Closed:
			return located{route: found, path: candidate, untaught: true}, spelling
		case !found.guarded() && found.siblings != nil && !foreign.route.guarded():
			foreign = located{route: found, path: candidate, untaught: true}
		case !found.guarded():
		default:
			several = several || odd.route.guarded() && found != odd.route
			readings = append(readings, candidate)
			if found.strictness(r.Method) > odd.route.strictness(r.Method) || !odd.route.guarded() {
				odd = located{route: found, path: candidate, untaught: true}
			}
		}
	}
	if odd.route.leadsAbove(r.URL.EscapedPath()) {
		return odd, errAboveBase
	}
	if !odd.route.guarded() {
		return foreign, spelling
	}
	if several || !odd.route.AllowOdd {
		return odd, spelling
	}
	return rs.merge(r, odd, readings, spelling)
}

// readings are the paths that some backend may take a spelling for, as it came, and behind an upstream's path, of which it may lead
// out, and back.
func (rs *routes) readings(escaped string) []target.Path {
	all := target.Lenient(escaped)
	for _, p := range append([]*route{rs.unmatched}, rs.guarded...) {
		if p.base.String() == "/" {
			continue
		}
		for _, read := range target.Lenient(strings.TrimSuffix(p.upstream.EscapedPath(), "/") + escaped) {
			if below, ok := read.Below(p.base); ok && !slices.Contains(all, below) {
				all = append(all, below)
			}
		}
	}
	return all
}

// leadsAbove reports whether a backend may take a path, once it is put behind the upstream's, for one that is not below that.
func (p *route) leadsAbove(escaped string) bool {
	if p.base.String() == "/" {
		return false
	}
	whole := strings.TrimSuffix(p.upstream.EscapedPath(), "/") + escaped
	return slices.ContainsFunc(target.Lenient(whole), func(read target.Path) bool { _, below := read.Below(p.base); return !below })
}

// merge gives an odd spelling the key of what the most lenient of backends reads, if the route allows it. A path that leads out of
// the upstream's, that has two lenient readings (as //host/path has), or whose wildcards are part of the key and cannot be told,
// stays refused.
func (rs *routes) merge(r *http.Request, odd located, readings []target.Path, spelling error) (located, error) {
	p := odd.route
	whole, err := target.Merged(strings.TrimSuffix(p.upstream.EscapedPath(), "/") + r.URL.EscapedPath())
	if err != nil {
		return odd, err
	}
	below, ok := whole.Below(p.base)
	if !ok || slices.ContainsFunc(readings, func(p target.Path) bool { return !p.MergesInto(below) }) {
		return odd, spelling
	}
	switch found, err := rs.find(r, below); {
	case err != nil:
		return odd, err
	case found == p:
		return located{route: p, path: below}, nil
	}
	if len(p.inPath) > 0 {
		return odd, spelling
	}
	return located{route: p, path: odd.path, merged: whole}, nil
}
