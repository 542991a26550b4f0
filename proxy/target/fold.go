package target

import (
	"strings"
	"unicode"
)

// FoldCase is the path for backends that ignore letter case, such as IIS: all spellings that differ in nothing else have one.
func (p Path) FoldCase() Path {
	segments := p.segments()
	var b strings.Builder
	b.Grow(len(p.escaped))
	for _, s := range segments {
		b.WriteByte('/')
		escapeTo(&b, FoldCase(unescape(s)))
	}
	return Path{b.String()}
}

// IsFolded reports that folding letter case would change nothing, if that can be told at a glance.
func (p Path) IsFolded() bool {
	for i := range len(p.escaped) {
		if c := p.escaped[i]; 'A' <= c && c <= 'Z' || c == '%' {
			return false
		}
	}
	return true
}

// FoldCase folds letter case as simple case folding has it (Unicode, section 3.13): two texts that some upper- or lower-casing
// of single characters makes equal become one.
func FoldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if 'A' <= least && least <= 'Z' {
			return least + 'a' - 'A' // as paths and patterns mostly have it
		}
		return least
	}, s)
}

// MergesInto reports whether the most lenient of backends takes the path, one of those that [Lenient] lists, for another one. Those in
// which an empty or a dot segment is a name are no lenient readings.
func (p Path) MergesInto(o Path) bool {
	merged, err := Merged(p.escaped)
	return err == nil && merged == o || strings.Contains(unescape(p.escaped), placeholder)
}

// mostDecodes bounds the work that a path of escapes within escapes can make.
const mostDecodes = 16

// Merged is what the most lenient of backends takes a path for: decoded until nothing is left to decode, overlong UTF-8 and
// %uXXXX included, without tabs and line breaks, backslashes taken for slashes, cut at a NUL, "?" or "#", without ";parameters", dots and spaces at the end of
// segments, and empty segments, and with dot segments resolved.
//
// It is the key of resources whose backend is sent paths that [Canonical] refuses. All spellings that differ in these things alone
// have one; so may resources that the backend tells apart, which then exclude each other for no reason, and nothing worse.
func Merged(escapedPath string) (Path, error) {
	path := escapedPath
	for range mostDecodes {
		next := dropTabsAndLines(foldOverlong(unescape(path)))
		if next == path {
			path = slashBackslashes(cutShort(path))
			return segments(strings.Split(strings.TrimPrefix(path, "/"), "/")).windows().resolved(), nil
		}
		path = next
	}
	return Path{}, DoubleEscape
}
