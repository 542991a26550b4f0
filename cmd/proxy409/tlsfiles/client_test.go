package tlsfiles_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

// listen serves TLS until the test ends: it says one byte to whoever makes a handshake.
func listen(t *testing.T, config *tls.Config) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			conn := raw
			if config != nil {
				conn = tls.Server(raw, config)
			}
			_, _ = conn.Write([]byte("!\n!\n!")) // more than the header of a TLS record, for those who take it for one
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// dial makes a handshake and waits for the server's word.
func dial(t *testing.T, f *tlsfiles.Files, addr, host string) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn, err := f.Handshake(t.Context(), raw, host)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	return conn, err
}

func TestAClientFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	old, young := tlstest.NewAuthority(t, "old"), tlstest.NewAuthority(t, "young")
	o := tlsfiles.Options{Section: "upstream_tls", CAFile: filepath.Join(dir, "ca.crt")}
	tlstest.Replace(t, o.CAFile, old.Cert)
	o.CertFile, o.KeyFile = old.Issue(t, "client").Write(t, dir, "client")
	f := tlsfiles.New(o)
	server := func(a *tlstest.Authority) string {
		return listen(t, &tls.Config{
			Certificates: []tls.Certificate{a.Issue(t, name).TLS(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool(),
		})
	}
	before, after := server(old), server(young)
	if _, err := dial(t, f, before, name); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, f, after, name); err == nil {
		t.Fatal("a server of an authority that is not in the file is taken")
	}
	tlstest.Replace(t, o.CAFile, young.Cert)
	young.Issue(t, "client").Write(t, dir, "client")
	if err := f.Read(); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, f, after, name); err != nil {
		t.Error(err)
	}
	if _, err := dial(t, f, before, name); err == nil {
		t.Error("a server of an authority that is not in the file any more is taken")
	}
}

// The advice names the section of the configuration, and what in it is to be changed.
func TestAHandshakeThatFailsSaysWhatToDo(t *testing.T) {
	a := tlstest.NewAuthority(t, "test")
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.crt")
	tlstest.Replace(t, ca, a.Cert)
	strangerCert, strangerKey := tlstest.NewAuthority(t, "stranger").Issue(t, "client").Write(t, dir, "stranger")
	with := func(p tlstest.Pair) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{p.TLS(t)}} }
	good := with(a.Issue(t, name, "127.0.0.1"))
	mutual := good.Clone()
	mutual.ClientAuth, mutual.ClientCAs, mutual.MaxVersion = tls.RequireAndVerifyClientCert, a.Pool(), tls.VersionTLS12
	expired := a.IssueLeaf(t, tlstest.Leaf{Names: []string{name}, NotAfter: time.Now().Add(-time.Minute)})
	for what, c := range map[string]struct {
		server  *tls.Config
		options tlsfiles.Options
		host    string
		want    string
	}{
		"good":               {good, tlsfiles.Options{CAFile: ca}, name, ""},
		"good, by address":   {good, tlsfiles.Options{CAFile: ca}, "127.0.0.1", ""},
		"server_name":        {good, tlsfiles.Options{CAFile: ca, ServerName: name}, "10.0.0.1", ""},
		"skip_verify":        {good, tlsfiles.Options{InsecureSkipVerify: true}, "10.0.0.1", ""},
		"no authority":       {good, tlsfiles.Options{}, name, "(upstream_tls: name the file with the certificate of the authority"},
		"another authority":  {good, tlsfiles.Options{CAFile: strangerCert}, name, "(upstream_tls: ca_file, " + strangerCert + ", does not have"},
		"another name":       {good, tlsfiles.Options{CAFile: ca}, "other.test", "valid for " + name + ", not other.test (upstream_tls: if it is"},
		"another address":    {good, tlsfiles.Options{CAFile: ca}, "10.0.0.1", "server_name)"},
		"another wanted":     {good, tlsfiles.Options{CAFile: ca, ServerName: "other.test"}, name, "not other.test"},
		"expired":            {with(expired), tlsfiles.Options{CAFile: ca}, name, "new certificate"},
		"no TLS":             {nil, tlsfiles.Options{CAFile: ca}, name, "does not speak TLS"},
		"no certificate":     {mutual, tlsfiles.Options{CAFile: ca}, name, "cert_file and key_file"},
		"a strange one":      {mutual, tlsfiles.Options{CAFile: ca, CertFile: strangerCert, KeyFile: strangerKey}, name, "trust who signed cert_file"},
		"too low a version":  {mutual, tlsfiles.Options{CAFile: ca, MinVersion: tls.VersionTLS13}, name, "another version"},
		"a file that is not": {good, tlsfiles.Options{CAFile: ca + ".not"}, name, "no such file"},
	} {
		t.Run(what, func(t *testing.T) {
			c.options.Section = "upstream_tls"
			_, err := dial(t, tlsfiles.New(c.options), listen(t, c.server), c.host)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
	var verification *tls.CertificateVerificationError
	f := tlsfiles.New(tlsfiles.Options{CAFile: ca})
	if _, err := dial(t, f, listen(t, good), "other.test"); !errors.As(err, &verification) {
		t.Errorf("the cause is not to be found in %v", err)
	}
}
