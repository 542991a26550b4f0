package target

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// guarded are the header fields that the guard reads, as [http.CanonicalHeaderKey] spells them, by their folded names.
var guarded = func() map[string]string {
	names := map[string]string{}
	for _, name := range append([]string{
		"If-Match", "If-None-Match", "If-Range", "If-Unmodified-Since", "If-Modified-Since",
		"Destination", "Expect", "Content-Type", "Content-Encoding",
	}, overrideHeaders...) {
		names[foldHeader(name)] = name
	}
	return names
}()

// foldHeader is the name of a header field as CGI and WSGI have it: capitals do not count, and everything but letters
// and digits is one character. RFC 3875, section 4.1.18, folds "-" and "_" only; lighttpd and others fold the rest as
// well.
func foldHeader(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, name)
}

// Aliases lists, sorted, the header fields that are not what the guard reads but that a backend behind CGI or WSGI may
// take for it, such as If_Match or If.Match. On guarded routes they are removed with delete(h, name), not with Del,
// which would spell the name anew.
func Aliases(h http.Header) []string {
	var found []string
	for name := range h {
		if as, ok := guarded[foldHeader(name)]; ok && as != name {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// ConnectionNames lists, sorted and in canonical spelling, the header fields that the guard reads and that Connection
// names as meant for the next hop only (RFC 9110, section 7.6.1). A proxy before the guard would have removed them, so
// a client that names If-Match there has its write judged without it.
func ConnectionNames(h http.Header) []string {
	found := map[string]bool{}
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if as, ok := guarded[foldHeader(strings.TrimSpace(option))]; ok {
				found[as] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// elsewhere are the header fields by which a request can name another path than its own: IIS, Symfony, Zend and others
// behind them route by these rather than by the request line.
var elsewhere = map[string]bool{
	"x-original-url": true, "x-original-uri": true, "x-rewrite-url": true, "x-override-url": true, "x-override-uri": true,
}

// Frames reports whether a backend behind CGI may take the header field for one that says where the body of a request ends, and
// net/http does not.
func Frames(name string) bool {
	folded := foldHeader(name)
	return folded == "content-length" && name != "Content-Length" || folded == "transfer-encoding" && name != "Transfer-Encoding"
}

// NamesDestination reports whether a backend, or a CGI behind it, may take the header field for Destination (RFC 4918, section 10.3).
func NamesDestination(name string) bool { return foldHeader(name) == "destination" }

// NamesPath reports whether a backend, or a CGI behind it, may take the header field for the path of the request.
func NamesPath(name string) bool { return elsewhere[foldHeader(name)] }

// Forwards reports whether a backend, or a CGI behind it, may take the header field for what a proxy in front says of its client:
// Forwarded (RFC 7239), and X-Forwarded-For and its kin in any spelling.
func Forwards(name string) bool {
	folded := foldHeader(name)
	return folded == "forwarded" || folded == "x-forwarded" || strings.HasPrefix(folded, "x-forwarded-")
}

// Reads reports whether the guard reads the header field, or a backend behind CGI may take it for one that the guard reads.
func Reads(name string) bool { return guarded[foldHeader(name)] != "" }
