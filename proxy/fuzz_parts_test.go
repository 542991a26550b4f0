package proxy

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// fuzzed is a proxy that is never asked to serve.
func fuzzed(f *testing.F, routes ...Route) *Proxy {
	f.Helper()
	for i := range routes {
		routes[i].Mode, routes[i].Guard = Enforce, []string{"PUT", "PATCH", "DELETE"}
	}
	p, err := New(Config{
		Upstream: &url.URL{Scheme: "http", Host: "127.0.0.1:9", Path: "/base"},
		Routes:   routes,
		Cache:    etagcache.New(memstore.New(memstore.Options{}), etagcache.Options{}),
		Timeouts: Timeouts{Write: time.Second},
		Limits:   Limits{Body: 1 << 10, Representation: 1 << 10, Tags: 8, Waiters: 1},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// FuzzFormMethods: every method that Go's own parsers of forms find under _method is found, or the form is refused; a form over
// the limit is refused as too large; and in each case the backend gets the body as it came.
func FuzzFormMethods(f *testing.F) {
	part := "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n--b--\r\n"
	for _, s := range [][2]string{
		{"application/x-www-form-urlencoded", "a=1&_method=PUT"},
		{"application/x-www-form-urlencoded; charset=utf-16", "_method=PUT"},
		{"", "_METHOD[]=DELETE;x=1"},
		{"multipart/form-data; boundary=b", part},
		{"multipart/form-data; xboundary=a; boundary=b", part},
		{"multipart/form-data; boundary=\"b\"", part},
		{"multipart/form-data; boundary*=utf-8''b", part},
		{"multipart/mixed; boundary=b", "preamble\r\n" + part + "epilogue"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name*=utf-8''_method\r\n\r\nPUT\r\n--b--"},
		{"multipart/form-data; boundary=b", "--b\nContent-Disposition: form-data; name=_method\n\nPUT\n--b--\n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\nContent-Transfer-Encoding: base64\r\n\r\nUFVU\r\n--b--\r\n"},
		{"text/plain", "_method=PUT"},
		{"application/json, application/x-www-form-urlencoded", "_method=PUT"},
		{"application/x-www-form-urlencoded", strings.Repeat("a", 300)},
	} {
		f.Add(s[0], []byte(s[1]), int64(len(s[1])))
	}
	f.Fuzz(func(t *testing.T, contentType string, content []byte, announced int64) {
		const limit = 200
		length := int64(len(content))
		if announced < 0 {
			length = -1 // chunked
		}
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{"Content-Type": {contentType}},
			ContentLength: length, Body: io.NopCloser(bytes.NewReader(content)),
		}
		if length == 0 {
			r.Body = http.NoBody
		}
		read, o := readForm(r, &body{memory: newBudget(0, nobody{})}, limit, target.MethodParameters())
		methods := read.values("_method")
		if left, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(left, content) {
			t.Fatalf("%q: of the body %q is left %q, %v", contentType, content, left, err)
		}
		kind := formKind(r)
		if kind == jsonObject || kind == twoKinds {
			return // which is refused where it is odd
		}
		isForm := kind != ""
		switch {
		case o != nil && methods != nil, kind == "" && methods != nil, !isForm && o != nil:
			t.Fatalf("%q %q: %q, %+v", contentType, content, methods, o)
		case isForm && (len(content) > limit) != (o != nil && o.reason == refusal.TooLarge):
			t.Fatalf("%q: %d bytes: %+v", contentType, len(content), o)
		case o != nil:
			return
		}
		for _, named := range naiveMethods(contentType, content) {
			if !slices.Contains(methods, named) {
				t.Fatalf("%q %q names %q, and found is %q", contentType, content, named, methods)
			}
		}
	})
}

// naiveMethods is what net/http would find in the form, without the limits of ours.
func naiveMethods(contentType string, content []byte) []string {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(bytes.NewReader(content)),
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		if values, err := url.ParseQuery(string(content)); err == nil && strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
			return values["_method"]
		}
		if r.MultipartForm == nil {
			return nil
		}
	}
	defer func(form *multipart.Form) {
		if form != nil {
			_ = form.RemoveAll() // what it had on disk
		}
	}(r.MultipartForm)
	return r.PostForm["_method"]
}

// absolute is what a Destination must be (RFC 4918 section 10.3): an absolute URI with an authority, or an absolute path.
var absolute = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*|)(/[^?#]*|)(?:\?[^#]*)?(?:#.*)?$`)

// FuzzDestination: a Destination that is accepted names by its bytes the path whose record is claimed.
func FuzzDestination(f *testing.F) {
	for _, s := range []string{
		"/items/2", "http://h/items/2", "https://h:8443/items/2/?x#y", "items/2", "http:items/2", "//h/items/2", "/items/%32", "/items//2", "/a/../items/2", "http://h", "", "*",
		"/items/2;x", "http://u@h/items/2", "mailto:x", "/items/%2f", "?x", "#", "//items/2", "http:///items/2", "/items/2?id=1",
	} {
		f.Add(s)
	}
	p := fuzzed(f, Route{Name: "items", Match: "/items/{id}"}, Route{Name: "all", Match: "/"})
	f.Fuzz(func(t *testing.T, destination string) {
		w := &write{
			guard: p.guard, x: &exchange{method: "MOVE", host: "h", located: located{route: p.routes.unmatched}},
			req: &http.Request{Method: "MOVE", Header: http.Header{"Destination": {destination}}},
		}
		keys, err := w.destinations()
		if err != nil {
			return
		}
		key := keys[0]
		m := absolute.FindStringSubmatch(destination)
		if m == nil || m[1] == "" && !strings.Contains(destination, "://") {
			t.Fatalf("%q names no path, and is taken", destination)
		}
		path, err := target.Canonical(m[1])
		if err != nil {
			return // url.Parse has mended it: it escapes what may not stand there
		}
		if strings.HasPrefix(destination, "//") {
			return // likewise
		}
		if want := target.Key("http://127.0.0.1:9", "", path.Under(p.routes.unmatched.base)); key != want {
			t.Fatalf("%q claims %v, want %v of %s", destination, key, want, path)
		}
	})
}

func TestADestinationThatNamesNoPathIsRefused(t *testing.T) {
	p, err := New(Config{
		Upstream: &url.URL{Scheme: "http", Host: "127.0.0.1:9"},
		Routes:   []Route{{Name: "all", Match: "/", Mode: Enforce, Guard: []string{"PUT"}}},
		Cache:    etagcache.New(memstore.New(memstore.Options{}), etagcache.Options{}),
		Timeouts: Timeouts{Write: time.Second}, Limits: Limits{Body: 1, Representation: 1, Tags: 1, Waiters: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, destination := range []string{"http:items/2", "", "?x", "mailto:x", "//items/2"} {
		w := &write{
			guard: p.guard, x: &exchange{method: "MOVE", host: "h", located: located{route: p.routes.unmatched}},
			req: &http.Request{Method: "MOVE", Header: http.Header{"Destination": {destination}}},
		}
		if keys, err := w.destinations(); err == nil {
			t.Errorf("%q claims %v", destination, keys)
		}
	}
}

// FuzzVary: the fields that select a representation are named once each, in canonical spelling, however Vary is written.
func FuzzVary(f *testing.F) {
	for _, s := range []string{"Accept", "accept-encoding, COOKIE", "*", "Accept,*", ",, ,", "a b", "*, authorization", "\xff"} {
		f.Add(s, "Origin", false)
		f.Add("", s, true)
	}
	f.Fuzz(func(t *testing.T, a, b string, private bool) {
		got := selecting(http.Header{"Vary": {a, b}}, private)
		if joined := selecting(http.Header{"Vary": {b + ",," + a}}, private); !slices.Equal(got, joined) {
			t.Fatalf("%q, %q: %q, in one line %q", a, b, got, joined)
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("%q, %q: %q", a, b, got)
		}
		for name := range strings.SplitSeq(a+","+b, ",") {
			name = strings.TrimSpace(name)
			if name == "*" || private {
				name = "Cookie"
			}
			if name != "" && !slices.Contains(got, http.CanonicalHeaderKey(name)) {
				t.Fatalf("%q, %q: %q lacks %s", a, b, got, name)
			}
		}
	})
}

// FuzzHostname: a name is the same with a port, with a dot at its end and in capitals, and is a fixed point.
func FuzzHostname(f *testing.F) {
	for _, s := range []string{"h.example", "H.Example.", "h:80", "[::1]:80", "::1", "h:", ":80", "h..", "h.:80", "", "[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got := hostname(host)
		if strings.ToLower(got) != got {
			t.Fatalf("%q is %q", host, got)
		}
		if strings.ContainsAny(host, ":[]") || strings.HasSuffix(host, ".") || strings.ToLower(host) != host {
			return
		}
		for _, spelling := range []string{host, host + ":8080", host + ".", host + ".:80"} {
			if again := hostname(spelling); again != host {
				t.Fatalf("%q is %q, want %q", spelling, again, host)
			}
		}
	})
}
