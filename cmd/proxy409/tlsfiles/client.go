package tlsfiles

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// Handshake puts TLS on a connection to a host, by the files as they are now; it reads them if that was not done. It leaves the
// connection open if it fails. The error then says what to do.
func (f *Files) Handshake(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	s, err := f.state()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.options.Section, err)
	}
	config := s.client.Clone()
	config.ServerName = cmp.Or(config.ServerName, host)
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, f.options.explain(err)
	}
	return secure, nil
}

// Client is the configuration for connections that are made now. It reads the files if that was not done. Its ServerName is
// that of the options, which may be "".
func (f *Files) Client() (*tls.Config, error) {
	s, err := f.state()
	if err != nil {
		return nil, err
	}
	return s.client.Clone(), nil
}

// explain adds what to do to an error that an operator can do something about.
func (o Options) explain(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		expired x509.CertificateInvalidError
		plain   tls.RecordHeaderError
		alert   *net.OpError
	)
	switch {
	case errors.As(err, &unknown) && o.CAFile != "":
		return o.advise(err, "ca_file, "+o.CAFile+", does not have the authority that signed it")
	case errors.As(err, &unknown):
		return o.advise(err, "name the file with the certificate of the authority that signed it, in ca_file")
	case errors.As(err, &name):
		return o.advise(err, "if it is the right server, give one of the names in its certificate as server_name")
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return o.advise(err, "the server needs a new certificate, or a clock is wrong")
	case errors.As(err, &plain):
		return o.advise(err, "what answers there does not speak TLS; is it the right port?")
	case errors.As(err, &alert) && alert.Op == "remote error" && o.CertFile == "":
		return o.advise(err, "the server refused; does it want a certificate (cert_file and key_file), or another version?")
	case errors.As(err, &alert) && alert.Op == "remote error":
		return o.advise(err, "the server refused; does it trust who signed cert_file, and speak the version?")
	}
	return err
}

func (o Options) advise(err error, advice string) error {
	return &advised{err, o.Section + ": " + advice}
}

// advised is an error with advice.
type advised struct {
	error
	advice string
}

func (e *advised) Error() string { return e.error.Error() + " (" + e.advice + ")" }
func (e *advised) Unwrap() error { return e.error }
