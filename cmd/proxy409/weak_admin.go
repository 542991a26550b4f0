package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/prometheus/exporter-toolkit/web"

	"proxy409/cmd/proxy409/tlsfiles"
)

// admin warns of a web configuration that lets others see, or listen in on, what is for operators. That there is none is said by
// package config.
func (w *weak) admin() {
	const path = "admin.web_config"
	if w.cfg.Admin.WebConfig == "" {
		return
	}
	c, err := webConfig(w.cfg.Admin.WebConfig)
	if err != nil {
		return // it has been checked; it was replaced since
	}
	host, _, _ := net.SplitHostPort(w.cfg.Admin.Listen)
	secure, elsewhere := c.TLSConfig.IsEnabled(), !isLoopback(host)
	verified := c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert"
	w.warn(elsewhere && len(c.Users) == 0 && !verified, path,
		"asks for no password and no certificate, and others than this machine can reach the admin listener")
	w.warn(elsewhere && len(c.Users) > 0 && !secure, path,
		"has no TLS (tls_server_config): passwords go to the admin listener in clear text")
	if !secure {
		return
	}
	w.warn(c.TLSConfig.MinVersion < tls.VersionTLS12, path, "%s can be broken", tls.VersionName(uint16(c.TLSConfig.MinVersion)))
	w.key(path, c.TLSConfig.TLSKeyPath)
	if chain, err := webChain(c); err == nil {
		w.chain(path, chain, x509.ExtKeyUsageServerAuth)
	}
}

// webChain is the certificates that the admin listener shows.
func webChain(c *web.Config) ([]*x509.Certificate, error) {
	if c.TLSConfig.TLSCertPath == "" {
		return tlsfiles.Certificates([]byte(c.TLSConfig.TLSCert))
	}
	return tlsfiles.ReadCertificates(c.TLSConfig.TLSCertPath)
}
