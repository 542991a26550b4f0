package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

const (
	urlencoded = "application/x-www-form-urlencoded"
	boundary   = "----WebKitFormBoundaryX"
	parts      = "multipart/form-data; boundary=" + boundary
)

// part is a part of a form, with the header that it is given.
func part(header, value string) string {
	return "--" + boundary + "\r\n" + header + "\r\n\r\n" + value + "\r\n"
}

func named(name, value string) string {
	return part(`Content-Disposition: form-data; name="`+name+`"`, value)
}

const end = "--" + boundary + "--\r\n"

// formFleet has a backend whose POSTs are passed, and whose DELETEs are judged.
func formFleet(t *testing.T) (*backend, *fleet) {
	b := newBackend(t)
	return b, newFleet(t, b)
}

func TestAFormThatStandsForAnotherMethodIsJudged(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for _, tc := range []struct{ name, kind, body string }{
		{"alone", urlencoded, "_method=DELETE"},
		{"in small letters", urlencoded, "_method=delete"},
		{"last", urlencoded, "a=1&b=" + large + "&_method=PUT"},
		{"an encoded name", urlencoded, "%5fm%65thod=PUT"},
		{"an encoded value", urlencoded, "_method=%50UT"},
		{"a name in capitals", urlencoded, "_METHOD=PUT"},
		{"after a semicolon", urlencoded, "a=1;_method=PUT"},
		{"next to a bad escape", urlencoded, "a=%zz&_method=PUT"},
		{"with a charset", urlencoded + "; charset=utf-8", "_method=PUT"},
		{"a type in capitals", "Application/X-WWW-Form-Urlencoded", "_method=PUT"},
		{"a type that goes on", urlencoded + ", text/plain", "_method=PUT"},
		{"a type with a tail", urlencoded + " x", "_method=PUT"},
		{"a type with a broken parameter", urlencoded + "; charset", "_method=PUT"},
		{"a type with a parameter twice", urlencoded + "; a=1; a=2", "_method=PUT"},
		{"no type (Rack)", "", "_method=PUT"},
		{"a space before the name (PHP)", urlencoded, "+_method=PUT"},
		{"a dot in the name (PHP)", urlencoded, ".method=PUT"},
		{"a NUL in the name (PHP)", urlencoded, "_method%00x=PUT"},
		{"an array", urlencoded, "_method[]=PUT"},
		{"parts", parts, named("a", "1") + named("_method", "PUT") + end},
		{"parts, first", parts, named("_method", "PUT") + named("a", large) + end},
		{"parts, a file last", parts, named("_method", "PUT") + part(`Content-Disposition: form-data; name="f"; filename="f.png"`, large) + end},
		{"parts, unquoted", parts, part(`content-disposition: Form-Data; name=_method`, "PUT") + end},
		{"parts, with a type", parts, part("Content-Disposition: form-data; name=\"_method\"\r\nContent-Type: text/plain", "PUT") + end},
		{"parts, with a backslash (Rack)", parts, named(`_meth\od`, "PUT") + end},
		{"parts, with a dot (PHP)", parts, named(`.method`, "PUT") + end},
		{"parts, mixed (Rack)", "multipart/mixed; boundary=" + boundary, named("_method", "PUT") + end},
		{"parts, a quoted boundary", `multipart/form-data; boundary="` + boundary + `"`, named("_method", "PUT") + end},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, f := formFleet(t)
			got := f.replica().do("POST", "/a", tc.body, "Content-Type", tc.kind)
			// A form of which it is not certain what it stands for is refused as malformed.
			if got.StatusCode != 409 && got.StatusCode != 400 || len(b.writes()) > 0 {
				t.Errorf("%d %s; the backend got %q", got.StatusCode, got.body, b.writes())
			}
			if got.StatusCode == 400 && strings.Count(tc.name, "type") == 0 {
				t.Errorf("%s", got.body)
			}
		})
	}
}

// Backends differ in what they make of these.
func TestAFormThatCannotBeReadForCertainIsRefused(t *testing.T) {
	evil := strings.ReplaceAll(named("_method", "PUT")+end, boundary, "evil")
	hidden := named("a", "1") + end + evil
	for _, tc := range []struct {
		name, body string
		header     []string
	}{
		{"two types", "_method=PUT", []string{"Content-Type", "text/plain", "Content-Type", urlencoded}},
		{"compressed", zip("_method=PUT"), []string{"Content-Type", urlencoded, "Content-Encoding", "gzip"}},
		{"in UTF-16", "_\x00m\x00e\x00t\x00h\x00o\x00d\x00=\x00P\x00U\x00T\x00", []string{"Content-Type", urlencoded + "; charset=utf-16le"}},
		{"contradictory", "_method=PUT&_method=DELETE", []string{"Content-Type", urlencoded}},
		{"contradicts the query", "_method=PUT", []string{"Content-Type", urlencoded, "X-Test-Query", "_method=DELETE"}},
		{"contradicts the header", "_method=PUT", []string{"Content-Type", urlencoded, "X-HTTP-Method-Override", "DELETE"}},
		{"no method's name", "_method=P+T", []string{"Content-Type", urlencoded}},
		{"a part without a name", named("a", "1") + part("Content-Disposition: form-data", "PUT") + end, []string{"Content-Type", parts}},
		{"a part of another disposition", part(`Content-Disposition: form-data; name="a"; name="_method"`, "PUT") + end, []string{"Content-Type", parts}},
		{"a part with two dispositions", part("Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"_method\"", "PUT") + end, []string{"Content-Type", parts}},
		{"no end", named("_method", "PUT"), []string{"Content-Type", parts}},
		{"no boundary", named("_method", "PUT") + end, []string{"Content-Type", "multipart/form-data"}},
		{"two boundaries", hidden, []string{"Content-Type", parts + "; boundary=evil"}},
		{"a boundary in another name", hidden, []string{"Content-Type", "multipart/form-data; xboundary=evil; boundary=" + boundary}},
		{"a boundary in a value", hidden, []string{"Content-Type", `multipart/form-data; x="; boundary=evil"; boundary=` + boundary}},
		{"a boundary in pieces", hidden, []string{"Content-Type", "multipart/form-data; boundary*0=" + boundary[:8] + "; boundary*1=" + boundary[8:]}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, f := formFleet(t)
			path := "/a"
			if q := tc.header[len(tc.header)-1]; tc.header[len(tc.header)-2] == "X-Test-Query" {
				path += "?" + q
			}
			f.replica().do("POST", path, tc.body, tc.header...).want(t, 400, refusal.Malformed)
			if len(b.writes()) > 0 {
				t.Errorf("the backend got %q", b.writes())
			}
		})
	}
}

