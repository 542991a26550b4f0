package framing

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func addSeeds(f *testing.F) {
	f.Add([]byte(typical+typical), uint16(100))
	for _, c := range sound {
		f.Add([]byte(c.raw), uint16(len(c.raw)/2))
	}
	for _, c := range refusedHeader {
		f.Add([]byte(c.raw+smuggled), uint16(len(c.raw)-1))
	}
	for _, c := range refusedBody {
		f.Add([]byte(chunkedHeader+c.raw+smuggled), uint16(len(chunkedHeader)+1))
	}
}

// FuzzHandlerSeesSoundRequestsAlone: for any bytes, cut anywhere, what the handler sees behind a Listener is the beginning of what it sees
// without one; each request that it sees whole is what another parser makes of those bytes; and of sound bytes it sees all.
func FuzzHandlerSeesSoundRequestsAlone(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if len(b) > 1<<16 {
			t.Skip("long enough for limits that are not ours")
		}
		without := observe(t, b, len(b), func(l net.Listener) net.Listener { return l })
		with := observe(t, b, int(cut), func(l net.Listener) net.Listener { return NewListener(l, Options{}) })
		if len(with) > len(without) {
			t.Fatalf("%d requests are seen, and %d without a listener", len(with), len(without))
		}
		for i, got := range with {
			want := without[i]
			if got.line != want.line || got.whole && got != want || !strings.HasPrefix(want.body, got.body) {
				t.Fatalf("request %d is %+v, and without a listener %+v", i, got, want)
			}
			if !got.whole && i < len(with)-1 {
				t.Fatalf("request %d has no end, and others follow it: %+v", i, with)
			}
		}
		all, whole := strict(b)
		for i, got := range with {
			if got.whole && (i >= len(all) || got != all[i]) {
				t.Fatalf("request %d is %+v; another parser reads %+v", i, got, all)
			}
		}
		if whole && !slices.Equal(with, without) {
			t.Fatalf("sound, and %+v is seen instead of %+v", with, without)
		}
	})
}

// FuzzFollowerIsTheGrammar: bytes are whole requests for the follower exactly if they are for another parser, and it makes no difference
// where they are cut.
func FuzzFollowerIsTheGrammar(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		raw := string(b)
		at := min(int(cut), len(raw))
		sound, problem := followAll(raw)
		if s, p := followAll(raw[:at], raw[at:]); s != sound || p != problem {
			t.Fatalf("cut before byte %d: %d bytes are sound, then %q; in one piece %d, then %q", at, s, p, sound, problem)
		}
		if problem != "" && !slices.Contains(problems(), problem) {
			t.Fatalf("%q is no problem", problem)
		}
		follower := newFollower()
		follower.follow(b)
		if _, whole := strict(b); whole != (problem == "" && between(follower)) {
			t.Fatalf("%d bytes are sound, then %q; whole for the other parser: %t", sound, problem, whole)
		}
	})
}

// between says whether a follower is between two requests.
func between(f follower) bool {
	return !f.blank && reflect.ValueOf(f.step).Pointer() == reflect.ValueOf((*follower).start).Pointer()
}

// observe has a server read b, in two pieces, and returns what its handler saw.
func observe(t *testing.T, b []byte, cut int, wrap func(net.Listener) net.Listener) (seen []request) {
	cut = min(cut, len(b))
	l := &once{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	c := &script{pieces: [][]byte{b[:cut], b[cut:]}, closed: make(chan struct{})}
	l.conns <- c
	srv := &http.Server{ConnState: ConnState, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		seen = append(seen, request{r.Method + " " + r.RequestURI, string(body), err == nil})
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(wrap(l)) }()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Fatal("the connection is not closed")
	}
	_ = srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Fatal(err)
	}
	return seen
}

// once is a listener with one connection.
type once struct {
	conns  chan net.Conn
	ending sync.Once
	closed chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *once) Close() error {
	o.ending.Do(func() { close(o.closed) })
	return nil
}

func (o *once) Addr() net.Addr { return &net.UnixAddr{Name: "once", Net: "unix"} }

// script is a connection whose client has sent some pieces and then hung up, and takes what comes.
type script struct {
	mu     sync.Mutex
	pieces [][]byte
	ending sync.Once
	closed chan struct{}
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pieces) > 0 && len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	s.pieces[0] = s.pieces[0][n:]
	return n, nil
}

func (s *script) Close() error {
	s.ending.Do(func() { close(s.closed) })
	return nil
}

func (s *script) Write(p []byte) (int, error) { return len(p), nil }
func (s *script) LocalAddr() net.Addr         { return &net.UnixAddr{Name: "script", Net: "unix"} }

func (s *script) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "script", Net: "unix"} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// problems is all that OnRefused may be told.
func problems() []string {
	return []string{
		BareCR, BareLF, RequestLine, Target, Version, Folding, FieldName, FieldValue, Host, ContentLength, TransferEncoding,
		TwoFramings, Alias, Connect, ChunkSize, ChunkExtension, ChunkEnd, Trailer,
	}
}
