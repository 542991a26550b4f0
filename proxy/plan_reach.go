package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
)

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
