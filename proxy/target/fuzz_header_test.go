package target

import (
	"maps"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]`)

// cgi is the name that a field has in the environment of a CGI program, where all but letters and digits is folded.
func cgi(name string) string { return strings.ToUpper(notAlphanumeric.ReplaceAllString(name, "_")) }

// FuzzAliases: when the aliases are removed, no field is left that CGI would call as it calls one that the guard reads, but
// that one; and nothing else was removed.
func FuzzAliases(f *testing.F) {
	for _, s := range []string{"If_Match", "If.Match", "if-match", "IF-MATCH", "If-Match", "X-Http-Method-Override", "X_HTTP_METHOD", "Destination", "Iff-Match", "If\x00Match", "If-Match ", "If\u212aMatch", "\xffIf-Match", "Expect"} {
		f.Add(s, "If-None-Match")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		h := http.Header{a: {"1"}, b: {"2"}, textproto.CanonicalMIMEHeaderKey(a): {"3"}}
		before := maps.Clone(h)
		aliases := Aliases(h)
		if !slices.IsSorted(aliases) || len(slices.Compact(slices.Clone(aliases))) != len(aliases) {
			t.Fatalf("%q", aliases)
		}
		for _, name := range aliases {
			delete(h, name)
		}
		for name := range before {
			own := guarded[foldHeader(name)]
			_, left := h[name]
			isAlias := false
			for _, reads := range guarded {
				isAlias = isAlias || cgi(name) == cgi(reads) && name != reads
			}
			if isASCII(name) && isAlias == left {
				t.Fatalf("%q (like %q) is left: %t", name, own, left)
			}
		}
		if again := Aliases(h); len(again) > 0 {
			t.Fatalf("%q are left of %v", again, before)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// FuzzConnectionNames: whatever Connection names is found that net/http would remove on the way and that the guard reads, in
// any spelling and on any line.
func FuzzConnectionNames(f *testing.F) {
	for _, s := range []string{"close", "If-Match", "keep-alive, if_match", ",,IF-NONE-MATCH ,x", "if-match;q=1", "\"If-Match\"", "Destination\t,", "Upgrade"} {
		f.Add(s, "keep-alive")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := ConnectionNames(http.Header{"Connection": {a, b}})
		if joined := ConnectionNames(http.Header{"Connection": {a + "," + b}}); !slices.Equal(got, joined) {
			t.Fatalf("%q, %q: %q, in one line %q", a, b, got, joined)
		}
		for option := range strings.SplitSeq(a+","+b, ",") {
			name := textproto.CanonicalMIMEHeaderKey(textproto.TrimString(option))
			if _, read := guarded[foldHeader(name)]; read && guarded[foldHeader(name)] == name && !slices.Contains(got, name) {
				t.Fatalf("%q, %q: a hop would remove %s, and it is not among %q", a, b, name, got)
			}
		}
		for _, name := range got {
			if guarded[foldHeader(name)] != name {
				t.Fatalf("%q, %q: %q", a, b, got)
			}
		}
	})
}

// FuzzKeyParameters: two requests for one path have one key exactly when the parameters that count are the same.
func FuzzKeyParameters(f *testing.F) {
	f.Add("id", "7", "a", "", "id", "7", "a", "")
	f.Add("id", "7a", "", "", "id7", "a", "", "")
	f.Add("a", "b", "c", "d", "c", "d", "a", "b")
	path, err := Canonical("/a")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, av, b, bv, c, cv, d, dv string) {
		one, other := [][2]string{{a, av}, {b, bv}}, [][2]string{{c, cv}, {d, dv}}
		same := slices.Equal(one, other)
		if (Key("u", "", path, one...) == Key("u", "", path, other...)) != same {
			t.Fatalf("%q and %q", one, other)
		}
		if Key("u", "", path, one...) == Key("u", "", path, one[:1]...) || Key("u", a, path) == Key("u"+a, "", path) && a != "" {
			t.Fatalf("%q: one field more makes no difference", one)
		}
	})
}
