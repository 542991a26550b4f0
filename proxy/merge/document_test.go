package merge

import (
	"strings"
	"testing"
)

func TestADocumentIsRefusedThatReadersDifferIn(t *testing.T) {
	for _, content := range []string{
		"", " ", "{", "1 2", "{} {}", `{"a":1,"a":1}`, `[{"a":1,"\u0061":2}]`, "\"\xff\"", `"\ud800"`, `{"\udc00":1}`, "\xef\xbb\xbf{}",
		strings.Repeat("[", 513) + "1" + strings.Repeat("]", 513),
	} {
		if d, err := Parse([]byte(content)); err == nil || d.Bytes() != nil {
			t.Errorf("%q is read", content)
		}
	}
}

func TestADocumentIsKeptAsItIsWritten(t *testing.T) {
	for _, content := range []string{
		" {\n \"a\" : [ 1.0 , 1e+00, \"\\u0061\\/\" ] }\n", "null", `"\ud83d\ude00"`, `{"":{"":[]}}`,
		strings.Repeat("[", 512) + "1" + strings.Repeat("]", 512),
	} {
		d := parse(t, content)
		if got := string(d.Bytes()); got != content {
			t.Errorf("%q is %q", content, got)
		}
		if got := string(d.root.raw); got != strings.TrimSpace(content) {
			t.Errorf("%q: its value is %q", content, got)
		}
	}
}

func TestEqualIsWhatSaysTheSame(t *testing.T) {
	groups := [][]string{
		{"1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "1.000", "100e-2", "100e-0000000000000000000000002"},
		{"0", "-0", "0.0", "0e99999999999999999999", "-0.0E5"},
		{"12345678901234567890123456789", "1.2345678901234567890123456789e28"},
		{"12345678901234567890123456788"},
		{"9007199254740993"},
		{"9007199254740992", "9007199254740992.0"},
		{"0.1"},
		{"0.1000000000000000055511151231257827"},
		{"1e400", "10e399"},
		{"0.1e-9223372036854775808"},
		{"1e9223372036854775807"},
		{"1e99999999999999999999"},
		{"2e99999999999999999999"},
		{"-1", "-1.0"},
		{`"1"`, `"\u0031"`},
		{`"\u00e9"`, `"é"`},
		{`"e\u0301"`}, // another way to write é
		{"null"},
		{"true"},
		{"false"},
		{"[]"},
		{"{}"},
		{`[[]]`},
		{`[{}]`},
		{"[1,2]", " [1.0 ,2]"},
		{"[2,1]"},
		{`{"a":1,"b":[{"c":1,"d":2}]}`, `{"b":[{"d":2,"c":1.0}],"a":1}`},
		{`{"a":1,"b":null}`},
		{`{"a":1}`},
		{`{"a":1,"c":null}`},
	}
	for i, one := range groups {
		for j, other := range groups {
			for _, left := range one {
				for _, right := range other {
					a, b := parse(t, left).root, parse(t, right).root
					if equal(a, b) != (i == j) || (string(a.appendKey(nil)) == string(b.appendKey(nil))) != (i == j) {
						t.Errorf("%s and %s: want equal %t; their keys are %s, %s", left, right, i == j, a.appendKey(nil), b.appendKey(nil))
					}
				}
			}
		}
	}
}
