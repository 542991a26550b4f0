package framing

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// connect dials a listener; the connection ends with the test.
func connect(t testing.TB, l net.Listener) net.Conn {
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func write(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// A violation does not disturb the request before it, whether it comes with it or later, in net/http's read for a hang-up: its context
// lasts, and its answer comes first.
func TestViolationWaitsForTheAnswerBefore(t *testing.T) {
	for _, late := range []bool{false, true} {
		entered, leave := make(chan struct{}), make(chan struct{})
		canceled := make(chan bool, 1)
		found := make(chan string, 1)
		l := loopback(t)
		run(t, NewListener(l, Options{OnRefused: func(_ net.Addr, p string) { found <- p }}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-leave
			canceled <- r.Context().Err() != nil
			_, _ = io.WriteString(w, "the first")
		}))
		c := connect(t, l)
		write(t, c, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
		if late {
			<-entered
		}
		write(t, c, "\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
		<-entered
		if p := <-found; p != BareLF {
			t.Errorf("found %q", p)
		}
		close(leave)
		if <-canceled {
			t.Error("the context of the request before the violation had ended")
		}
		if got := statuses(t, c); !slices.Equal(got, []int{200, 400}) {
			t.Errorf("answered %v", got)
		}
	}
}

// The handler still learns that its client has gone.
func TestHangUpIsNoticed(t *testing.T) {
	entered, noticed := make(chan struct{}), make(chan struct{})
	l := loopback(t)
	run(t, NewListener(l, Options{Send: patience}), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(noticed)
	}))
	c := connect(t, l)
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	c.Close()
	<-noticed
}

// Whatever a handler does with a body that turns out bad, nothing behind it is taken for a request, and the connection ends.
func TestNothingIsSeenBehindABadBody(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"ignores the body": func(http.ResponseWriter, *http.Request) {},
		"answers first": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.Copy(io.Discard, r.Body)
		},
		"answers while it reads": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.Copy(io.Discard, r.Body)
		},
		"closes the body": func(_ http.ResponseWriter, r *http.Request) { r.Body.Close() },
		"reads a little":  func(_ http.ResponseWriter, r *http.Request) { _, _ = r.Body.Read(make([]byte, 1)) },
	}
	const continued = "POST /c HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, handler := range handlers {
		for _, header := range []string{chunkedHeader, continued} {
			for _, body := range []string{"2\r\nxy\r\n1\nx\r\n0\r\n\r\n", "2\r\nxy\r\n0\r\n\n", "2\r\nxyz\r\n0\r\n\r\n", "2\r\nxy\r\n0\r\nX: y\n\r\n"} {
				l := loopback(t)
				var seen []string
				var mu sync.Mutex
				run(t, NewListener(l, Options{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					seen = append(seen, r.URL.Path)
					mu.Unlock()
					handler(w, r)
				}))
				c := connect(t, l)
				write(t, c, header+body+smuggled)
				got := statuses(t, c)
				mu.Lock()
				if !slices.Equal(seen, []string{"/c"}) {
					t.Errorf("%s, %q: saw %v, answered %v", name, body, seen, got)
				}
				mu.Unlock()
			}
		}
	}
}

// A header that is too long stays net/http's to refuse: nothing is kept here.
func TestLongLinesAreTheServersToRefuse(t *testing.T) {
	s := serve(t, loopback(t), Options{})
	for name, c := range map[string]struct {
		raw  string
		want []int
	}{
		"a field":           {"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("y", 2<<20) + "\r\n\r\n", []int{431}},
		"a name":            {"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("y", 2<<20) + ": x\r\n\r\n", []int{431}},
		"a target":          {"GET /" + strings.Repeat("y", 2<<20) + " HTTP/1.1\r\nHost: h\r\n\r\n", []int{431}},
		"a method":          {strings.Repeat("y", 2<<20) + " / HTTP/1.1\r\nHost: h\r\n\r\n", []int{431}},
		"an empty line":     {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		"a bad escape":      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		"an unknown expect": {"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", []int{417}},
	} {
		got := s.say(false, c.raw)
		seen, problems := s.found()
		if !slices.Equal(got, c.want) || len(seen) > 0 || len(problems) > 0 {
			t.Errorf("%s: answered %v, saw %v, found %q", name, got, seen, problems)
		}
	}
}

// echo takes the connection over and sends back what comes.
func echo(t testing.TB) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, in)
	}
}

