package main_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

// overTLS is the key of a configuration that lets clients speak TLS, and so HTTP/2.
func overTLS(t *testing.T) string {
	t.Helper()
	pair := tlstest.NewAuthority(t, "test").Issue(t, "127.0.0.1")
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write(t, cert, string(pair.Cert))
	if err := os.WriteFile(key, pair.Key, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("tls: {cert_file: %s, key_file: %s}\n", cert, key)
}

// clientOf speaks HTTP/2 to https and HTTP/1.1 to http, and adds nothing of its own.
func clientOf(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// meaning is all that an exchange means to a client, whatever version of HTTP it speaks.
func meaning(t *testing.T, client *http.Client, method, url, body string, trailer http.Header, header ...string) (said string, major int) {
	t.Helper()
	var b strings.Builder
	req, err := http.NewRequest(method, url, struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		req.Body = http.NoBody
	}
	req.Trailer = trailer
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			fmt.Fprintf(&b, "%d %q\n", code, h["Link"])
			return nil
		},
	}))
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	fmt.Fprintf(&b, "%d\n%sbody: %q %v\n%s", res.StatusCode, fieldsOf(res.Header), text, err, fieldsOf(res.Trailer))
	return b.String(), res.ProtoMajor
}

func fieldsOf(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name != "Date" && !slices.Contains(ofTheConnection, strings.ToLower(name)) {
			fmt.Fprintf(&b, "%s: %q\n", name, h[name])
		}
	}
	return b.String()
}

// trailersIn is the part of what a backend has seen that speaks of trailers.
func trailersIn(seen string) string {
	_, trailers, _ := strings.Cut(seen, "\ntrailer ")
	return trailers
}

// TestHTTP2MeansTheSame as HTTP/1.1 without the proxy: hints, trailers of answers, ranges and the rest come through.
func TestHTTP2MeansTheSame(t *testing.T) {
	backend := newMirror(t)
	secure, client := overTLS(t), clientOf(t)
	for way, more := range map[string]string{"off": nothingGuarded, "elsewhere": otherGuarded, "guarded": ""} {
		r := serve(t, setup{upstream: "http://" + backend.addr(), more: secure + more}.yaml()).ready()
		url := strings.Replace(r.url, "http:", "https:", 1)
		for _, row := range []struct {
			method, path, body string
			trailer            http.Header
			header             []string
		}{
			{method: "GET", path: "/hints"},
			{method: "GET", path: "/hints-then-404"},
			{method: "GET", path: "/trailers", header: []string{"TE", "trailers"}},
			{method: "GET", path: "/unannounced", header: []string{"TE", "trailers"}},
			{method: "GET", path: "/file", header: []string{"Cookie", "a=1", "Cookie", "b=2"}},
			{method: "GET", path: "/file", header: []string{"Range", "bytes=2-5", "If-Range", `"strong"`}},
			{method: "GET", path: "/file", header: []string{"If-None-Match", `"strong"`}},
			{method: "HEAD", path: "/sized"},
			{method: "GET", path: "/no-content"},
			{method: "GET", path: "/moved"},
			{method: "GET", path: "/large-fields"},
			{method: "POST", path: "/a", body: "hello", header: []string{"Content-Type", "text/plain"}},
			{method: "POST", path: "/a", body: "hello", header: []string{"Content-Type", "text/plain"}, trailer: http.Header{"X-Digest": {"1"}}},
			{method: "OPTIONS", path: "/a"},
		} {
			backend.since()
			want, _ := meaning(t, client, row.method, "http://"+backend.addr()+row.path, row.body, row.trailer, row.header...)
			asked := backend.since()
			got, major := meaning(t, client, row.method, url+row.path, row.body, row.trailer, row.header...)
			if got != want || major != 2 {
				t.Errorf("%s: %s %s: over HTTP/%d:\n%s\nand without the proxy:\n%s", way, row.method, row.path, major, got, want)
			}
			arrived := backend.since()
			if row.trailer == nil {
				continue
			}
			// As from any httputil.ReverseProxy, only the names of a request's trailers arrive: their values come when all is judged,
			// and a backend may put them among the header fields.
			if trailersIn(asked) != `X-Digest: ["1"]`+"\n" || trailersIn(arrived) != "X-Digest: []\n" {
				t.Errorf("%s: of trailers arrive %q, and without the proxy %q", way, trailersIn(arrived), trailersIn(asked))
			}
		}
	}
}
