package tlsfiles

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

func (o Options) parse(r raw) (c Content, err error) {
	if o.CertFile != "" || o.KeyFile != "" {
		if c.Certificate, c.Chain, err = o.pair(r[0], r[1]); err != nil {
			return Content{}, err
		}
	}
	if o.CAFile != "" {
		if c.CAs, err = Certificates(r[2]); err != nil {
			return Content{}, fmt.Errorf("%s: %w", o.CAFile, err)
		}
	}
	return c, nil
}

// pair parses a certificate and its key. Errors of crypto/tls about keys do not show the key.
func (o Options) pair(certPEM, keyPEM []byte) (*tls.Certificate, []*x509.Certificate, error) {
	chain, err := Certificates(certPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.CertFile, err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err != nil && encrypted(keyPEM):
		return nil, nil, fmt.Errorf("the private key in %s is encrypted, and nobody is there to ask for its passphrase; "+
			"write it without one (openssl pkey -in KEY -out NEW) to where the proxy's user alone can read it", o.KeyFile)
	case err != nil:
		return nil, nil, fmt.Errorf("%s and %s cannot be used together: %w", o.CertFile, o.KeyFile, err)
	}
	return &cert, chain, nil
}

// encrypted reports whether a key in PEM is, by itself (RFC 5958) or as PEM once had it (RFC 1421).
func encrypted(text []byte) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.HasSuffix(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
}

// ReadCertificates reads all certificates of a file.
func ReadCertificates(path string) ([]*x509.Certificate, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	all, err := Certificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// Certificates parses all certificates in a text, at least one. Other blocks of PEM are passed over: a file may have the key as
// well.
func Certificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file is broken: %w", len(all)+1, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, errors.New("has no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return all, nil
}

func (o Options) serverConfig(c Content) *tls.Config {
	config := &tls.Config{MinVersion: o.minVersion(), NextProtos: o.NextProtos}
	if c.Certificate != nil {
		config.Certificates = []tls.Certificate{*c.Certificate}
	}
	if c.CAs != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool(c.CAs)
	}
	return config
}

// clientConfig shows the certificate to every server that asks for one, also where that names other authorities than its: the
// server's refusal says more than that none was shown.
func (o Options) clientConfig(c Content) *tls.Config {
	config := &tls.Config{
		MinVersion:         o.minVersion(),
		NextProtos:         o.NextProtos,
		ServerName:         o.ServerName,
		InsecureSkipVerify: o.InsecureSkipVerify,
	}
	if c.Certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.Certificate, nil }
	}
	if c.CAs != nil {
		config.RootCAs = pool(c.CAs)
	}
	return config
}

func (o Options) minVersion() uint16 { return cmp.Or(o.MinVersion, tls.VersionTLS12) }

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}
