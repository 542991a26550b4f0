package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/target"
)

// stillOrigin is a backend without a network, whose every resource is at the version "v1". It keeps the unsafe requests.
type stillOrigin struct{ unsafe []*http.Request }

// RoundTrip implements http.RoundTripper.
func (o *stillOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body) // it comes from memory
		r.Body.Close()
	}
	res := &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Etag": {`"v1"`}, "Content-Type": {"text/plain"}}, Body: http.NoBody,
	}
	if !target.Safe(r.Method) {
		o.unsafe = append(o.unsafe, r)
		res.StatusCode, res.Header = http.StatusNoContent, http.Header{}
	}
	return res, nil
}

// front is a proxy in front of it that judges all under /, but for POST, and lets nothing come to /closed/.
func front(t *testing.T) (*proxy.Proxy, *stillOrigin) {
	t.Helper()
	o := &stillOrigin{}
	all := route()
	shut := proxy.Route{Name: "closed", Match: "/closed/", Mode: proxy.Closed}
	p, err := proxy.New(proxy.Config{
		Upstream: &url.URL{Scheme: "http", Host: "origin.invalid"}, Routes: []proxy.Route{all, shut}, Transport: o,
		Cache:    etagcache.New(memstore.New(memstore.Options{}), etagcache.Options{}),
		Timeouts: proxy.Timeouts{Write: time.Minute, BusyWait: time.Second},
		Limits:   proxy.Limits{Body: 1 << 10, Representation: 1 << 10, Tags: 8, Waiters: 1},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, o
}

var (
	theTag  = regexp.MustCompile(`(?:^|[ \t,])(?:W/)?"v1"(?:$|[ \t,])`)
	foldsTo = regexp.MustCompile(`(?i)^if[^a-z0-9]match$`) // as a CGI program would call it
)

// FuzzRequest: whatever bytes a client sends, an unsafe request reaches the backend only if its If-Match has the present tag
// among its tags, or if it is a POST that says nothing of another method; and none reaches what is closed, nor carries a
// second If-Match in another spelling.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"PUT /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\nContent-Length: 1\r\n\r\nx",
		"PUT /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"v0\", \"v1\"\r\nIf_Match: \"v0\"\r\n\r\n",
		"PUT /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"v0\"\r\nIf-Match: W/\"v1\"\r\n\r\n",
		"PUT /a HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n\r\n",
		"PUT /a HTTP/1.1\r\nHost: h\r\nIf-Match: *\r\n\r\n",
		"PUT /a HTTP/1.1\r\nHost: h\r\nConnection: If-Match\r\nIf-Match: \"v1\"\r\n\r\n",
		"DELETE /a/../b HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\n\r\n",
		"put /a HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\n_method=PUT",
		"POST /a?_method=DELETE HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nX-HTTP-Method-Override: PATCH\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"POST /closed/a HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\r\n",
		"GET /x/..%2fclosed/a HTTP/1.1\r\nHost: h\r\n\r\n",
		"MOVE /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\nDestination: /closed/b\r\n\r\n",
		"MOVE /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\nDestination: http://h/b\r\n\r\n",
		"PUT http://h/a?x=1 HTTP/1.0\r\nIf-Match: \"v1\r\n\r\n",
		"PROPFIND /a HTTP/1.1\r\nHost: h\r\nX-HTTP-Method: PUT\r\n\r\n",
		"PUT /%61 HTTP/1.1\r\nHost: H.:80\r\nIf-Match: \"v1\"\r\nExpect: 100-continue\r\n\r\n",
		"PUT * HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\n\r\n",
		"LOCK / HTTP/1.1\r\nHost: h\r\nIf-Match: \"v1\"\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		before := r.Clone(t.Context())
		p, o := front(t)
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, r)
		for _, sent := range o.unsafe {
			mustBeAdmissible(t, raw, before, sent)
		}
		if len(o.unsafe) > 1 {
			t.Fatalf("%q is sent %d times", raw, len(o.unsafe))
		}
		if len(o.unsafe) == 0 && !target.Safe(before.Method) && rec.Code < 300 {
			t.Fatalf("%q is answered %d, and nobody has seen it", raw, rec.Code)
		}
	})
}

func mustBeAdmissible(t *testing.T, raw []byte, before, sent *http.Request) {
	t.Helper()
	for name := range sent.Header {
		if foldsTo.MatchString(name) && name != "If-Match" {
			t.Fatalf("%q: the backend sees %s", raw, name)
		}
	}
	if strings.HasPrefix(path.Clean("/"+sent.URL.Path), "/closed/") {
		t.Fatalf("%q reaches %s", raw, sent.URL)
	}
	match, none := before.Header["If-Match"], before.Header["If-None-Match"]
	star := strings.Trim(strings.Join(match, ", "), " \t") == "*"
	switch {
	case none == nil && slices.ContainsFunc(match, theTag.MatchString):
		return
	case !strings.EqualFold(sent.Method, http.MethodPost):
		t.Fatalf("%q reaches the backend as %s %s", raw, sent.Method, sent.URL)
	case none != nil, match != nil && !star:
		t.Fatalf("%q is a POST whose precondition does not hold, and reaches the backend", raw)
	}
	var named []string
	for _, field := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		named = append(named, sent.Header[field]...)
	}
	if values, err := url.ParseQuery(sent.URL.RawQuery); err == nil {
		named = append(named, values["_method"]...)
	}
	for _, method := range named {
		if method = strings.ToUpper(strings.TrimSpace(method)); method != "" && method != http.MethodPost && !target.Safe(method) {
			t.Fatalf("%q stands for %s, and reaches the backend unjudged", raw, method)
		}
	}
}
