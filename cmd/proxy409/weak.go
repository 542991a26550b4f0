package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/config"
)

// expiresSoon is how long before a certificate expires it is warned of.
const expiresSoon = 14 * 24 * time.Hour

// weaknesses is what is weak in what the configuration says of TLS, and in the files that it names. They have been read.
func (in *instance) weaknesses(now time.Time) []config.Warning {
	w := &weak{cfg: in.cfg, now: now}
	for _, s := range in.certificates {
		if content, err := s.files.Content(); err == nil {
			w.section(s.Options, content)
		}
	}
	w.redis()
	w.admin()
	return w.found
}

// weak looks for what is weak.
type weak struct {
	cfg   *config.Config
	now   time.Time
	found []config.Warning
}

func (w *weak) warn(bad bool, path, format string, args ...any) {
	if bad {
		w.found = append(w.found, config.Warning(w.cfg.Problem(path, fmt.Sprintf(format, args...))))
	}
}

func (w *weak) section(o tlsfiles.Options, c tlsfiles.Content) {
	cert, key, ca := o.Section+".cert_file", o.Section+".key_file", o.Section+".ca_file"
	usage := x509.ExtKeyUsageClientAuth
	if o.Section == "tls" {
		ca, usage = "tls.client_ca_file", x509.ExtKeyUsageServerAuth
		w.names(cert, c)
	}
	w.key(key, o.KeyFile)
	w.chain(cert, c.Chain, usage)
	w.authorities(ca, c.CAs)
	w.warn(o.MinVersion != 0 && o.MinVersion < tls.VersionTLS12, o.Section+".min_version",
		"%s can be broken; only what speaks nothing better needs it", tls.VersionName(o.MinVersion))
	w.warn(o.InsecureSkipVerify, o.Section+".insecure_skip_verify",
		"whoever stands between can read and change everything; name the authority in ca_file instead")
	if o.Section != "tls" && !o.InsecureSkipVerify {
		w.pinned(ca, o, c.CAs)
	}
}

// key warns of a private key that every user of the machine can read.
func (w *weak) key(path, file string) {
	if file == "" {
		return
	}
	info, err := os.Stat(file)
	w.warn(err == nil && info.Mode().Perm()&0o006 != 0, path,
		"every user of this machine can read or replace the private key %s; chmod o-rw", file)
}

// chain warns of certificates that are shown.
func (w *weak) chain(path string, chain []*x509.Certificate, usage x509.ExtKeyUsage) {
	for i, cert := range chain {
		w.age(path, cert)
		w.strength(path, cert)
		w.warn(i == 0 && !usedFor(cert, usage), path, "the certificate %s is not made for this: its extended key usage leaves it out", name(cert))
	}
}

func usedFor(cert *x509.Certificate, usage x509.ExtKeyUsage) bool {
	for _, u := range cert.ExtKeyUsage {
		if u == usage || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0
}

// authorities warns of a file whose authorities are all about to expire; in a bundle there is always one.
func (w *weak) authorities(path string, certs []*x509.Certificate) {
	good := false
	for _, cert := range certs {
		good = good || cert.NotAfter.After(w.now.Add(expiresSoon))
	}
	for _, cert := range certs {
		if !good {
			w.age(path, cert)
		}
		if len(certs) == 1 {
			w.strength(path, cert)
		}
	}
}

func (w *weak) age(path string, cert *x509.Certificate) {
	const day = "2006-01-02 15:04 MST"
	w.warn(cert.NotBefore.After(w.now), path, "the certificate %s is good from %s on only", name(cert), cert.NotBefore.Format(day))
	w.warn(!cert.NotAfter.After(w.now), path, "the certificate %s has expired, on %s", name(cert), cert.NotAfter.Format(day))
	w.warn(cert.NotAfter.After(w.now) && !cert.NotAfter.After(w.now.Add(expiresSoon)), path,
		"the certificate %s expires within %d days, on %s", name(cert), int(expiresSoon.Hours()/24), cert.NotAfter.Format(day))
}

func (w *weak) strength(path string, cert *x509.Certificate) {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		w.warn(key.N.BitLen() < 2048, path, "the RSA key of the certificate %s has %d bits; 2048 is the least that is safe", name(cert), key.N.BitLen())
	case *ecdsa.PublicKey:
		w.warn(key.Curve.Params().BitSize < 256, path, "the key of the certificate %s is on the curve %s, which is too small", name(cert), key.Curve.Params().Name)
	}
	if bytes.Equal(cert.RawSubject, cert.RawIssuer) {
		return // nobody looks at a signature of its own
	}
	w.warn(slices.Contains(forgeable, cert.SignatureAlgorithm), path,
		"the certificate %s is signed with %s, which can be forged; most clients refuse it", name(cert), cert.SignatureAlgorithm)
}

