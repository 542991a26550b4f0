package rules

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"proxy409/proxy/target"
)

// FuzzTemplate: whatever a template is and whatever stands in it, the path is canonical or there is an error, and no value adds a
// segment or a parameter.
func FuzzTemplate(f *testing.F) {
	for _, s := range [][2]string{
		{"/users/{id}", "7"},
		{"/users/{/email}/x{b}?a={query:x}&b=1", "a b"},
		{"/users/{id}{b}", "."},
		{"/u?e={/email}&f={found:/0}", "a&b=c"},
		{"/{rest}", "a/b"},
		{"/a;{id}/b", "a%2F;"},
		{"/a/{id}/?a=b;c={id}", "?"},
		{"/%7B{id}", "\xff"},
		{"/x{id}.{b}", "%u0041"},
	} {
		f.Add(s[0], s[1], s[1])
	}
	f.Fuzz(func(t *testing.T, text, one, other string) {
		parsed, err := ParseTemplate(text, every)
		if err != nil {
			return
		}
		if parsed.String() != text {
			t.Fatalf("%q is shown as %q", text, parsed)
		}
		if _, err := target.Canonical(parsed.Sample()); err != nil {
			t.Fatalf("%q has the sample %q: %v", text, parsed.Sample(), err)
		}
		path, query, err := parsed.Expand(two{one, other})
		if err != nil {
			if !errors.Is(err, ErrMalformed) || path != "" || query != "" {
				t.Fatalf("%q: %q ? %q, %v", text, path, query, err)
			}
			return
		}
		if _, err := target.Canonical(path); err != nil || len(path)+len(query) > longestExpanded {
			t.Fatalf("%q becomes %q: %v", text, path, err)
		}
		if u, err := url.ParseRequestURI(path + "?" + query); err != nil || u.EscapedPath() != path || u.RawQuery != query || u.Host != "" {
			t.Fatalf("%q becomes %q ? %q, which is sent as %v, %v", text, path, query, u, err)
		}
		compareSegments(t, parsed, path, two{one, other})
		if want := fill(t, parsed.query, two{one, other}, url.QueryUnescape); unescapeAll(t, query, url.QueryUnescape) != want {
			t.Fatalf("%q becomes ?%q; want %q", text, query, want)
		}
		if strings.Count(query, "&") != ampersands(parsed.query, "&") || strings.Count(query, ";") != ampersands(parsed.query, ";") || strings.Contains(query, "#") {
			t.Fatalf("%q becomes ?%q, with a parameter more", text, query)
		}
	})
}

// two are values: one for the body, the other for the rest.
type two struct{ one, other string }

func (v two) Wildcard(string) string        { return v.other }
func (v two) Query(string) (string, error)  { return v.other, nil }
func (v two) Body(Pointer) (string, error)  { return v.one, nil }
func (v two) Found(Pointer) (string, error) { return v.other, nil }

// compareSegments splits the path and finds in each segment what the template has there.
func compareSegments(t *testing.T, parsed Template, path string, v two) {
	t.Helper()
	slashes := 0
	for _, p := range parsed.path {
		if p.slashes {
			slashes += strings.Count(v.other, "/")
		}
	}
	if got, want := strings.Count(path, "/"), strings.Count(parsed.Sample(), "/")+slashes; got != want {
		t.Fatalf("%q becomes %q: %d segments, not %d", parsed, path, got, want)
	}
	if got, want := unescapeAll(t, path, url.PathUnescape), fill(t, parsed.path, v, url.PathUnescape); got != want {
		t.Fatalf("%q becomes %q, which reads %q; want %q", parsed, path, got, want)
	}
}

func unescapeAll(t *testing.T, s string, unescape func(string) (string, error)) string {
	t.Helper()
	s, err := unescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill is what the parts say when nothing is encoded.
func fill(t *testing.T, parts []part, v two, unescape func(string) (string, error)) string {
	t.Helper()
	var b strings.Builder
	for _, p := range parts {
		if p.hole == literal {
			b.WriteString(unescapeAll(t, p.text, unescape))
			continue
		}
		value, err := p.value(v)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(value)
	}
	return b.String()
}

func ampersands(parts []part, c string) (count int) {
	for _, p := range parts {
		if p.hole == literal {
			count += strings.Count(p.text, c)
		}
	}
	return count
}
