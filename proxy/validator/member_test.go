package validator

import (
	"strings"
	"testing"
)

func TestVersionFromAMember(t *testing.T) {
	const hash, weak = "#", "W/" // of whatever
	tests := []struct {
		name, pointer, doc string
		want, current      string // want "#" is some hash
	}{
		{"a number", "/version", `{"version": 42 }`, `"42"`, "42"},
		{"a number keeps its text", "/version", `{"version":1.50e+3}`, `"1.50e+3"`, "1.50e+3"},
		{"a large number", "/version", `{"version":123456789012345678901234567890}`, `"123456789012345678901234567890"`, "123456789012345678901234567890"},
		{"a string", "/version", "\t{ \"version\" :\r\n\"r-7\" } ", `"r-7"`, `"r-7"`},
		{"a string with escapes", "/version", `{"version":"r\u002D7\/"}`, `"r-7/"`, `"r\u002D7\/"`},
		{"true", "/ok", `{"ok":true}`, `"true"`, "true"},
		{"false", "/ok", `{"ok":false}`, `"false"`, "false"},
		{"an empty string", "/version", `{"version":""}`, hash, `""`},
		{"white space", "/version", `{"version":"2026-01-01 12:00"}`, hash, `"2026-01-01 12:00"`},
		{"beyond ASCII", "/version", `{"version":"é"}`, hash, `"é"`},
		{"a quote", "/version", `{"version":"\""}`, hash, `"\""`},
		{"a backslash", "/version", `{"version":"\\"}`, hash, `"\\"`},
		{"not UTF-8", "/version", "{\"version\":\"\xe9\"}", hash, ""},
		{"deep", "/meta/0/a~1b~0c/", `{"x":{"meta":1},"meta":[{"a/b~c":{"":5}},6]}`, `"5"`, "5"},
		{"the last element", "/1", `[[1,2],3]`, `"3"`, "3"},
		{"a key with escapes", `/a"\é`, `{"a\"\\\u00e9":1}`, `"1"`, "1"},
		{"a key beyond the basic plane", "/😀", `{"\ud83d\ude00":1}`, `"1"`, "1"},
		{"two elsewhere", "/version", `{"version":1,"a":1,"a":2,"b":{"version":2,"version":3}}`, `"1"`, "1"},
		{"a byte order mark", "/version", "\xef\xbb\xbf{\"version\":1}", `"1"`, "1"},

		{"null", "/version", `{"version":null}`, "no_member", ""},
		{"an object", "/version", `{"version":{}}`, "no_member", ""},
		{"an array", "/version", `{"version":[1]}`, "no_member", ""},
		{"missing", "/version", `{"Version":1}`, "no_member", ""},
		{"two", "/version", `{"version":1,"version":1}`, "no_member", ""},
		{"two, one of them escaped", "/version", `{"version":1,"\u0076ersion":1}`, "no_member", ""},
		{"two on the way", "/a/version", `{"a":{"version":1},"a":{}}`, "no_member", ""},
		{"of a scalar", "/a/version", `{"a":"version"}`, "no_member", ""},
		{"of a scalar document", "/version", `"version"`, "no_member", ""},
		{"beyond the end", "/2", `[0,1]`, "no_member", ""},
		{"after the last", "/-", `[0,1]`, "no_member", ""},
		{"an index with a zero", "/01", `[0,1]`, "no_member", ""},
		{"a signed index", "/+1", `[0,1]`, "no_member", ""},
		{"an index of an empty array", "/0", `[]`, "no_member", ""},

		{"empty", "/version", "", "not_json", ""},
		{"cut short", "/version", `{"version":1`, "not_json", ""},
		{"two documents", "/version", `{"version":1}{}`, "not_json", ""},
		{"XSSI guard", "/version", ")]}',\n{\"version\":1}", "not_json", ""},
		{"UTF-16", "/version", "{\x00\"\x00", "not_json", ""},
		{"a wrong escape", "/version", `{"version":1,"a":"\x"}`, "not_json", ""},
		{"nested too deep", "/version", strings.Repeat(`{"a":`, 10001) + "1" + strings.Repeat("}", 10001), "not_json", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := make1(t, Source{From: JSON, Pointer: tt.pointer})
			got := outcome(t, m, ofJSON, tt.doc)
			if tt.want == hash && len(got) == 35 && got[:2] == `"~` {
				got = hash
			}
			made, _ := m.Make(ofJSON, []byte(tt.doc))
			if got != tt.want || string(made.Current) != tt.current {
				t.Errorf("%s, %s; want %s, %s", got, made.Current, tt.want, tt.current)
			}
			if again := outcome(t, m, with(ofJSON, "Content-Encoding", "x-gzip"), zip(tt.doc, 6)); made.Current != nil && again != weak+made.Tag.String() {
				t.Errorf("of the encoded document it is %s", again)
			}
		})
	}
}

func TestCurrentDoesNotKeepTheBody(t *testing.T) {
	body := []byte(`{"version":42}`)
	made, err := make1(t, Source{From: JSON, Pointer: "/version"}).Make(ofJSON, body)
	clear(body)
	if err != nil || string(made.Current) != "42" {
		t.Errorf("after the buffer was reused, the version is %s, %v", made.Current, err)
	}
}

func TestContentCountsNotWhatItsTypeSays(t *testing.T) {
	m := make1(t, Source{From: JSON, Pointer: "/v"})
	for _, kind := range []string{"application/json", "text/html; charset=utf-8", "", "a/b, c"} {
		if got := outcome(t, m, with(nil, "Content-Type", kind), `{"v":1}`); got != `"1"` {
			t.Errorf("Content-Type: %s: %s", kind, got)
		}
		if got := outcome(t, m, with(nil, "Content-Type", kind), `<html>1</html>`); got != "not_json" {
			t.Errorf("Content-Type: %s: %s", kind, got)
		}
	}
}
