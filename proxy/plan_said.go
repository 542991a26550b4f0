package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
	"proxy409/proxy/target"
)

// wholeBody is the content of the request.
func (w *write) wholeBody() ([]byte, *objection) {
	limit := w.x.route.limits.Body
	content, err := w.x.upload().buffer(w.req, limit)
	return content, bodyObjection(err, fmt.Sprintf("The body is over the limit of %d bytes.", limit))
}

// document is the body as the rules read it.
func (w *write) document() (rules.Document, *objection) {
	if w.bodyRead {
		return w.body, w.bodyWrong
	}
	w.bodyRead = true
	content, o := w.wholeBody()
	if o != nil {
		w.bodyWrong = o
		return w.body, o
	}
	var err error
	if w.body, err = rules.ReadRequest(w.req.Header, content); err != nil {
		w.bodyWrong = unreadableBody(err)
	}
	return w.body, w.bodyWrong
}

// unreadableBody is the answer where a rule must know what is in the body.
func unreadableBody(err error) *objection {
	reason := refusal.Malformed
	if errors.Is(err, rules.ErrUnsupported) {
		reason = refusal.Unsupported
	}
	return &objection{reason: reason, detail: "What the body says cannot be told: " + err.Error() + "."}
}

// planStep finds the state that the write asks for.
func (w *write) planStep(s *ruleset) *objection {
	if s.steps == nil || !w.hasAny([]string{http.MethodPost, http.MethodPut}) && !w.merges() {
		return nil
	}
	doc, o := w.document()
	if o != nil {
		return o
	}
	field, err := w.saidAt(doc, s.steps.Field)
	switch {
	case err != nil:
		return malformed(fmt.Sprintf("Which state is asked for cannot be told from %s: %v.", s.steps.Field, err))
	case !field.Present && w.has(http.MethodPut):
		return malformed(fmt.Sprintf("The body has no %s, and a PUT says all that the resource is to be.", s.steps.Field))
	case !field.Present:
		return nil
	case !field.Scalar || field.Null:
		return malformed(fmt.Sprintf("What the body has at %s is no state: it is no single value.", s.steps.Field))
	}
	w.to, w.steps = field.Text, true
	return nil
}

// saidAt is what the body says of a member that a rule is about. The error says that it may be told in another way than the rule sees.
func (w *write) saidAt(doc rules.Document, p rules.Pointer) (rules.Field, error) {
	field, err := doc.Field(p)
	if err == nil && !field.Present && doc.Bars(p) {
		err = errors.New("the body is, or has there, something else than an object with the members that change")
	}
	if name := p.First(); err == nil && name != "" {
		if inQuery, _ := target.QueryValues(w.req.URL.RawQuery, name); len(inQuery) > 0 {
			err = fmt.Errorf("the query has a parameter %s, too, which some backends take for it", name)
		}
	}
	return field, err
}

// planDestination refuses a MOVE or COPY onto a resource that has rules about what it becomes: nothing in the request says what that is. Nor
// can rules of the Destination be held against what is moved there from where there are none.
func (w *write) planDestination() *objection {
	if w.x.method != "MOVE" && w.x.method != "COPY" {
		return nil
	}
	there, err := w.routes.destinationRoute(w.req, w.x.route)
	if err != nil || !there.guarded() {
		return nil // which has been refused, or has no rules
	}
	s, name := there.rules, ""
	become := slices.IndexFunc(s.unique, func(u uniqueRule) bool { return !u.location.IsZero() })
	meant := slices.IndexFunc(s.require, func(r requirement) bool { return w.x.borrowed && w.hasAny(r.on) })
	switch {
	case s.steps != nil:
		name = transitionsName
	case become >= 0:
		name = s.unique[become].name
	case meant >= 0:
		name = s.require[meant].name
	default:
		return nil
	}
	return &objection{
		reason: refusal.Rule, rule: name,
		detail: "A rule is about what the Destination may become, which a MOVE or COPY does not say. The request was not forwarded; send what it is to be by PUT.",
	}
}

// creates reports whether the write creates what it is about for certain, so that there is no present state. A POST that stands for another
// method does not, and one to a path that ends in a wildcard may be about what is there.
func (w *write) creates(s *ruleset) bool {
	return w.cond.Absent || w.x.method == http.MethodPost && s.resource.IsZero() && !w.judged && !w.x.route.namesOne()
}

// namesOne reports whether the route's paths end in a wildcard, as those of the members of a collection do.
func (p *route) namesOne() bool {
	return strings.HasSuffix(p.Match, "}") && !strings.HasSuffix(p.Match, "{$}")
}
