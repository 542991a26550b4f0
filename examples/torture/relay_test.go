package main

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// wire is a relay with both of its ends.
type wire struct {
	*relay
	client, server net.Conn
}

func newWire(t *testing.T) wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	r, err := newRelay(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	w := wire{relay: r}
	if w.client, err = net.Dial("tcp", r.addr); err != nil {
		t.Fatal(err)
	}
	if w.server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = w.client.Close(), w.server.Close() })
	return w
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// hear reads that text, and not a byte less.
func hear(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v; want %q", got, err, text)
	}
}

// silent makes sure that nothing comes.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, io.EOF) {
		t.Fatalf("something comes: %d bytes, %v", n, err)
	}
}

func TestTheRelayCarriesBothWaysAndTakesItsTime(t *testing.T) {
	w := newWire(t)
	say(t, w.client, "question")
	hear(t, w.server, "question")
	w.set(weather{latency: 80 * time.Millisecond})
	begun := time.Now()
	say(t, w.server, "answer")
	hear(t, w.client, "answer")
	if took := time.Since(begun); took < 80*time.Millisecond {
		t.Errorf("it came after %s", took)
	}
}

func TestARelayThatIsCutBreaksConnectionsAndTakesNoNewOnes(t *testing.T) {
	w := newWire(t)
	w.set(weather{cut: true})
	_ = w.client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := w.client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is not broken")
	}
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("there is a new one")
	}
}

func TestALostReplyIsLost(t *testing.T) {
	w := newWire(t)
	var weather weather
	weather.loses[back] = true
	w.set(weather)
	say(t, w.client, "question")
	hear(t, w.server, "question")
	say(t, w.server, "answer")
	silent(t, w.client)
}

func TestACommandThatIsHeldIsDeliveredLateThoughItsSenderHasHungUp(t *testing.T) {
	w := newWire(t)
	var weather weather
	weather.holds[there] = true
	w.set(weather)
	say(t, w.client, "question")
	silent(t, w.server)
	_ = w.client.Close()
	silent(t, w.server)
	weather.holds[there] = false
	w.set(weather)
	hear(t, w.server, "question")
}
