// Package target says what a request is about: which resource (the canonical path and the key made of it) and which
// method, however the client spelt them. It is pure: no I/O, no state.
package target

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Path is a path in canonical form. Two spellings that a backend may take for one resource have one canonical form, or
// at least one of them has none. The zero value is no path.
//
// It serves as key and for matching. What goes to the backend is the client's own spelling.
type Path struct{ escaped string }

// String is the path as it would stand in a request line: percent-encoded, and canonical.
func (p Path) String() string { return p.escaped }

// URL is the path as a URL without host or query, for matching against patterns: what [url.URL.EscapedPath] gives of
// it is the canonical form.
func (p Path) URL() *url.URL {
	name := unescape(p.escaped)
	u := &url.URL{Path: name}
	if u.EscapedPath() != p.escaped {
		u.RawPath = p.escaped
	}
	return u
}

// Problem is why a spelling has no canonical form. The text is fit for the client to read.
type Problem string

// Error makes a problem an error; match it with [errors.Is].
func (p Problem) Error() string { return string(p) }

// What [Canonical] refuses. Each is a spelling that some backends take for another path than others do.
const (
	NotRooted      Problem = "the path does not start with a slash"
	BadEscape      Problem = "the path has a % that is not followed by two hexadecimal digits"
	DoubleEscape   Problem = "the path has an escape within an escape, such as %2541"
	EscapedSlash   Problem = "the path has an escaped slash (%2F)"
	Backslash      Problem = "the path has a backslash"
	ControlByte    Problem = "the path has a control character, such as %00"
	BadUTF8        Problem = "the path is not valid UTF-8"
	EmptySegment   Problem = "the path has an empty segment (//)"
	OnlyParameters Problem = "the path has a segment that is nothing but ;parameters"
	DotSegment     Problem = "the path has a dot segment (. or ..)"
	TrailingDot    Problem = "the path has a segment that ends in a dot or a space"
	EscapedEnd     Problem = "the path has an escaped ? or # (%3F, %23)"
)

// Canonical folds the harmless spellings of a path, and refuses the dangerous ones with a [Problem]. The path is
// taken escaped, as [url.URL.EscapedPath] has it, from the URL as it will be sent.
//
// Folded (RFC 3986, sections 6.2.2 and 6.2.3, and beyond):
//   - an escape of an unreserved character is that character; other escapes are in capitals;
//   - so is an escape of a sub-delim, ":" or "@": RFC 3986 lets the two mean different things, but clients send both for one
//     resource, and backends decode before they look;
//   - ";parameters" of a segment are cut off, escaped ones (%3B) too, because a hop between may have unescaped them;
//   - a trailing slash is dropped, but for the root; the empty path is the root (RFC 9110, section 4.2.3).
//
// A space and "+" stay apart: backends that take "+" for a space in a path are broken for "C++" as well.
// Letter case stays as it is; so do the normal forms of Unicode.
func Canonical(escapedPath string) (Path, error) {
	if escapedPath == "" {
		return Path{"/"}, nil
	}
	if escapedPath[0] != '/' {
		return Path{}, NotRooted
	}
	if isPlain(escapedPath) {
		return Path{escapedPath}, nil
	}
	var b strings.Builder
	b.Grow(len(escapedPath))
	segments := strings.Split(escapedPath[1:], "/")
	if last := len(segments) - 1; segments[last] == "" {
		segments = segments[:last]
	}
	for _, raw := range segments {
		name, err := segment(raw)
		if err != nil {
			return Path{}, err
		}
		b.WriteByte('/')
		escapeTo(&b, name)
	}
	if b.Len() == 0 {
		return Path{"/"}, nil
	}
	return Path{b.String()}, nil
}

// isPlain reports whether a rooted path is certainly canonical as it stands. It spares the usual request the work and
// the memory; that Canonical gives the same without it is tested.
func isPlain(path string) bool {
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			if path[i-1] == '/' || path[i-1] == '.' {
				return false
			}
		case c == ';' || !isPathChar(c):
			return false
		}
	}
	last := path[len(path)-1]
	return len(path) == 1 || last != '/' && last != '.'
}

// segment decodes one segment and returns its name without parameters. What is dangerous is looked for before they
// are cut off, because not every backend cuts them.
func segment(raw string) (string, error) {
	if raw == "" {
		return "", EmptySegment
	}
	if hasBadEscape(raw) {
		return "", BadEscape
	}
	name := unescape(raw)
	switch {
	case strings.Contains(name, "/"):
		return "", EscapedSlash
	case strings.Contains(name, `\`):
		return "", Backslash
	case strings.ContainsAny(name, "?#"): // who decodes before looking for the query cuts there (mod_rewrite did: CVE-2024-38474)
		return "", EscapedEnd
	case strings.ContainsFunc(name, isControl):
		return "", ControlByte
	case !utf8.ValidString(name):
		return "", BadUTF8
	case unescape(name) != name:
		return "", DoubleEscape
	}
	name, _, _ = strings.Cut(name, ";")
	switch {
	case name == "":
		return "", OnlyParameters
	case name == "." || name == "..":
		return "", DotSegment
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "): // Windows drops them from file names
		return "", TrailingDot
	}
	return name, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isPathChar reports whether c is a pchar of RFC 3986, section 3.3, other than an escape.
func isPathChar(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
