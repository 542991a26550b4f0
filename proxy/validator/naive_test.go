package validator

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-openapi/jsonpointer"
)

// FuzzCanonical: documents have one tag exactly when encoding/json reads the same from them, less what is ignored.
// There are two exceptions, in which encoding/json sees less than there is: members of one name, and what it makes a
// replacement character of.
func FuzzCanonical(f *testing.F) {
	for _, s := range [][3]string{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, "/a"},
		{`{"a":[{"b":1}]}`, `{"a":[{}]}`, "/a/0/b"},
		{`["\u00e9\n\ud83d\ude00"]`, `["é\u000a😀"]`, "/1"},
		{`["\ud800"]`, `["\udfff"]`, "/-"},
		{`[1,1.0]`, ` [1 ,1.0]`, "/0"},
		{`{"a":1,"a":2}`, `{"a":2}`, "/~0~1"},
		{`{"a":{"":null}}`, `{"a":{"":[]}}`, "/a/"},
		{`"x"`, `true`, "/x"},
		{"[\"\xff\"]", `["\ufffd"]`, "/x"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, a, b, pointer string) {
		m, err := New(Source{From: Body, Ignore: []string{pointer}})
		if err != nil || !utf8.ValidString(pointer) {
			return
		}
		path, _ := jsonpointer.New(pointer)
		valueA, exactA, okA := naive(a)
		valueB, exactB, okB := naive(b)
		valueA, valueB = remove(valueA, path.DecodedTokens()), remove(valueB, path.DecodedTokens())
		tagA, tagB := outcome(t, m, ofJSON, a), outcome(t, m, ofJSON, b)
		if okA != (tagA != "not_json") || okB != (tagB != "not_json") {
			t.Fatalf("%q is JSON: %v, and has %s; %q is JSON: %v, and has %s", a, okA, tagA, b, okB, tagB)
		}
		if !okA || !okB {
			return
		}
		switch same := reflect.DeepEqual(valueA, valueB); {
		case tagA == tagB && !same:
			t.Fatalf("%q and %q have one tag", a, b)
		case tagA != tagB && same && exactA && exactB:
			t.Fatalf("%q and %q have two tags", a, b)
		}
		if again, err := json.Marshal(valueA); exactA && (err != nil || outcome(t, m, ofJSON, string(again)) != tagA) {
			t.Fatalf("%q is %s, %v, and has another tag", a, again, err)
		}
	})
}

// FuzzFind: the member that names the version is the one that encoding/json finds.
func FuzzFind(f *testing.F) {
	for _, s := range [][2]string{
		{`{"version":42}`, "/version"},
		{`{"a":[0,{"b/~":"x"}]}`, "/a/1/b~1~0"},
		{`{"a":1,"a":2}`, "/a"},
		{`{"\u0061":-1.0e5 }`, "/a"},
		{`[[],true]`, "/1"},
		{`{"":null}`, "/"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, doc, pointer string) {
		m, err := New(Source{From: JSON, Pointer: pointer})
		if err != nil || !utf8.ValidString(pointer) {
			return
		}
		made, err := m.Make(ofJSON, []byte(doc))
		v, exact, ok := naive(doc)
		if ok != (err != NotJSON) { //nolint:errorlint // a Cause is returned as it is
			t.Fatalf("%q is JSON: %v, but %v", doc, ok, err)
		}
		if !ok || !exact {
			return
		}
		want := lookup(v, pointer)
		switch want.(type) {
		case string, bool, json.Number:
			var got any
			d := json.NewDecoder(bytes.NewReader(made.Current))
			d.UseNumber()
			if err != nil || d.Decode(&got) != nil || got != want {
				t.Fatalf("%q has at %q %v, found %v (%s, %v)", doc, pointer, want, got, made.Current, err)
			}
		default:
			if err != NoMember { //nolint:errorlint // a Cause is returned as it is
				t.Fatalf("%q has at %q %v, found %s (%v)", doc, pointer, want, made.Current, err)
			}
		}
	})
}

// naive reads a document with encoding/json. It is not exact if encoding/json saw less than there is.
func naive(doc string) (v any, exact, ok bool) {
	doc = strings.TrimPrefix(doc, "\ufeff")
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if d.Decode(&v) != nil || strings.Trim(doc[d.InputOffset():], " \t\r\n") != "" {
		return nil, false, false
	}
	all, err := json.Marshal(v)
	if err != nil {
		return nil, false, false
	}
	exact = !bytes.ContainsRune(all, utf8.RuneError) && tokens(doc) == tokens(string(all))
	return v, exact, true
}

// tokens counts the tokens of a document: one that repeats names has more than what is read from it.
func tokens(doc string) (n int) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	for {
		if _, err := d.Token(); err != nil {
			return n
		}
		n++
	}
}

func remove(v any, path []string) any {
	if len(path) == 0 {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if below, ok := v[path[0]]; ok && len(path) > 1 {
			v[path[0]] = remove(below, path[1:])
		} else {
			delete(v, path[0])
		}
	case []any:
		for i := range v {
			if strconv.Itoa(i) == path[0] {
				v[i] = remove(v[i], path[1:])
			}
		}
	}
	return v
}

func lookup(v any, pointer string) any {
	p, _ := jsonpointer.New(pointer)
	for _, token := range p.DecodedTokens() {
		switch in := v.(type) {
		case map[string]any:
			v = in[token]
		case []any:
			v = nil
			for i := range in {
				if strconv.Itoa(i) == token {
					v = in[i]
				}
			}
		default:
			return nil
		}
	}
	return v
}
