package framing

import (
	"errors"
	"net"
	"testing"
	"time"
)

// serveByBytes serves over connections in memory, which hand over each piece that is sent by itself.
func serveByBytes(t testing.TB) *server {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	s := serve(t, p, Options{})
	s.dial = p.dial
	return s
}

// pipes listens for connections in memory.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func (p *pipes) dial() net.Conn {
	a, b := net.Pipe()
	c, d := net.Pipe()
	p.dialled <- &duplex{a, c}
	return &duplex{d, b}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// duplex is one end of a connection in memory of which each direction can be closed by itself.
type duplex struct{ in, out net.Conn }

func (d *duplex) Read(p []byte) (int, error)         { return d.in.Read(p) }
func (d *duplex) Write(p []byte) (int, error)        { return d.out.Write(p) }
func (d *duplex) Close() error                       { return errors.Join(d.in.Close(), d.out.Close()) }
func (d *duplex) CloseWrite() error                  { return d.out.Close() }
func (d *duplex) LocalAddr() net.Addr                { return d.in.LocalAddr() }
func (d *duplex) RemoteAddr() net.Addr               { return d.in.RemoteAddr() }
func (d *duplex) SetReadDeadline(t time.Time) error  { return d.in.SetReadDeadline(t) }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.out.SetWriteDeadline(t) }
func (d *duplex) SetDeadline(t time.Time) error {
	return errors.Join(d.SetReadDeadline(t), d.SetWriteDeadline(t))
}
