package config

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// FuzzPattern: a pattern that is accepted matches a request that is made of it by hand, and is ambiguous with itself.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"/", "/a", "/a/", "/a/{id}", "/{a}/{b...}", "/a/{$}", "h.example/", "h/a", "H/", "h:80/", "GET /", "/a//b", "/a/../b", "/{a", "/a}", "/{a}{b}", "/x{a}", "/{a...}/b",
		"/%2f", "/%zz", "/{}", "/{a}/{a}", "/a?b", "/a#b", "/a b", "a", "", "/%61", "/{_1}",
	} {
		f.Add(s)
	}
	wildcard := regexp.MustCompile(`\{[^{}]*\}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pattern(text)
		if err != nil {
			return
		}
		if got != text || strings.ContainsAny(text, " \t?#") {
			t.Fatalf("%q is accepted as %q", text, got)
		}
		if overlap(text, text) == "" {
			t.Fatalf("%q twice is not ambiguous", text)
		}
		host, path, _ := strings.Cut(text, "/")
		path = wildcard.ReplaceAllStringFunc(path, func(name string) string {
			if name == "{$}" {
				return ""
			}
			return "v"
		})
		segments := strings.Split(path, "/")
		for i, s := range segments {
			if name, err := url.PathUnescape(s); err == nil { // a ServeMux takes a bad escape for itself
				segments[i] = name
			}
		}
		name := "/" + strings.Join(segments, "/")
		for i, s := range segments {
			segments[i] = url.PathEscape(s)
		}
		mux := http.NewServeMux()
		if err := register(mux, text); err != nil {
			t.Fatal(err)
		}
		at := &url.URL{Path: name, RawPath: "/" + strings.Join(segments, "/")}
		_, found := mux.Handler(&http.Request{Method: "GET", Host: host, URL: at})
		if found != text && !strings.Contains(name, "//") && !strings.Contains(name, "/.") {
			t.Fatalf("%q does not match %s%s, but %q does", text, host, at, found)
		}
		for name := range wildcards(text) {
			if !strings.Contains(text, "{"+name) || name == "" || name == "$" {
				t.Fatalf("%q has no wildcard %q", text, name)
			}
		}
	})
}

// FuzzReadTemplate: with any value in the place of a name, escaped as it will be, a template is a path and a query of the
// same shape.
func FuzzReadTemplate(f *testing.F) {
	for _, s := range []string{
		"/articles/{id}", "/api.php?action=get&id={id}", "/", "x", "/a#b", "/a{", "/a}b{", "/{}", "/a//b", "/../a", "/{id}/..", "/%zz", "/a?{id}", "/a b", `/a\b`, "/{a}{b}", "/a?x=//", "/.{id}",
	} {
		f.Add(s, "7")
	}
	f.Add("/{id}", "a/b?c#d%")
	f.Fuzz(func(t *testing.T, template, value string) {
		got, err := readTemplate(template)
		if err != nil {
			return
		}
		if got != template {
			t.Fatalf("%q is accepted as %q", template, got)
		}
		with := func(v string) *url.URL {
			raw := template
			for _, name := range names(template) {
				raw = strings.Replace(raw, "{"+name+"}", url.QueryEscape(v), 1)
			}
			u, err := url.ParseRequestURI(raw)
			if err != nil || u.Host != "" || u.Fragment != "" {
				t.Fatalf("%q with %q is %q, which is %v, %v", template, v, raw, u, err)
			}
			return u
		}
		one, other := with("x"), with(value)
		if strings.Count(one.EscapedPath(), "/") != strings.Count(other.EscapedPath(), "/") || strings.Count(one.RawQuery, "&") != strings.Count(other.RawQuery, "&") {
			t.Fatalf("%q with %q is %s, and with x %s", template, value, other, one)
		}
	})
}

func TestATemplateIsWrittenAsItIsSent(t *testing.T) {
	for _, template := range []string{"/\"{id}", "/für/{id}", "/a|{id}", "/a^{id}"} {
		if _, err := readTemplate(template); err == nil {
			t.Errorf("%s is accepted", template)
		}
	}
}
