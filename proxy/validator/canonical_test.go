package validator

import (
	"strings"
	"testing"
)

func TestWhichDocumentsAreOne(t *testing.T) {
	tests := []struct {
		name   string
		ignore string // pointers, with space between
		a, b   string
		same   bool
	}{
		{"the order of members", "/x", `{"a":1,"b":[{"c":1,"d":2}]}`, `{"b":[{"d":2,"c":1}],"a":1}`, true},
		{"white space", "/x", `{"a":[1,2],"b":true}`, " { \"a\"\t:\n[ 1 ,\r2 ] , \"b\" : true } ", true},
		{"escapes", "/x", `["é\"\\/\n😀"]`, `["\u00E9\u0022\u005c\/\u000a\uD83D\uDE00"]`, true},
		{"short escapes", "/x", `["\b\f\n\r\t"]`, `["\u0008\u000C\u000a\u000d\u0009"]`, true},
		{"a byte order mark", "/x", `[1]`, "\xef\xbb\xbf[1]", true},
		{"a member", "/now", `{"a":1,"now":1}`, `{"now":{"x":[]},"a":1}`, true},
		{"a member that is not there", "/now", `{"a":1,"now":1}`, `{"a":1}`, true},
		{"the only member", "/now", `{"now":1}`, `{}`, true},
		{"a member below", "/meta/now", `{"meta":{"now":1,"a":2}}`, `{"meta":{"a":2,"now":3}}`, true},
		{"a name with a slash and a tilde", "/a~1b~0", `{"a/b~":1}`, `{}`, true},
		{"the empty name", "/", `{"":1}`, `{}`, true},
		{"a name in escapes", "/é\"", `{"\u00e9\"":1}`, `{}`, true},
		{"an element", "/0", `[1,2]`, `["x",2]`, true},
		{"an element is null, not gone", "/0", `[1,2]`, `[null,2]`, true},
		{"an element's member", "/rows/1/now", `{"rows":[{},{"now":1}]}`, `{"rows":[{},{"now":2}]}`, true},
		{"an element above 9", "/10", `[0,1,2,3,4,5,6,7,8,9,10]`, `[0,1,2,3,4,5,6,7,8,9,11]`, true},
		{"an index is a name too", "/0", `{"0":1}`, `{"0":2}`, true},
		{"several", "/a /b/c /b", `{"a":1,"b":{"c":1,"d":1}}`, `{"a":2}`, true},
		{"below what is ignored", "/b /b/c", `{"b":{"c":1,"d":1}}`, `{"b":2}`, true},
		{"two members of the name", "/now", `{"now":1,"now":2}`, `{}`, true},
		{"below two members of a name", "/a/b", `{"a":{"b":1},"a":{"b":2}}`, `{"a":{},"a":{}}`, true},
		{"a scalar has no members", "/a/b", `{"a":1}`, `{"a":1}`, true},

		{"another value", "/x", `{"a":1}`, `{"a":2}`, false},
		{"another name", "/x", `{"a":1}`, `{"b":1}`, false},
		{"the letter case of a name", "/now", `{"Now":1}`, `{"Now":2}`, false},
		{"the order of elements", "/x", `[1,2]`, `[2,1]`, false},
		{"an array that is shorter", "/1", `[1,2]`, `[1]`, false},
		{"the elements beside", "/0", `[1,2]`, `[2,1]`, false},
		{"the same name elsewhere", "/now", `{"a":{"now":1}}`, `{"a":{"now":2}}`, false},
		{"what holds the ignored member", "/a/b", `{"a":{"b":1}}`, `{}`, false},
		{"leading zeros", "/00", `[1]`, `[2]`, false},
		{"after the last", "/-", `[1]`, `[2]`, false},
		{"the text of a number", "/x", `[1]`, `[1.0]`, false},
		{"large numbers", "/x", `[9007199254740993]`, `[9007199254740992]`, false},
		{"zeros", "/x", `[0]`, `[-0]`, false},
		{"a number and a string", "/x", `[1]`, `["1"]`, false},
		{"a word and a string", "/x", `[null]`, `["null"]`, false},
		{"empty object and array", "/x", `[{}]`, `[[]]`, false},
		{"nesting", "/x", `[[1],2]`, `[[1,2]]`, false},
		{"numbers side by side", "/x", `[1,23]`, `[12,3]`, false},
		{"members side by side", "/x", `{"a":1,"b":2}`, `{"a":"1\"b\"2"}`, false},
		{"name and value", "/x", `{"ab":"c"}`, `{"a":"bc"}`, false},
		{"moved between objects", "/x", `[{"a":1},{"b":2}]`, `[{"a":1,"b":2},{}]`, false},
		{"two members of a name, in another order", "/x", `{"a":1,"a":2}`, `{"a":2,"a":1}`, false},
		{"two members of a name, and one", "/x", `{"a":1,"a":1}`, `{"a":1}`, false},
		{"halves of surrogate pairs", "/x", `["\ud800"]`, `["\ud801"]`, false},
		{"a half and the replacement character", "/x", `["\ud800"]`, `["\ufffd"]`, false},
		{"a half and its text", "/x", `["\ud800"]`, `["\\ud800"]`, false},
		{"halves in the wrong order", "/x", `["\udc00\ud800"]`, `["\ud800\udc00"]`, false},
		{"bytes that are not UTF-8", "/x", "[\"\xe9\"]", "[\"\xe8\"]", false},
		{"names that are not UTF-8", "/x", "{\"\xe9\":1}", "{\"\ufffd\":1}", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := make1(t, Source{From: Body, Ignore: strings.Fields(tt.ignore)})
			a, b := outcome(t, m, ofJSON, tt.a), outcome(t, m, ofJSON, tt.b)
			if (a == b) != tt.same || len(a) != 34 || len(b) != 34 {
				t.Errorf("%s has %s, %s has %s", tt.a, a, tt.b, b)
			}
		})
	}
}

func TestIgnoringWithoutJSONShowsNoVersion(t *testing.T) {
	m := make1(t, Source{From: Body, Ignore: []string{"/now"}})
	for _, doc := range []string{"", "{", `{"a":1}}`, `{"a":01}`, `{a:1}`, "[\"\n\"]", strings.Repeat("[", 10001) + strings.Repeat("]", 10001)} {
		if got := outcome(t, m, ofJSON, doc); got != "not_json" {
			t.Errorf("%.20s: %s", doc, got)
		}
	}
}

// Nesting must neither blow the stack nor multiply the work: 10000 objects around half a megabyte, each of them unsorted.
func TestDeepNestingIsHarmless(t *testing.T) {
	m := make1(t, Source{From: Body, Ignore: []string{"/b/b/x"}})
	const depth = 10000
	doc := strings.Repeat(`{"b":`, depth) + `"` + strings.Repeat("x", 1<<19) + `"` + strings.Repeat(`,"a":1}`, depth)
	if got := outcome(t, m, ofJSON, doc); len(got) != 34 {
		t.Error(got)
	}
	if n := len(canonical([]byte(doc), nil)); n != 33 {
		t.Errorf("the canonical form of an object has %d bytes", n)
	}
}