// A hijacked connection carries what it likes, from its first byte on, with and without TLS.
func TestHijackedConnectionIsNotFollowed(t *testing.T) {
	config, client := certified("http/1.1")
	for name, o := range map[string]Options{"plain": {}, "TLS": {TLS: config}} {
		o.Send, o.OnRefused = patience, func(_ net.Addr, p string) { t.Errorf("%s: found %q", name, p) }
		l := loopback(t)
		run(t, NewListener(l, o), echo(t))
		c := connect(t, l)
		if o.TLS != nil {
			c = tls.Client(c, client)
		}
		write(t, c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 101 {
			t.Fatal(name, res, err)
		}
		want := "\x81\x85\x00\n\r\r\n\x00GET / HTTP/1.1\nHost: h\n\n" + strings.Repeat("\x00\xff\n", 100_000)
		go func() { _, _ = io.WriteString(c, want) }()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
			t.Fatalf("%s: what came back is not what was sent, %v", name, err)
		}
	}
}

// What a client sends behind a request before the answer is HTTP. If it is not, a handler that hijacks gets nothing of it.
func TestWhatCameBeforeAHijackIsFollowed(t *testing.T) {
	found := make(chan string, 1)
	read := make(chan string, 1)
	l := loopback(t)
	run(t, NewListener(l, Options{OnRefused: func(_ net.Addr, p string) { found <- p }}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-found
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		n, err := io.Copy(io.Discard, c)
		if n != 0 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		close(read)
	}))
	c := connect(t, l)
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n\x81\x00")
	<-read
}

// Whoever is told of a violation is told whose it is.
func TestAViolationHasItsPeer(t *testing.T) {
	config, client := certified("http/1.1")
	for name, o := range map[string]Options{"plain": {}, "TLS": {TLS: config}} {
		found := make(chan string, 1)
		o.Send, o.OnRefused = patience, func(remote net.Addr, p string) { found <- remote.String() + " " + p }
		l := loopback(t)
		run(t, NewListener(l, o), http.NotFoundHandler())
		c := connect(t, l)
		want := c.LocalAddr().String() + " " + Folding
		if o.TLS != nil {
			c = tls.Client(c, client)
		}
		write(t, c, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n")
		if got := <-found; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Many clients at once, sound and bad, do not meet.
func TestConnectionsDoNotMeet(t *testing.T) {
	s := serve(t, loopback(t), Options{Send: patience})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 10 {
				if got := s.say(true, chunkedHeader, "1\r\nx\r\n0\r\n\r\n"+"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"); !slices.Equal(got, []int{200, 200}) {
					t.Errorf("sound: %v", got)
				}
				if got := s.say(false, chunkedHeader, "1\r\nx\r\n0\r\n\n"+smuggled); !slices.Equal(got, []int{422}) {
					t.Errorf("bad: %v", got)
				}
			}
		})
	}
	clients.Wait()
	seen, problems := s.found()
	if len(seen) != 240 || len(problems) != 80 {
		t.Errorf("%d requests, %d refused", len(seen), len(problems))
	}
}

// A client that is still sending when it is refused gets the answer, not a reset.
func TestRefusedClientReadsWhy(t *testing.T) {
	s := serve(t, loopback(t), Options{})
	for range 20 {
		if got := s.say(false, "GET / HTTP/1.1\nHost: h\r\n\r\n", strings.Repeat("x", 500_000)); !slices.Equal(got, []int{400}) {
			t.Fatalf("answered %v", got)
		}
	}
}

// http.Server.Close and Shutdown work as they do without.
func TestIdleConnectionsEndAtShutdown(t *testing.T) {
	l := loopback(t)
	srv := run(t, NewListener(l, Options{}), http.NotFoundHandler())
	c := connect(t, l)
	write(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
}
