package main

import (
	"net"
	"sync"
	"time"
)

// way is one of the two directions in a relay.
type way uint8

const (
	there way = iota // from the replica to Redis
	back             // the replies
)

// weather is what a relay does to what passes. The zero value does nothing.
type weather struct {
	cut     bool          // connections break, and new ones with them
	latency time.Duration // in each direction
	holds   [2]bool       // what comes waits for better weather, and is delivered then even if its sender has hung up
	loses   [2]bool       // what comes is never delivered
}

// relay is one replica's own way to Redis.
type relay struct {
	addr   string
	target string
	ln     net.Listener

	mu      sync.Mutex
	now     weather
	changed chan struct{} // closed when now changes
	conns   map[net.Conn]bool
	closed  bool
}

func newRelay(target string) (*relay, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{
		addr: ln.Addr().String(), target: target, ln: ln,
		changed: make(chan struct{}), conns: make(map[net.Conn]bool),
	}
	go r.serve()
	return r, nil
}

// set changes the weather.
func (r *relay) set(w weather) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = w
	close(r.changed)
	r.changed = make(chan struct{})
	if w.cut {
		r.hangUp()
	}
}

func (r *relay) hangUp() {
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) close() {
	_ = r.ln.Close()
	r.set(weather{cut: true})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

func (r *relay) serve() {
	for {
		c, err := r.ln.Accept()
		if err != nil {
			return
		}
		go r.carry(c)
	}
}

// join notes the connections, unless all are cut.
func (r *relay) join(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.cut || r.closed {
		return false
	}
	for _, c := range conns {
		r.conns[c] = true
	}
	return true
}

func (r *relay) leave(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(r.conns, c)
	}
}

func (r *relay) carry(client net.Conn) {
	server, err := net.Dial("tcp", r.target) //nolint:noctx // a loopback address answers at once, or refuses
	if err != nil {
		_ = client.Close()
		return
	}
	defer r.leave(client, server)
	if !r.join(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.pump(there, client, server) })
	both.Go(func() { r.pump(back, server, client) })
	both.Wait()
}

// parcel is what was read at once.
type parcel struct {
	data []byte
	came time.Time
}

// pump carries from one side to the other. It reads on while it holds what it has read.
func (r *relay) pump(w way, from, to net.Conn) {
	parcels := make(chan parcel, 1024)
	go func() {
		defer close(parcels)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if n > 0 {
				parcels <- parcel{data[:n], time.Now()}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parcels {
		if r.release(w, p.came) {
			_, _ = to.Write(p.data) // if the other side is gone, so it is
		}
	}
	if c, ok := to.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// release waits until the weather lets a parcel pass that came then. It reports false if the parcel is lost.
func (r *relay) release(w way, came time.Time) bool {
	for {
		r.mu.Lock()
		now, changed := r.now, r.changed
		r.mu.Unlock()
		left := time.Until(came.Add(now.latency))
		switch {
		case now.cut || now.loses[w]:
			return false
		case now.holds[w]:
			<-changed
		case left > 0:
			timer := time.NewTimer(left)
			select {
			case <-timer.C:
			case <-changed:
			}
			timer.Stop()
		default:
			return true
		}
	}
}
