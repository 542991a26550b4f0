package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"proxy409/proxy/target"
)

// NewTransport returns a transport for the way to the backend. It takes no proxy from the environment, asks for no
// compression of its own, keeps many idle connections to the one backend, and has time-outs for all that happens before
// a request is sent. How long an answer may take is not its business: a guarded write has a deadline, and reads may be
// streams.
//
// Idle connections are let go after four seconds, because many backends close theirs after five (Node.js, Apache httpd,
// Uvicorn). A write that meets a connection which is being closed may or may not have been read: it cannot be repeated,
// and its resource would stay closed for the settle time.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          1024,
		MaxIdleConnsPerHost:   1024,
		IdleConnTimeout:       4 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

// Handshake puts TLS on a connection to a host, as the one who connects. It leaves the connection open if it fails.
type Handshake func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error)

// NewTLSTransport is [NewTransport] with a handshake of the caller's for backends whose URL is https. HTTP/2 is spoken where
// the two agree on it. A handshake that fails counts as a connection that could not be made: nothing was sent.
func NewTLSTransport(shake Handshake) *http.Transport {
	t := NewTransport()
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := t.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		host, _, _ := net.SplitHostPort(addr) // it was dialed
		ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		secure, err := shake(ctx, conn, host)
		if err != nil {
			_ = conn.Close()
			return nil, &net.OpError{Op: "dial", Net: network, Addr: conn.RemoteAddr(), Err: err}
		}
		return secure, nil
	}
	return t
}

// neverReplayed makes a request one that http.Transport does not send twice. The transport replays a request on a
// connection that breaks when it takes it for idempotent and can send its body again: a bodiless one with a safe method, or
// with Idempotency-Key. It looks that field up in canonical form, and writes field names as they are spelt; names are
// case-insensitive (RFC 9110 section 5.1), so to the backend nothing changes.
func neverReplayed(req *http.Request) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := req.Header[name]; ok {
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = v
		}
	}
	req.GetBody = nil
	if target.Safe(req.Method) && (req.Body == nil || req.Body == http.NoBody) {
		// Unsafe by an override all the same. A body that is empty, without the transport's knowing, cannot be sent again.
		req.Body = io.NopCloser(strings.NewReader(""))
	}
}
