package validator

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"proxy409/etagcache"
)

var ofJSON = http.Header{"Content-Type": {"application/json"}}

// with is the header with another field.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	if h == nil {
		h = http.Header{}
	}
	h[name] = values
	return h
}

// outcome is a tag or a cause, as text.
func outcome(t testing.TB, m *Maker, h http.Header, body string) string {
	t.Helper()
	made, err := m.Make(h, []byte(body))
	if err == nil {
		return made.Tag.String()
	}
	var cause Cause
	if !errors.As(err, &cause) || made.Tag != (etagcache.Tag{}) || made.Current != nil {
		t.Fatalf("Make = %+v, %v", made, err)
	}
	return cause.String()
}

// Clients hold these tags, and replicas of different releases make them: they must not change by accident.
func TestTagsAreStable(t *testing.T) {
	body := make1(t, Source{From: Body})
	members := make1(t, Source{From: Body, Ignore: []string{"/now"}})
	field := make1(t, Source{From: Header, Header: "Last-Modified"})
	const doc = `{"title":"A","now":1,"tags":["x",{"b":1.0,"a":null}]}`
	for _, tt := range []struct {
		name, got, want, domain string
	}{
		{"body", outcome(t, body, nil, doc), `"p9I5iRrwOW2yOUkhuDkzjVkTysxn5QBJ"`, "bodyDomain"},
		{"members", outcome(t, members, ofJSON, doc), `"ekc4tn4ImMMF6iLXUD04fGHNyomnzzJ2"`, "jsonDomain"},
		{"value", outcome(t, field, with(nil, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ""), `"~cpjfc0rs-z_FzXzuqcOlmDVbFuXV-1Kv"`, "valueDomain"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s; if that is meant, count %s up", tt.name, tt.got, tt.want, tt.domain)
		}
	}
}

func TestBodyTagNamesTheDecodedContent(t *testing.T) {
	m := make1(t, Source{From: Body})
	const text = "<p>hello</p>"
	plain := outcome(t, m, nil, text)
	if len(plain) != 34 || plain[0] != '"' {
		t.Errorf("the tag is %s, want a strong one of 32 characters", plain)
	}
	for name, got := range map[string]string{
		"another type":  outcome(t, m, with(nil, "Content-Type", "text/plain"), text),
		"said identity": outcome(t, m, with(nil, "Content-Encoding", "identity"), text),
	} {
		if got != plain {
			t.Errorf("%s: %s, want %s", name, got, plain)
		}
	}
	for level := range 10 {
		if got := outcome(t, m, with(nil, "Content-Encoding", "gzip"), zip(text, level)); got != "W/"+plain {
			t.Errorf("gzip -%d: %s, want W/%s", level, got, plain)
		}
	}
	if got := outcome(t, m, nil, text+" "); got == plain {
		t.Error("other content has the same tag")
	}
	if got := outcome(t, m, nil, ""); got == plain || len(got) != 34 {
		t.Errorf("empty content has the tag %s", got)
	}
	if made, err := m.Make(nil, []byte("7")); err != nil || made.Current != nil {
		t.Errorf("the body shows the version %s, %v", made.Current, err)
	}
}

func TestKindsOfVersionShareNoHash(t *testing.T) {
	const doc = `["x"]`
	body := outcome(t, make1(t, Source{From: Body}), ofJSON, doc)
	members := outcome(t, make1(t, Source{From: Body, Ignore: []string{"/now"}}), ofJSON, doc)
	value := outcome(t, make1(t, Source{From: Header, Header: "V"}), with(nil, "V", doc), "")
	if body == members || strings.Trim(value, `"~`) == strings.Trim(body, `"`) || !strings.HasPrefix(value, `"~`) {
		t.Errorf("hashes are %s, %s, %s", body, members, value)
	}
}

func TestTheBackendsOwnETag(t *testing.T) {
	m := make1(t, Source{})
	for value, want := range map[string]string{`"a1"`: `"a1"`, `W/"a1"`: `W/"a1"`, "a1": "no_etag"} {
		if got := outcome(t, m, with(nil, "Etag", value), ""); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	if got := outcome(t, m, nil, ""); got != "no_etag" {
		t.Errorf("none: %s", got)
	}
}
