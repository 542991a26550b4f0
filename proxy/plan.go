package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
	"proxy409/proxy/target"
)

// ruled is what the rules of a route make of one write.
type ruled struct {
	body      rules.Document
	bodyRead  bool
	bodyWrong *objection // why it could not be read

	to        string // the state that the write asks for
	steps     bool   // and it does
	values    []value
	touches   []etagcache.Key          // changed by the write, which does not hold them
	places    map[etagcache.Key]leased // of what is held and not changed
	forgotten []etagcache.Key          // values that the backend shows, so that nobody need remember them
	own       resource                 // what the write was sent to, of which templates speak; the exchange's is what it is about
	expected  json.RawMessage          // the version that the client named first beside If-Match, as it did
	asks      asks
}

// leased is a resource that a write holds and does not change.
type leased struct {
	located
	asked bool // the backend was asked whether the caller may know of it
}

// value is what must be unique in one write.
type value struct {
	rule *uniqueRule
	sent []string // by the rule's fields
	key  etagcache.Key
}

// plan finds out what the rules need to know of the write before it holds anything: what it must hold, what it touches, and what can be
// said of it without asking anybody.
func (w *write) plan(context.Context) *objection {
	s := w.x.route.rules
	if w.streamed { // a route that only watches lets it through unread
		return nil
	}
	if o := w.planDestination(); o != nil || !s.any {
		return o
	}
	for _, step := range []func(*ruleset) *objection{w.planStep, w.planUnique, w.planReach} {
		if o := step(s); o != nil {
			return o
		}
	}
	if !w.leasesOwn(s) {
		w.wishes = slices.DeleteFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == w.x.key })
		w.touches = append(w.touches, w.x.key)
	}
	for _, v := range w.values {
		w.keep(v.key)
	}
	for key := range w.places {
		w.keep(key)
	}
	w.touches = slices.DeleteFunc(w.touches, func(key etagcache.Key) bool { return w.changesUnderLease(key) })
	return nil
}

// leasesOwn reports whether the write takes the lease of its own resource. A POST that is about other things does not, if nothing is asked of
// the resource that it is sent to: collections would serialise.
func (w *write) leasesOwn(s *ruleset) bool {
	return w.judged || !w.has(http.MethodPost) || !s.resource.IsZero() || w.readsCurrent(s) ||
		len(w.values)+len(s.leases)+len(s.touches) == 0
}

// readsCurrent reports whether a rule for the write is about the present state.
func (w *write) readsCurrent(s *ruleset) bool {
	return w.steps && !w.creates(s) || slices.ContainsFunc(s.require, func(r requirement) bool { return r.reads.Current && w.hasAny(r.on) })
}

// mustHold reports whether a rule is decided by what may change while the write is under way: without a lease, two writes would be held
// against the same state, and both be sent.
func (w *write) mustHold() bool {
	s := w.x.route.rules
	return w.named != "" || len(w.values)+len(w.places) > 0 || w.readsCurrent(s) ||
		slices.ContainsFunc(s.require, func(r requirement) bool { return len(r.ask) > 0 && w.hasAny(r.on) })
}

// has reports whether the write has the method, to some backends at least.
func (w *write) has(method string) bool {
	return w.x.method == method || strings.EqualFold(w.req.Method, method)
}

// merges reports whether the body says what changes, and leaves the rest as it is. MERGE is what OData had before PATCH.
func (w *write) merges() bool { return w.has(http.MethodPatch) || w.has("MERGE") }

// hasAny is the same of any of the methods; of none, always.
func (w *write) hasAny(methods []string) bool {
	return len(methods) == 0 || slices.ContainsFunc(methods, w.has)
}

// keep adds a key that the write holds and does not change.
func (w *write) keep(key etagcache.Key) {
	if !slices.ContainsFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == key }) {
		w.wishes = append(w.wishes, etagcache.Wish{View: etagcache.View{Key: key}, Kept: true})
	}
}

// changesUnderLease reports whether the key is one that the write holds because it changes it. One that was to be kept is from now on, if it
// is touched too.
func (w *write) changesUnderLease(key etagcache.Key) bool {
	i := slices.IndexFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == key })
	if i >= 0 {
		w.wishes[i].Kept = false
	}
	return i >= 0
}

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

