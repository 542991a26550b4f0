package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// finding is what a probe brought: the evidence to judge by, or an objection because there is none.
type finding struct {
	evidence  etagcache.Evidence
	shown     shown // evidence.Kind is ShownVersion
	objection *objection
	leadsTo   target.Path // where a redirect leads, in canonical form
}

// probe asks the backend, as the caller, which version is present, and gives it until then. What it shows counts under
// begun.
func (g *guard) probe(
	ctx context.Context, until time.Time, req *http.Request, x *exchange, begun etagcache.Begun,
) finding {
	at := x.route.askAt(req, x)
	f := g.ask(ctx, until, req, x, begun, at)
	sent := at.EscapedPath()
	canonical, err := target.Canonical(sent)
	if f.evidence.Kind != etagcache.ShownAbsent || err != nil || canonical.String() == sent || (x.route.readAt != nil && !x.borrowed) {
		return f
	}
	// The path came in another spelling than the canonical one. The resource is absent only if the backend knows it by
	// neither; a redirect from the canonical one to the one that was sent says no more than that.
	u := *at
	u.Path, u.RawPath = canonical.URL().Path, canonical.URL().RawPath
	other := g.ask(ctx, until, req, x, begun, &u)
	if other.leadsTo == canonical {
		return f
	}
	return other
}

// askAt is where the backend is asked for the version of what a request is about: where the route says, or else at the
// path that was written to, with those parameters of the query that are part of the key.
func (p *route) askAt(req *http.Request, x *exchange) *url.URL {
	if x.subject != nil {
		u := *x.subject
		return &u
	}
	if p.readAt != nil && !x.borrowed {
		return p.readURL(x.path, x.resource)
	}
	u := *req.URL
	u.RawQuery, u.ForceQuery = x.resource.query(), false
	return &u
}

// ask asks the backend at a URL.
func (g *guard) ask(
	ctx context.Context, until time.Time, req *http.Request, x *exchange, begun etagcache.Begun, at *url.URL,
) (f finding) {
	ctx, cancel := context.WithDeadline(ctx, until)
	probe := x.route.probeRequest(untraced{ctx}, req, at)
	res, err := g.send(probe, x)
	if err != nil {
		cancel()
		g.observer.Probe(x.route.Name, ProbeFailed)
		o := unverifiable(err)
		o.detail = "The backend was asked for the present version of the resource and gave no answer. The request was not " +
			"forwarded. Send it again after the time in Retry-After."
		return finding{objection: o}
	}
	passed := false
	defer func() {
		if !passed {
			discard(res)
			cancel()
		}
	}()
	x.page.heard(probe, res)
	f.evidence.Begun = begun
	outcome := ProbeFailed
	switch s := res.StatusCode; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		outcome, passed = ProbeForbidden, true
		res.Body = &closer{ReadCloser: res.Body, after: cancel}
		g.unnoted(res, x.route)
		f.objection = &objection{instead: res}
	case s == http.StatusNotFound || s == http.StatusGone:
		outcome, f.evidence.Kind = ProbeAbsent, etagcache.ShownAbsent
	case s < 200 || s >= 300:
		f.objection = unverifiable(fmt.Errorf("the backend answered the probe with %d", s))
		f.leadsTo = redirect(res)
	case aged(res):
		f.objection = unverifiable(errAged)
	default:
		outcome = g.shown(probe, res, x, &f)
	}
	g.observer.Probe(x.route.Name, outcome)
	return f
}

// shown reads the version off an answer that shows the resource.
func (g *guard) shown(req *http.Request, res *http.Response, x *exchange, f *finding) (outcome string) {
	f.shown = g.version(req, res, x)
	if f.shown.noRoom {
		f.objection = unverifiable(errNoRoom)
		return ProbeFailed
	}
	if !f.shown.ok {
		f.evidence.Kind = etagcache.ShownUnversioned
		return ProbeUnversioned
	}
	f.evidence.Kind, f.evidence.Shown = etagcache.ShownVersion, f.shown.noted
	if x.route.History.Keep > 0 {
		f.shown.content, _ = x.route.contentOf(res, x.holds()) // what cannot be read is not compared
	}
	return ProbeVersion
}

// redirect returns the canonical path that a redirect leads to, or the zero path.
func redirect(res *http.Response) target.Path {
	to, err := res.Location()
	if err != nil {
		return target.Path{}
	}
	path, err := target.Canonical(to.EscapedPath())
	if err != nil {
		return target.Path{}
	}
	return path
}

var errAged = errors.New("a cache on the way answered for the backend (Age)")

func unverifiable(cause error) *objection {
	return &objection{reason: refusal.Unverifiable, cause: cause}
}

// probeRequest is a GET as the caller would send it: the same credentials and the same preferences, without what
// belongs to the write.
func (p *route) probeRequest(ctx context.Context, req *http.Request, at *url.URL) *http.Request {
	probe := askingRequest(ctx, req, at)
	if p.maker.Made() {
		return p.forMaking(probe)
	}
	return probe
}

// askingRequest is a GET as the caller of a request would send it, past caches.
func askingRequest(ctx context.Context, req *http.Request, at *url.URL) *http.Request {
	probe := (&http.Request{
		Method: http.MethodGet, URL: at, Host: req.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(req.Header)),
	}).WithContext(ctx)
	for name, values := range req.Header {
		if !ofTheWrite(name) {
			probe.Header[name] = values
		}
	}
	probe.Header["Cache-Control"] = []string{"no-cache"}
	return probe
}

// ofTheWrite reports whether a request field belongs to the write itself.
func ofTheWrite(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Range", "Expect", "Te", "Trailer", "Transfer-Encoding", "Idempotency-Key", "X-Idempotency-Key", "Prefer",
		"Destination", "Overwrite", "Depth", "Lock-Token", "Timeout", "Digest",
		"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "Connection", "Upgrade":
		return true
	}
	canonical := http.CanonicalHeaderKey(name)
	return strings.HasPrefix(canonical, "If") || strings.HasPrefix(canonical, "Content-")
}

// untraced hides the trace of the client's request, by which the reverse proxy would pass a probe's 1xx on.
type untraced struct{ context.Context }

func (c untraced) Value(key any) any {
	v := c.Context.Value(key)
	if _, ok := v.(*httptrace.ClientTrace); ok {
		return nil
	}
	return v
}
