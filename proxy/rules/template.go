package rules

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"proxy409/proxy/target"
)

// Template is the path, perhaps with a query, of another resource, with holes for what a request says. It does not change. The zero value is
// none.
type Template struct {
	text        string
	path, query []part
	asks        bool // there is a query, be it an empty one
}

// part is a literal, or a hole in the place of which a value stands.
type part struct {
	hole    hole
	text    string // a literal as it goes on the wire, or what a hole names
	pointer Pointer
	slashes bool // a wildcard for more than one segment
}

type hole uint8

const (
	literal hole = iota
	wildcard
	inQuery
	inBody
	inFound
)

// Values is what the holes stand for, decoded. The errors are for the client.
type Values interface {
	Wildcard(name string) string
	Query(name string) (string, error)
	Body(p Pointer) (string, error)
	Found(p Pointer) (string, error)
}

// longestExpanded bounds path and query together, in bytes: servers that take longer ones are rare (RFC 9110 section 4.1).
const longestExpanded = 8 << 10

// String is the template as [ParseTemplate] reads it.
func (t Template) String() string { return t.text }

// IsZero reports whether there is no template.
func (t Template) IsZero() bool { return t.text == "" }

// ReadsBody reports whether a value comes from the request's body.
func (t Template) ReadsBody() bool {
	for _, p := range t.parts() {
		if p.hole == inBody {
			return true
		}
	}
	return false
}

func (t Template) parts() []part { return append(t.path[:len(t.path):len(t.path)], t.query...) }

// Sample is the path with "x" in the place of every value: what it is matched by when the configuration is loaded.
func (t Template) Sample() string {
	var b strings.Builder
	for _, p := range t.path {
		if p.hole == literal {
			b.WriteString(p.text)
		} else {
			b.WriteByte('x')
		}
	}
	return b.String()
}

// Expand puts the values in. Path and query are percent-encoded as they go on the wire; the path is one that [target.Canonical] accepts, with
// a value in each of its holes. The error is [ErrMalformed] and for the client, but where the values have their own: [ErrUnsupported], and what Found says.
func (t Template) Expand(v Values) (path, query string, err error) {
	var inPath, inQuery strings.Builder
	for _, p := range t.path {
		if err := p.appendPath(&inPath, v); err != nil {
			return "", "", err
		}
	}
	for _, p := range t.query {
		if err := p.appendQuery(&inQuery, v); err != nil {
			return "", "", err
		}
	}
	path, query = inPath.String(), inQuery.String()
	if len(path)+len(query) > longestExpanded {
		return "", "", malformed("what the request says makes an address of more than %d bytes, which is too long to ask for", longestExpanded)
	}
	if _, err := target.Canonical(path); err != nil {
		return "", "", malformed("%s cannot stand in a path: %v", t.pathHoles(), err)
	}
	return path, query, nil
}

// pathHoles names what stands in the path.
func (t Template) pathHoles() string {
	var names []string
	for _, p := range t.path {
		if p.hole != literal {
			names = append(names, "{"+p.name()+"}")
		}
	}
	return strings.Join(names, ", ")
}

// name is what stands between the braces.
func (p part) name() string { return prefixes[p.hole] + p.text }

// prefixes tell what a hole names. A pointer into the body needs none: it begins with a slash.
var prefixes = [...]string{inQuery: "query:", inFound: "found:", inBody: ""}

// value is what the hole stands for.
func (p part) value(v Values) (value string, err error) {
	switch p.hole {
	case wildcard:
		return v.Wildcard(p.text), nil
	case inQuery:
		value, err = v.Query(p.text)
	case inBody:
		value, err = v.Body(p.pointer)
	case inFound:
		return v.Found(p.pointer)
	case literal:
		return p.text, nil
	}
	if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
		return "", malformed("%v", err)
	}
	return value, err
}

func (p part) appendPath(b *strings.Builder, v Values) error {
	value, err := p.value(v)
	switch {
	case err != nil:
		return err
	case p.hole == literal:
		b.WriteString(value)
		return nil
	case value == "":
		return malformed("{%s} is empty, which cannot stand in a path", p.name())
	case strings.Contains(value, ";"): // what comes after it are parameters to some, escaped or not
		return malformed("{%s} has a semicolon in it, which cannot stand in a path", p.name())
	case p.slashes:
		for i, segment := range strings.Split(value, "/") {
			if i > 0 {
				b.WriteByte('/')
			}
			b.WriteString(url.PathEscape(segment))
		}
		return nil
	}
	b.WriteString(url.PathEscape(value))
	return nil
}

func (p part) appendQuery(b *strings.Builder, v Values) error {
	value, err := p.value(v)
	switch {
	case err != nil:
		return err
	case p.hole == literal:
		b.WriteString(value)
		return nil
	case !utf8.ValidString(value) || strings.Contains(value, "\x00"):
		return malformed("{%s} has a NUL in it, or is not in UTF-8, and would be read in several ways", p.name())
	}
	b.WriteString(url.QueryEscape(value))
	return nil
}
