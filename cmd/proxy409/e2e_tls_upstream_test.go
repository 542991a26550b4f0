package main_test

import (
	"crypto/tls"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"testing"
)

func TestABackendIsReachedByTLS(t *testing.T) {
	a := newTrust(t)
	o := &overheard{origin: newOrigin(t)}
	s := setup{upstream: o.behind(a, "backend.test"), more: fmt.Sprintf("upstream_tls: {ca_file: %s, server_name: backend.test, %s}\n", a.ca(), a.issue("client", "proxy"))}
	r := serve(t, s.yaml()).ready()
	doc := r.url + "/doc"
	tag := get(t, doc).etag()
	put(t, doc, "two", tag).done(t)
	put(t, doc, "lost", tag).want(t, 409, "stale")
	if got := o.latest.Load(); got.ProtoMajor != 2 || got.TLS.PeerCertificates[0].Subject.CommonName != "proxy" {
		t.Errorf("the backend was asked by %s, with the certificate of %s", got.Proto, got.TLS.PeerCertificates[0].Subject)
	}
	said, err := exec.Command(binary(t), "check", "--config", file(t, s.yaml()), "--online", "/doc", "--pause", "10ms").CombinedOutput()
	if err != nil {
		t.Errorf("check --online: %v: %s", err, said)
	}
}

// The backend is a route's own, and the first that is asked of it is which version is there.
func TestARoutesBackendIsProbedByTLS(t *testing.T) {
	a := newTrust(t)
	o := &overheard{origin: newOrigin(t)}
	more := fmt.Sprintf("upstream_tls: {ca_file: %s, server_name: backend.test, %s}\n", a.ca(), a.issue("client", "proxy"))
	more += "routes: [{name: doc, match: /doc, upstream: '" + o.behind(a, "backend.test") + "'}]\n"
	r := serve(t, setup{upstream: "http://127.0.0.1:9", more: more}.yaml()).ready()
	tag := get(t, o.url()+"/doc").etag()
	put(t, r.url+"/doc", "two", `"another"`).want(t, 409, "stale")
	put(t, r.url+"/doc", "two", tag).done(t)
}

// The write was never sent, and the resource is not closed for the settle time.
func TestABackendThatIsAnotherIsRefusedWithAReason(t *testing.T) {
	a := newTrust(t)
	o := &overheard{origin: newOrigin(t)}
	secure := o.behind(a, "backend.test")
	client := a.issue("client", "proxy")
	for _, c := range []struct{ more, reason string }{
		{"ca_file: " + a.ca() + ", server_name: other.test, " + client, "valid for backend.test, not other.test (upstream_tls: if it is the right server"},
		{"ca_file: " + a.ca() + ", " + client, "(upstream_tls: if it is the right server"},
		{"server_name: backend.test, " + client, "(upstream_tls: name the file with the certificate of the authority that signed it"},
		{"ca_file: " + a.ca() + ", server_name: backend.test", "(upstream_tls: the server refused; does it want a certificate"},
	} {
		s := setup{upstream: secure, more: "upstream_tls: {" + c.more + "}\n", timeouts: unhurried}
		r := serve(t, s.yaml()).ready()
		do(t, "GET", r.url+"/doc", "").want(t, 502, "backend")
		contains(t, do(t, "POST", r.url+"/doc", "x").want(t, 502, "backend").body, "Nothing was sent")
		contains(t, r.logs.String(), c.reason)
		contains(t, fails(t, "check", "--config", file(t, s.yaml()), "--online", "/doc"), c.reason)
	}
	if o.latest.Load() != nil {
		t.Error("the backend was asked all the same")
	}
}

// The system's authorities are those of the file that SSL_CERT_FILE names, too.
func TestTheSystemsAuthoritiesAreTrustedByDefault(t *testing.T) {
	a := newTrust(t)
	o := newOrigin(t)
	s := httptest.NewUnstartedServer(o)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "127.0.0.1").TLS(t)}}
	s.StartTLS()
	defer s.Close()
	t.Setenv("SSL_CERT_FILE", a.ca())
	r := serve(t, setup{upstream: s.URL}.yaml()).ready()
	put(t, r.url+"/doc", "two", get(t, r.url+"/doc").etag()).done(t)
}
