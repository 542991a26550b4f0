package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/target"
)

// Explanation is what the proxy makes of a request, as far as neither the store nor the backend need be asked.
type Explanation struct {
	Route string // the name of the rule; "" where none matches
	Mode  Mode
	Kind  Kind

	// Method is the effective one. MethodFrom is what in the request made it so: the name of a header field, "query" or
	// "form"; "" where it is the request's own.
	Method, MethodFrom string
	// Path is the canonical path by which the route was found. Of a path in a dangerous spelling it is one that some
	// backend may take it for; "" where none of these is guarded.
	Path string
	// Spelling is what is wrong with the spelling of the path, or of the query (then Ambiguous); nil: nothing.
	Spelling  error
	Ambiguous bool // the query has a parameter more than once by which rules are chosen, and the strictest was
	// Dropped are the header fields that the backend does not get, sorted: those that it could take for one that the
	// guard reads, and Upgrade.
	Dropped []string

	// Key is the resource's; nil where there is none. Destination is the key of the other resource that a MOVE or COPY
	// concerns.
	Key         *KeyParts
	Destination *etagcache.Key

	// Sent is the request as it goes to the backend, if it does; nil where the reverse proxy itself refuses it.
	Sent *http.Request
	// Probe is how the backend is asked for the present version where a judged write needs that; nil: it never does.
	Probe *http.Request

	// Tags are those that If-Match names. Creates: If-None-Match: *. Judged: the write has one or the other, and it counts.
	Tags            []ExplainedTag
	Creates, Judged bool
	// Ruled: a rule of the route is held against the write, or it holds other resources, whether it is judged or not.
	Ruled bool

	// Refused is the answer, if the request is refused already. Forgiven: the route lets it through all the same, and
	// counts it.
	Refused  *ExplainedRefusal
	Forgiven bool
}

// KeyParts are what a key is made of.
type KeyParts struct {
	Key      etagcache.Key
	Upstream string      // scheme and host
	Host     string      // the literal host of the route's pattern
	Path     string      // with the upstream's path before it
	Params   [][2]string // of the query: names and values
}

// ExplainedTag is one tag of If-Match, and what the record is asked about.
type ExplainedTag struct {
	Sent, Bare etagcache.Tag
	// Qualified: it names the version of a record beside the backend's tag.
	Qualified bool
}

// ExplainedRefusal is a refusal as its client gets it.
type ExplainedRefusal struct {
	Status        int
	Reason, Title string
	Detail        string
}

