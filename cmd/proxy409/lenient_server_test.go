package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// lenient is a backend that reads like the worst of Apache, Express, PHP and a WSGI server at once: whatever a request may mean
// to one of them, it does. It keeps a few documents, lets the last write win, and remembers what it did.
type lenient struct {
	t       testing.TB
	addr    string
	framing framing

	mu      sync.Mutex
	docs    map[string]*item
	applied []application
	arrived []message
	conns   map[net.Conn]bool
	// applies is told of each application before it is made.
	applies func(a application, d *item)
}

// item is a document that is guarded. Its tag never comes back.
type item struct {
	name    string
	text    string
	version int
}

func (d *item) tag() string { return fmt.Sprintf("%q", fmt.Sprint(d.name[1:], "-", d.version)) }

// application is a write that was applied to a document.
type application struct {
	method, document, body string
	message                message
}

func (a application) String() string {
	return fmt.Sprintf("%s of %s, for\n%s", a.method, a.document, a.message.head)
}

// documents are what the configuration of the tests guards. A name with a query is what a script does with it.
var documents = []string{"/items/a", "/folded/a", "/allowed/a", "/hosted/a", "/shut/a", "/strict/a", "/legacy.php?id=7"}

func newLenient(framing framing) *lenient {
	b := &lenient{framing: framing, docs: make(map[string]*item), conns: make(map[net.Conn]bool)}
	for _, name := range documents {
		b.docs[name] = &item{name: name, text: "first", version: 1}
	}
	return b
}

// startLenient listens on a port of its own.
func startLenient(t testing.TB, framing framing) *lenient {
	t.Helper()
	b := newLenient(framing)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.t, b.addr = t, l.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns[c] = true
			b.mu.Unlock()
			running.Go(func() { b.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		running.Wait()
	})
	return b
}

// serve answers the requests of one connection, one after the other. What comes after one that changes the protocol is taken for
// requests as well: whoever gets a tunnel to the backend has the backend.
func (b *lenient) serve(c net.Conn) {
	defer func() {
		c.Close()
		b.mu.Lock()
		delete(b.conns, c)
		b.mu.Unlock()
	}()
	r := bufio.NewReaderSize(c, 64<<10)
	for {
		m, err := b.framing.read(r, func() { _, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n") })
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, b.answer(m)); err != nil {
			return
		}
	}
}

// answer applies the request, and is what goes back.
func (b *lenient) answer(m message) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived = append(b.arrived, m)
	found := m.documents()
	verb, writes := m.verb()
	if writes {
		for _, name := range found {
			one, d := application{verb, name, m.body, m}, b.docs[name]
			if b.applies != nil {
				b.applies(one, d)
			}
			d.version++
			d.text = m.body
			b.applied = append(b.applied, one)
		}
	}
	switch {
	case m.value("upgrade") != "" && !writes:
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + m.value("upgrade") + "\r\n\r\n"
	case writes || verb == "POST":
		return "HTTP/1.1 204 No Content\r\n\r\n"
	case len(found) == 0 && slices.ContainsFunc([]string{"/items", "/folded", "/allowed", "/strict"}, m.under):
		return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
	case len(found) == 0:
		return ok("", "free", verb)
	}
	d := b.docs[found[0]]
	return ok("ETag: "+d.tag()+"\r\n", d.text, verb)
}

func ok(fields, text, verb string) string {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", fields, len(text))
	if verb == "HEAD" {
		return head
	}
	return head + text
}

// since is what it did after the first so many applications and arrivals.
func (b *lenient) since(applied, arrived int) ([]application, []message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.applied[applied:]), slices.Clone(b.arrived[arrived:])
}

func (b *lenient) count() (applied, arrived int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.applied), len(b.arrived)
}

// under reports whether the path begins so, in plain spelling.
func (m message) under(prefix string) bool { return strings.HasPrefix(m.target, prefix+"/") }