func TestAFormThatIsOnlyAPostPassesAsItCame(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("method", "by post")
	file, _ := w.CreateFormFile("f", "_method.txt")
	_, _ = file.Write(bytes.Repeat([]byte("\x00%\xff_method"), 1000))
	_ = w.Close()
	for _, tc := range []struct{ kind, body string }{
		{urlencoded, "a=1&method=PUT&b=_method"},
		{urlencoded, "a=%zz&&=&%&b"},
		{urlencoded, "_method=GET"}, // makes nothing more dangerous
		{urlencoded, "_method="},
		{urlencoded, `{"_method":"PUT"}`},
		{urlencoded, ""},
		{"", ""},
		{"", "some text"},
		{parts, named("a", "_method=PUT") + end},
		{w.FormDataContentType(), form.String()},
		{"multipart/mixed; boundary=batch", "--batch\r\nContent-Type: application/http\r\n\r\nGET / HTTP/1.1\r\n--batch--\r\n"},
		{"application/json", `{"method":"PUT"}`},
		{"text/plain", "_method=PUT"},
		{"application/octet-stream", zip("_method=PUT")},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %.20q chunked %t", tc.kind, tc.body, chunked), func(t *testing.T) {
				b, f := formFleet(t)
				got := make(chan string, 1)
				b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
					body, _ := io.ReadAll(r.Body)
					got <- r.Method + r.Header.Get("Content-Type") + string(body)
					return true
				})
				c := f.replica()
				var body io.Reader = strings.NewReader(tc.body)
				if chunked {
					body = io.MultiReader(body)
				}
				req, _ := http.NewRequest(http.MethodPost, c.url+"/a", body)
				if tc.kind != "" {
					req.Header.Set("Content-Type", tc.kind)
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != 200 {
					t.Fatalf("status %d", res.StatusCode)
				}
				if g := <-got; g != "POST"+tc.kind+tc.body {
					t.Errorf("the backend got %.200q", g)
				}
			})
		}
	}
}

func TestAFormIsReadUpToTheLimitOfBodies(t *testing.T) {
	for _, mode := range []proxy.Mode{proxy.Enforce, proxy.Observe} {
		b, f := formFleet(t)
		var got atomic.Int64
		b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			n, _ := io.Copy(io.Discard, r.Body)
			got.Store(n)
			return true
		})
		f.cfg.Limits.Body = 1000
		f.cfg.Routes[0].Mode = mode
		c := f.replica()
		form := "a=" + strings.Repeat("x", 5000) + "&_method=PUT"
		large := c.do("POST", "/a", form, "Content-Type", urlencoded)
		if mode == proxy.Enforce {
			large.want(t, 413, refusal.TooLarge)
		} else if large.want(t, 200); got.Load() != int64(len(form)) {
			t.Errorf("observed: the backend got %d of %d bytes", got.Load(), len(form))
		}
		c.do("POST", "/a", form, "Content-Type", "text/plain").want(t, 200)
	}
}

func TestAFormMayCarryAPrecondition(t *testing.T) {
	b, f := formFleet(t)
	c := f.replica()
	tag := c.get("/a").etag()
	form := []string{"Content-Type", urlencoded, "If-Match", tag}
	c.do("POST", "/a", "_method=PUT&text=x", form...).want(t, 204)
	c.do("POST", "/a", "_method=PUT&text=y", form...).want(t, 409, refusal.Stale)
	if w := b.writes(); len(w) != 1 || w[0] != "POST /a _method=PUT&text=x" {
		t.Errorf("the backend got %q", w)
	}
}

// SOAP with attachments and DICOMweb post forms of a kind whose parameters may stand before the boundary, and be quoted.
func TestMultipartRelatedPassesHoweverItsTypeIsSpelt(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	for _, kind := range []string{
		`multipart/related; type="application/xop+xml"; start="<r@x>"; boundary="B"`,
		`multipart/related; type="application/dicom"; boundary=B`,
		`multipart/related; boundary=B; type="application/dicom"`,
	} {
		body := "--B\r\nContent-Type: application/xop+xml\r\n\r\n<x/>\r\n--B--\r\n"
		c.do(http.MethodPost, "/a", body, "Content-Type", kind).want(t, http.StatusNoContent)
	}
}
