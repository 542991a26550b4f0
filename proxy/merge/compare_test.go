package merge

import (
	"encoding/json"
	"reflect"
	"testing"
)

// comparison is a case. merged is "" where they overlap.
type comparison struct {
	name, base, yours, theirs string
	changes, merged           string
}

func (tc comparison) check(t *testing.T, sets ...string) {
	t.Helper()
	c := Compare(parse(t, tc.base), parse(t, tc.yours), parse(t, tc.theirs), pointers(t, sets...))
	merged, ok := c.Merged()
	if got := written(t, c.Changes); got != tc.changes {
		t.Errorf("%s: changes\n%s; want\n%s", tc.name, got, tc.changes)
	}
	if ok != (tc.merged != "") || c.Overlaps() == ok || string(merged.Bytes()) != tc.merged {
		t.Errorf("%s: merged %s, %t; want %s", tc.name, merged.Bytes(), ok, tc.merged)
	}
	var again []Change
	if err := json.Unmarshal([]byte(tc.changes), &again); err != nil || written(t, again) != tc.changes || c.More {
		t.Errorf("%s: read again %s, %v; more %t", tc.name, written(t, again), err, c.More)
	}
}

func TestWhatBothSidesChangeOverlaps(t *testing.T) {
	for _, tc := range []comparison{
		{
			"another value", `{"title":"A","n":1}`, `{"title":"B","n":1}`, `{"title":"C","n":1}`,
			`[{"pointer":"/title","base":"A","yours":"B","theirs":"C","overlap":true}]`, "",
		},
		{
			"removed and changed", `{"title":"A"}`, `{}`, `{"title":"C"}`,
			`[{"pointer":"/title","base":"A","theirs":"C","yours_removed":true,"overlap":true}]`, "",
		},
		{
			"changed and removed", `{"title":"A"}`, `{"title":"B"}`, `{}`,
			`[{"pointer":"/title","base":"A","yours":"B","theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"added differently", `{}`, `{"a":{"x":1}}`, `{"a":{"y":1}}`,
			`[{"pointer":"/a","yours":{"x":1},"theirs":{"y":1},"overlap":true}]`, "",
		},
		{
			"changed within what is removed", `{"a":{"b":{"c":1,"d":2}}}`, `{"a":{"b":{"c":5,"d":2}}}`, `{}`,
			`[{"pointer":"/a","base":{"b":{"c":1,"d":2}},"yours":{"b":{"c":5,"d":2}},"theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"changed within what becomes another type", `{"a":{"b":1}}`, `{"a":7}`, `{"a":{"b":2}}`,
			`[{"pointer":"/a","base":{"b":1},"yours":7,"theirs":{"b":2},"overlap":true}]`, "",
		},
		{
			"an array is one value", `{"a":[1,2]}`, `{"a":[1,2,3]}`, `{"a":[0,1,2]}`,
			`[{"pointer":"/a","base":[1,2],"yours":[1,2,3],"theirs":[0,1,2],"overlap":true}]`, "",
		},
		{
			"null is a value", `{"a":null}`, `{"a":1}`, `{}`,
			`[{"pointer":"/a","base":null,"yours":1,"theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"to null and away", `{"a":1}`, `{"a":null}`, `{}`,
			`[{"pointer":"/a","base":1,"yours":null,"theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"the whole document", `1`, `2`, `{}`,
			`[{"pointer":"","base":1,"yours":2,"theirs":{},"overlap":true}]`, "",
		},
		{
			"names that are one to some", `{"title":"A"}`, `{"title":"B"}`, `{"title":"A","Title":"C"}`,
			`[{"pointer":"/Title","theirs":"C","overlap":true},{"pointer":"/title","base":"A","yours":"B","overlap":true}]`, "",
		},
		{
			"within members that are one to some", `{"a":{"x":1},"A":{"x":1,"y":1}}`, `{"a":{"x":2},"A":{"x":1,"y":1}}`, `{"a":{"x":1},"A":{"x":1,"y":2}}`,
			`[{"pointer":"/A/y","base":1,"theirs":2,"overlap":true},{"pointer":"/a/x","base":1,"yours":2,"overlap":true}]`, "",
		},
	} {
		tc.check(t)
	}
}

func TestWhatDoesNotOverlapIsMerged(t *testing.T) {
	for _, tc := range []comparison{
		{"nothing", `{"a": 1}`, `{"a":1.0}`, `{"a" : 1e0}`, `null`, `{"a" : 1e0}`},
		{
			"different members", `{"a":1,"b":1,"c":1}`, `{"a":2,"b":1,"c":1}`, `{"c":1,"b":3,"a":1}`,
			`[{"pointer":"/a","base":1,"yours":2},{"pointer":"/b","base":1,"theirs":3}]`, `{"c":1,"b":3,"a":2}`,
		},
		{
			"different members deep below", `{"a":{"b":{"c":1,"d":1}}}`, `{"a":{"b":{"c":2,"d":1}}}`, `{"a":{"b":{"c":1,"d":3}},"e":null}`,
			`[{"pointer":"/a/b/c","base":1,"yours":2},{"pointer":"/a/b/d","base":1,"theirs":3},{"pointer":"/e","theirs":null}]`, `{"a":{"b":{"c":2,"d":3}},"e":null}`,
		},
		{
			"one adds, one removes", `{"a":1,"b":1}`, `{"a":1,"b":1,"new":{"x":1},"x":2}`, `{"b":1}`,
			`[{"pointer":"/a","base":1,"theirs_removed":true},{"pointer":"/new","yours":{"x":1}},{"pointer":"/x","yours":2}]`, `{"b":1,"new":{"x":1},"x":2}`,
		},
		{
			"you remove", `{"a":1,"b":1}`, `{"b":1}`, `{"a":1,"b":2}`,
			`[{"pointer":"/a","base":1,"yours_removed":true},{"pointer":"/b","base":1,"theirs":2}]`, `{"b":2}`,
		},
		{
			"the same change", `{"a":1,"b":1}`, `{"a":2.0,"b":1}`, `{"a":2,"b":1}`,
			`[{"pointer":"/a","base":1,"yours":2.0,"theirs":2}]`, `{"a":2,"b":1}`,
		},
		{
			"the same removed", `{"a":1,"b":1}`, `{"b":2}`, `{"b":1}`,
			`[{"pointer":"/a","base":1,"yours_removed":true,"theirs_removed":true},{"pointer":"/b","base":1,"yours":2}]`, `{"b":2}`,
		},
		{
			"digits and spelling stay", `{"n":1,"t":"x","o":{"z":[ 1.10 ]}}`, `{"n":12345678901234567890.0,"t":"x","o":{"z":[ 1.1 ]}}`, `{"o":{"z":[ 1.10 ]},"n":1.0,"t":"\u0079"}`,
			`[{"pointer":"/n","base":1,"yours":12345678901234567890.0},{"pointer":"/t","base":"x","theirs":"\u0079"}]`, `{"o":{"z":[ 1.10 ]},"n":12345678901234567890.0,"t":"\u0079"}`,
		},
		{
			"names are escaped", `{"a/b":{"~":1,"":1}}`, `{"a/b":{"~":2,"":1}}`, `{"a/b":{"~":1,"":3}}`,
			`[{"pointer":"/a~1b/","base":1,"theirs":3},{"pointer":"/a~1b/~0","base":1,"yours":2}]`, `{"a/b":{"~":2,"":3}}`,
		},
		{
			"the order of members does not count", `{"a":1,"b":2}`, `{"b":2,"a":1}`, `{"b":2,"a":5}`,
			`[{"pointer":"/a","base":1,"theirs":5}]`, `{"b":2,"a":5}`,
		},
		{
			"one renames in letter case", `{"title":1,"n":1}`, `{"Title":1,"n":1}`, `{"title":1,"n":2}`,
			`[{"pointer":"/Title","yours":1},{"pointer":"/n","base":1,"theirs":2},{"pointer":"/title","base":1,"yours_removed":true}]`, `{"n":2,"Title":1}`,
		},
	} {
		tc.check(t)
	}
}

func TestSetsAreUnited(t *testing.T) {
	for _, tc := range []comparison{
		{
			"both add", `{"tags":["a"]}`, `{"tags":["a","y","b"]}`, `{"tags":["t","a","b"]}`,
			`[{"pointer":"/tags","base":["a"],"yours":["a","y","b"],"theirs":["t","a","b"]}]`, `{"tags":["t","a","b","y"]}`,
		},
		{
			"both remove", `{"tags":[1,2,3,4]}`, `{"tags":[2,3]}`, `{"tags":[3,1.0]}`,
			`[{"pointer":"/tags","base":[1,2,3,4],"yours":[2,3],"theirs":[3,1.0]}]`, `{"tags":[3]}`,
		},
		{
			"order does not count", `{"tags":[1,2],"n":1}`, `{"tags":[2,1],"n":2}`, `{"tags":[2.0, 1]}`,
			`[{"pointer":"/n","base":1,"yours":2,"theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"you alone", `{"tags":[1,2]}`, `{"tags":[3,1]}`, `{"tags":[2,1]}`,
			`[{"pointer":"/tags","base":[1,2],"yours":[3,1]}]`, `{"tags":[1,3]}`,
		},
		{
			"they alone", `{"tags":[1,2]}`, `{"tags":[2,1]}`, `{"tags":[ 1 ]}`,
			`[{"pointer":"/tags","base":[1,2],"theirs":[1]}]`, `{"tags":[ 1 ]}`,
		},
		{
			"objects are elements", `{"tags":[{"a":1,"b":2}]}`, `{"tags":[{"b":2,"a":1.0},{"c":1}]}`, `{"tags":[]}`,
			`[{"pointer":"/tags","base":[{"a":1,"b":2}],"yours":[{"b":2,"a":1.0},{"c":1}],"theirs":[]}]`, `{"tags":[{"c":1}]}`,
		},
		{
			"an element twice makes a list", `{"tags":[1]}`, `{"tags":[1,2,2]}`, `{"tags":[1,3]}`,
			`[{"pointer":"/tags","base":[1],"yours":[1,2,2],"theirs":[1,3],"overlap":true}]`, "",
		},
		{
			"one that is gone is no set", `{"tags":[1]}`, `{"tags":[1,2]}`, `{}`,
			`[{"pointer":"/tags","base":[1],"yours":[1,2],"theirs_removed":true,"overlap":true}]`, "",
		},
		{
			"one that comes is no set", `{}`, `{"tags":[1]}`, `{"tags":[2]}`,
			`[{"pointer":"/tags","yours":[1],"theirs":[2],"overlap":true}]`, "",
		},
		{
			"other arrays are lists", `{"a":{"tags":[]}}`, `{"a":{"tags":[1]}}`, `{"a":{"tags":[2]}}`,
			`[{"pointer":"/a/tags","base":[],"yours":[1],"theirs":[2],"overlap":true}]`, "",
		},
	} {
		tc.check(t, "/tags")
	}
	comparison{"below", `{"a":{"b":[]}}`, `{"a":{"b":[1]}}`, `{"a":{"b":[2]}}`, `[{"pointer":"/a/b","base":[],"yours":[1],"theirs":[2]}]`, `{"a":{"b":[2,1]}}`}.
		check(t, "/x", "/a/b", "/a")
	comparison{"the whole document", `[]`, `[1]`, `[2]`, `[{"pointer":"","base":[],"yours":[1],"theirs":[2]}]`, `[2,1]`}.check(t, "")
}

func TestWhereThereIsNoDocumentAllIsNew(t *testing.T) {
	c := Compare(Document{}, parse(t, "1"), Document{}, nil)
	merged, ok := c.Merged()
	if written(t, c.Changes) != `[{"pointer":"","yours":1}]` || !ok || string(merged.Bytes()) != "1" {
		t.Errorf("%s, %s", written(t, c.Changes), merged.Bytes())
	}
	if merged, ok := Compare(Document{}, Document{}, Document{}, nil).Merged(); !ok || !reflect.DeepEqual(merged, Document{}) {
		t.Errorf("%v, %t", merged, ok)
	}
	if c := Compare(parse(t, "1"), parse(t, "2"), Document{}, nil); !c.Overlaps() {
		t.Error("what is gone and what has changed do not overlap")
	}
}
