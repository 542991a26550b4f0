package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/cors"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// A question is a preflight that the proxy sends itself, to learn whether the page that a refusal is for may read it.
const (
	questionsAtOnce = 64          // and no more: refusals cost their client nothing, and must not keep the backend busy
	questionFor     = time.Second // which a refusal may be late
)

// page is what is known of the page that a request comes from.
type page struct {
	grant cors.Grant // what the backend's answer to a probe lets it do
	final bool       // that answer was a success, so that there is no need to ask again
}

// heard notes what the backend's answer to a probe, which was sent with the page's Origin, lets the page do. What a cache
// has kept is no word of now.
func (p *page) heard(probe *http.Request, res *http.Response) {
	if aged(res) {
		return
	}
	origin, _ := cors.Origin(probe.Header)
	p.grant, p.final = cors.GrantOf(res.Header, origin), success(res.StatusCode)
}

// share lets pages of other origins read an answer where the backend lets them.
func (g *guard) share(req *http.Request, res *http.Response, x *exchange) {
	if x.refused {
		cors.VaryByOrigin(res.Header)
		g.granted(req, x).Refuse(res.Header)
	} else if x.route.guarded() {
		cors.ExposeETag(res.Header)
	}
}

// granted is what the backend lets the page do that a refusal is for. Where it was just asked as the caller, its answer says so;
// but there are servers that put the fields of CORS on successes only (nginx), so an error without them is not the last word.
// Where refusals show nothing, this must not show either what the probe found, so it is always asked in the same way.
func (g *guard) granted(req *http.Request, x *exchange) cors.Grant {
	origin, ok := cors.Origin(req.Header)
	if !ok {
		return cors.Grant{}
	}
	if x.route.refusals.Disclose && (x.page.final || x.page.grant.Given()) {
		return x.page.grant
	}
	return g.question(req, x, origin)
}

// question asks the backend for what it lets an origin do at the target of a refused request. It is asked what the client
// could ask itself by the same way, with no more than an Origin, and once.
func (g *guard) question(req *http.Request, x *exchange, origin string) cors.Grant {
	ctx := req.Context()
	if x.reason == refusal.Slow.String() {
		ctx = context.WithoutCancel(ctx) // net/http takes a late client for one that is gone
	}
	at := x.route.policyAt(req, x)
	if at == nil || !readByAPage(req) || x.unreachable() || ctx.Err() != nil {
		return cors.Grant{}
	}
	asked := g.questions.Add(1)
	defer g.questions.Add(-1)
	if asked > questionsAtOnce {
		return cors.Grant{}
	}
	ctx, cancel := context.WithTimeout(untraced{ctx}, questionFor)
	defer cancel()
	res, err := g.send(asPreflight(ctx, req, at, cors.Question(origin, req.Method)), x)
	if err != nil {
		return cors.Grant{}
	}
	defer discard(res)
	if !success(res.StatusCode) { // a browser would not have sent the request either
		return cors.Grant{}
	}
	return cors.GrantOf(res.Header, origin)
}

// unreachable reports whether the request was refused because no connection to the backend could be made. That to the store is
// another one.
func (x *exchange) unreachable() bool {
	return dialFailed(x.cause) && x.reason != refusal.Store.String()
}

// readByAPage reports whether the answer can be one that a browser withholds from a page: no page gets to read the answer to
// a navigation or to a preflight, and none of another origin is concerned where the browser says that it is the same. Pages
// cannot forge these fields (Fetch Metadata Request Headers); browsers send them over TLS, older ones not at all.
func readByAPage(req *http.Request) bool {
	mode, site := req.Header.Get("Sec-Fetch-Mode"), req.Header.Get("Sec-Fetch-Site")
	return (mode == "" || mode == "cors") && site != "same-origin" && !cors.IsPreflight(req)
}

// policyAt is the URL at which the backend can be asked, by OPTIONS, what it lets the page of a request do: that of the request.
// Nil: there is none.
//
//   - What is refused whatever its route says is no request at all, and a closed route lets nothing through, this question neither.
//   - Where it cannot be told what the backend takes the target for, it may take it for what is closed, or for a write. Another
//     target, such as the root, is no place to ask instead: its pages may be other ones.
//   - A query that names another method may turn the question into that.
//   - Where the backend writes on a GET it may write on OPTIONS as well, preflight or not. There it is asked as version.read
//     says, which only reads; but only if that has the same path, for it is by path that servers tell whom they let in.
func (p *route) policyAt(req *http.Request, x *exchange) *url.URL {
	switch {
	case x.barred != nil || p.Mode == Closed || x.untaught || target.NamesMethod(req.URL.RawQuery):
		return nil
	case !p.guarded():
		return req.URL
	case p.safe(http.MethodOptions):
		return req.URL
	case p.readAt == nil || x.key == etagcache.Key{}:
		return nil
	}
	at := p.readURL(x.path, x.resource)
	if at.EscapedPath() != req.URL.EscapedPath() {
		return nil
	}
	return at
}

// asPreflight makes a preflight with this header and what tells the backend by which way it came.
func asPreflight(ctx context.Context, req *http.Request, at *url.URL, header http.Header) *http.Request {
	for name, values := range req.Header {
		if name == "User-Agent" || name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") {
			header[name] = values
		}
	}
	return (&http.Request{
		Method: http.MethodOptions, URL: at, Host: req.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
	}).WithContext(ctx)
}

// preflight is a client's preflight at a guarded route.
type preflight struct {
	origin string
	asked  *http.Request // what the backend is asked
	taken  []string      // the request fields that are the proxy's to allow
}

// preflight reads a request as a client's preflight. Nil: it is none, or one that no rule lets through.
func (p *route) preflight(req *http.Request, x *exchange) *preflight {
	if !p.CORS || !p.guarded() || x.method != http.MethodOptions || !cors.IsPreflight(req) {
		return nil
	}
	pre := &preflight{}
	pre.origin, _ = cors.Origin(req.Header)
	if x.safe {
		pre.asked = req.WithContext(req.Context())
		pre.asked.Header = req.Header.Clone()
	} else {
		at := p.policyAt(req, x)
		if at == nil {
			return nil
		}
		header := http.Header{"Origin": {pre.origin}}
		for name, values := range req.Header {
			if strings.HasPrefix(name, "Access-Control-Request-") {
				header[name] = values
			}
		}
		pre.asked = asPreflight(req.Context(), req, at, header)
	}
	pre.taken = cors.TakeConditions(pre.asked.Header)
	return pre
}

// allow adds to the backend's answer what the proxy allows.
func (pre *preflight) allow(res *http.Response) {
	if pre != nil {
		cors.Allow(res, pre.origin, pre.taken)
	}
}
