package target

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func request(method, query string, header http.Header) *http.Request {
	return &http.Request{Method: method, URL: &url.URL{Path: "/", RawQuery: query}, Header: header}
}

func TestEffectiveMethod(t *testing.T) {
	named := func(values ...string) http.Header { return http.Header{"X-Http-Method-Override": values} }
	for _, c := range []struct {
		name, method, query string
		header              http.Header
		want                string
	}{
		{name: "its own", method: "PUT", want: "PUT"},
		{name: "none is GET", want: "GET"},
		{name: "lower case", method: "put", want: "PUT"},
		{name: "a safe one in lower case is not safe", method: "get", want: "get"},
		{name: "unknown", method: "frob", want: "FROB"},
		{name: "a POST in disguise", method: "POST", header: named("PUT"), want: "PUT"},
		{name: "a post in disguise", method: "post", header: named(" put "), want: "PUT"},
		{name: "second header", method: "POST", header: http.Header{"X-Http-Method": {"MERGE"}}, want: "MERGE"},
		{name: "third header", method: "POST", header: http.Header{"X-Method-Override": {"DELETE"}}, want: "DELETE"},
		{name: "all agree", method: "POST", query: "_method=delete", header: http.Header{"X-Method-Override": {"DELETE", "Delete"}}, want: "DELETE"},
		{name: "empty", method: "POST", query: "_method=", header: named("", " "), want: "POST"},
		{name: "query", method: "POST", query: "a=1&_method=patch", want: "PATCH"},
		{name: "query, escaped", method: "POST", query: "%5Fmethod=%50UT", want: "PUT"},
		{name: "query, in capitals", method: "POST", query: "_METHOD=PUT", want: "PUT"},
		{name: "query, after a semicolon", method: "POST", query: "a=1;_method=PUT", want: "PUT"},
		{name: "query of a GET", method: "GET", query: "_method=PUT", want: "PUT"},
		{name: "query of a GET, no method", method: "GET", query: "_method=search&X-HTTP-Method=list", want: "GET"},
		{name: "query of a PUT", method: "PUT", query: "_method=DELETE", want: "PUT"},
		{name: "another name in the query", method: "POST", query: "x-http-method-override=put", want: "PUT"},
		{name: "a GET in disguise", method: "GET", header: named("DELETE"), want: "DELETE"},
		{name: "a get in disguise", method: "get", header: named("DELETE"), want: "DELETE"},
		{name: "a GET as another safe one", method: "GET", header: named("PROPFIND"), want: "GET"},
		{name: "a POST does not become safe", method: "POST", header: named("GET"), want: "POST"},
		{name: "a PUT does not become a POST", method: "PUT", header: named("POST"), want: "PUT"},
		{name: "a DELETE does not become safe", method: "DELETE", header: named("HEAD"), want: "DELETE"},
	} {
		if got, err := Method(request(c.method, c.query, c.header), nil); err != nil || got != c.want {
			t.Errorf("%s: Method = %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestMethodsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		method, query string
		header        http.Header
		want          Problem
	}{
		{"P UT", "", nil, BadMethod},
		{"POST", "", http.Header{"X-Http-Method": {"PUT, DELETE"}}, BadMethod},
		{"POST", "_method=PUT%0d%0a", nil, ""}, // trimmed, as backends do
		{"POST", "_method=a%0d%0ab", nil, BadMethod},
		{"POST", "_method=%zz", nil, ""}, // "%zz" is a token
		{"GET", "", http.Header{"X-Http-Method": {"no token"}}, BadMethod},
		{"POST", "", http.Header{"X-Http-Method": {"PUT", "DELETE"}}, ContradictoryMethods},
		{"POST", "_method=PUT&_method=PATCH", nil, ContradictoryMethods},
		{"POST", "_method=GET", http.Header{"X-Http-Method": {"PUT"}}, ContradictoryMethods},
		{"GET", "", http.Header{"X-Http-Method": {"GET"}, "X-Method-Override": {"PUT"}}, ContradictoryMethods},
	} {
		got, err := Method(request(c.method, c.query, c.header), nil)
		if c.want == "" && err == nil {
			continue
		}
		if !errors.Is(err, c.want) || got != "" {
			t.Errorf("%s ?%s %v: Method = %q, %v, want the error: %v", c.method, c.query, c.header, got, err, c.want)
		}
	}
}

func FuzzNothingMakesAnUnsafeRequestSafe(f *testing.F) {
	f.Add("POST", "_method=GET", "GET")
	f.Add("get", "", "HEAD")
	f.Add("GET", "", "PUT")
	f.Fuzz(func(t *testing.T, method, query, override string) {
		got, err := Method(request(method, query, http.Header{"X-Http-Method-Override": {override}}), nil)
		if err != nil {
			return
		}
		if Safe(got) && !Safe(method) && method != "" {
			t.Fatalf("%q ?%q %q is %q", method, query, override, got)
		}
		if got != strings.ToUpper(got) && got != method {
			t.Fatalf("%q ?%q %q is %q: neither in capitals nor its own", method, query, override, got)
		}
	})
}

func TestAliases(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{
		"If-Match", "If_Match", "If.none.match", "if-match", "X_HTTP_Method_Override", "X-Http-Method-Override", "If!Range",
		"IF_MATCH", "Ifmatch", "X-If-Match", "Content_Type", "Content_Length", "Destination", "DESTINATION", "Expect",
	} {
		h[name] = []string{"x"}
	}
	want := []string{"Content_Type", "DESTINATION", "IF_MATCH", "If!Range", "If.none.match", "If_Match", "X_HTTP_Method_Override", "if-match"}
	if got := Aliases(h); !slices.Equal(got, want) {
		t.Errorf("Aliases = %q, want %q", got, want)
	}
	for _, name := range Aliases(h) {
		delete(h, name)
	}
	if len(Aliases(h)) != 0 || h.Get("If-Match") != "x" {
		t.Errorf("after removing: %v", h)
	}
}

func TestConnectionNames(t *testing.T) {
	h := http.Header{"Connection": {"keep-alive, if-match ,If_Match", "Upgrade,,EXPECT,x-if-match"}}
	if got, want := ConnectionNames(h), []string{"Expect", "If-Match"}; !slices.Equal(got, want) {
		t.Errorf("ConnectionNames = %q, want %q", got, want)
	}
	if got := ConnectionNames(http.Header{}); len(got) != 0 {
		t.Errorf("ConnectionNames of nothing = %q", got)
	}
}
