package main_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
)

// relay is the way to a server, which can be cut: connections break, and new ones with them, but the server knows nothing.
// It can be slow, and it can hold a request or a reply.
type relay struct {
	addr string
	t    testing.TB
	next func(*bufio.Reader) (request, error) // reads what is passed on, or held, as one

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
	trap  *trap
	lag   time.Duration // before each request is passed on
}

// trap holds one request on its way, or its reply. The gate says that it is there, and lets it go.
type trap struct {
	*gate
	is       func(request) bool
	reply    bool
	answered chan struct{} // closed when the reply to what was held has been passed on, or could have been
}

// request is what a client sends at one go.
type request struct {
	raw   []byte
	words []string // of a command for Redis; else all of it is one word
}

// relayTo starts a relay to an address. It takes for a request what comes at one go, as a small one over HTTP does.
func relayTo(t testing.TB, target string) *relay {
	t.Helper()
	return relayOf(t, target, whatIsThere)
}

// relayToRedis starts a relay that knows the commands apart, though some may come together.
func relayToRedis(t testing.TB, target string) *relay {
	t.Helper()
	return relayOf(t, target, oneCommand)
}

func relayOf(t testing.TB, target string, next func(*bufio.Reader) (request, error)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), t: t, next: next, conns: make(map[net.Conn]bool)}
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

// carry passes on in both directions until either side ends, or the relay is cut.
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
	var sprung atomic.Pointer[trap]
	go func() {
		r.passRequests(s, c, &sprung)
		_ = s.Close()
	}()
	passReplies(c, s, &sprung)
}

// passRequests tells passReplies of the trap that one of them sprang.
func (r *relay) passRequests(to io.Writer, from io.Reader, sprung *atomic.Pointer[trap]) {
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		request, err := r.next(in)
		if err != nil {
			return
		}
		lag, trap := r.meets(request)
		time.Sleep(lag)
		if trap != nil {
			if !trap.reply {
				close(trap.arrived)
				<-trap.open
			}
			sprung.Store(trap)
		}
		if _, err := to.Write(request.raw); err != nil {
			return
		}
	}
}

func passReplies(to io.Writer, from io.Reader, sprung *atomic.Pointer[trap]) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		trap := sprung.Swap(nil)
		if trap != nil && trap.reply {
			close(trap.arrived)
			<-trap.open
		}
		if n > 0 {
			_, _ = to.Write(b[:n]) // who has gone away gets no reply, but the server goes on
		}
		if trap != nil {
			close(trap.answered)
		}
		if err != nil {
			return
		}
	}
}

// meets says what becomes of a request.
func (r *relay) meets(request request) (time.Duration, *trap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trap == nil || !r.trap.is(request) {
		return r.lag, nil
	}
	trap := r.trap
	r.trap = nil
	return r.lag, trap
}

// holdRequest holds the next request of the kind before it reaches the server.
func (r *relay) holdRequest(is func(request) bool) *trap { return r.set(&trap{is: is}) }

// holdReply lets the next request of the kind pass, and holds the reply to it.
func (r *relay) holdReply(is func(request) bool) *trap { return r.set(&trap{is: is, reply: true}) }

func (r *relay) set(t *trap) *trap {
	t.gate = &gate{arrived: make(chan struct{}), open: make(chan struct{})}
	t.answered = make(chan struct{})
	r.t.Cleanup(t.release)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trap = t
	return t
}

// slow makes every request that comes from now on wait.
func (r *relay) slow(lag time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lag = lag
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

func whatIsThere(in *bufio.Reader) (request, error) {
	if _, err := in.Peek(1); err != nil {
		return request{}, err
	}
	raw := make([]byte, in.Buffered())
	_, err := io.ReadFull(in, raw)
	return request{raw, []string{string(raw)}}, err
}

// oneCommand reads a command as clients of Redis send it: an array of strings.
func oneCommand(in *bufio.Reader) (r request, err error) {
	if r.raw, err = in.ReadBytes('\n'); err != nil {
		return r, err
	}
	for range counted(r.raw) {
		head, err := in.ReadBytes('\n')
		if err != nil {
			return r, err
		}
		word := make([]byte, counted(head)+len("\r\n"))
		if _, err = io.ReadFull(in, word); err != nil {
			return r, err
		}
		r.raw = append(append(r.raw, head...), word...)
		r.words = append(r.words, strings.TrimSuffix(string(word), "\r\n"))
	}
	return r, nil
}

// counted is the number in the head of an array or a string.
func counted(head []byte) int {
	n, _ := strconv.Atoi(strings.Trim(string(head), "*$\r\n"))
	return n
}

// The requests that a write consists of. The ninth word of a swap is the new value, whose tenth byte is the record's state.
func isClaim(r request) bool      { return isSwap(r) && r.words[8][9] == byte(etagcache.Writing) }
func isConclusion(r request) bool { return isSwap(r) && r.words[8][9] != byte(etagcache.Writing) }
func isSwap(r request) bool {
	return r.words[0] == "evalsha" && len(r.words) > 9 && len(r.words[8]) > 9
}

func isPut(r request) bool { return strings.HasPrefix(r.words[0], "PUT ") }
func isGet(r request) bool { return strings.HasPrefix(r.words[0], "GET ") }
