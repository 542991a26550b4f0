package merge

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"proxy409/proxy/rules"
)

// FuzzCompare: both implementations find the same changes and merge to the same document, and what must be so of any merge is.
func FuzzCompare(f *testing.F) {
	for _, s := range [][4]string{
		{`{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":3}`, "/a"},
		{`{"a":{"b":1,"c":[1,2]}}`, `{"a":{"b":2,"c":[2,3]}}`, `{"a":{"c":[1,4]}}`, "/a/c"},
		{`{"a":{"b":1}}`, `{"a":7}`, `{"a":{"b":2}}`, ""},
		{`{"a":{"b":1}}`, `{}`, `{"a":{"b":1,"c":null}}`, "/a/b"},
		{`{"a":1}`, `{"a":2,"A":1}`, `{"a":1,"A":2.0}`, "/a"},
		{`{"a":{"x":1},"A":{"x":1}}`, `{"a":{"x":2},"A":{"x":1}}`, `{"a":{"x":1},"A":{"y":1}}`, ""},
		{`[1,2,3]`, `[3,1]`, `[1,2,3,4]`, ""},
		{`[1,1]`, `[1]`, `[1,1,2]`, ""},
		{`{"":{"~/":1}}`, `{"":{"~/":1e0}}`, `{"":{"~/":[]}}`, "/"},
		{`1.50`, ` 15e-1 `, `"\u0061"`, "/x"},
		{`{"a\u0000":1}`, `{"a":1}`, `{"a\u0000b":2}`, "/a"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	f.Fuzz(func(t *testing.T, base, yours, theirs, set string) {
		var documents [3]Document
		for i, content := range []string{base, yours, theirs} {
			var err error
			if documents[i], err = Parse([]byte(content)); err != nil || huge.MatchString(content) || len(content) > 400 {
				return
			}
		}
		p, err := rules.ParsePointer(set)
		if err != nil {
			return
		}
		judge(t, documents[0], documents[1], documents[2], []string{set}, Sets{p})
		judge(t, documents[0], documents[1], documents[2], nil, nil)
	})
}

// FuzzMergePatch: the outcome is what the algorithm of RFC 7396 makes of what encoding/json reads, and settled.
func FuzzMergePatch(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":null,"d":[null]},"e":1.0}`},
		{`[1]`, `{"a":{"b":null}}`},
		{`{"a":1}`, `{"A":2}`},
		{`{"a":1}`, `null`},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, content, request string) {
		base, err := Parse([]byte(content))
		if err != nil || huge.MatchString(content) || huge.MatchString(request) {
			return
		}
		got, err := Apply(MergePatch, base, []byte(request))
		if _, unreadable := Parse([]byte(request)); unreadable != nil || err != nil {
			if unreadable == nil && !strings.Contains(err.Error(), "cannot be told which one is meant") {
				t.Fatalf("%q with %q: %v", content, request, err)
			}
			return
		}
		if want := naiveMergePatch(naiveValue([]byte(content)), naiveValue([]byte(request))); means(got, nil) != meaning(want) {
			t.Fatalf("%q with %q: %s; want %s", content, request, got.Bytes(), meaning(want))
		}
		if !Settled(MergePatch, []byte(request), got) {
			t.Fatalf("%q with %q: %s is not settled", content, request, got.Bytes())
		}
		if asked, err := Parse([]byte(request)); err != nil || !Settled(Whole, []byte(request), asked) {
			t.Fatalf("%q is not settled by itself", request)
		}
	})
}

// FuzzJSONPatch: where another library applies a patch as well, the outcome is the same. What that gets wrong is left out.
func FuzzJSONPatch(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":{"b":1},"c":[1,2]}`, `[{"op":"move","from":"/a/b","path":"/c/1"},{"op":"copy","from":"/c","path":"/a/x"},{"op":"remove","path":"/c/0"}]`},
		{
			`{"a":[1,null]}`,
			`[{"op":"add","path":"/a/-","value":{"x":null}},{"op":"test","path":"/a/2/x","value":null},{"op":"replace","path":"/a/0","value":"\u00e9"}]`,
		},
		{`[[]]`, `[{"op":"add","path":"/0/0","value":1},{"op":"add","path":"","value":{"a":1}}]`},
		{`{"a/b":{"~":1}}`, `[{"op":"replace","path":"/a~1b/~0","value":1e2}]`},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, content, request string) {
		base, err := Parse([]byte(content))
		if err != nil || huge.MatchString(content) || huge.MatchString(request) {
			return
		}
		got, err := Apply(JSONPatch, base, []byte(request))
		if !bytes.Equal(base.Bytes(), []byte(content)) || !equal(base.root, parse(t, content).root) {
			t.Fatalf("%q with %q: the base is changed", content, request)
		}
		if err != nil {
			return
		}
		if again, err := Apply(JSONPatch, got, []byte(request)); Settled(JSONPatch, []byte(request), got) != (err == nil && equal(again.root, got.root)) {
			t.Fatalf("%q with %q: settled, or not", content, request)
		}
		if isMistaken(parse(t, request)) {
			return
		}
		if want, applied := theLibrary(base, request); applied && means(got, nil) != meaning(naiveValue(want)) {
			t.Fatalf("%q with %q: %s; want %s", content, request, got.Bytes(), want)
		}
	})
}

// isMistaken: the library takes the member whose name is empty for what that is in, and the whole document for that member.
func isMistaken(patch Document) bool {
	for _, operation := range patch.root.elements {
		for _, m := range operation.members {
			if (m.name == "path" || m.name == "from") && (strings.HasSuffix("/"+m.value.text, "/") || strings.Contains(m.value.text, "//")) {
				return true
			}
		}
	}
	return false
}

// theLibrary applies a patch with another library, as strictly as that can be told to be.
func theLibrary(base Document, request string) (applied []byte, ok bool) {
	defer func() {
		if recover() != nil { // it panics where a test meets null in an array
			ok = false
		}
	}()
	patch, err := jsonpatch.DecodePatch([]byte(request))
	if err != nil || base.root.kind != object && base.root.kind != array {
		return nil, false
	}
	options := jsonpatch.NewApplyOptions()
	options.SupportNegativeIndices = false
	options.EscapeHTML = false
	applied, err = patch.ApplyWithOptions(base.root.raw, options)
	return applied, err == nil && utf8.Valid(applied)
}
