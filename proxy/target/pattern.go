package target

import "strings"

// Pattern is the path of a net/http pattern, taken apart to find what its wildcards stand for in a path that
// http.ServeMux has matched with it.
type Pattern struct{ segments []string }

// ParsePattern takes a pattern [HOST]/path apart that http.ServeMux accepts.
func ParsePattern(pattern string) (host string, p Pattern) {
	host, path, _ := strings.Cut(pattern, "/")
	return host, Pattern{strings.Split(path, "/")}
}

// Wildcard returns the index of the segment that {name} stands for; ok is false where the pattern has no such wildcard,
// or it is one for the rest of the path.
func (p Pattern) Wildcard(name string) (index int, ok bool) {
	for i, s := range p.segments {
		if s == "{"+name+"}" {
			return i, true
		}
	}
	return 0, false
}

// Names lists the pattern's wildcards, without the dots of one for the rest of the path.
func (p Pattern) Names() []string {
	var names []string
	for _, s := range p.segments {
		name, ok := strings.CutPrefix(s, "{")
		if name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "..."); ok && name != "$" && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Value returns what {name} or {name...} stands for in the path, decoded. The path must match the pattern.
func (p Pattern) Value(name string, path Path) (value string, ok bool) {
	segments := path.segments()
	for i, s := range p.segments {
		switch {
		case i >= len(segments):
			return "", s == "{"+name+"...}"
		case s == "{"+name+"}":
			return unescape(segments[i]), true
		case s == "{"+name+"...}":
			return unescape(strings.Join(segments[i:], "/")), true
		}
	}
	return "", false
}

// segments are none of the zero Path.
func (p Path) segments() []string {
	if p.escaped == "" {
		return nil
	}
	return strings.Split(p.escaped[1:], "/")
}

// Segment returns the path's i-th segment, decoded; ok is false when it has fewer.
func (p Path) Segment(i int) (name string, ok bool) {
	segments := p.segments()
	if i >= len(segments) {
		return "", false
	}
	return unescape(segments[i]), true
}

// WithSegment is the path with another name for its i-th segment.
func (p Path) WithSegment(i int, name string) Path {
	segments := p.segments()
	var b strings.Builder
	escapeTo(&b, name)
	segments[i] = b.String()
	return Path{"/" + strings.Join(segments, "/")}
}

// Below is the path without the base path before it; ok is false where it does not stand there.
func (p Path) Below(base Path) (below Path, ok bool) {
	switch {
	case base.escaped == "" || base.escaped == "/":
		return p, true
	case p == base:
		return Path{"/"}, true
	}
	rest, ok := strings.CutPrefix(p.escaped, base.escaped+"/")
	return Path{"/" + rest}, ok
}

// Under is the path below a base path.
func (p Path) Under(base Path) Path {
	switch {
	case base.escaped == "" || base.escaped == "/":
		return p
	case p.escaped == "/":
		return base
	}
	return Path{base.escaped + p.escaped}
}
