package merge

import (
	"strings"
	"testing"
)

type application struct{ base, request, want string } // want: "" if it does not apply

func (a application) check(t *testing.T, kind Kind) {
	t.Helper()
	base := parse(t, a.base)
	got, err := Apply(kind, base, []byte(a.request))
	if (err == nil) != (a.want != "") || string(got.Bytes()) != a.want {
		t.Errorf("%s with %s: %s, %v; want %s", a.base, a.request, got.Bytes(), err, a.want)
	}
	if !equal(base.root, parse(t, a.base).root) || string(base.Bytes()) != a.base {
		t.Errorf("%s with %s: the base is changed", a.base, a.request)
	}
}

func TestAWholeDocumentIsWhatTheCallerWants(t *testing.T) {
	for _, tc := range []application{
		{`{"a":1,"b":2}`, ` {"b": 2.0}`, ` {"b": 2.0}`},
		{`{"a":1}`, `{"a":1,"a":2}`, ""},
		{`{"a":1}`, `{`, ""},
	} {
		tc.check(t, Whole)
	}
}

func TestAMergePatchIsAppliedAsRFC7396HasIt(t *testing.T) {
	for _, tc := range []application{
		// Appendix A.
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		// Arrays are values; what is null in them stays.
		{`{}`, `{"a":[null,{"b":null}]}`, `{"a":[null,{"b":null}]}`},
		{`null`, `{"a":{"b":null}}`, `{"a":{}}`},
		// What is not touched stays as it is written, and where it is; new members are in the order of the patch.
		{`{"z": 1.50, "a":{"x" : 1e2},"k":"\u0061"}`, `{"q":1,"k":2,"b":1}`, `{"z":1.50,"a":{"x" : 1e2},"k":2,"q":1,"b":1}`},
		{`{"n":12345678901234567890.10}`, `{"m":98765432109876543210e-1}`, `{"n":12345678901234567890.10,"m":98765432109876543210e-1}`},
		// What changes nothing leaves all as it is.
		{`{ "a": 1 }`, `{"a":1.0}`, `{ "a": 1 }`},
		{`{ "a": 1 }`, `{"b":null}`, `{ "a": 1 }`},
		{`{ "a": {} }`, `{"a":{}}`, `{ "a": {} }`},
		// Backends differ in which member is meant.
		{`{"title":1}`, `{"Title":2}`, ""},
		{`{"title":1}`, `{"Title":null}`, ""},
		{`{"title":1}`, `{"title\u0000x":2}`, ""},
		{`{"x":{"title":1}}`, `{"x":{"TITLE":2}}`, ""},
		{`{"\u212a":1}`, `{"k":2}`, ""}, // the sign of Kelvin
		{`{}`, `{"a":1,"A":2}`, ""},
		{`{"title":1,"Title":2}`, `{"Title":3}`, `{"title":1,"Title":3}`},
		{`{"a":1}`, `{"b":1,"b":2}`, ""},
	} {
		tc.check(t, MergePatch)
	}
}

