package proxy

import (
	"net/url"
)

// about finds the resource that the write is about, where the route says that it is another one than that it is sent to. From then on the
// versions are that resource's, by the rules of the route that it has; all else stays as this route has it.
func (w *write) about() *objection {
	w.own = w.x.resource
	t := w.x.route.rules.resource
	if t.IsZero() || w.x.borrowed || w.x.objection != nil {
		return nil
	}
	at, key, o := w.reach(t)
	if o != nil {
		return o
	}
	resource, err := at.resource(at.query)
	if err != nil {
		return malformed(err.Error())
	}
	w.x.key, w.x.resource, w.x.subject = key, resource, at.askedAt(resource)
	w.x.route = w.x.route.about(at.route)
	return nil
}

// about is the route with the versions of another one.
func (p *route) about(there *route) *route {
	if there == p {
		return p
	}
	both := *p
	both.Version, both.maker, both.Private = there.Version, there.maker, there.Private
	both.Version.TrustWrites = false // what is answered here is not that resource
	both.readAt = nil                // the subject has been found
	return &both
}

// askedAt is where the backend is asked for the version of a resource that is there.
func (at located) askedAt(r resource) *url.URL {
	if p := at.route; p.readAt != nil {
		return p.readURL(at.path, r)
	}
	return at.itself(r)
}

// itself is the URL of a resource that is there, as the backend has it.
func (at located) itself(r resource) *url.URL {
	p := at.route
	u := at.path.Under(p.base).URL()
	u.Scheme, u.Host, u.RawQuery = p.upstream.Scheme, p.upstream.Host, r.query()
	return u
}
