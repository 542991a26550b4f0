package main_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay is the way to a server, which can be cut: connections break, and new ones with them, but the server knows nothing.
type relay struct {
	addr string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// relayTo starts a relay to an address.
func relayTo(t testing.TB, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), conns: make(map[net.Conn]bool)}
	t.Cleanup(func() {
		_ = l.Close()
		r.cut()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.carry(c, target)
		}
	}()
	return r
}

// carry copies in both directions until either side ends, or the relay is cut.
func (r *relay) carry(c net.Conn, target string) {
	defer c.Close()
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer s.Close()
	r.mu.Lock()
	if r.down {
		r.mu.Unlock()
		return
	}
	r.conns[c], r.conns[s] = true, true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, c)
		delete(r.conns, s)
	}()
	go func() {
		_, _ = io.Copy(s, c)
		_ = s.Close()
	}()
	_, _ = io.Copy(c, s)
}

// cut breaks every connection and those that will be made.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = false
}