func TestAJSONPatchIsAppliedAsRFC6902HasIt(t *testing.T) {
	for _, tc := range []application{
		// Appendix A.
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"foo":"bar","baz":"qux"}`},
		{`{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
		{`{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
		{
			`{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`,
			`{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`,
		},
		{`{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
		{
			`{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`,
			`{"baz":"qux","foo":["a",2,"c"]}`,
		},
		{`{"baz":"qux"}`, `[{"op":"test","path":"/baz","value":"bar"}]`, ""},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`, `{"foo":"bar","child":{"grandchild":{}}}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`, `{"foo":"bar","baz":"qux"}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz/bat","value":"qux"}]`, ""},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10}]`, `{"/":9,"~1":10}`},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":"10"}]`, ""},
		{`{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
		// The whole document.
		{`{"a":1}`, `[{"op":"replace","path":"","value":3}]`, `3`},
		{`{"a":1}`, `[{"op":"add","path":"","value":null},{"op":"test","path":"","value":null}]`, `null`},
		{`{"a":1}`, `[{"op":"copy","from":"","path":"/b"}]`, `{"a":1,"b":{"a":1}}`},
		{`{"a":1}`, `[{"op":"move","from":"/a","path":""}]`, `1`},
		{`{"a":1}`, `[{"op":"remove","path":""}]`, ""},
		{`5`, `[{"op":"test","path":"","value":5.0}]`, `5`},
		// Members whose name is empty, values that are null, numbers that are written differently.
		{`{"":{"a":1}}`, `[{"op":"replace","path":"//a","value":2}]`, `{"":{"a":2}}`},
		{`{"a":null}`, `[{"op":"test","path":"/a","value":null}]`, `{"a":null}`},
		{`{}`, `[{"op":"test","path":"/a","value":null}]`, ""},
		{`{"a":[null]}`, `[{"op":"test","path":"/a","value":[1]}]`, ""},
		{`{"a":[1]}`, `[{"op":"test","path":"/a","value":[null]}]`, ""},
		{`{"a":{"b":1,"c":[2]}}`, `[{"op":"test","path":"/a","value":{"c":[2.0],"b":1e0}}]`, `{"a":{"b":1,"c":[2]}}`},
		{`{"a":null}`, `[{"op":"move","from":"/a","path":"/b"},{"op":"copy","from":"/b","path":"/c"}]`, `{"b":null,"c":null}`},
		// Indices are as RFC 6901 has them.
		{`[1,2]`, `[{"op":"add","path":"/2","value":3}]`, `[1,2,3]`},
		{`[1,2]`, `[{"op":"add","path":"/3","value":3}]`, ""},
		{`[1,2]`, `[{"op":"replace","path":"/01","value":3}]`, ""},
		{`[1,2]`, `[{"op":"replace","path":"/+1","value":3}]`, ""},
		{`[1,2]`, `[{"op":"replace","path":"/-1","value":3}]`, ""},
		{`[1,2]`, `[{"op":"replace","path":"/-","value":3}]`, ""},
		{`[1,2]`, `[{"op":"replace","path":"/2","value":3}]`, ""},
		{`[1,2]`, `[{"op":"remove","path":"/-"}]`, ""},
		{`[1,2]`, `[{"op":"remove","path":"/18446744073709551617"}]`, ""},
		{`{"01":1}`, `[{"op":"replace","path":"/01","value":3}]`, `{"01":3}`},
		// What is not there.
		{`{"a":1}`, `[{"op":"replace","path":"/b","value":1}]`, ""},
		{`{"a":1}`, `[{"op":"remove","path":"/b"}]`, ""},
		{`{"a":1}`, `[{"op":"move","from":"/b","path":"/a"}]`, ""},
		{`{"a":1}`, `[{"op":"copy","from":"/b","path":"/a"}]`, ""},
		{`{"a":1}`, `[{"op":"add","path":"/a/b","value":1}]`, ""},
		// Moves.
		{`{"a":1}`, `[{"op":"move","from":"/a","path":"/a"}]`, `{"a":1}`},
		{`{"a":1}`, `[{"op":"move","from":"/b","path":"/b"}]`, ""},
		{`{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":"/a/c"}]`, ""},
		{`{"a":1,"ab":{}}`, `[{"op":"move","from":"/a","path":"/ab/c"}]`, `{"ab":{"c":1}}`},
		{`{"a":{"b":1}}`, `[{"op":"copy","from":"/a","path":"/a/c"},{"op":"replace","path":"/a/c/b","value":2}]`, `{"a":{"b":1,"c":{"b":2}}}`},
		// What is not touched stays as it is written, and where it is.
		{`{"z": 1.50,"a":[ 1, 2 ],"k":{"x" : 1e2}}`, `[{"op":"add","path":"/<é\"\n>","value":1.0},{"op":"add","path":"/z","value":0}]`, `{"z":0,"a":[ 1, 2 ],"k":{"x" : 1e2},"<é\"\n>":1.0}`},
		{`{ "a": 1 }`, `[{"op":"add","path":"/b","value":1},{"op":"remove","path":"/b"}]`, `{ "a": 1 }`},
		{`{ "a": 1 }`, `[]`, `{ "a": 1 }`},
		// Backends differ in which member is meant.
		{`{"title":1}`, `[{"op":"add","path":"/Title","value":1}]`, ""},
		{`{"title":1,"Title":2}`, `[{"op":"add","path":"/Title","value":1}]`, `{"title":1,"Title":1}`},
		{`{"a":1}`, `[{"op":"remove","Op":"test","path":"/a","value":1}]`, ""},
		{`{"a":1}`, `[{"op":"add","op":"test","path":"/a","value":1}]`, ""},
		// What is no patch.
		{`{"a":1}`, `{"op":"remove","path":"/a"}`, ""},
		{`{"a":1}`, `[1]`, ""},
		{`{"a":1}`, `[{"path":"/a"}]`, ""},
		{`{"a":1}`, `[{"op":1,"path":"/a"}]`, ""},
		{`{"a":1}`, `[{"op":"Remove","path":"/a"}]`, ""},
		{`{"a":1}`, `[{"op":"remove"}]`, ""},
		{`{"a":1}`, `[{"op":"remove","path":null}]`, ""},
		{`{"a":1}`, `[{"op":"remove","path":"a"}]`, ""},
		{`{"a~2":1}`, `[{"op":"remove","path":"/a~2"}]`, ""},
		{`{"a":1}`, `[{"op":"add","path":"/b"}]`, ""},
		{`{"a":1}`, `[{"op":"test","path":""}]`, ""},
		{`{"a":1}`, `[{"op":"move","path":"/b"}]`, ""},
		// All or nothing.
		{`{"a":1}`, `[{"op":"remove","path":"/a"},{"op":"test","path":"/a","value":1}]`, ""},
	} {
		tc.check(t, JSONPatch)
	}
}

func TestAnErrorSaysWhichOperationDoesNotApply(t *testing.T) {
	_, err := Apply(JSONPatch, parse(t, `{"a":1}`), []byte(`[{"op":"test","path":"/a","value":1},{"op":"remove","path":"/b"}]`))
	if err == nil || !strings.Contains(err.Error(), "operation 2 of the JSON Patch") {
		t.Error(err)
	}
}

func TestOfAKindThatIsNotKnownNothingIsSaid(t *testing.T) {
	if _, err := Apply(0, parse(t, "{}"), []byte("{}")); err == nil || Settled(0, []byte("{}"), parse(t, "{}")) {
		t.Error("something is said")
	}
}

func TestARequestIsSettledThatWouldChangeNothing(t *testing.T) {
	for _, tc := range []struct {
		kind             Kind
		request, present string
		want             bool
	}{
		{Whole, `{"title":"B","n":1}`, `{"id":7,"n":1.0,"title":"B","updated_at":"now"}`, true},
		{Whole, `{"a":{"b":1}}`, `{"a":{"b":1,"c":2}}`, true},
		{Whole, `{"a":{}}`, `{"a":{"c":2}}`, true},
		{Whole, `{"a":{}}`, `{"a":[]}`, false},
		{Whole, `{"a":[{"b":1}]}`, `{"a":[{"b":1,"id":2}]}`, false},
		{Whole, `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{Whole, `{"a":null}`, `{"a":null}`, true},
		{Whole, `{"a":null}`, `{}`, false},
		{Whole, `{"title":"B"}`, `{"title":"C"}`, false},
		{Whole, `{"title":"B"}`, `{"Title":"B"}`, false},
		{Whole, `[1]`, `[1]`, true},
		{Whole, `{`, `{}`, false},
		{MergePatch, `{"title":"B","old":null}`, `{"id":7,"title":"B"}`, true},
		{MergePatch, `{"title":"B","old":null}`, `{"title":"B","old":1}`, false},
		{MergePatch, `{"title":"B"}`, `{"title":"A"}`, false},
		{MergePatch, `{"title":"B"}`, `{"Title":"B"}`, false},
		{MergePatch, `{}`, `{"a":1}`, true},
		{JSONPatch, `[{"op":"replace","path":"/a","value":1}]`, `{"a":1.0}`, true},
		{JSONPatch, `[{"op":"test","path":"/a","value":0},{"op":"replace","path":"/a","value":1}]`, `{"a":1}`, false},
		{JSONPatch, `[{"op":"add","path":"/tags/-","value":1}]`, `{"tags":[1]}`, false},
		{JSONPatch, `[{"op":"remove","path":"/a"}]`, `{}`, false},
	} {
		if got := Settled(tc.kind, []byte(tc.request), parse(t, tc.present)); got != tc.want {
			t.Errorf("%v %s on %s: %t", tc.kind, tc.request, tc.present, got)
		}
	}
	if Settled(Whole, []byte("null"), Document{}) {
		t.Error("something is settled where nothing is")
	}
}
