package framing

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// endless answers for as long as it can, and tells how that ended.
func endless(ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	}
}

// A client that asks and does not read is reset, with and without TLS.
func TestClientThatDoesNotReadIsReset(t *testing.T) {
	config, client := certified("http/1.1")
	for name, o := range map[string]Options{"plain": {}, "TLS": {TLS: config}} {
		o.Send = 400 * time.Millisecond
		ended := make(chan error, 1)
		l := loopback(t)
		run(t, NewListener(l, o), endless(ended))
		raw := connect(t, l)
		c := raw
		if o.TLS != nil {
			c = tls.Client(raw, client)
		}
		write(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if err := <-ended; !errors.Is(err, errStalled) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := io.Copy(io.Discard, raw); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: the client read %v, want a reset", name, err)
		}
	}
}

// A client of HTTP/2 that does not read is reset too.
func TestClientOfHTTP2ThatDoesNotReadIsReset(t *testing.T) {
	const streams = 8 // their windows hold more than the kernel does
	config, client := certified("h2")
	ended := make(chan error, streams)
	l := loopback(t)
	run(t, NewListener(l, Options{TLS: config, Send: 400 * time.Millisecond}), endless(ended))
	stopped, reset := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true, MaxConnsPerHost: 1, DialContext: func(context.Context, string, string) (net.Conn, error) {
		c, err := net.Dial("tcp", l.Addr().String())
		return &deaf{c, stopped, reset}, err
	}}
	var clients sync.WaitGroup
	for range streams {
		clients.Go(func() {
			res, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
			if err == nil {
				once.Do(func() { close(stopped) })
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	if err := <-reset; !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v, want a reset", err)
	}
	transport.CloseIdleConnections()
	clients.Wait()
}

// deaf is a connection that nothing more is read from once stopped is closed, until its other end has reset it.
type deaf struct {
	net.Conn
	stopped chan struct{}
	reset   chan error
}

func (d *deaf) Read(p []byte) (int, error) {
	select {
	case <-d.stopped:
	default:
		return d.Conn.Read(p)
	}
	for {
		if _, err := d.Write(nil); err != nil { // which sends nothing, but knows
			d.reset <- err
			return 0, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A client that reads slowly but steadily gets all, though what the kernel takes from a Write at once lasts it longer than the limit.
func TestClientThatReadsSlowlyGetsAll(t *testing.T) {
	const size, piece = 5 << 19, 4 << 10
	sent := make(chan error, 1)
	l := loopback(t)
	run(t, NewListener(small{l}, Options{Send: time.Second}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, size))
		sent <- err
	}))
	c := connect(t, l)
	if err := c.(*net.TCPConn).SetReadBuffer(1 << 17); err != nil {
		t.Fatal(err)
	}
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	in := bufio.NewReaderSize(c, piece)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	var got int64
	for done := false; !done; <-pace.C {
		select {
		case err := <-sent:
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			done = true
		default:
			n, _ := io.CopyN(io.Discard, res.Body, piece)
			got += n
		}
	}
	rest, err := io.Copy(io.Discard, res.Body)
	if got += rest; err != nil || got != size {
		t.Errorf("%d bytes arrived, %v", got, err)
	}
}

// small has the kernel keep no more than a megabyte of what is sent.
type small struct{ net.Listener }

func (s small) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(1 << 19)
	}
	return c, err
}