// planUnique finds what must be unique in the write.
func (w *write) planUnique(s *ruleset) *objection {
	for i := range s.unique {
		rule := &s.unique[i]
		if !w.has(http.MethodPost) && (rule.location.IsZero() || !w.has(http.MethodPut) && !w.merges()) {
			continue
		}
		doc, o := w.document()
		if o != nil {
			return o
		}
		v := value{rule: rule}
		present := 0
		for _, pointer := range rule.fields {
			field, err := w.saidAt(doc, pointer)
			text := field.Text
			if err == nil && !w.merges() {
				text, err = doc.Text(pointer)
			}
			if err != nil {
				return malformed("What must be unique cannot be told: " + err.Error() + ".")
			}
			if field.Present {
				present++
			}
			v.sent = append(v.sent, text)
		}
		switch {
		case present == 0 && w.merges():
			continue // it leaves them as they are, and to who takes it for a POST it has none
		case slices.Contains(v.sent, "") && w.merges():
			return malformed(fmt.Sprintf("What must be unique cannot be told: a PATCH has all of %s, or none.", pointers(rule.fields)))
		}
		v.key = rule.key(w.x.route, v.sent)
		w.values = append(w.values, v)
	}
	return nil
}

// key names a value in the store. Two rules that ask alike are about the same, whatever their routes are.
func (u *uniqueRule) key(p *route, sent []string) etagcache.Key {
	folded := make([]string, len(sent))
	for i, text := range sent {
		folded[i] = u.fold.Apply(text)
	}
	return rules.UniqueKey(p.origin+" "+p.base.String()+u.ask.String(), texts(u.fields), folded)
}

func texts(pointers []rules.Pointer) []string {
	list := make([]string, len(pointers))
	for i, p := range pointers {
		list[i] = p.String()
	}
	return list
}

func pointers(list []rules.Pointer) string { return strings.Join(texts(list), ", ") }

// planReach finds the resources that the write holds or touches beside its own.
func (w *write) planReach(s *ruleset) *objection {
	for _, t := range s.leases {
		at, key, o := w.reach(t)
		if o != nil {
			return o
		}
		if w.places == nil {
			w.places = make(map[etagcache.Key]leased)
		}
		w.places[key] = leased{located: at}
	}
	for _, t := range s.touches {
		_, key, o := w.reach(t)
		if o != nil {
			return o
		}
		if !slices.Contains(w.touches, key) {
			w.touches = append(w.touches, key)
		}
	}
	return nil
}

// reach finds the resource that a template names.
func (w *write) reach(t rules.Template) (located, etagcache.Key, *objection) {
	u, o := w.expand(t, nil)
	if o != nil {
		return located{}, etagcache.Key{}, o
	}
	at, err := w.routes.locate(w.x.method, w.x.host, u)
	if err == nil && at.route.Mode == Closed {
		return at, etagcache.Key{}, &objection{reason: refusal.Closed, final: true}
	}
	if err == nil && !at.route.guarded() {
		err = errUnguarded
	}
	if err == nil {
		at.query = u.RawQuery
		resource, wrong := at.resource(u.RawQuery)
		if wrong == nil {
			return at, at.route.key(resource), nil
		}
		err = wrong
	}
	return at, etagcache.Key{}, malformed(fmt.Sprintf("Which resource %s is here cannot be told: %v.", t, err))
}

var errUnguarded = errors.New("no rule is for it")

// expand puts what the request says into a template. Found is an answer of the backend, for a template that names its members.
func (w *write) expand(t rules.Template, found *holesOf) (*url.URL, *objection) {
	if t.ReadsBody() {
		if _, o := w.document(); o != nil {
			return nil, o
		}
	}
	if found == nil {
		found = &holesOf{}
	}
	found.write = w
	path, query, err := t.Expand(found)
	if err != nil {
		return nil, malformed(fmt.Sprintf("What %s is here cannot be told: %v.", t, err))
	}
	u := &url.URL{RawQuery: query}
	if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, malformed(fmt.Sprintf("What %s is here cannot be told: %v.", t, err))
	}
	u.RawPath = path
	return u, nil
}

// holesOf is what the holes of a template stand for in one write.
type holesOf struct {
	*write
	found any               // the answer of the backend
	other map[string]string // what is taken in the place of what the body has, by pointer
}

func (h *holesOf) Wildcard(name string) string {
	return h.x.route.valueOf(name, h.x.path, h.own)
}

func (h *holesOf) Query(name string) (string, error) {
	text, said, err := parameterOf(name)(h.req)
	if err == nil && !said {
		err = fmt.Errorf("%w: the query has no %s", rules.ErrMalformed, name)
	}
	return text, err
}

func (h *holesOf) Body(p rules.Pointer) (string, error) {
	if text, ok := h.other[p.String()]; ok {
		return text, nil
	}
	return h.body.Text(p)
}

func (h *holesOf) Found(p rules.Pointer) (string, error) {
	value, _ := rules.Lookup(h.found, p)
	text, ok := scalar(value)
	if !ok {
		return "", fmt.Errorf("the backend's answer has no single value at %s", p)
	}
	return text, nil
}

// scalar is a single value of a backend's answer as text.
func scalar(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return rules.Number(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
