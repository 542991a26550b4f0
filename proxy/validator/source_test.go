package validator

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func make1(t testing.TB, s Source) *Maker {
	t.Helper()
	m, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	tests := []struct {
		name   string
		source Source
		keys   string // "" is no problem
	}{
		{"nothing said", Source{}, ""},
		{"etag", Source{From: ETag}, ""},
		{"body", Source{From: Body, Ignore: []string{"/now", "/a~1b/0", "/"}, Limit: 1}, ""},
		{"json", Source{From: JSON, Pointer: "/version"}, ""},
		{"header", Source{From: Header, Header: "x-revision"}, ""},
		{"the largest limit", Source{From: Body, Limit: math.MaxInt64}, ""},

		{"no place", Source{From: "hash"}, "from"},
		{"no pointer", Source{From: JSON}, "pointer"},
		{"a pointer without a slash", Source{From: JSON, Pointer: "version"}, "pointer"},
		{"a pointer of a fragment", Source{From: JSON, Pointer: "#/version"}, "pointer"},
		{"a bare tilde", Source{From: JSON, Pointer: "/a~b"}, "pointer"},
		{"a tilde at the end", Source{From: JSON, Pointer: "/a~"}, "pointer"},
		{"a pointer that is not used", Source{From: Body, Pointer: "/version"}, "pointer"},
		{"no header", Source{From: Header}, "header"},
		{"no name", Source{From: Header, Header: "X Revision"}, "header"},
		{"a header that is not used", Source{Header: "X-Revision"}, "header"},
		{"ignore that is not used", Source{From: JSON, Pointer: "/v", Ignore: []string{"/a"}}, "ignore"},
		{"ignore everything", Source{From: Body, Ignore: []string{"/a", ""}}, "ignore[1]"},
		{"a negative limit", Source{From: Body, Limit: -1}, "limit"},
		{
			"all at once",
			Source{From: Header, Pointer: "x", Ignore: []string{"a", "/b", "/~"}, Limit: -1},
			"pointer header ignore ignore[0] ignore[2] limit",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := New(tt.source)
			if (m == nil) != (err != nil) {
				t.Fatalf("New = %v, %v", m, err)
			}
			if got := strings.Join(keys(t, err), " "); got != tt.keys {
				t.Errorf("problems with %q, want %q (%v)", got, tt.keys, err)
			}
		})
	}
}

func keys(t *testing.T, err error) (keys []string) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined", err)
	}
	for _, e := range joined.Unwrap() {
		var p Problem
		if !errors.As(e, &p) || p.Message == "" || p.Error() != p.Key+": "+p.Message {
			t.Errorf("%v is no Problem", e)
		}
		keys = append(keys, p.Key)
	}
	return keys
}

func TestWhatAMakerNeeds(t *testing.T) {
	for _, tt := range []struct {
		source          Source
		made, needsBody bool
	}{
		{Source{}, false, false},
		{Source{From: ETag}, false, false},
		{Source{From: Body}, true, true},
		{Source{From: JSON, Pointer: "/v"}, true, true},
		{Source{From: Header, Header: "X-Revision"}, true, false},
	} {
		if m := make1(t, tt.source); m.Made() != tt.made || m.NeedsBody() != tt.needsBody {
			t.Errorf("%+v: made %v, needs the body: %v", tt.source, m.Made(), m.NeedsBody())
		}
	}
}

func TestCausesAreAClosedSetOfLabels(t *testing.T) {
	var labels []string
	words := map[string]bool{}
	for _, c := range Causes() {
		labels = append(labels, c.String())
		words[c.Error()] = true
	}
	want := "too_large not_json no_member no_header coding stream overloaded no_etag"
	if got := strings.Join(labels, " "); got != want || len(words) != len(labels) || words[""] {
		t.Errorf("causes are %s, want %s; in words: %v", got, want, words)
	}
	for _, none := range []Cause{0, 200} {
		if s := none.String(); !strings.HasPrefix(s, "Cause(") || none.Error() != s {
			t.Errorf("no cause is %q, %q", s, none.Error())
		}
	}
}
