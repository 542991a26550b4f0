package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// examine is the handler in front. It sees the request as it came, before the reverse proxy has taken the
// hop-by-hop fields away, finds its route, and removes or refuses what could mean one thing to the guard and another
// to the backend.
func (p *Proxy) examine(r *http.Request, x *exchange) {
	x.method, x.host = r.Method, r.Host
	at, spelling := p.routes.locate(r.Method, r.Host, r.URL)
	x.enter(at)
	if p.routes.guarding {
		dropWaysRound(r.Header)
		if x.barred = barred(r); x.barred == nil && len(p.routes.byHost) > 0 && !plainHost.MatchString(r.Host) {
			x.barred = malformed("The Host is not a name or address, with or without a port.")
		}
		if x.barred != nil {
			return
		}
	}
	if x.route.guarded() {
		p.examineGuarded(r, x, spelling)
		return
	}
	if p.routes.guarding && hopeless(spelling) {
		x.barred = malformed("The path cannot be guarded: " + spelling.Error() + ".")
		return
	}
	if x.route.siblings != nil {
		cleanse(r)
		if form, o := readForm(r, x.upload(), x.route.limits.Body, x.route.obeyed()); o != nil ||
			len(target.ConnectionNames(r.Header)) > 0 || x.route.contradicts(r.URL.RawQuery, form, x.route.chosenBy) {
			x.enter(located{route: strictest(x.route.siblings, r.Method), path: at.path, untaught: true})
			p.examineGuarded(r, x, errAmbiguous)
			return
		}
	}
	// MOVE and COPY onto a guarded resource are guarded by its rule.
	there, err := p.routes.destinationRoute(r, x.route)
	if err != nil {
		x.barred = malformed("The Destination cannot be guarded: " + err.Error() + ".")
		return
	}
	if there.guarded() && there.origin == x.route.origin {
		if there.base != x.route.base {
			x.barred = malformed("The Destination cannot be guarded: it has another rule, and so another upstream, than the path.")
			return
		}
		source := *x
		x.enter(located{route: there, path: at.path, untaught: true, borrowed: true})
		if told := p.examineGuarded(r, x, spelling); told && x.method != "MOVE" && x.method != "COPY" {
			source.body = x.body // it may have been read
			*x = source
		}
	}
}

// enter notes where the request leads to.
func (x *exchange) enter(at located) {
	x.located, x.safe = at, at.route.safe(x.method)
}

// examineGuarded examines a request that concerns a rule. Spelling is what is wrong with its path or query. It reports whether it can
// be told which method the request has.
func (p *Proxy) examineGuarded(r *http.Request, x *exchange, spelling error) (told bool) {
	cleanse(r)
	if x.route.Mode == Closed {
		x.object(&objection{reason: refusal.Closed})
	}
	if names := target.ConnectionNames(r.Header); len(names) > 0 {
		x.object(malformed(fmt.Sprintf("Connection names %s, which would take it away on the way.", strings.Join(names, ", "))))
	}
	told = p.understand(r, x, form{}, spelling)
	if x.objection == nil && x.route.obeysBody(r) { // refused early, where the header suffices for that
		if body, o := readForm(r, x.upload(), x.route.limits.Body, x.route.obeyed()); o != nil {
			x.safe = false
			x.object(o)
		} else if body.kind != "" {
			told = p.understand(r, x, body, spelling)
		}
	}
	p.borrow(r, x)
	p.upgrade(r, x)
	return told
}

// borrow takes the rule of the Destination for a MOVE or COPY, if that is stricter with what has no precondition than the one of the
// path: both resources are written.
func (p *Proxy) borrow(r *http.Request, x *exchange) {
	if x.objection != nil || x.method != "MOVE" && x.method != "COPY" || !x.route.lets(x.method) {
		return
	}
	there, err := p.routes.destinationRoute(r, x.route)
	switch {
	case err != nil:
		x.barred = malformed("The Destination cannot be guarded: " + err.Error() + ".")
	case there.guarded() && !there.lets(x.method) && there.origin == x.route.origin && there.base == x.route.base:
		x.enter(located{route: there, path: x.path, merged: x.merged, untaught: true, borrowed: true})
		p.identify(r, x, form{})
	}
}

// lets reports whether the route lets a request without a precondition through.
func (p *route) lets(method string) bool {
	return p.Mode == Observe || p.Missing != MissingReject || !p.judges(method, false)
}

// cleanse removes what a backend may take for a field that the guard reads.
func cleanse(r *http.Request) {
	for _, alias := range target.Aliases(r.Header) {
		delete(r.Header, alias)
	}
	for name := range r.Trailer {
		if target.Reads(name) {
			delete(r.Trailer, name) // a backend may put trailers among the header fields
		}
	}
}

// object notes what is wrong with the request, unless something is already.
func (x *exchange) object(o *objection) {
	if x.objection == nil {
		x.objection = o
	}
}

// understand finds the method and the resource of the request, and reports whether the method can be told.
func (p *Proxy) understand(r *http.Request, x *exchange, body form, spelling error) (told bool) {
	method, err := target.Method(r, body.values)
	if err == nil {
		x.method, x.safe = method, x.route.safe(method)
	} else {
		x.safe = false // for all that can be told; a route that only watches forwards it
		x.object(malformed(err.Error()))
	}
	if spelling == nil && x.route.contradicts(r.URL.RawQuery, body, x.route.chosenBy) {
		spelling, x.untaught = errAmbiguous, true
	}
	switch {
	case spelling == nil || x.safe:
	case errors.Is(spelling, errAmbiguous), errors.Is(spelling, errForeignHost):
		x.object(malformed("Which rule applies cannot be told: " + spelling.Error() + "."))
	default:
		x.object(malformed("The path cannot be guarded: " + spelling.Error() + "."))
	}
	p.identify(r, x, body)
	return err == nil
}

// obeyed are the names of the parameters that a backend may obey: those of methods, and those that choose the rule or the resource.
func (p *route) obeyed() []string {
	names := target.MethodParameters()
	for _, list := range [][]parameter{p.inQuery, p.chosenBy} {
		for _, in := range list {
			names = append(names, in.name)
		}
	}
	return names
}

// obeysBody reports whether a backend may take the method, or what the request is about, from its body. A POST with a precondition
// is judged whatever its method is, but rules go by it.
func (p *route) obeysBody(r *http.Request) bool {
	switch {
	case len(p.inQuery)+len(p.chosenBy) > 0, target.Safe(r.Method):
		return true
	case len(r.Header["Destination"]) > 0: // it may be a MOVE
		return true
	case strings.EqualFold(r.Method, http.MethodPost):
		return !conditional(r) || p.rules.any
	}
	return false
}

// identify finds the resource that the request is about.
func (p *Proxy) identify(r *http.Request, x *exchange, body form) {
	resource, err := x.located.resource(r.URL.RawQuery)
	x.resource = resource
	if err == nil && x.route.contradicts(r.URL.RawQuery, body, x.route.inQuery) {
		err = errors.New("the body has another value for a parameter that names the resource than the query")
	}
	switch {
	case err == nil:
		x.key = x.route.key(x.resource)
	case x.safe:
		x.untaught = true
	default:
		x.object(malformed("Which resource is meant cannot be told: " + err.Error() + "."))
	}
}

func malformed(detail string) *objection {
	return &objection{reason: refusal.Malformed, detail: detail}
}
