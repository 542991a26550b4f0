package main

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzAsked: what explain asks about is the request that the command line describes: its method, its target byte by byte, no
// field that was not given, the whole body; and no error repeats a field's value.
func FuzzAsked(f *testing.F) {
	f.Add("GET", "/items/1", "If-Match: \"a\"", "")
	f.Add("POST", "http://h.example/a?b#c", "Host: other", "_method=PUT")
	f.Add("PUT", "https://h", "Content-Length: 3", "body")
	f.Add("PUT", "//h/a", "Authorization: Bearer s3cret-t0ken", "")
	f.Add("put", "http://u:p@h/", "X:", "x")
	f.Add("PUT", "/a b", "a b: c", "")
	f.Add("PUT /x HTTP/1.1\r\nX: y\r\n\r\n", "/", "", "")
	f.Add("PUT", "/ HTTP/1.0", "\nIf-Match: x", "")
	f.Add("PUT", "http://h\r\nX: y/", "If-Match:*", "")
	f.Fuzz(func(t *testing.T, method, url, header, data string) {
		a := asked{method: method, url: url, data: data}
		if header != "" {
			a.headers = []string{header}
		}
		name, value, _ := strings.Cut(header, ":")
		value = strings.TrimSpace(value)
		r, err := a.request()
		if err != nil {
			if len(value) > 8 && strings.Contains(err.Error(), value) && !strings.Contains(method+url, value) {
				t.Fatalf("%q: the error repeats it: %v", header, err)
			}
			return
		}
		if r.Method != method {
			t.Fatalf("%q is taken for %q", method, r.Method)
		}
		allowed := []string{http.CanonicalHeaderKey(name), "Content-Type", "Content-Length"}
		for field, values := range r.Header {
			if !slices.Contains(allowed, field) || len(values) > 1 {
				t.Fatalf("%q %q %q: there is %q: %q", method, url, header, field, values)
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != data {
			t.Fatalf("%q: the body %q came as %q, %v", header, data, body, err)
		}
		if !strings.HasPrefix(r.RequestURI, "/") || !strings.Contains(url, strings.TrimPrefix(r.RequestURI, "/")) {
			t.Fatalf("%q is asked for as %q", url, r.RequestURI)
		}
	})
}

func TestAskedIsOneRequest(t *testing.T) {
	for _, a := range []asked{
		{method: "PUT /x HTTP/1.1\r\nX: y\r\n\r\n", url: "/"},
		{method: "PUT", url: "/ HTTP/1.1\r\nIf-Match: *\r\nX: y"},
	} {
		if r, err := a.request(); err == nil {
			t.Errorf("%q %q is %s %s with %v", a.method, a.url, r.Method, r.RequestURI, r.Header)
		}
	}
}