var forgeable = []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}

// names warns where clients would find that the listener's certificate is not for the host that they asked for.
func (w *weak) names(path string, c tlsfiles.Content) {
	if len(c.Chain) == 0 {
		return
	}
	cert := c.Chain[0]
	w.warn(!named(cert), path, "the certificate %s has no name that clients look at (subjectAltName)", name(cert))
	for i, r := range w.cfg.Routes {
		host, _, _ := strings.Cut(r.Match, "/")
		w.warn(named(cert) && host != "" && cert.VerifyHostname(host) != nil, fmt.Sprintf("routes[%d].match", i),
			"the certificate of tls.cert_file is not for %s: clients refuse it there", host)
	}
}

func named(cert *x509.Certificate) bool { return len(cert.DNSNames)+len(cert.IPAddresses) > 0 }

// pinned warns where the only authority is a server's own certificate that is for other names than the ones that it is to have.
func (w *weak) pinned(path string, o tlsfiles.Options, cas []*x509.Certificate) {
	if len(cas) != 1 || !named(cas[0]) {
		return
	}
	hosts := []string{o.ServerName}
	if o.ServerName == "" {
		hosts = w.hosts(o.Section)
	}
	for _, host := range hosts {
		err := cas[0].VerifyHostname(host)
		w.warn(err != nil, path, "is a server's own certificate, and not for %s; give one of its names as server_name", host)
	}
}

// hosts are those to which the connections of a section go, by TLS.
func (w *weak) hosts(section string) (hosts []string) {
	if section != "upstream_tls" {
		return redisHosts(w.cfg.Store.Redis, "rediss")
	}
	for _, r := range w.cfg.Routes {
		if r.Upstream.Scheme == "https" {
			hosts = append(hosts, r.Upstream.Hostname())
		}
	}
	return hosts
}

// redisHosts are those of the URL, if it has the scheme.
func redisHosts(r *config.Redis, scheme string) (hosts []string) {
	if r == nil {
		return nil
	}
	u, err := url.Parse(r.URL.Reveal())
	if err != nil || u.Scheme != scheme {
		return nil
	}
	hosts = append(hosts, u.Hostname())
	for _, addr := range u.Query()["addr"] {
		host, _, _ := net.SplitHostPort(addr)
		hosts = append(hosts, host)
	}
	return hosts
}

// redis warns of a Redis elsewhere to which everything goes in clear text.
func (w *weak) redis() {
	for _, host := range redisHosts(w.cfg.Store.Redis, "redis") {
		if !isLoopback(host) {
			w.warn(true, "store.redis.url", "%s is another machine, and password and records go there in clear text; rediss:// has TLS", host)
			return
		}
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// name is what a certificate is called in messages.
func name(cert *x509.Certificate) string {
	switch {
	case cert.Subject.CommonName != "":
		return fmt.Sprintf("%q", cert.Subject.CommonName)
	case len(cert.DNSNames) > 0:
		return fmt.Sprintf("%q", cert.DNSNames[0])
	}
	return fmt.Sprintf("%q", cert.Subject.String())
}
