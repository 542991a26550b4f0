package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestJSONThatReadersDifferInIsMalformed(t *testing.T) {
	for _, content := range []string{
		" ", "{", "[1,]", `{"a":1,}`, `{"a" 1}`, "[1 2]", "1 2", "{} {}", "01", "+1", ".5", "1.", "NaN", "Infinity", "'a'", `{a:1}`, "[1]//", "/**/1", `"\x41"`, "\"\t\"",
		"\xef\xbb\xbf{}",                   // a byte order mark
		"\xff\xfe{\x00}\x00", "{\x00}\x00", // UTF-16
		"\"\xff\"", "\"\xc0\xaf\"", // no UTF-8, overlong UTF-8
		"\"\xed\xa0\x80\"", // half of a pair in UTF-8
		`"\ud800"`, `"\udc00"`, `"\ud800\n"`, `"\ud800\ud800"`, `"\udc00\ud800"`, `"\\\uDBFF"`, `["\ud83d\ude00\ude00"]`, `{"\ud800":1}`,
		`{"a":1,"a":1}`, `{"x":{"a":1,"\u0061":2}}`, `[{"a":1,"b":2,"a":3}]`, `{"":1,"":2}`,
	} {
		if d, err := ReadRequest(header(typeJSON), []byte(content)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, %v; want %v", content, d.Value(), err, ErrMalformed)
		}
	}
}

func TestJSONThatAllReadAlikeIsRead(t *testing.T) {
	for _, content := range []string{
		"0", " null\n", `""`, "[]", "{}", "-0.1e+5", "123456789012345678901234567890", `"\ud83d\ude00"`, `"\uD83D\uDE00x\\ud800"`, `"\\ud800"`, `"\u0000"`, `"\ufffd"`,
		`{"a":{"a":{"a":[{"a":1},{"a":2}]}}}`, `{"a":1,"A":2}`, "\"\u00e9\"",
	} {
		if _, err := ReadRequest(header(typeJSON), []byte(content)); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestWhatIsReadOfJSONIsBounded(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	list := func(n int) string { return "[0" + strings.Repeat(",0", n-2) + "]" }
	object := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, tc := range []struct {
		name, most, more string
	}{
		{"depth", nested(deepest), nested(deepest + 1)},
		{"values", list(mostValues), list(mostValues + 1)},
		{"members", object(mostParts), object(mostParts + 1)},
		{"members in several objects", "[" + object(mostParts/2) + "," + object(mostParts/2) + "]", "[" + object(mostParts/2) + "," + object(mostParts/2+1) + "]"},
		{"depth that is never closed", "1", strings.Repeat("[", 1<<20)},
	} {
		if _, err := ReadRequest(header(typeJSON), []byte(tc.most)); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if _, err := ReadRequest(header(typeJSON), []byte(tc.more)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: one more is read: %v", tc.name, err)
		}
	}
}

func TestAFieldIsWhatThePointerLeadsTo(t *testing.T) {
	const content = `{"s":"a\u00e9<\"","n":-1.50E+2,"big":12345678901234567890,"t":true,"f":false,"null":null,"a":[1,"x",{"y":2}],"o":{},"":0,"/":1,"e":""}`
	d := read(t, typeJSON, content)
	for _, tc := range []struct {
		pointer, text, raw string
		null, other        bool
	}{
		{pointer: "/s", text: `aé<"`, raw: `"aé<\""`},
		{pointer: "/n", text: "-150", raw: "-1.50E+2"},
		{pointer: "/big", text: "12345678901234567890", raw: "12345678901234567890"},
		{pointer: "/t", text: "true", raw: "true"},
		{pointer: "/f", text: "false", raw: "false"},
		{pointer: "/e", text: "", raw: `""`},
		{pointer: "/", text: "0", raw: "0"},
		{pointer: "/~1", text: "1", raw: "1"},
		{pointer: "/a/1", text: "x", raw: `"x"`},
		{pointer: "/a/2/y", text: "2", raw: "2"},
		{pointer: "/null", null: true},
		{pointer: "/a", other: true},
		{pointer: "/o", other: true},
		{pointer: "", other: true},
	} {
		f, err := d.Field(pointer(t, tc.pointer))
		if err != nil || !f.Present || f.Null != tc.null || f.Scalar == (tc.null || tc.other) || f.Text != tc.text || string(f.Raw) != tc.raw {
			t.Errorf("%q: %+v (raw %s), %v", tc.pointer, f, f.Raw, err)
		}
	}
	for _, p := range []string{"/x", "/a/3", "/a/-", "/s/0", "/o/x", "/null/x", "/a/01", "/a/x"} {
		if f, err := d.Field(pointer(t, p)); err != nil || f.Present {
			t.Errorf("%q: %+v, %v; want nothing", p, f, err)
		}
	}
	if f, err := read(t, typeJSON, `"x"`).Field(Pointer{}); err != nil || f.Text != "x" {
		t.Errorf("the whole document: %+v, %v", f, err)
	}
}

func TestAMemberThatSomeReadersTakeForAnotherIsNeverLookedUp(t *testing.T) {
	for _, tc := range []struct {
		content, pointer string
		clear            bool
	}{
		{`{"status":1,"Status":2}`, "/status", false},
		{`{"STATUS":2}`, "/status", false}, // it is missing to some, and not to others
		{`{"\u017ftatus":2}`, "/status", false},
		{`{"status\u0000":2}`, "/status", false},
		{`{"status\u0000x":2,"status":1}`, "/status", false},
		{`{"a":{"STATUS":2}}`, "/a/status", false},
		{`{"A":{"status":2}}`, "/a/status", false},
		{`{"A":0,"a":{"status":2}}`, "/a/status", false},
		{`[{"Status":2}]`, "/0/status", false},

		{`{"status":1,"A":2,"a":3}`, "/status", true}, // what nobody asks for may be whatever it is
		{`{"status":1,"b":{"Status":2}}`, "/status", true},
		{`{"a":{"status":1,"A":2}}`, "/a/status", true},
		{`{"status ":1}`, "/status", true},
		{`{"Status":1}`, "/Status", true},
		{`[{"Status":2},{"status":1}]`, "/1/status", true},
	} {
		f, err := read(t, typeJSON, tc.content).Field(pointer(t, tc.pointer))
		if tc.clear != (err == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s at %s: %+v, %v", tc.content, tc.pointer, f, err)
		}
	}
}

func TestABodyThatReplacesWhatHasTheMemberIsNotOneWithoutIt(t *testing.T) {
	for _, tc := range []struct {
		body, at string
		bars     bool
	}{
		{`{}`, "/status", false},
		{`{"note":1}`, "/status", false},
		{`{"status":null}`, "/status", false},
		{`{"order":{}}`, "/order/status", false},
		{`{"orders":[{}]}`, "/orders/0/status", false},

		{`null`, "/status", true},
		{`"x"`, "/status", true},
		{`[{"op":"replace","path":"/status","value":"x"}]`, "/status", true},
		{`{"order":null}`, "/order/status", true},
		{`{"order":7}`, "/order/status", true},
		{`{"orders":[]}`, "/orders/0/status", true},
		{`7`, "", false},
	} {
		doc, err := ReadRequest(header(typeJSON), []byte(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Bars(pointer(t, tc.at)); got != tc.bars {
			t.Errorf("%s at %s: %t", tc.body, tc.at, got)
		}
	}
}
