package tlsfiles_test

import (
	"crypto/tls"
	"path/filepath"
	"testing"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

// withClientCA makes a listener that asks clients for a certificate.
func withClientCA(t *testing.T) *served {
	return serve(t, func(s *served) {
		s.options.CAFile = filepath.Join(s.dir, "clients.crt")
		tlstest.Replace(t, s.options.CAFile, s.authority.Cert)
	})
}

func TestClientsNeedACertificateOfTheirAuthority(t *testing.T) {
	s := withClientCA(t)
	with := func(p *tlstest.Pair) *tls.Config {
		config := s.client()
		if p != nil {
			cert := p.TLS(t)
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		return config
	}
	good, stranger := s.authority.Issue(t, "client"), tlstest.NewAuthority(t, "stranger").Issue(t, "client")
	for who, c := range map[string]struct {
		pair *tlstest.Pair
		ok   bool
	}{"nobody": {nil, false}, "a stranger": {&stranger, false}, "a client": {&good, true}} {
		_, clientErr, serverErr := s.shake(with(c.pair))
		if (serverErr == nil) != c.ok || (clientErr == nil) != c.ok {
			t.Errorf("%s: the client's error is %v, the server's %v", who, clientErr, serverErr)
		}
	}
}

// A session that was begun under the old authority is not resumed under the new one.
func TestAnAuthorityThatWasTakenAwayLetsNobodyIn(t *testing.T) {
	s := withClientCA(t)
	client := s.client()
	cert := s.authority.Issue(t, "client").TLS(t)
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	client.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	config, err := s.files.Server() // one for all connections, as a listener has it, or there would be no resumption
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		state, err, _ := shake(t, config, client)
		if err != nil {
			t.Fatal(err)
		}
		if state.DidResume != (i == 1) {
			t.Fatalf("handshake %d: resumed %v; this test needs a session to resume", i, state.DidResume)
		}
	}
	tlstest.Replace(t, s.options.CAFile, tlstest.NewAuthority(t, "another").Cert)
	s.again(1)
	if _, _, err := shake(t, config, client); err == nil {
		t.Error("a client of the old authority is let in")
	}
}

func TestTheLowestVersionIsKept(t *testing.T) {
	s := serve(t, func(s *served) { s.options.MinVersion = tls.VersionTLS13 })
	client := s.client()
	client.MaxVersion = tls.VersionTLS12
	if _, clientErr, _ := s.shake(client); clientErr == nil {
		t.Error("TLS 1.2 is spoken")
	}
	d := serve(t, nil)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		client := d.client()
		client.MinVersion, client.MaxVersion = version, version
		if _, err, _ := d.shake(client); (err == nil) != ok {
			t.Errorf("by default %s: %v", tls.VersionName(version), err)
		}
	}
}

func TestHTTP2IsOffered(t *testing.T) {
	s := serve(t, nil)
	for _, want := range []string{"h2", "http/1.1"} {
		client := s.client()
		client.NextProtos = []string{want}
		if state, err, _ := s.shake(client); err != nil || state.NegotiatedProtocol != want {
			t.Errorf("%s: %q, %v", want, state.NegotiatedProtocol, err)
		}
	}
}
