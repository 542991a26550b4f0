// Package tlstest makes certificates for tests, so that none is kept anywhere that expires.
package tlstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// T is what is needed of a testing.TB.
type T interface {
	Helper()
	Fatal(args ...any)
	TempDir() string
}

// Pair is a certificate and its private key, both in PEM.
type Pair struct {
	Cert, Key []byte
}

// Authority signs certificates.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  crypto.Signer
}

// NewAuthority makes an authority with a certificate of its own signing, which is good for three months.
func NewAuthority(t T, name string) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t)}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.Pair = a.sign(t, a.cert, a.key)
	block, _ := pem.Decode(a.Cert)
	var err error
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

// Leaf is what may be unusual in a certificate.
type Leaf struct {
	Names    []string // DNS names and addresses; the first is the common name too
	NotAfter time.Time
	Key      crypto.Signer // default: an ECDSA key
	Usage    []x509.ExtKeyUsage
	// Signature is how it is signed, with an ECDSA key. Default: by SHA-256.
	Signature x509.SignatureAlgorithm
}

// Issue makes a certificate with these names for servers and clients, which is good for three months.
func (a *Authority) Issue(t T, names ...string) Pair {
	t.Helper()
	return a.IssueLeaf(t, Leaf{Names: names})
}

// IssueLeaf makes a certificate.
func (a *Authority) IssueLeaf(t T, l Leaf) Pair {
	t.Helper()
	if l.Key == nil {
		l.Key = newKey(t)
	}
	if l.Usage == nil {
		l.Usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	cert := &x509.Certificate{
		NotAfter: l.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: l.Usage, SignatureAlgorithm: l.Signature,
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, name)
		}
	}
	if len(l.Names) > 0 {
		cert.Subject.CommonName = l.Names[0]
	}
	return a.sign(t, cert, l.Key)
}

func (a *Authority) sign(t T, cert *x509.Certificate, key crypto.Signer) Pair {
	t.Helper()
	now := time.Now()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	cert.SerialNumber, cert.NotBefore = serial, now.Add(-time.Hour)
	if cert.NotAfter.IsZero() {
		cert.NotAfter = now.Add(90 * 24 * time.Hour)
	}
	if cert.NotAfter.Before(cert.NotBefore) {
		cert.NotBefore = cert.NotAfter.Add(-time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

func newKey(t T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Pool is a pool with the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// TLS is the pair as crypto/tls has it.
func (p Pair) TLS(t T) tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Write writes the pair to name.crt and name.key in dir, each at once, and returns their paths.
func (p Pair) Write(t T, dir, name string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	Replace(t, cert, p.Cert)
	Replace(t, key, p.Key)
	return cert, key
}

// Replace replaces a file at once, so that nobody reads half of it. Others may not read it.
func Replace(t T, path string, text []byte) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}
