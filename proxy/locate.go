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
	// untaught: the spelling may mean another resource. A read of it teaches nothing.
	untaught bool
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
	errForeignHost = errors.New("a rule for this path names another Host")
)

// locate finds where a method, host and URL lead to. The error is what is wrong with their spelling, so that backends read
// it differently.
func (rs *routes) locate(method, host string, u *url.URL) (located, error) {
	r := &http.Request{Method: method, Host: host, URL: u}
	path, err := target.Canonical(u.EscapedPath())
	if err != nil {
		return rs.locateOdd(r, err)
	}
	found, err := rs.find(r, path)
	return located{route: found, path: path, untaught: err != nil}, err
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
	if len(list) == 0 {
		for _, host := range rs.byHost {
			if elsewhere := strictest(host.match("", folded), method); elsewhere.guarded() && elsewhere.origin == rs.unmatched.origin {
				return elsewhere, errForeignHost
			}
		}
	}
	return found, nil
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
	foreign := odd // where only the Host is another, and no other candidate is guarded
	several := false
	var readings []target.Path
	for _, candidate := range target.Lenient(r.URL.EscapedPath()) {
		found, err := rs.find(r, candidate)
		switch {
		case errors.Is(err, errForeignHost):
			foreign = located{route: found, path: candidate, untaught: true}
		case found.Mode == Closed:
			return located{route: found, path: candidate, untaught: true}, spelling
		case !found.guarded():
		case !odd.route.guarded():
			odd = located{route: found, path: candidate, untaught: true}
			readings = append(readings, candidate)
		default:
			several = several || found != odd.route
			readings = append(readings, candidate)
		}
	}
	if !odd.route.guarded() {
		return foreign, spelling
	}
	if several || !odd.route.AllowOdd {
		return odd, spelling
	}
	return rs.merge(r, odd, readings, spelling)
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
