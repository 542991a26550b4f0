package validator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"proxy409/etagcache"
)

func TestVersionFromAField(t *testing.T) {
	m := make1(t, Source{From: Header, Header: "x-REVISION"})
	for name, tt := range map[string]struct {
		lines         []string
		want, current string
	}{
		"a number":      {[]string{"42"}, `"42"`, `"42"`},
		"white space":   {[]string{" \tr7 "}, `"r7"`, `"r7"`},
		"a comma":       {[]string{"a,b"}, `"a,b"`, `"a,b"`},
		"64 bytes":      {[]string{strings.Repeat("a", 64)}, `"` + strings.Repeat("a", 64) + `"`, `"` + strings.Repeat("a", 64) + `"`},
		"65 bytes":      {[]string{strings.Repeat("a", 65)}, "", `"` + strings.Repeat("a", 65) + `"`},
		"a date":        {[]string{"Sun, 06 Nov 1994 08:49:37 GMT"}, "", `"Sun, 06 Nov 1994 08:49:37 GMT"`},
		"in quotes":     {[]string{`"a1"`}, "", `"\"a1\""`},
		"like a hash":   {[]string{"~a"}, "", `"~a"`},
		"like a tag":    {[]string{"a;p409-AAAAAAAAAAAAAAAA"}, "", `"a;p409-AAAAAAAAAAAAAAAA"`},
		"Latin-1":       {[]string{"\xe9"}, "", ""},
		"absent":        {nil, "no_header", ""},
		"empty":         {[]string{""}, "no_header", ""},
		"blank":         {[]string{" \t"}, "no_header", ""},
		"twice":         {[]string{"a", "a"}, "no_header", ""},
		"an empty line": {[]string{"a", ""}, "no_header", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := with(nil, "X-Revision", tt.lines...)
			got := outcome(t, m, h, "")
			if tt.want == "" && len(got) == 35 && got[:2] == `"~` {
				got = ""
			}
			made, _ := m.Make(h, nil)
			if got != tt.want || string(made.Current) != tt.current {
				t.Errorf("%s, %s; want %s, %s", got, made.Current, tt.want, tt.current)
			}
		})
	}
	for _, coding := range []string{"gzip", "br", "gzip, br"} { // is not undone, so it need not be known
		if got := outcome(t, m, with(http.Header{"X-Revision": {"7"}}, "Content-Encoding", coding), ""); got != `W/"7"` {
			t.Errorf("of content in %s it is %s", coding, got)
		}
	}
}

// FuzzNamesAndTags: every name of a version makes a tag that travels, that is not taken for a qualified one, and that
// another name does not make; and what is shown of it is what was sent.
func FuzzNamesAndTags(f *testing.F) {
	m := make1(f, Source{From: Header, Header: "V"})
	other := m.tagOf(f, "42")
	f.Add("42", "42 ")
	f.Add("", "~")
	f.Add(other, "~"+other)
	f.Add("a;p409-AAAAAAAAAAAAAAAA", ";p409-")
	f.Add("\xe9", "\ufffd")
	f.Fuzz(func(t *testing.T, a, b string) {
		tagA, tagB := opaque(a), opaque(b)
		if (tagA == tagB) != (a == b) || (opaque(tagA) == tagA) != (tagA == a) {
			t.Fatalf("%q and %q have the tags %s and %s", a, b, tagA, tagB)
		}
		want := etagcache.Tag{Opaque: tagA}
		if got, ok, err := etagcache.ParseETag([]string{want.String()}); got != want || !ok || err != nil {
			t.Fatalf("%s came back as %s, %v", want, got, err)
		}
		if _, _, qualified := want.Unqualify(); qualified {
			t.Fatalf("%s counts as qualified", want)
		}
		made, err := m.Make(with(nil, "V", a), nil)
		trimmed := strings.Trim(a, " \t")
		if (trimmed == "") != (err != nil) {
			t.Fatalf("%q: %v", a, err)
		}
		var shown string
		if made.Current != nil && (json.Unmarshal(made.Current, &shown) != nil || shown != trimmed) {
			t.Fatalf("%q is shown as %s", trimmed, made.Current)
		}
	})
}

func (m *Maker) tagOf(t testing.TB, value string) string {
	made, err := m.Make(with(nil, "V", value), nil)
	if err != nil {
		t.Fatal(err)
	}
	return made.Tag.Opaque
}
