package redisstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// secured is an authority, and what it signed.
type secured struct {
	t         *testing.T
	dir       string
	authority *tlstest.Authority
}

func secure(t *testing.T) *secured {
	t.Helper()
	s := &secured{t: t, dir: t.TempDir(), authority: tlstest.NewAuthority(t, "test")}
	tlstest.Replace(t, filepath.Join(s.dir, "ca.crt"), s.authority.Cert)
	return s
}

// files are those of a server with these names.
func (s *secured) files(names ...string) redistest.TLS {
	s.t.Helper()
	cert, key := s.authority.Issue(s.t, names...).Write(s.t, s.t.TempDir(), "redis")
	return redistest.TLS{Cert: cert, Key: key, CA: filepath.Join(s.dir, "ca.crt")}
}

// handshake trusts the roots, and shows a certificate of the authority unless it is nil.
func (s *secured) handshake(roots *x509.CertPool, authority *tlstest.Authority) redisstore.Handshake {
	config := &tls.Config{RootCAs: roots}
	if authority != nil {
		cert := authority.Issue(s.t, "client").TLS(s.t)
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	return func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
		named := config.Clone()
		named.ServerName = host
		secure := tls.Client(conn, named)
		return secure, secure.HandshakeContext(ctx)
	}
}

func (s *secured) good() redisstore.Handshake {
	return s.handshake(s.authority.Pool(), s.authority)
}

// remembers fails the test unless values are stored and found, in every part of the store.
func remembers(t *testing.T, s *redisstore.Store) {
	t.Helper()
	for i := range 64 {
		key := etagcache.Key{byte(i), 1}
		reply, err := s.Get(t.Context(), key)
		if err == nil {
			reply, err = s.Swap(t.Context(), key, etagcache.Change{Epoch: reply.Epoch.ID, New: []byte("value"), TTL: time.Minute})
		}
		if err == nil && !reply.Swapped {
			t.Fatal("it was not swapped")
		}
		if err == nil {
			reply, err = s.Get(t.Context(), key)
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(reply.Value) != "value" {
			t.Fatalf("it has %q", reply.Value)
		}
	}
}

func TestAStoreIsReachedByTLSInAllModes(t *testing.T) {
	t.Run("single", func(t *testing.T) {
		s := secure(t)
		server := redistest.StartTLS(t, s.files("127.0.0.1"))
		remembers(t, open(t, redisstore.Options{URL: server.URL(), TLS: s.good()}))
	})
	t.Run("cluster", func(t *testing.T) {
		s := secure(t)
		// Nodes name each other by address: only the one that the URL names has its name.
		nodes := redistest.StartTLSCluster(t, s.files("127.0.0.1", "localhost"), s.files("127.0.0.1"))
		url := strings.Replace(nodes[0].URL(), "127.0.0.1", "localhost", 1)
		store := open(t, redisstore.Options{URL: url, Mode: redisstore.Cluster, TLS: s.good()})
		remembers(t, store)
		about, err := store.About(t.Context())
		if err != nil || len(about) != 2 {
			t.Fatalf("%d masters, %v", len(about), err)
		}
		for _, node := range about {
			if node.Addr != nodes[0].TLSAddr && node.Addr != nodes[1].TLSAddr {
				t.Errorf("the node at %s is spoken to, which is no port with TLS", node.Addr)
			}
		}
	})
	t.Run("sentinel", func(t *testing.T) {
		s := secure(t)
		url := redistest.StartTLSSentinel(t, s.files("127.0.0.1"))
		remembers(t, open(t, redisstore.Options{URL: url, Mode: redisstore.Sentinel, TLS: s.good()}))
	})
}

func TestAnErrorOfTLSSaysWhyAndShowsNoURL(t *testing.T) {
	s := secure(t)
	server := redistest.StartTLS(t, s.files("redis.test"))
	local := redistest.StartTLS(t, s.files("127.0.0.1"))
	const user = "rediss://user:s3cret@"
	for what, c := range map[string]struct {
		url  string
		mode redisstore.Mode
		tls  redisstore.Handshake
		want string
	}{
		"another name":      {user + server.TLSAddr, redisstore.Single, s.good(), "127.0.0.1"},
		"no authority":      {user + local.TLSAddr, redisstore.Single, nil, "unknown authority"},
		"another authority": {user + local.TLSAddr, redisstore.Single, s.handshake(x509.NewCertPool(), nil), "unknown authority"},
		"no certificate":    {user + local.TLSAddr, redisstore.Single, s.handshake(s.authority.Pool(), nil), "(the server hung up after the TLS handshake; does it want"},
		"a strange certificate": {
			user + local.TLSAddr, redisstore.Single,
			s.handshake(s.authority.Pool(), tlstest.NewAuthority(t, "stranger")), "(the server hung up after the TLS handshake; does it want",
		},
		"no TLS":      {user + local.Addr, redisstore.Single, s.good(), "does the server speak TLS at this port?"},
		"a cluster":   {user + local.TLSAddr, redisstore.Cluster, nil, "unknown authority"},
		"a Sentinel":  {user + local.TLSAddr + "?master_name=mymaster&password=s3cret", redisstore.Sentinel, nil, "unknown authority"},
		"skip_verify": {user + local.TLSAddr + "?skip_verify=true", redisstore.Single, s.good(), "skip_verify"},
	} {
		t.Run(what, func(t *testing.T) {
			store, err := redisstore.New(redisstore.Options{URL: c.url, Mode: c.mode, TLS: c.tls, Timeout: time.Second})
			if err == nil {
				defer func() { _ = store.Close() }()
				_, err = store.Get(t.Context(), key)
			}
			if err == nil {
				t.Fatal("no error")
			}
			if !contains(err.Error(), c.want) {
				t.Errorf("the error is %q, want one with %q", err, c.want)
			}
			if contains(err.Error(), "s3cret") || contains(err.Error(), "rediss:") {
				t.Errorf("the error shows the URL: %v", err)
			}
		})
	}
}

// A server that takes a connection and says nothing is one that is down.
func TestAHandshakeIsBoundByTheTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var began atomic.Bool
	s := secure(t)
	shake := s.good()
	store := open(t, redisstore.Options{
		URL: "rediss://" + l.Addr().String(), Timeout: 100 * time.Millisecond,
		TLS: func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
			began.Store(true)
			return shake(ctx, conn, host)
		},
	})
	start := time.Now()
	if _, err := store.Get(t.Context(), key); err == nil {
		t.Error("it answered")
	}
	if took := time.Since(start); took > 3*time.Second || !began.Load() {
		t.Errorf("it took %v, and the handshake had begun: %v", took, began.Load())
	}
}

// After an authority has got a new key under its old name, crypto/x509 quotes both in its error; nothing in it was sent by us.
func TestAnErrorOfTLSIsWhole(t *testing.T) {
	s := secure(t)
	server := redistest.StartTLS(t, s.files("127.0.0.1"))
	const last = "the end of it"
	shake := s.handshake(tlstest.NewAuthority(t, "test").Pool(), nil)
	store := open(t, redisstore.Options{
		URL: server.URL(),
		TLS: func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
			secure, err := shake(ctx, conn, host)
			if err != nil {
				err = fmt.Errorf("%w (%s)", err, last)
			}
			return secure, err
		},
	})
	if _, err := store.Get(t.Context(), key); err == nil || !contains(err.Error(), last) {
		t.Errorf("the error is %v, want one with %q", err, last)
	}
}
