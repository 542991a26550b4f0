package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"proxy409/cmd/proxy409/tlsfiles"
)

// healthTLS is how healthcheck tells the admin listener from another.
type healthTLS struct {
	caFile, serverName, certFile, keyFile string
	insecure                              bool
	// expected is the chain that the configuration names. Its first certificate is taken, whatever its names, if the flags say
	// nothing else: it is the very one that the listener has.
	expected []*x509.Certificate
}

func (h *healthTLS) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.caFile, "ca-file", "", "who may have signed the listener's certificate; instead of those that the system trusts")
	f.StringVar(&h.serverName, "server-name", "", "the name that the certificate must have; instead of the host in the URL")
	f.StringVar(&h.certFile, "cert-file", "", "the certificate to show, for a listener that wants one")
	f.StringVar(&h.keyFile, "key-file", "", "its private key")
	f.BoolVar(&h.insecure, "insecure", false, "take any certificate")
}

// client is an HTTP client that connects as the flags say.
func (h *healthTLS) client() (*http.Client, error) {
	if (h.certFile == "") != (h.keyFile == "") {
		return nil, errors.New("--cert-file and --key-file go together")
	}
	files := tlsfiles.New(tlsfiles.Options{
		CertFile: h.certFile, KeyFile: h.keyFile, CAFile: h.caFile, ServerName: h.serverName, InsecureSkipVerify: h.insecure,
	})
	config, err := files.Client()
	if err != nil {
		return nil, err
	}
	if h.expected != nil && h.caFile == "" && h.serverName == "" && !h.insecure {
		config.InsecureSkipVerify, config.VerifyConnection = true, h.isExpected // the one replaces the other
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}}, nil
}

func (h *healthTLS) isExpected(s tls.ConnectionState) error {
	if !bytes.Equal(s.PeerCertificates[0].Raw, h.expected[0].Raw) {
		return errors.New("the admin listener shows another certificate than the one that admin.web_config names")
	}
	return nil
}
