package target

import (
	"slices"
	"strings"
)

// maxDecodes is how often in a row Lenient supposes that a backend, with the hops before it, decodes a path.
const maxDecodes = 4

// placeholder stands, where a path is read to the letter, for a segment that no pattern names: an empty one, a dot
// segment, one of parameters only. A wildcard matches it.
const placeholder = "\uFFFD"

// Lenient lists the paths that some backend or other may take this spelling for: decoded up to four times before it
// is split, overlong UTF-8 and %uXXXX included, backslashes as slashes, what follows two slashes as a host, slashes collapsed,
// dot segments resolved or taken for names, ";parameters" cut off, cut at a NUL, "?" or "#" that was escaped, dots and spaces at the end of a
// segment dropped. It answers one question: whether a spelling that [Canonical] refuses could mean a guarded route.
// The paths are for matching only.
//
// Of a path that Canonical accepts it lists that path alone.
func Lenient(escapedPath string) []Path {
	var found []Path
	known, done := make(map[Path]bool), make(map[string]bool) // most ways to read a path lead to the same
	add := func(read string, decodeNames bool) {
		for _, s := range split(read) {
			way := strings.Join(s, "/")
			if decodeNames {
				way += "%"
			}
			if done[way] {
				continue
			}
			done[way] = true
			for _, p := range s.readings(decodeNames) {
				if !known[p] {
					known[p] = true
					found = append(found, p)
				}
			}
		}
	}
	path := escapedPath
	add(path, true)
	for range maxDecodes {
		next := unescape(path)
		add(next, false)
		if folded := foldOverlong(next); folded != next {
			next = folded
			add(next, false)
		}
		if next == path {
			break
		}
		path = next
		add(path, true)
	}
	return found
}

// segments is a path that was split at its slashes.
type segments []string

// split splits a path in every way that differs: with backslashes as they are and as slashes, whole and cut short, with and without
// tabs and line breaks, and with two slashes at its beginning also as what comes after an authority.
func split(path string) []segments {
	var all []segments
	for _, s := range variants(path, cutShort) {
		for _, s := range variants(s, dropTabsAndLines) {
			for _, s := range variants(s, slashBackslashes) {
				for _, s := range variants(s, dropAuthority) {
					all = append(all, strings.Split(strings.TrimPrefix(s, "/"), "/"))
				}
			}
		}
	}
	return all
}

// variants is s, and change(s) where that is something else.
func variants(s string, change func(string) string) []string {
	if changed := change(s); changed != s {
		return []string{s, changed}
	}
	return []string{s}
}

func cutShort(s string) string {
	if i := strings.IndexAny(s, "\x00?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// dropTabsAndLines does what parsers of URLs in browsers and Node.js do (WHATWG URL, section 4.4).
func dropTabsAndLines(s string) string { return tabsAndLines.Replace(s) }

var tabsAndLines = strings.NewReplacer("\t", "", "\n", "", "\r", "")

// dropAuthority takes //host/path, and what becomes that when ;parameters are cut off and dot segments resolved, for a reference without a scheme (RFC 3986, section 4.2), as those do who parse the target of a
// request like any URL.
func dropAuthority(s string) string {
	rest, rooted := strings.CutPrefix(s, "/")
	for skipped := false; rooted; skipped = true {
		first, after, more := strings.Cut(rest, "/")
		if name, _, _ := strings.Cut(first, ";"); more && (name == "" || name == "." || name == "..") {
			rest = after
			continue
		}
		if skipped {
			return "/" + after
		}
		break
	}
	return s
}

func slashBackslashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

// readings joins the segments into paths, in every way that differs: by who decodes names before dot segments are resolved, and by
// who does so after that, who then may resolve once more.
func (s segments) readings(decodeNames bool) []Path {
	found := s.decoded(decodeNames)
	if before := s.collapsed(false); decodeNames && len(before) > 0 && !slices.Equal(before, s) {
		found = append(found, before.decoded(true)...)
	}
	return found
}

func (s segments) decoded(decodeNames bool) []Path {
	names := slices.Clone(s)
	var found []Path
	for range maxDecodes {
		changed := false
		for i, name := range names {
			if decodeNames {
				names[i] = unescape(name)
			}
			changed = changed || names[i] != name
		}
		trimmed := names.windows()
		found = append(found, names.literal(), names.resolved(), trimmed.literal(), trimmed.resolved(), names.collapsed(false).resolved())
		if !changed {
			break
		}
		for i, name := range names { // from now on for those who decode the names alone, more than once
			names[i], _, _ = strings.Cut(name, ";")
		}
	}
	return found
}

// windows is the segments as Windows takes file names: without dots and spaces at the end.
func (s segments) windows() segments {
	trimmed := slices.Clone(s)
	for i, name := range trimmed {
		name, _, _ = strings.Cut(name, ";")
		name = strings.TrimRight(name, " ")
		if name != "." && name != ".." {
			name = strings.TrimRight(name, ". ")
		}
		trimmed[i] = name
	}
	return trimmed
}

// literal is the path in which every segment is a name.
func (s segments) literal() Path {
	if s[len(s)-1] == "" {
		s = s[:len(s)-1]
	}
	var b strings.Builder
	for _, name := range s {
		name, _, _ = strings.Cut(name, ";")
		if name == "" || name == "." || name == ".." {
			name = placeholder
		}
		b.WriteByte('/')
		escapeTo(&b, name)
	}
	return rooted(b.String())
}

// resolved is the path with dot segments resolved (RFC 3986, section 5.2.4) and empty segments gone.
func (s segments) resolved() Path {
	var b strings.Builder
	for _, name := range s.collapsed(true) {
		b.WriteByte('/')
		escapeTo(&b, name)
	}
	return rooted(b.String())
}

// collapsed is the segments without dot segments and empty ones; cut: their ";parameters" are cut off before, and not left.
func (s segments) collapsed(cut bool) segments {
	var kept segments
	for _, name := range s {
		if cut {
			name, _, _ = strings.Cut(name, ";")
		}
		switch name {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, name)
		}
	}
	return kept
}

func rooted(escaped string) Path {
	if escaped == "" {
		return Path{"/"}
	}
	return Path{escaped}
}
