package framing

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options says how a Listener treats its connections. The zero value accepts plain connections and bounds no time.
type Options struct {
	// TLS makes the listener speak TLS, with the handshake done before Accept returns the connection. NextProtos should
	// name "h2" and "http/1.1". Nil means plain HTTP/1.
	TLS *tls.Config

	// Handshake is how long a TLS handshake may take. Zero means as long as it likes.
	Handshake time.Duration

	// Send is for how long a client may take nothing of what is being sent to it; then the connection is reset. A slow
	// client that takes a little now and again is not cut off, however long that takes. Zero means for ever.
	Send time.Duration

	// OnRefused, if not nil, is told about each connection on which a violation was found, once, with its peer and what was
	// found, [BareCR] and the like. It is called while the connection waits, from many goroutines.
	OnRefused func(remote net.Addr, problem string)

	// OnHandshakeError, if not nil, is told why a TLS handshake failed. It is called from many goroutines.
	OnHandshakeError func(remote net.Addr, err error)
}

// Listener accepts connections whose HTTP/1 framing is followed. Make one with NewListener.
type Listener struct {
	net.Listener
	options   Options
	lingering chan struct{} // a place for each connection that may be in linger at once

	// What follows is for TLS alone.
	ctx      context.Context // ends with the listener, and with it every handshake
	cancel   context.CancelFunc
	starting sync.Once
	accepted chan accepted
	running  sync.WaitGroup
	shaking  handshakes
}

// accepted is what one call of Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// maxLingering bounds the refused connections that are kept for a moment so that the client can read why.
const maxLingering = 256

// NewListener returns a listener that accepts from inner. Closing it closes inner and ends the handshakes under way.
func NewListener(inner net.Listener, o Options) *Listener {
	ctx, cancel := context.WithCancel(context.Background())
	return &Listener{
		Listener:  inner,
		options:   o,
		lingering: make(chan struct{}, maxLingering),
		ctx:       ctx,
		cancel:    cancel,
		accepted:  make(chan accepted),
		shaking:   handshakes{most: maxHandshakes},
	}
}

// Accept returns the next connection. With TLS that is the next one whose handshake is done: a *tls.Conn if it speaks
// HTTP/2, for that is what net/http looks for, and otherwise one that is followed and has a ConnectionState.
func (l *Listener) Accept() (net.Conn, error) {
	if l.options.TLS == nil {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		raw = l.bounded(raw)
		return newConn(l, raw, raw), nil
	}
	l.starting.Do(func() { l.running.Go(l.acceptAll) })
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close ends listening, waits until the handshakes under way have been given up, and leaves accepted connections alone.
func (l *Listener) Close() error {
	l.cancel()
	err := l.Listener.Close()
	l.starting.Do(func() {}) // nothing starts any more
	l.running.Wait()
	return err
}

// bounded puts Options.Send below everything else that is done with a connection.
func (l *Listener) bounded(raw net.Conn) net.Conn {
	if l.options.Send <= 0 {
		return raw
	}
	return &sender{Conn: raw, limit: l.options.Send}
}

// ConnState is for http.Server.ConnState, or to be called from there. A connection that a handler has hijacked, for a
// WebSocket say, no longer carries HTTP and is not followed any more.
func ConnState(c net.Conn, s http.ConnState) {
	if c, ok := c.(interface{ hijack() }); ok && s == http.StateHijacked {
		c.hijack()
	}
}
