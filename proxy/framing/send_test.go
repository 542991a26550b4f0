package framing

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

const limit = time.Minute

// pair is a sender and the client that it sends to, in memory: a Write goes on exactly when the client reads.
func pair(t *testing.T) (*sender, net.Conn) {
	server, client := net.Pipe()
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return &sender{Conn: server, limit: limit}, client
}

// A client that takes nothing is given up after just that time, and for good.
func TestClientThatTakesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := pair(t)
		began := time.Now()
		n, err := s.Write(make([]byte, 100))
		if n != 0 || !errors.Is(err, errStalled) || time.Since(began) != limit {
			t.Errorf("%d bytes, %v, after %v", n, err, time.Since(began))
		}
		go func() { _, _ = io.Copy(io.Discard, client) }()
		if n, err := s.Write([]byte("x")); n != 0 || !errors.Is(err, errStalled) {
			t.Errorf("afterwards: %d bytes, %v", n, err)
		}
	})
}

// A client that takes a little now and again is sent all, in however long a time.
func TestSlowClientIsSentAll(t *testing.T) {
	for _, pause := range []time.Duration{limit / 100, limit / 5, limit / 4, limit / 2, limit * 99 / 100} {
		synctest.Test(t, func(t *testing.T) {
			s, client := pair(t)
			want := bytes.Repeat([]byte("slow and steady "), 20)
			got := make(chan []byte, 1)
			go func() {
				var all []byte
				for one := make([]byte, 1); len(all) < len(want); all = append(all, one...) {
					time.Sleep(pause)
					if _, err := client.Read(one); err != nil {
						break
					}
				}
				got <- all
			}()
			if n, err := s.Write(want); n != len(want) || err != nil {
				t.Errorf("a byte in %v: %d bytes, %v", pause, n, err)
			}
			if !bytes.Equal(<-got, want) {
				t.Errorf("a byte in %v: something else arrived", pause)
			}
		})
	}
}

// A client that stops in the middle is given up, between limit and a quarter more after it stopped.
func TestClientThatStopsIsGivenUp(t *testing.T) {
	for _, reads := range []int{1, 7, 50} {
		synctest.Test(t, func(t *testing.T) {
			s, client := pair(t)
			stopped := make(chan time.Time, 1)
			go func() {
				for range reads {
					time.Sleep(limit / 7)
					_, _ = client.Read(make([]byte, 1))
				}
				stopped <- time.Now()
			}()
			n, err := s.Write(make([]byte, 100))
			waited := time.Since(<-stopped)
			if n != reads || !errors.Is(err, errStalled) || waited < limit || waited > limit*5/4 {
				t.Errorf("%d of %d bytes, %v, %v after the client stopped", n, reads, err, waited)
			}
		})
	}
}

// Time in which nothing is being written does not count.
func TestPausesBetweenWritesDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := pair(t)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		for _, pause := range []time.Duration{0, limit / 8, limit / 4, limit, 10 * limit} {
			time.Sleep(pause)
			if _, err := s.Write([]byte("x")); err != nil {
				t.Errorf("after %v: %v", pause, err)
			}
		}
	})
}

// The deadlines that others set hold as they do without a limit, also for a Write that is under way.
func TestOtherDeadlinesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := pair(t)
		expire := func(what string, want time.Duration) {
			t.Helper()
			began := time.Now()
			n, err := s.Write([]byte("x"))
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != want {
				t.Errorf("%s: %d bytes, %v, after %v", what, n, err, time.Since(began))
			}
		}
		_ = s.SetWriteDeadline(time.Now().Add(time.Second))
		expire("one that is near", time.Second)
		expire("one that is over", 0)
		_ = s.SetDeadline(time.Now().Add(limit * 3 / 4))
		expire("one that is less near", limit*3/4)
		_ = s.SetWriteDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			_ = s.SetWriteDeadline(time.Unix(1, 0))
		}()
		expire("one that comes while it writes", time.Second)
		_ = s.SetDeadline(time.Now().Add(time.Second))
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		// Those that are taken away, or are further than the limit, leave the limit as it is.
		_ = s.SetDeadline(time.Time{})
		go func() { _, _ = client.Read(make([]byte, 1)) }()
		if _, err := s.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		_ = s.SetWriteDeadline(time.Now().Add(2 * limit))
		began := time.Now()
		if _, err := s.Write([]byte("x")); !errors.Is(err, errStalled) || time.Since(began) != limit {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
	})
}

// What the kernel still holds shows that a client takes something, though it takes no more from a Write.
func TestKernelTellsThatAClientTakesSomething(t *testing.T) {
	l := loopback(t)
	defer l.Close()
	client := connect(t, l)
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, ok := queued(server); !ok {
		t.Skip("this system does not tell")
	}
	for took := 1; took > 0; { // until both kernels are full
		_ = server.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if took, err = server.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(took, err)
		}
	}
	var w wait
	if !w.moved(server) {
		t.Error("nobody had looked before")
	}
	if w.moved(server) {
		t.Error("nothing was read")
	}
	for moved := false; !moved; moved = w.moved(server) { // until the client's kernel has told
		// Not more than there is: the server's kernel may send the rest only when it asks the next time, which it does ever more seldom.
		if _, err := client.Read(make([]byte, 1<<16)); err != nil {
			t.Fatal(err)
		}
	}
}
