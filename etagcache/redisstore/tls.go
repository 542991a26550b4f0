package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// Handshake puts TLS on a connection to a host, as the one who connects. It leaves the connection open if it fails.
type Handshake func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error)

// bySystem verifies servers by the authorities that the system trusts.
func bySystem(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	return secure, secure.HandshakeContext(ctx)
}

// dialer is what connects to rediss://, be it to a server, a node or a Sentinel: each is verified by the host at which it was
// dialed. It is nil for other URLs, which go-redis then dials by itself. parsed is what it made of the URL.
func (o Options) dialer(parsed *tls.Config) (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	if parsed == nil {
		return nil, nil
	}
	if parsed.InsecureSkipVerify {
		return nil, badURL(errors.New("it has skip_verify; whom to trust is not said there (store.redis.tls.insecure_skip_verify)"))
	}
	shake := o.TLS
	if shake == nil {
		shake = bySystem
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		// A little less than the operation has, whose error would otherwise be that its time is over.
		ctx, cancel := context.WithTimeout(ctx, o.Timeout*9/10)
		defer cancel()
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		host, _, _ := net.SplitHostPort(addr) // it was dialed
		secure, err := shake(ctx, conn, host)
		if err != nil {
			_ = conn.Close()
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("no answer to the TLS handshake; does the server speak TLS at this port? %w", err)
			}
			return nil, &net.OpError{Op: "dial", Net: network, Addr: conn.RemoteAddr(), Err: err}
		}
		return &newcomer{Conn: secure}, nil
	}, nil
}

// newcomer is a connection over which the server has said nothing yet. In TLS 1.3 it looks at a client's certificate when the
// client takes the handshake for done, and if it refuses, it may be gone before its alert is read.
type newcomer struct {
	*tls.Conn
	heard atomic.Bool
}

func (c *newcomer) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, c.explain(err)
}

func (c *newcomer) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.explain(err)
}

func (c *newcomer) explain(err error) error {
	if err == nil || c.heard.Load() || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &explained{err, "the server hung up after the TLS handshake; does it want a certificate, and trust who signed it?"}
}
