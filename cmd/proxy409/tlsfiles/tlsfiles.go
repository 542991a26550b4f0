// Package tlsfiles makes crypto/tls configurations of certificate files, and reads the files again when they change.
//
// What was read last and was good is in use: a handshake looks at memory, and never waits for a disk. Files that cannot be
// read, or a certificate and a key that do not fit together, change nothing, so that they can be replaced one after the
// other, and by turning a symbolic link, as Kubernetes replaces its secrets.
package tlsfiles

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options says which files there are, and what is made of them. No field is needed.
type Options struct {
	// Section is where in the configuration the files are named, such as upstream_tls, for logs and advice.
	Section string
	// CertFile has a certificate in PEM, with those that lead to its root; KeyFile its private key. Both or none.
	CertFile, KeyFile string
	// CAFile has the certificates of those who may sign the other side's. "" for a client: those that the system trusts;
	// for a server: clients show no certificate.
	CAFile string
	// NextProtos are the protocols that are spoken over it (ALPN), the preferred first. Default: none is named.
	NextProtos []string
	// MinVersion is the lowest version of TLS that is spoken. Default TLS 1.2.
	MinVersion uint16
	// ServerName is the name that a server's certificate must have, if not that of the host that is dialed. For a client.
	ServerName string
	// InsecureSkipVerify takes any certificate for the server's. For a client.
	InsecureSkipVerify bool
	// OnRead is told what is in use from now on, after the first reading and after each that found a change. Default: nobody.
	OnRead func(Content)
}

// Content is what the files held when they were read.
type Content struct {
	Certificate *tls.Certificate    // nil: there is no CertFile
	Chain       []*x509.Certificate // of Certificate, its own first
	CAs         []*x509.Certificate
}

// Expiry is the moment at which the first certificate of the chain expires; zero if there is none.
func (c Content) Expiry() time.Time {
	var first time.Time
	for _, cert := range c.Chain {
		if first.IsZero() || cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	return first
}

// Files are some files and the configuration that is made of them. It is safe for concurrent use.
type Files struct {
	options Options
	inUse   atomic.Pointer[state]

	reading sync.Mutex
}

// state is what one reading brought.
type state struct {
	raw     raw
	content Content
	server  *tls.Config
	client  *tls.Config
}

// raw are the bytes of CertFile, KeyFile and CAFile.
type raw [3][]byte

func (r raw) equal(other raw) bool { return slices.EqualFunc(r[:], other[:], bytes.Equal) }

// New returns files that have not been read yet.
func New(o Options) *Files { return &Files{options: o} }

// Read reads the files. What was in use before stays so if there is an error.
func (f *Files) Read() error {
	_, err := f.read()
	return err
}

// read reports whether something has changed.
func (f *Files) read() (changed bool, err error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	r, err := f.options.load()
	if err != nil {
		return false, err
	}
	if s := f.inUse.Load(); s != nil && s.raw.equal(r) {
		return false, nil
	}
	s := &state{raw: r}
	if s.content, err = f.options.parse(r); err != nil {
		return false, err
	}
	s.server, s.client = f.options.serverConfig(s.content), f.options.clientConfig(s.content)
	f.inUse.Store(s)
	if f.options.OnRead != nil {
		f.options.OnRead(s.content)
	}
	return true, nil
}

func (o Options) load() (r raw, err error) {
	for i, name := range []string{o.CertFile, o.KeyFile, o.CAFile} {
		if name == "" {
			continue
		}
		if r[i], err = readFile(name); err != nil {
			return r, err
		}
	}
	return r, nil
}

// maxFile bounds a file, in bytes. All authorities that a system trusts take a quarter of a megabyte.
const maxFile = 4 << 20

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it has only been read from
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", name, maxFile)
	}
	return text, err
}

// Content is what is in use, read now if it never was.
func (f *Files) Content() (Content, error) {
	s, err := f.state()
	if err != nil {
		return Content{}, err
	}
	return s.content, nil
}

func (f *Files) state() (*state, error) {
	if s := f.inUse.Load(); s != nil {
		return s, nil
	}
	if err := f.Read(); err != nil {
		return nil, err
	}
	return f.inUse.Load(), nil
}

// Watch reads the files again at each tick, until ctx ends. It says once what it has found: a change, and what keeps the
// earlier content in use. The latter is no news at first sight, for the files may be being replaced.
func (f *Files) Watch(ctx context.Context, tick <-chan time.Time, log *slog.Logger) {
	if f.options.CertFile == "" && f.options.CAFile == "" {
		return // nothing can change
	}
	var seen, said string // errors
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		changed, err := f.read()
		switch {
		case err == nil:
			if changed || said != "" {
				log.Info("certificate files were read again", "section", f.options.Section, "expires", f.inUse.Load().content.Expiry())
			}
			seen, said = "", ""
		case err.Error() != seen:
			seen = err.Error()
		case seen != said:
			said = seen
			log.Error("certificate files cannot be used; what was read before stays in use", "section", f.options.Section, "cause", err)
		}
	}
}

var errNoCertificate = errors.New("tlsfiles: a certificate is needed to listen")

// Server is the configuration of a listener, which follows the files. It reads them if that was not done.
func (f *Files) Server() (*tls.Config, error) {
	s, err := f.state()
	if err != nil {
		return nil, err
	}
	if s.content.Certificate == nil {
		return nil, errNoCertificate
	}
	return &tls.Config{
		MinVersion: f.options.minVersion(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return f.inUse.Load().server, nil
		},
	}, nil
}
