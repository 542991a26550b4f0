package proxy_test

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// wire is one end of a connection in memory. net.Pipe has no buffer: a write there waits for its read, which no network
// does, and which brings HTTP to a standstill. Here a write never waits, and what was written arrives after the latency
// of the connection. A read waits by channels and timers alone, so that the time of a synctest bubble can go on meanwhile.
type wire struct {
	owner   *party
	peer    *wire
	in      *stream // what this end reads
	latency time.Duration
	local   address
	remote  address
}

// stream is one direction of a connection.
type stream struct {
	mu      sync.Mutex
	pieces  []piece // in the order in which they were written
	broken  error   // for both ends, at once: what has not been read is lost
	closed  bool    // by the end that reads
	ended   bool    // by the end that writes
	until   time.Time
	changed chan struct{} // closed when any of this changes
}

// piece is what one write wrote, or the end.
type piece struct {
	at time.Time // when it arrives
	b  []byte    // nil: the end
}

type address string

func (a address) Network() string { return "memory" }
func (a address) String() string  { return string(a) }

func newStream() *stream { return &stream{changed: make(chan struct{})} }

// newWires connects two parties.
func newWires(from, to *party, fromAddr, toAddr address, latency time.Duration) (*wire, *wire) {
	a := &wire{owner: from, in: newStream(), latency: latency, local: fromAddr, remote: toAddr}
	b := &wire{owner: to, in: newStream(), latency: latency, local: toAddr, remote: fromAddr}
	a.peer, b.peer = b, a
	from.holds(a)
	to.holds(b)
	return a, b
}

// change makes a change that readers must see at once.
func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (c *wire) Read(b []byte) (int, error) {
	for {
		n, wait, changed, err := c.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		if wait < 0 {
			<-changed
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take reads what has arrived. If there is nothing, it says how long to wait for it (less than zero: nobody knows) and
// what announces a change.
func (c *wire) take(b []byte) (n int, wait time.Duration, changed <-chan struct{}, err error) {
	s := c.in
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.closed:
		return 0, 0, nil, c.failed("read", net.ErrClosed)
	case s.broken != nil:
		return 0, 0, nil, c.failed("read", s.broken)
	case !s.until.IsZero() && !now.Before(s.until):
		return 0, 0, nil, c.failed("read", os.ErrDeadlineExceeded)
	}
	wait = -1
	if len(s.pieces) > 0 {
		wait = c.owner.thaws(s.pieces[0].at).Sub(now)
		if wait <= 0 {
			n, err = s.first(b)
			return n, 0, nil, err
		}
	}
	if !s.until.IsZero() && (wait < 0 || s.until.Sub(now) < wait) {
		wait = s.until.Sub(now)
	}
	return 0, wait, s.changed, nil
}

// first reads from the first piece. The end stays where it is.
func (s *stream) first(b []byte) (int, error) {
	p := &s.pieces[0]
	if p.b == nil {
		return 0, io.EOF
	}
	n := copy(b, p.b)
	if p.b = p.b[n:]; len(p.b) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (c *wire) Write(b []byte) (int, error) {
	out := c.peer.in
	var err error
	out.change(func() {
		switch {
		case c.closed() || out.ended:
			err = c.failed("write", net.ErrClosed)
		case out.broken != nil:
			err = c.failed("write", out.broken)
		case out.closed:
			err = c.failed("write", syscall.EPIPE)
		case len(b) > 0:
			out.pieces = append(out.pieces, piece{at: c.arrives(), b: append([]byte(nil), b...)})
		}
	})
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// arrives is when something that is written now arrives. What a frozen party would write, it writes when it is thawed.
func (c *wire) arrives() time.Time { return c.owner.thaws(time.Now()).Add(c.latency) }

// closed may be asked with the other direction locked.
func (c *wire) closed() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.closed
}

// CloseWrite says that this end has written all; it goes on reading.
func (c *wire) CloseWrite() error {
	c.peer.in.change(func() {
		if out := c.peer.in; !out.ended {
			out.ended = true
			out.pieces = append(out.pieces, piece{at: c.arrives()})
		}
	})
	return nil
}

// Close ends both directions. What is on its way to the other end arrives there.
func (c *wire) Close() error {
	c.in.change(func() { c.in.closed = true })
	_ = c.CloseWrite()
	c.owner.drops(c)
	return nil
}

// reset breaks the connection for both ends, at once.
func (c *wire) reset() {
	for _, s := range []*stream{c.in, c.peer.in} {
		s.change(func() { s.broken, s.pieces = syscall.ECONNRESET, nil })
	}
	c.owner.drops(c)
	c.peer.owner.drops(c.peer)
}

func (c *wire) SetReadDeadline(t time.Time) error {
	c.in.change(func() { c.in.until = t })
	return nil
}

func (c *wire) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *wire) SetWriteDeadline(_ time.Time) error { return nil } // a write never waits
func (c *wire) LocalAddr() net.Addr                { return c.local }
func (c *wire) RemoteAddr() net.Addr               { return c.remote }
func (c *wire) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "memory", Source: c.local, Addr: c.remote, Err: err}
}
