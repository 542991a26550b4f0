package config

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
)

// ServerTLS is how clients connect. The files are read by who listens, and read again when they change.
type ServerTLS struct {
	// CertFile has the certificate in PEM, with those that lead to its root; KeyFile its private key. A relative path is
	// taken from the folder of the configuration file. Both are required.
	CertFile, KeyFile string
	// ClientCAFile has the certificates of those who may sign a client's. With it a client must have one. Default none:
	// clients are not asked.
	ClientCAFile string
	// MinVersion is the lowest version of TLS that is spoken, TLS12 or TLS13, as crypto/tls numbers them. Default TLS12.
	MinVersion uint16
}

// ClientTLS is how the proxy connects to a server that speaks TLS. The files are read by who connects.
type ClientTLS struct {
	// CAFile has the certificates, in PEM, of those who may sign the server's. Default: those that the system trusts.
	CAFile string
	// CertFile and KeyFile are the certificate that the proxy shows, for servers that ask for one. Both or none.
	CertFile, KeyFile string
	// ServerName is the name that the server's certificate must have. Default: the host of the URL.
	ServerName string
	// MinVersion is the lowest version of TLS that is spoken, TLS10 to TLS13, as crypto/tls numbers them. Default TLS12.
	MinVersion uint16
	// InsecureSkipVerify takes any certificate for the server's: whoever stands between can read and change everything.
	InsecureSkipVerify bool
}

func (t *ServerTLS) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"cert_file":      one(&t.CertFile, d.fileName),
		"key_file":       one(&t.KeyFile, d.fileName),
		"client_ca_file": one(&t.ClientCAFile, d.fileName),
		"min_version":    one(&t.MinVersion, tlsVersion(tls.VersionTLS12)),
	})
	d.require(v, "cert_file", "the certificate in PEM, with those that lead to its root")
	d.require(v, "key_file", "the private key of the certificate in PEM")
}

func (t *ClientTLS) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"ca_file":              one(&t.CAFile, d.fileName),
		"cert_file":            one(&t.CertFile, d.fileName),
		"key_file":             one(&t.KeyFile, d.fileName),
		"server_name":          one(&t.ServerName, text(maxServerName)),
		"min_version":          one(&t.MinVersion, tlsVersion(tls.VersionTLS10)),
		"insecure_skip_verify": one(&t.InsecureSkipVerify, boolean),
	})
}

const (
	maxServerName = 253
	maxFileName   = 4096
	maxProxies    = 1000
)

// fileName takes the name of a file; a relative one is taken from the folder of the configuration.
func (d *decoder) fileName(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("is empty; it wants the name of a file")
	case len(name) > maxFileName || strings.ContainsRune(name, 0):
		return "", errors.New("is not the name of a file")
	case filepath.IsAbs(name):
		return name, nil
	}
	return filepath.Join(filepath.Dir(d.file), name), nil
}

var tlsVersions = []struct {
	name   string
	number uint16
}{{"TLS10", tls.VersionTLS10}, {"TLS11", tls.VersionTLS11}, {"TLS12", tls.VersionTLS12}, {"TLS13", tls.VersionTLS13}}

func tlsVersion(least uint16) func(string) (uint16, error) {
	return func(text string) (uint16, error) {
		var allowed []string
		for _, v := range tlsVersions {
			if v.number < least {
				continue
			}
			if v.name == text {
				return v.number, nil
			}
			allowed = append(allowed, v.name)
		}
		return 0, errors.New("is not a version of TLS for here; allowed: " + strings.Join(allowed, ", "))
	}
}

// proxies takes a network in CIDR form, or a single address.
func proxies(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, errors.New("is neither an address nor a network; write it as 192.0.2.7 or 10.0.0.0/8")
	case p.Masked() != p:
		return p, errors.New("has bits beyond its mask; the network is " + p.Masked().String())
	case p.Addr().Is4In6():
		return p, errors.New("is IPv4 written as IPv6; write the IPv4 network")
	}
	return p, nil
}

func trustedProxies(dst *[]netip.Prefix) decodeFunc {
	return func(d *decoder, v value) {
		d.list(v, func(d *decoder, i int, v value) {
			if i == maxProxies {
				d.fail(v.path, "is one too many; %d are allowed", maxProxies)
			}
			if i < maxProxies {
				var p netip.Prefix
				one(&p, proxies)(d, v)
				*dst = append(*dst, p)
			}
		})
	}
}

// checkUpstreamTLS looks for a backend to which the section applies: without one, somebody believes to have TLS who has none.
func (d *decoder) checkUpstreamTLS(c *Config) {
	secure := c.Upstream != nil && c.Upstream.Scheme == "https"
	for i, r := range c.Routes {
		secure = secure || r.Upstream != nil && r.Upstream.Scheme == "https" || !d.sound(item("routes", i)+".upstream")
	}
	d.contradiction(!secure && c.UpstreamTLS != defaults().UpstreamTLS, []string{"upstream_tls", "upstream"},
		"is for backends whose URL begins with https://, and there is none: nothing goes by TLS")
}

// checkTLS holds what belongs together in the section at a path.
func (d *decoder) checkTLS(path string, t ClientTLS) {
	cert, key := path+".cert_file", path+".key_file"
	d.contradiction((t.CertFile == "") != (t.KeyFile == ""), []string{cert, key},
		"cert_file and key_file go together: a certificate is of no use without its private key")
	d.contradiction(t.InsecureSkipVerify && (t.CAFile != "" || t.ServerName != ""),
		[]string{path + ".insecure_skip_verify", path + ".ca_file", path + ".server_name"},
		"insecure_skip_verify takes every certificate, whatever ca_file and server_name say")
}
