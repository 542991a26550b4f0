package target

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestAParameterIsFoundAsAnyBackendWouldFindIt(t *testing.T) {
	for _, tc := range []struct {
		query string
		want  []string
		plain bool
	}{
		{"", nil, true},
		{"x=1&y=2", nil, true},
		{"xid=1&idx=2&i%64%64=3", nil, true},
		{"id=7", []string{"7"}, true},
		{"id", []string{""}, true},
		{"id=", []string{""}, true},
		{"x=1&id=7&y=2", []string{"7"}, true},
		{"%69%64=%37", []string{"7"}, true},
		{"id=a+b%2B", []string{"a b+"}, true},
		{"id=a=b", []string{"a=b"}, true},
		{"id=7&id=8", []string{"7", "8"}, true},
		{"ID=7", []string{"7"}, false},
		{"id=7&Id=8", []string{"7", "8"}, false},
		{"id=7;x=1", []string{"7"}, false},
		{"x=1;id=7", []string{"7"}, false},
		{"x=1;y=2&id=7", []string{"7"}, true},
		{"id%3Bx=7", nil, true},
		{"id=7%3B", []string{"7;"}, true},
		{"id[]=7", []string{"7"}, false},
		{"id%5B%5D=7", []string{"7"}, false},
		{"id[a][b]=7", []string{"7"}, false},
		{"+id=7", []string{"7"}, false},
		{"id%00x=7", []string{"7"}, false},
		{"id=7%zz", []string{"7%zz"}, false},
		{"id=3%37%zz", []string{"37%zz"}, false},
		{strings.Repeat("a=&", 999) + "id=7", []string{"7"}, true},
		{strings.Repeat("a=&", 1000) + "id=7", []string{"7"}, false},
		{strings.Repeat(";", 1000) + "&id=7", []string{"7"}, false},
		{"id=7" + strings.Repeat("&a=", 2000), []string{"7"}, true},
		{"id=%u0037", []string{"7"}, false},
		{"id=7%00", []string{"7\x00"}, false},
		{"id=%C3%A4", []string{"ä"}, true},
		{"id=%E4", []string{"\xe4"}, false},
	} {
		got, plain := QueryValues(tc.query, "id")
		if !slices.Equal(got, tc.want) || plain != tc.plain {
			t.Errorf("?%s: %q plain %t, want %q plain %t", tc.query, got, plain, tc.want, tc.plain)
		}
	}
}

func TestNamesThatSomeBackendTakesForOneAreOne(t *testing.T) {
	for _, tc := range []struct {
		spelt, name string
		want        bool
	}{
		{"_method", "_method", true},
		{"_METHOD", "_method", true},
		{" _method", "_method", true},
		{".method", "_method", true},
		{"[method", "_method", true},
		{"_method[]", "_method", true},
		{"_method\x00", "_method", true},
		{"[_method]", "_method", true},
		{"_method]", "_method", true},
		{"method", "_method", false},
		{"user.id", "user_id", true},
		{"user id", "user_id", true},
		{"user[id", "user_id", true},
		{"user[id]", "user_id", false},
		{"user[id]", "user", true},
		{"filter[id]", "filter[id]", true},
		{"filter[id][]", "filter[id]", true},
		{"filter[ids]", "filter[id]", false},
		{"", "id", false},
		{"id", "", false},
	} {
		if got := SameParameter(tc.spelt, tc.name); got != tc.want {
			t.Errorf("%q for %q: %t", tc.spelt, tc.name, got)
		}
	}
}

// What is plain, the strictest of parsers finds too.
func FuzzAPlainParameterIsOneThatAllParsersFind(f *testing.F) {
	for _, q := range []string{"id=7", "id=7&id=8", "x;id=7", "id=%zz", "ID=7", "id=a+b", "&&id=7=8&", "id[]=1&id=2"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, plain := QueryValues(query, "id")
		strict, err := url.ParseQuery(query)
		if plain && err == nil && !slices.Equal(values, strict["id"]) {
			t.Errorf("?%s: %q, and strictly %q", query, values, strict["id"])
		}
		if len(strict["id"]) > len(values) {
			t.Errorf("?%s: %q, though strictly %q", query, values, strict["id"])
		}
	})
}
