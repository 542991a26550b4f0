package framing

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// spoiled is what net/http reads in the place of a violation, again and again. Wherever in a request it begins, net/http
// refuses it: NUL is allowed in no request line, header or trailer, CR CR LF ends no line of a chunked body, and NUL CR or
// CR NUL is not the CRLF after a chunk. The empty line at its end is there so that the one who reads a header waits for
// no continuation line.
const spoiled = "\x00\r\r\n\r\n"

// errRefused is what those read who hijacked a connection on which a violation had been found before.
var errRefused = errors.New("framing: the client broke HTTP/1 before the connection was hijacked")

// conn is a connection whose reader sees sound HTTP/1 requests alone.
type conn struct {
	net.Conn
	raw      net.Conn // below TLS
	listener *Listener
	hijacked atomic.Bool
	refused  atomic.Bool // also read by Close
	closing  atomic.Bool
	spoilt   int // how many bytes of spoiled have been read
	follower follower
}

func newConn(l *Listener, c, raw net.Conn) *conn {
	return &conn{Conn: c, raw: raw, listener: l, follower: newFollower()}
}

// secureConn has the method by which net/http learns of TLS on a connection that is no *tls.Conn.
type secureConn struct {
	*conn
	secure *tls.Conn
}

func newSecureConn(l *Listener, secure *tls.Conn, raw net.Conn) secureConn {
	return secureConn{newConn(l, secure, raw), secure}
}

// ConnectionState becomes http.Request.TLS.
func (c secureConn) ConnectionState() tls.ConnectionState { return c.secure.ConnectionState() }

// Read reads what the client sent, up to the first violation of HTTP/1. From there on it reads spoiled bytes, so that
// net/http answers what came before and then refuses, in order, and closes. It is not safe for concurrent use, and net/http does not do that.
func (c *conn) Read(p []byte) (int, error) {
	refused := c.refused.Load()
	switch {
	case c.hijacked.Load() && refused:
		return 0, errRefused
	case c.hijacked.Load():
		return c.Conn.Read(p)
	case refused:
		return c.spoil(p), nil
	}
	n, err := c.Conn.Read(p)
	sound, problem := c.follower.follow(p[:n])
	if problem == "" {
		return n, err
	}
	c.refused.Store(true)
	if c.listener.options.OnRefused != nil {
		c.listener.options.OnRefused(c.raw.RemoteAddr(), problem)
	}
	return sound + c.spoil(p[sound:n]), nil
}

func (c *conn) hijack() { c.hijacked.Store(true) }

func (c *conn) spoil(p []byte) int {
	for i := range p {
		p[i] = spoiled[c.spoilt%len(spoiled)]
		c.spoilt++
	}
	return len(p)
}

// CloseWrite is called by net/http before it waits a moment and closes.
func (c *conn) CloseWrite() error {
	if c, ok := c.Conn.(closeWriter); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

type closeWriter interface{ CloseWrite() error }

// lingerTime is as long as net/http waits in such a place.
const lingerTime = 500 * time.Millisecond

// lingerBytes bounds what a client that has been refused may still send in that time.
const lingerBytes = 1 << 20

// Close closes the connection. Where the client was refused it may still be sending; if the connection were closed at once,
// it could get a reset instead of the answer (RFC 9112 section 9.6). So what it sends is read for a moment and thrown away.
func (c *conn) Close() error {
	tcp, ok := c.raw.(closeWriter)
	if !ok || !c.refused.Load() || c.hijacked.Load() || c.closing.Swap(true) {
		return c.Conn.Close()
	}
	select {
	case c.listener.lingering <- struct{}{}:
	default:
		return c.Conn.Close()
	}
	go func() {
		defer func() { <-c.listener.lingering }()
		defer c.Conn.Close()
		_ = c.CloseWrite() // TLS says goodbye
		if tcp.CloseWrite() == nil && c.raw.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, c.raw, lingerBytes)
		}
	}()
	return nil
}
