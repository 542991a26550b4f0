package proxy

import (
	"context"
	"fmt"
	"net/http"

	"proxy409/etagcache"
	"proxy409/proxy/expression"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
)

// decide holds the write against the rules of its route, under its lease, in the order of the documentation. Each asks only when those before
// it hold.
func (w *write) decide(ctx context.Context) *objection {
	s := w.x.route.rules
	if !s.any || w.streamed {
		return nil
	}
	w.mayAsk()
	for i := range w.values {
		if o := w.verdict(w.values[i].rule.name, w.decideUnique(ctx, &w.values[i])); o != nil {
			return o
		}
	}
	if w.steps {
		if o := w.verdict(transitionsName, w.decideStep(ctx, s.steps)); o != nil {
			return o
		}
	}
	for i := range s.require {
		r := &s.require[i]
		if !w.hasAny(r.on) {
			continue
		}
		if o := w.verdict(r.name, w.decideRequire(ctx, r)); o != nil {
			return o
		}
	}
	return nil
}

// verdict tells what came of a rule, and returns the objection. One that is absent, or not for this caller to see, is the client's business, and
// nothing that an operator has to look into.
func (w *write) verdict(name string, o *objection) *objection {
	outcome := RuleHeld
	if o != nil {
		o.rule, outcome = name, RuleRefused
		if o.reason == refusal.Unverifiable {
			outcome = RuleUnverifiable
		}
	}
	w.observer.Rule(w.x.route.Name, name, outcome)
	return o
}

// decideStep holds the state that the write asks for against the present one.
func (w *write) decideStep(ctx context.Context, t *rules.Transitions) *objection {
	if w.creates(w.x.route.rules) {
		return w.step(ctx, t.Begin(w.to))
	}
	c, o := w.present(ctx)
	if o != nil {
		return o
	}
	if !c.Exists {
		return w.step(ctx, t.Begin(w.to))
	}
	value, _ := rules.Lookup(c.Body, t.Field)
	from, ok := scalar(value)
	if !ok && w.x.method == http.MethodPost && w.x.subject == nil {
		return w.step(ctx, t.Begin(w.to)) // it is a collection
	}
	if !ok {
		return unanswerable(fmt.Errorf("it has no single value at %s", t.Field))
	}
	return w.step(ctx, t.Step(from, w.to))
}

// step is the objection to a step; nil if it is allowed.
func (w *write) step(ctx context.Context, step rules.Step) *objection {
	if step.Allowed {
		return nil
	}
	if o := w.mayLook(ctx); o != nil {
		return o
	}
	o := &objection{reason: refusal.Transition, fields: []string{w.x.route.rules.steps.Field.String()}, logged: "The step is not one of the moves."}
	switch {
	case step.From == "": // what can be said of the step stands in the refusal
	case !w.x.route.refusals.Disclose:
		o.detail = fmt.Sprintf("The resource cannot become %q now. The request was not forwarded.", step.To)
		return o
	case !step.Known:
		o.detail = fmt.Sprintf("The resource is in the state %q, of which no rule says what may follow it. The request was not forwarded.", step.From)
	}
	o.step = &step
	return o
}

// decideRequire evaluates a condition.
func (w *write) decideRequire(ctx context.Context, r *requirement) *objection {
	in, o := w.input(ctx, r)
	if o != nil {
		return o
	}
	holds, err := r.that.Holds(ctx, in)
	switch {
	case err != nil && r.reads.Current && !in.Current.Exists:
		if o := w.mayLook(ctx); o != nil {
			return o
		}
		return &objection{reason: refusal.Absent, cause: err, detail: absentDetail}
	case err != nil:
		o := unverifiable(fmt.Errorf("the condition of the rule %s: %w", r.name, err))
		o.detail = "A rule for this request cannot be decided by what the request and the backend say. The request was not forwarded."
		return o
	case holds:
		return nil
	}
	if o := w.mayLook(ctx); o != nil {
		return o
	}
	o = &objection{reason: refusal.Rule, message: r.message, logged: "A rule does not hold."}
	if r.made != nil {
		text, err := r.made.Text(ctx, in)
		if err == nil {
			o.message = text
		} else {
			o.cause = fmt.Errorf("the message of the rule %s: %w", r.name, err)
		}
	}
	return o
}

// input gathers what an expression is evaluated over, and of what must be asked for only what it reads.
func (w *write) input(ctx context.Context, r *requirement) (*expression.Input, *objection) {
	in := &expression.Input{Request: expression.Request{
		Method: w.x.method, Path: w.x.path.String(), Params: w.x.route.params(w.x, w.own), Query: w.req.URL.Query(), Headers: plainHeader(w.req.Header),
	}}
	if r.reads.RequestBody {
		doc, o := w.document()
		if o != nil {
			return nil, o
		}
		in.Request.Body = doc.Value()
	}
	if r.reads.Current {
		c, o := w.present(ctx)
		if o != nil {
			return nil, o
		}
		in.Current = *c
	}
	in.Asked = make(map[string]expression.Answer, len(r.ask))
	for _, q := range r.ask {
		if !r.reads.Asks[q.name] {
			continue
		}
		s, o := w.question(ctx, q.at, nil)
		if o != nil {
			return nil, o
		}
		in.Asked[q.name] = expression.Answer{Status: s.status, Headers: plainHeader(s.header), Body: s.value}
	}
	return in, nil
}

const absentDetail = "The request is about a resource that does not exist."

// params are what the wildcards of the route's match stand for.
func (p *route) params(x *exchange, own resource) map[string]string {
	params := make(map[string]string, len(p.wildcards))
	for _, name := range p.wildcards {
		params[name] = p.valueOf(name, x.path, own)
	}
	return params
}

// mayLook asks as the caller, before a refusal tells what somebody else was shown, whether the caller may look, too. Of what a write
// creates there is nothing to look at.
func (w *write) mayLook(ctx context.Context) *objection {
	s := w.x.route.rules
	if s.asAsker == nil || w.asks.current == nil && w.creates(s) {
		return nil // who may not look was told so, or there is nothing
	}
	f := w.probe(ctx, w.asks.until, w.req, w.x, etagcache.Begun{})
	if f.objection != nil || f.evidence.Kind != etagcache.ShownAbsent {
		return f.objection
	}
	c, o := w.present(ctx)
	if o == nil && c.Exists {
		o = &objection{reason: refusal.Absent, detail: absentDetail}
	}
	return o
}