// Explain says what becomes of a request, a server's as [http.ReadRequest] makes it, by the code that would serve it. It
// asks neither the store nor the backend. The request is used up.
func (p *Proxy) Explain(r *http.Request) Explanation {
	x, e := &exchange{}, Explanation{}
	_, e.Spelling = p.routes.locate(r.Method, r.Host, r.URL)
	e.Ambiguous = errors.Is(e.Spelling, errAmbiguous)
	before := slices.Sorted(maps.Keys(r.Header))
	p.examine(r, x)
	e.Route, e.Mode, e.Path = x.route.Name, x.route.Mode, x.path.String()
	e.Method, e.MethodFrom = x.method, methodFrom(r, x.method)
	for _, name := range before {
		if _, kept := r.Header[name]; !kept {
			e.Dropped = append(e.Dropped, name)
		}
	}
	if x.key != (etagcache.Key{}) {
		e.Key = x.route.parts(x.key, x.resource)
	}
	// The guard gets the request as the reverse proxy has made it, so the explainer takes the guard's place.
	reverse := *p.reverse
	reverse.Transport = &explainer{guard: p.guard, x: x, e: &e}
	reverse.ServeHTTP(unread{}, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	return e
}

// parts are what a key of the route was made of.
func (p *route) parts(key etagcache.Key, r resource) *KeyParts {
	return &KeyParts{Key: key, Upstream: p.origin, Host: p.host, Path: r.path.String(), Params: r.params}
}

// methodFrom finds what made a request have its effective method, by asking for each part alone.
func methodFrom(r *http.Request, effective string) string {
	alone := func(h http.Header, from *http.Request) bool {
		part := &http.Request{Method: r.Method, Header: h}
		if from != nil {
			part.URL = from.URL
		}
		method, err := target.Method(part, nil)
		return err == nil && method == effective
	}
	if effective == r.Method || alone(nil, nil) {
		return ""
	}
	for name, values := range r.Header {
		if alone(http.Header{name: values}, nil) {
			return name
		}
	}
	if alone(nil, r) {
		return "query"
	}
	return "form"
}

// explainer stands where the guard stands, and forwards nothing.
type explainer struct {
	guard *guard
	x     *exchange
	e     *Explanation
}

// RoundTrip goes through the phases of the guard that ask nobody.
func (ex *explainer) RoundTrip(req *http.Request) (*http.Response, error) {
	x, e := ex.x, ex.e
	e.Kind = x.kind(req)
	w := &write{guard: ex.guard, x: x, req: req}
	phases := []phase{}
	switch e.Kind {
	case KindJudged:
		phases = append(phases, w.identify, w.precondition, w.buffer, w.expectInBody, w.plan)
	case KindPassed:
		phases = append(phases, w.identify)
	case KindRead, KindUntouched:
		phases = append(phases, func(context.Context) *objection { return x.objection })
	}
	for _, p := range phases {
		if o := p(req.Context()); o != nil && !w.forgiven(o) {
			e.Refused = x.route.explained(req, o)
			break
		}
	}
	if e.Refused == nil && w.objected != nil {
		e.Refused, e.Forgiven = x.route.explained(req, w.objected), true
	}
	if e.Kind == KindJudged && e.Key != nil {
		e.Probe = x.route.probeRequest(req.Context(), req, x.route.askAt(req, x))
	}
	if x.subject != nil {
		if at, key, o := w.reach(x.route.rules.resource); o == nil {
			e.Key = at.route.parts(key, x.resource)
		}
	}
	ex.condition(req, w)
	sent := req
	if pre := x.route.preflight(req, x); pre != nil {
		sent = pre.asked
	}
	e.Sent = sent.Clone(context.WithoutCancel(req.Context()))
	if e.Kind == KindJudged || e.Kind == KindPassed {
		x.towardsBackend(e.Sent.Header)
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// condition explains the precondition, of a write that is not refused for it.
func (ex *explainer) condition(req *http.Request, w *write) {
	if len(w.wishes) > 1 && !w.wishes[1].Kept {
		ex.e.Destination = &w.wishes[1].View.Key
	}
	ex.e.Judged, ex.e.Creates, ex.e.Ruled = w.judged, w.cond.Absent, w.mustHold()
	if !w.judged || w.cond.Absent {
		return
	}
	sent, _ := etagcache.ParseTagList(req.Header["If-Match"], 0) // it was read once already
	for _, tag := range sent.Tags {
		bare, _, qualified := ex.x.route.bare(tag)
		ex.e.Tags = append(ex.e.Tags, ExplainedTag{Sent: tag, Bare: bare, Qualified: qualified})
	}
}

// explained makes the refusal, and reads it as a client would.
func (p *route) explained(req *http.Request, o *objection) *ExplainedRefusal {
	asked := &http.Request{Method: http.MethodGet, Header: http.Header{"If-Match": req.Header["If-Match"]}}
	res := p.refusals.answer(asked, o)
	defer res.Body.Close()
	e := ExplainedRefusal{Status: res.StatusCode, Reason: o.reason.String()}
	var body struct{ Title, Detail string }
	if err := json.NewDecoder(res.Body).Decode(&body); err == nil {
		e.Title, e.Detail = body.Title, strings.TrimSpace(body.Detail)
	}
	return &e
}

// unread takes an answer that nobody reads.
type unread struct{}

func (unread) Header() http.Header         { return http.Header{} }
func (unread) Write(b []byte) (int, error) { return len(b), nil }
func (unread) WriteHeader(int)             {}
