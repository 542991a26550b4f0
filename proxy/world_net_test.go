package proxy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// party is a process in the world: what can be killed or frozen as a whole.
type party struct {
	name string

	mu     sync.Mutex
	dead   bool
	frozen time.Time // until then
	wires  map[*wire]bool
	closes []*socket
}

func newParty(name string) *party { return &party{name: name, wires: make(map[*wire]bool)} }

// thaws is the first moment, not before t, at which the party can do something.
func (p *party) thaws(t time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.Before(p.frozen) {
		return p.frozen
	}
	return t
}

// freeze stops the party for d: what is sent to it waits, and what it sends leaves when it is thawed. Its timers go on,
// which makes no difference to anybody who cannot look into it.
func (p *party) freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = time.Now().Add(d)
}

// waitsForThaw holds up what the party does until it is not frozen, and reports whether it was.
func (p *party) waitsForThaw() (was bool) {
	for {
		d := time.Until(p.thaws(time.Now()))
		if d <= 0 {
			return was
		}
		was = true
		time.Sleep(d)
	}
}

func (p *party) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *party) holds(c *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wires[c] = true
}

func (p *party) drops(c *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wires, c)
}

// connections lists the party's open connections, in the order in which they were made.
func (p *party) connections() []*wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*wire
	for c := range p.wires {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *wire) int {
		if a.local+a.remote < b.local+b.remote {
			return -1
		}
		return 1
	})
	return list
}

// kill ends the party like kill -9: nothing that it does from now on reaches anybody. Its connections end as the kernel
// ends them, which resets those with something unread.
func (p *party) kill() {
	p.mu.Lock()
	p.dead = true
	sockets := p.closes
	p.mu.Unlock()
	for _, l := range sockets {
		_ = l.Close()
	}
	for i, c := range p.connections() {
		if i%2 == 0 {
			c.reset()
		} else {
			_ = c.Close()
		}
	}
}

// network is all the addresses of a world.
type network struct {
	draw func(name string) *rand.Rand
	slow time.Duration // the longest latency of a connection

	mu      sync.Mutex
	sockets map[address]*socket
	dials   map[string]int
}

func newNetwork(draw func(string) *rand.Rand, slow time.Duration) *network {
	return &network{draw: draw, slow: slow, sockets: make(map[address]*socket), dials: make(map[string]int)}
}

// socket is a net.Listener of the network.
type socket struct {
	owner *party
	addr  address

	mu     sync.Mutex
	closed bool
	queue  chan *wire // of those that are connected and not yet accepted
}

// listen opens an address, that of a party which is dead by now too.
func (n *network) listen(owner *party, addr address) *socket {
	l := &socket{owner: owner, addr: addr, queue: make(chan *wire, 1024)}
	n.mu.Lock()
	n.sockets[addr] = l
	n.mu.Unlock()
	owner.mu.Lock()
	owner.closes = append(owner.closes, l)
	owner.mu.Unlock()
	return l
}

func (l *socket) Accept() (net.Conn, error) {
	if c, ok := <-l.queue; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// Close refuses who comes from now on, and whoever was not accepted yet.
func (l *socket) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.queue)
	for c := range l.queue {
		c.reset()
	}
	return nil
}

// connect queues a connection, unless nobody listens any more.
func (l *socket) connect(from *party, name address, latency time.Duration) (*wire, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, false
	}
	here, there := newWires(from, l.owner, name, l.addr, latency)
	l.queue <- there
	return here, true
}

func (l *socket) Addr() net.Addr { return l.addr }

// dial connects a party to whoever listens at the address by now.
func (n *network) dial(ctx context.Context, from *party, to address) (net.Conn, error) {
	n.mu.Lock()
	n.dials[from.name]++
	name := address(fmt.Sprintf("%s:%05d", from.name, n.dials[from.name]))
	n.mu.Unlock()
	latency := time.Duration(n.draw(string(name)).Int64N(int64(n.slow)))
	if err := sleep(ctx, time.Until(from.thaws(time.Now()))+latency); err != nil {
		return nil, dialError(to, err)
	}
	n.mu.Lock()
	l := n.sockets[to]
	n.mu.Unlock()
	if l != nil && !from.isDead() {
		if c, ok := l.connect(from, name, latency); ok {
			return c, nil
		}
	}
	return nil, dialError(to, syscall.ECONNREFUSED)
}

func dialError(to address, err error) error {
	return &net.OpError{Op: "dial", Net: "memory", Addr: to, Err: err}
}

// sleep waits, or returns what ended the context.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
