package target

import (
	"net/http"
	"strings"
	"testing"
)

func canonical(t testing.TB, s string) Path {
	t.Helper()
	p, err := Canonical(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return p
}

func TestWildcardsStandForWhatServeMuxSays(t *testing.T) {
	for _, tc := range []struct {
		pattern, path string
		want          map[string]string
	}{
		{"/items/{id}", "/items/7", map[string]string{"id": "7"}},
		{"/items/{id}", "/items/a%20b%5B", map[string]string{"id": "a b["}},
		{"/items/{id}", "/items/7/", map[string]string{"id": "7"}},
		{"/items/{id}", "/items/7;v=1", map[string]string{"id": "7"}},
		{"/items/{id}/", "/items/7", map[string]string{"id": "7"}},
		{"/items/{id}/{$}", "/items/7", map[string]string{"id": "7"}},
		{"example.com/{a}/x/{b}", "/1/x/2", map[string]string{"a": "1", "b": "2"}},
		{"/{rest...}", "/", map[string]string{"rest": ""}},
		{"/{rest...}", "/a/b", map[string]string{"rest": "a/b"}},
		{"/items/{rest...}", "/items", map[string]string{"rest": ""}},
		{"/items/{id}/{rest...}", "/items/7", map[string]string{"id": "7", "rest": ""}},
		{"/items/{id}/{rest...}", "/items/7/a/b%20c", map[string]string{"id": "7", "rest": "a/b c"}},
	} {
		path := canonical(t, tc.path)
		host, p := ParsePattern(tc.pattern)
		mux := http.NewServeMux()
		mux.Handle(tc.pattern, http.NotFoundHandler())
		if _, found := mux.Handler(&http.Request{Method: "GET", Host: host, URL: path.URL()}); found != tc.pattern {
			t.Errorf("%s does not match %s", tc.pattern, tc.path)
		}
		for name, want := range tc.want {
			if got, ok := p.Value(name, path); got != want || !ok {
				t.Errorf("%s in %s: {%s} is %q, %t", tc.pattern, tc.path, name, got, ok)
			}
			i, single := p.Wildcard(name)
			if single == (name == "rest") {
				t.Errorf("%s: {%s} is a single segment: %t", tc.pattern, name, single)
			}
			if !single {
				continue
			}
			if got, ok := path.Segment(i); got != want || !ok {
				t.Errorf("%s: segment %d is %q", tc.path, i, got)
			}
		}
		if _, ok := p.Value("other", path); ok {
			t.Errorf("%s has {other}", tc.pattern)
		}
	}
}

func TestAShortPathHasNoFurtherSegments(t *testing.T) {
	for _, s := range []string{"/", "/a"} {
		p := canonical(t, s)
		for i := 1; i < 3; i++ {
			if got, ok := p.Segment(i); ok {
				t.Errorf("%s: segment %d is %q", s, i, got)
			}
		}
	}
	if got, _ := canonical(t, "/").Segment(0); got != "" {
		t.Errorf("the root has the segment %q", got)
	}
}

func TestAPathWithAnotherSegmentIsCanonical(t *testing.T) {
	for _, tc := range []struct {
		path string
		i    int
		name string
		want string
	}{
		{"/items/7-title.json", 1, "7", "/items/7"},
		{"/7-title/parts", 0, "7", "/7/parts"},
		{"/items/x", 1, "ä b", "/items/%C3%A4%20b"},
		{"/items/x", 1, "a/b", "/items/a%2Fb"}, // no path that a client may send has this form
	} {
		if got := canonical(t, tc.path).WithSegment(tc.i, tc.name).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.path, got, tc.want)
		}
	}
}

func TestAPathBelowAnotherIsTheirConcatenation(t *testing.T) {
	for _, tc := range []struct{ base, path, want string }{
		{"", "/", "/"}, {"/", "/a", "/a"}, {"/base", "/", "/base"}, {"/base", "/a/b", "/base/a/b"}, {"/base/", "/a", "/base/a"},
	} {
		if got := canonical(t, tc.path).Under(canonical(t, tc.base)).String(); got != tc.want {
			t.Errorf("%s under %s: %s, want %s", tc.path, tc.base, got, tc.want)
		}
	}
	if got := canonical(t, "/a").Under(Path{}).String(); got != "/a" {
		t.Errorf("under nothing: %s", got)
	}
}

// Whatever path ServeMux takes for the pattern's, its wildcards can be told, and nothing panics.
func FuzzWildcards(f *testing.F) {
	for _, path := range []string{"/", "/a", "/a/", "/a/b", "/a/b/c/d", "//", "/a;x/b", "/%2e%2e/a", "/a//b", "/%00", "/.", "/a/%3B"} {
		f.Add("/{a}/{b...}", path)
		f.Add("/a/{b}/{$}", path)
		f.Add("/{b...}", path)
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		mux := http.NewServeMux()
		if !register(mux, pattern) {
			t.Skip()
		}
		_, p := ParsePattern(pattern)
		paths := Lenient(path)
		if c, err := Canonical(path); err == nil {
			paths = append(paths, c)
		}
		for _, path := range paths {
			if _, found := mux.Handler(&http.Request{Method: "GET", URL: path.URL()}); found != pattern {
				continue
			}
			for _, name := range []string{"a", "b"} {
				value, there := p.Value(name, path)
				i, single := p.Wildcard(name)
				if there != (single || strings.Contains(pattern, "/{"+name+"...}")) {
					t.Errorf("%s in %s: {%s} is %q, %t", pattern, path, name, value, there)
				}
				if !single {
					continue
				}
				if segment, ok := path.Segment(i); !ok || segment != value {
					t.Errorf("%s in %s: {%s} is %q, segment %d is %q", pattern, path, name, value, i, segment)
				}
				_ = path.WithSegment(i, value)
			}
		}
	})
}

// register reports whether the mux takes the pattern.
func register(mux *http.ServeMux, pattern string) (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	if !strings.HasPrefix(pattern, "/") {
		return false
	}
	mux.Handle(pattern, http.NotFoundHandler())
	return true
}
