package tlsfiles_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

const name = "proxy.test"

// served is a listener's files, which a test replaces.
type served struct {
	t         *testing.T
	dir       string
	authority *tlstest.Authority
	options   tlsfiles.Options
	files     *tlsfiles.Files
	tick      chan time.Time
	log       journal
}

// serve watches files with a first certificate in them, reading them again when the test says so.
func serve(t *testing.T, more func(*served)) *served {
	t.Helper()
	s := &served{t: t, dir: t.TempDir(), authority: tlstest.NewAuthority(t, "test"), tick: make(chan time.Time)}
	s.options = tlsfiles.Options{Section: "tls", NextProtos: []string{"h2", "http/1.1"}}
	s.options.CertFile, s.options.KeyFile = s.authority.Issue(t, name).Write(t, s.dir, "tls")
	if more != nil {
		more(s)
	}
	s.files = tlsfiles.New(s.options)
	if err := s.files.Read(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { s.files.Watch(ctx, s.tick, slog.New(slog.NewTextHandler(&s.log, nil))) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return s
}

// again lets the files be read n times. The last of the ticks is taken when the reading before it is over.
func (s *served) again(n int) {
	for range n + 1 {
		s.tick <- time.Time{}
	}
}

// shake connects with a client, and returns what each side says of it.
func (s *served) shake(client *tls.Config) (shown tls.ConnectionState, clientErr, serverErr error) {
	s.t.Helper()
	config, err := s.files.Server()
	if err != nil {
		s.t.Fatal(err)
	}
	return shake(s.t, config, client)
}

// shake makes a handshake, and then lets the server say a word, for in TLS 1.3 a client is done before the server is.
func shake(t *testing.T, server, client *tls.Config) (shown tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		defer accepted.Close()
		_, serverErr = accepted.Write([]byte("!"))
	})
	conn := tls.Client(dialed, client)
	_, clientErr = io.ReadFull(conn, make([]byte, 1))
	shown = conn.ConnectionState()
	dialed.Close()
	done.Wait()
	return shown, clientErr, serverErr
}

func (s *served) client() *tls.Config {
	return &tls.Config{RootCAs: s.authority.Pool(), ServerName: name}
}

// shows fails the test unless a client is shown this certificate.
func (s *served) shows(want tlstest.Pair) {
	s.t.Helper()
	state, err, _ := s.shake(s.client())
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(state.PeerCertificates[0].Raw, want.TLS(s.t).Certificate[0]) {
		s.t.Error("another certificate is shown")
	}
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(part string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), part)
}
