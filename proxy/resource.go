package proxy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/target"
)

// resource is what a request is about, as far as keys go.
type resource struct {
	path   target.Path // under the upstream's path, with what the key takes of a segment in the place of the segment
	params [][2]string // of the query
}

// resource names what the route takes a canonical path and a query for. The error is fit for the client to read.
func (p *route) resource(path target.Path, rawQuery string) (resource, error) {
	var r resource
	for _, in := range p.inPath {
		segment, _ := path.Segment(in.segment)
		value := in.form.FindString(segment)
		if value == "" {
			return r, fmt.Errorf("what the path has for {%s} is no key there", in.name)
		}
		path = path.WithSegment(in.segment, value)
	}
	for _, in := range p.inQuery {
		values, plain := target.QueryValues(rawQuery, in.name)
		if len(values) != 1 {
			return r, fmt.Errorf("the query must have the parameter %s once, not %d times", in.name, len(values))
		}
		if !plain {
			return r, fmt.Errorf("the query has the parameter %s in a spelling that not everybody reads alike", in.name)
		}
		value := in.form.FindString(values[0])
		if value == "" {
			return r, fmt.Errorf("what the query has for the parameter %s is no key there", in.name)
		}
		if p.Key.FoldCase {
			value = target.FoldCase(value)
		}
		r.params = append(r.params, [2]string{in.name, value})
	}
	r.path = p.folded(path.Under(p.base))
	return r, nil
}

// folded is a path as keys are made of it.
func (p *route) folded(path target.Path) target.Path {
	if p.Key.FoldCase {
		return path.FoldCase()
	}
	return path
}

// contradicts reports whether the body of a request names another value for one of the parameters than its query: which of the two
// backends take is up to them.
func (p *route) contradicts(rawQuery string, body form, list []parameter) bool {
	if body.kind == "" {
		return false
	}
	for _, in := range list {
		said := body.values(in.name)
		if len(said) == 0 {
			continue
		}
		inQuery, _ := target.QueryValues(rawQuery, in.name)
		if len(inQuery) == 0 || slices.ContainsFunc(said, func(v string) bool { return v != inQuery[0] }) {
			return true
		}
	}
	return false
}

// key names the resource in the store.
func (p *route) key(r resource) etagcache.Key {
	return target.Key(p.origin, p.host, r.path, r.params...)
}

// query is the query by which the backend is asked for the resource where the route does not say how: the key's
// parameters.
func (r resource) query() string {
	values := make(url.Values, len(r.params))
	for _, param := range r.params {
		values.Set(param[0], param[1])
	}
	return values.Encode()
}

// readTarget is version.read: what stands between the names in braces, and the names.
type readTarget struct {
	texts []string // one more than names
	names []string
	query int // the index of the text in which the query begins; len(texts): there is none
}

var errBraces = errors.New("has an opening brace without a closing one")

func (p *route) parseReadTarget(read string) (*readTarget, error) {
	t := &readTarget{query: -1}
	if !strings.HasPrefix(read, "/") {
		return nil, errors.New("must begin with a slash")
	}
	for {
		text, rest, more := strings.Cut(read, "{")
		if t.query < 0 && strings.Contains(text, "?") {
			t.query = len(t.texts)
		}
		t.texts = append(t.texts, text)
		if !more {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, errBraces
		}
		if !p.stands(name) {
			return nil, fmt.Errorf("{%s} is neither a wildcard of match nor a parameter of key.query", name)
		}
		t.names, read = append(t.names, name), after
	}
	if t.query < 0 {
		t.query = len(t.texts)
	}
	path, _, _ := strings.Cut(strings.Join(t.texts, "x"), "?")
	name, err := url.PathUnescape(path)
	if err != nil {
		return nil, errors.New("has a % that is not followed by two hexadecimal digits")
	}
	if (&url.URL{Path: name, RawPath: path}).EscapedPath() != path {
		return nil, errors.New("has a character in its path that must be percent-encoded there")
	}
	return t, nil
}

// stands reports whether a name stands for something in every request of the route.
func (p *route) stands(name string) bool {
	_, single := p.pattern.Wildcard(name)
	return single || p.isRest(name) ||
		slices.ContainsFunc(p.inQuery, func(in parameter) bool { return in.name == name })
}

// isRest reports whether a name stands for the rest of the path, slashes and all.
func (p *route) isRest(name string) bool { return strings.HasSuffix(p.Match, "/{"+name+"...}") }

// readURL is where the backend is asked for the version of what was requested: the path inbound, and the resource made
// of it.
func (p *route) readURL(inbound target.Path, r resource) *url.URL {
	var b strings.Builder
	for i, text := range p.readAt.texts {
		b.WriteString(text)
		if i == len(p.readAt.names) {
			break
		}
		name := p.readAt.names[i]
		value := p.valueOf(name, inbound, r)
		switch {
		case i >= p.readAt.query:
			b.WriteString(url.QueryEscape(value))
		case p.isRest(name):
			b.WriteString(strings.ReplaceAll(url.PathEscape(value), "%2F", "/"))
		default:
			b.WriteString(url.PathEscape(value))
		}
	}
	path, query, _ := strings.Cut(b.String(), "?")
	return p.outbound(path, query)
}

// outbound is an escaped path and a query of the route as the backend has them.
func (p *route) outbound(path, query string) *url.URL {
	u := &url.URL{Scheme: p.upstream.Scheme, Host: p.upstream.Host, RawQuery: query}
	escaped := strings.TrimSuffix(p.upstream.EscapedPath(), "/") + path
	if name, err := url.PathUnescape(escaped); err == nil {
		u.Path, u.RawPath = name, escaped
	}
	return u
}

// valueOf is what a name stands for: a parameter of the key rather than a wildcard, and of a wildcard what the key takes.
func (p *route) valueOf(name string, inbound target.Path, r resource) string {
	for _, param := range r.params {
		if param[0] == name {
			return param[1]
		}
	}
	value, _ := p.pattern.Value(name, inbound)
	for _, in := range p.inPath {
		if in.name == name {
			return in.form.FindString(value)
		}
	}
	return value
}
