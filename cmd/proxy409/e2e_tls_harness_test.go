package main_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

// trust is an authority, and a folder with what it signed.
type trust struct {
	*tlstest.Authority
	t   testing.TB
	dir string
}

func newTrust(t testing.TB) *trust {
	t.Helper()
	a := &trust{Authority: tlstest.NewAuthority(t, "e2e"), t: t, dir: t.TempDir()}
	tlstest.Replace(t, a.ca(), a.Cert)
	return a
}

func (a *trust) ca() string { return filepath.Join(a.dir, "ca.crt") }

// issue writes a certificate for the names to files, and returns them as two keys of a configuration.
func (a *trust) issue(file string, names ...string) (keys string) {
	a.t.Helper()
	cert, key := a.Issue(a.t, names...).Write(a.t, a.dir, file)
	return fmt.Sprintf("cert_file: %s, key_file: %s", cert, key)
}

// front is the section tls of a listener on loopback, with more keys.
func (a *trust) front(more ...string) string {
	return "tls: {" + strings.Join(append(more, a.issue("front", "127.0.0.1")), ", ") + "}\n"
}

// caller is a client of the one HTTP version, with a certificate if pair is not nil. Each of its requests has a connection of its own.
func (a *trust) caller(t testing.TB, http2 bool, pair *tlstest.Pair) *http.Client {
	config := &tls.Config{RootCAs: a.Pool()}
	if pair != nil {
		cert := pair.TLS(t)
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	return &http.Client{Transport: transport, Timeout: 15 * time.Second}
}

// must sends a request that must be answered.
func must(t testing.TB, by *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	a, err := sendBy(by, method, url, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serveTLS is serve for a configuration with the section tls.
func serveTLS(t testing.TB, configuration string, flags ...string) *replica {
	t.Helper()
	r := serve(t, configuration, flags...).ready()
	r.url = strings.Replace(r.url, "http:", "https:", 1)
	return r
}

// overheard is an origin's handler that remembers the latest request.
type overheard struct {
	*origin
	latest atomic.Pointer[http.Request]
}

func (o *overheard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.latest.Store(r.Clone(r.Context()))
	o.origin.ServeHTTP(w, r)
}

// behind serves the origin by TLS, to clients with a certificate of the authority, and returns its URL.
func (o *overheard) behind(a *trust, names ...string) string {
	o.t.Helper()
	s := httptest.NewUnstartedServer(o)
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{a.Issue(o.t, names...).TLS(o.t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool(),
		MaxVersion: tls.VersionTLS12, // in which the server has looked at the client's certificate when the handshake is over
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	o.t.Cleanup(s.Close)
	return s.URL
}
