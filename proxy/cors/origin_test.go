package cors_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"proxy409/proxy/cors"
)

func TestOnlyWhatABrowserSerialisesIsAnOrigin(t *testing.T) {
	for _, origin := range []string{
		"https://app.example", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8080", "https://[2001:db8::1]",
		"https://xn--bcher-kva.example", "moz-extension://0a1b2c3d-aaaa-bbbb-cccc-000000000000", "capacitor://localhost", "https://a_b.example",
	} {
		if got, ok := cors.Origin(http.Header{"Origin": {origin}}); !ok || got != origin {
			t.Errorf("%q: %q, %t", origin, got, ok)
		}
	}
	for _, origin := range []string{
		"", "null", "*", "app.example", "https://", "https:/app.example", "://app.example", "https://app.example/", "https://app.example/x",
		"https://app.example?x", "https://app.example#x", "https://user@app.example", "https://a.example, https://b.example",
		"https://a.example https://b.example", "https://a.example:", "https://a.example:x", "https://a.example:80:80", "https://bücher.example",
		"https://a.example\r\nSet-Cookie: x=1", "https://a.example\x00", "https://[::1", "https://::1]", "https://[]", "https://[0]", "https://[127.0.0.1]", "https://[fe80::1%25eth0]", "https://[fe80::1%eth0]", "https://[x]:80", "https://a*.example",
		"1http://a", "https://" + strings.Repeat("a", 600), "https://a.example;b", `https://a"b`, "null, null",
	} {
		if got, ok := cors.Origin(http.Header{"Origin": {origin}}); ok {
			t.Errorf("%q is taken for an origin: %q", origin, got)
		}
	}
	if _, ok := cors.Origin(http.Header{"Origin": {"https://a.example", "https://a.example"}}); ok {
		t.Error("two Origin lines are taken for an origin")
	}
	if _, ok := cors.Origin(http.Header{}); ok {
		t.Error("no Origin is taken for an origin")
	}
}

// FuzzOrigin: what is taken for an origin is a URL of a scheme and a host and nothing else, and can stand in a header.
func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"https://app.example", "http://[::1]:80", "null", "https://a/b", "a://b:1", "https://a@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		got, ok := cors.Origin(http.Header{"Origin": {origin}})
		if !ok {
			return
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q is no URL: %v", got, err)
		}
		if got != origin || u.Scheme == "" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" ||
			!strings.EqualFold(u.Scheme+"://"+u.Host, got) {
			t.Errorf("%q is taken for an origin: %#v", got, u)
		}
	})
}
