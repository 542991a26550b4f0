package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-openapi/jsonpointer"
)

// FuzzReadRequest: whatever is accepted is read by encoding/json in the same way, is the same when it is written and read again, and a field of it
// is what another implementation finds there. Nothing panics.
func FuzzReadRequest(f *testing.F) {
	for _, s := range [][2]string{
		{`{"email":"a@b","n":1.50}`, "/email"},
		{`{"a":1,"A":2}`, "/a"},
		{`{"a":1,"a":2}`, "/a"},
		{`[{"x":[true,null]}]`, "/0/x/1"},
		{`"\ud83d\ude00"`, ""},
		{`"\ud800"`, ""},
		{"\xef\xbb\xbf{}", ""},
		{`{"a\u0000":1}`, "/a"},
		{"[1e999,-0]", "/0"},
		{strings.Repeat("[", 600), ""},
	} {
		f.Add(typeJSON, s[0], s[1])
	}
	f.Add("application/merge-patch+json;charset=utf-8", "{}", "/a")
	f.Add("application/x-www-form-urlencoded, application/json", "{}", "/a")
	f.Fuzz(func(t *testing.T, contentType, content, text string) {
		d, err := ReadRequest(header(contentType), []byte(content))
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) || !d.Empty() {
				t.Fatalf("%q: %v", content, err)
			}
			return
		}
		if d.IsForm() || d.Empty() {
			return
		}
		var want any
		decoder := json.NewDecoder(strings.NewReader(content))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil || !utf8.ValidString(content) || !reflect.DeepEqual(d.Value(), want) {
			t.Fatalf("%q: %v; encoding/json reads %v, %v", content, d.Value(), want, err)
		}
		written, err := json.Marshal(d.Value())
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadRequest(header(typeJSON), written)
		if err != nil || !reflect.DeepEqual(again.Value(), d.Value()) {
			t.Fatalf("%q is written as %q, and read as %v, %v", content, written, again.Value(), err)
		}
		if p, err := ParsePointer(text); err == nil {
			compareField(t, d, p)
		}
	})
}

// compareField finds a field in another way.
func compareField(t *testing.T, d Document, p Pointer) {
	t.Helper()
	field, err := d.Field(p)
	want, present := naive(t, d.Value(), p.String())
	if err != nil {
		if written, _ := json.Marshal(d.Value()); !hasVariant(d.Value(), p.tokens) && !bytes.Contains(written, []byte(`\u0000`)) {
			t.Fatalf("%s at %q: %v", written, p, err)
		}
		return
	}
	if hasVariant(d.Value(), p.tokens) {
		t.Fatalf("%v at %q: %+v, and it cannot be told which is meant", d.Value(), p, field)
	}
	if got, found := Lookup(d.Value(), p); found != present || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v at %q: %v; want %v", d.Value(), p, got, want)
	}
	if field.Present != present || field.Null != (present && want == nil) {
		t.Fatalf("%v at %q: %+v; want %v, %t", d.Value(), p, field, want, present)
	}
	text, err := d.Text(p)
	if field.Scalar != (err == nil) || text != field.Text {
		t.Fatalf("%v at %q: %+v; text %q, %v", d.Value(), p, field, text, err)
	}
	if !field.Scalar {
		return
	}
	var raw any
	decoder := json.NewDecoder(bytes.NewReader(field.Raw))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil || raw != want {
		t.Fatalf("%v at %q: %s, %v", d.Value(), p, field.Raw, err)
	}
}

// naive is what another implementation finds, where that reads RFC 6901 as strictly.
func naive(t *testing.T, value any, text string) (any, bool) {
	t.Helper()
	p, err := jsonpointer.New(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range p.DecodedTokens() {
		if list, is := value.([]any); is {
			found := false
			for i, element := range list {
				if n, _ := json.Marshal(i); string(n) == token {
					value, found = element, true
					break
				}
			}
			if !found {
				return nil, false
			}
			continue
		}
		within, is := value.(map[string]any)
		if _, there := within[token]; !is || !there {
			return nil, false
		}
		value = within[token]
	}
	return value, true
}

// hasVariant reports whether on the way some name is like a token and not the same.
func hasVariant(value any, tokens []string) bool {
	if len(tokens) == 0 {
		return false
	}
	before := func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }
	within, _ := value.(map[string]any)
	for name := range within {
		if name != tokens[0] && strings.EqualFold(before(name), before(tokens[0])) {
			return true
		}
	}
	next, found := child(value, tokens[0])
	return found && hasVariant(next, tokens[1:])
}

// FuzzReadForm: whatever is accepted is read by net/url in the same way, unless that refuses a semicolon, and a parameter that is found is the only
// one that has its name, in any letter case.
func FuzzReadForm(f *testing.F) {
	for _, s := range [][2]string{
		{"email=a%40b&x=1", "email"},
		{"email=a&email=b", "email"},
		{"Email=a", "email"},
		{"email[]=a", "email"},
		{"a;email=1", "email"},
		{"email=%zz", "email"},
		{"user%5Bemail%5D=1", "user[email]"},
		{"=&==&&", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, content, name string) {
		d, err := ReadRequest(header(typeForm), []byte(content))
		if err != nil || d.Empty() {
			return
		}
		want, err := url.ParseQuery(content)
		if values, _ := d.Value().(map[string]any); err == nil && !reflect.DeepEqual(values, flat(want)) {
			t.Fatalf("%q: %v; net/url reads %v", content, values, want)
		}
		p, err := ParsePointer("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		if err != nil {
			return
		}
		field, err := d.Field(p)
		if err != nil {
			return
		}
		count := 0
		for spelt, values := range want {
			if strings.EqualFold(spelt, name) && len(spelt) >= len(name) {
				count += len(values)
			}
		}
		if field.Present && (count != 1 || field.Text != want.Get(name)) || !field.Present && count > 0 {
			t.Fatalf("%q has %d of %q, and the field is %+v", content, count, name, field)
		}
	})
}

// flat is what a form is to rules.
func flat(form url.Values) map[string]any {
	values := map[string]any{}
	for name, list := range form {
		if len(list) == 1 {
			values[name] = list[0]
			continue
		}
		var all []any
		for _, s := range list {
			all = append(all, s)
		}
		values[name] = all
	}
	return values
}
