package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// stepwise is a backend that goes on only when it is told to.
type stepwise struct {
	server *httptest.Server
	went   chan struct{} // the client has what was sent, and wants more
	came   chan string   // what has come from the client
	gone   chan struct{} // closed when the backend learns that the client has gone
}

const chunksSent = 5

func newStepwise(t testing.TB) *stepwise {
	t.Helper()
	s := &stepwise{went: make(chan struct{}), came: make(chan string), gone: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stream/{type}", s.stream)
	mux.HandleFunc("POST /upload", s.upload)
	mux.HandleFunc("GET /socket", s.socket)
	mux.HandleFunc("GET /wait", s.wait)
	mux.HandleFunc("POST /refusing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	s.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// replica is the program before this backend.
func (s *stepwise) replica(t testing.TB, more string) (addr string) {
	t.Helper()
	return strings.TrimPrefix(serve(t, setup{upstream: s.server.URL, more: more}.yaml()).ready().url, "http://")
}

func (s *stepwise) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/"+r.PathValue("type"))
	w.Header().Set("ETag", `"stream"`)
	for n := range chunksSent {
		fmt.Fprintf(w, "data: %d\n\n", n)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-s.went:
		case <-r.Context().Done():
			return
		}
	}
}

func (s *stepwise) upload(w http.ResponseWriter, r *http.Request) {
	in := bufio.NewReader(r.Body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		s.came <- line
	}
	fmt.Fprintf(w, "the end\n")
}

func (s *stepwise) socket(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		w.WriteHeader(http.StatusUpgradeRequired)
		return
	}
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
	for {
		line, err := buffered.ReadString('\n')
		if err != nil {
			close(s.gone)
			return
		}
		_, _ = io.WriteString(c, "echo "+line)
	}
}

func (s *stepwise) wait(_ http.ResponseWriter, r *http.Request) {
	s.came <- "waiting"
	<-r.Context().Done()
	close(s.gone)
}

// ways are configurations, each with how it is called.
var ways = map[string]string{
	"off": nothingGuarded, "elsewhere": otherGuarded, "guarded": "", "made tags": byBody,
}

// TestEachPartOfAStreamArrivesBeforeTheNextIsSent whatever it is a stream of.
func TestEachPartOfAStreamArrivesBeforeTheNextIsSent(t *testing.T) {
	for name, more := range ways {
		t.Run(name, func(t *testing.T) {
			s := newStepwise(t)
			addr := s.replica(t, more)
			for _, kind := range []string{"event-stream", "plain"} {
				if name == "made tags" && kind == "plain" {
					continue // it has no end by which its tag could be made, and is held as far as the limit
				}
				c := dial(t, addr)
				fmt.Fprintf(c, "GET /stream/%s HTTP/1.1\r\nHost: a\r\n\r\n", kind)
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				in := bufio.NewReader(res.Body)
				for n := range chunksSent {
					line, err := in.ReadString('\n')
					if err != nil || line != fmt.Sprintf("data: %d\n", n) {
						t.Fatalf("%s: part %d is %q, %v", kind, n, line, err)
					}
					_, _ = in.ReadString('\n')
					s.went <- struct{}{}
				}
				if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
					t.Errorf("%s: at the end %q, %v", kind, rest, err)
				}
				c.Close()
			}
		})
	}
}

// TestEachPartOfAnUploadArrivesBeforeTheNextIsSent where nobody judges it, on a guarded route too: a POST passes. (A form is read
// first, for the method that it may name.)
func TestEachPartOfAnUploadArrivesBeforeTheNextIsSent(t *testing.T) {
	for name, more := range ways {
		t.Run(name, func(t *testing.T) {
			s := newStepwise(t)
			c := dial(t, s.replica(t, more))
			defer c.Close()
			fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
			for n := range chunksSent {
				fmt.Fprintf(c, "7\r\npart %d\n\r\n", n)
				select {
				case line := <-s.came:
					if line != fmt.Sprintf("part %d\n", n) {
						t.Errorf("part %d arrives as %q", n, line)
					}
				case <-time.After(patience):
					t.Fatalf("part %d does not arrive", n)
				}
			}
			fmt.Fprintf(c, "0\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(res.Body); string(text) != "the end\n" || err != nil {
				t.Errorf("the answer is %q, %v", text, err)
			}
		})
	}
}

const handshake = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"

// TestAWebSocketIsATunnelBothWays where it is allowed: everywhere but on a guarded route that does not allow it.
func TestAWebSocketIsATunnelBothWays(t *testing.T) {
	for name, more := range map[string]string{
		"off": nothingGuarded, "elsewhere": otherGuarded, "guarded, and allowed": "defaults: {websocket: true}\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStepwise(t)
			c := dial(t, s.replica(t, more))
			defer c.Close()
			_, _ = io.WriteString(c, handshake)
			in := bufio.NewReader(c)
			head, err := readHead(in)
			want := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-Websocket-Accept: x\r\nUpgrade: WebSocket\r\n\r\n"
			if head != want || err != nil {
				t.Fatalf("the answer is %q, %v", head, err)
			}
			for _, word := range []string{"one\n", strings.Repeat("x", 100<<10) + "\n", "two\n"} {
				go func() { _, _ = io.WriteString(c, word) }() // it comes back while it is sent
				if line, err := in.ReadString('\n'); line != "echo "+word || err != nil {
					t.Fatalf("what comes back is %.20q, %v", line, err)
				}
			}
			c.Close()
			within(t, patience, "the backend learns that the client has gone", s.gone)
		})
	}
	t.Run("guarded", func(t *testing.T) {
		s := newStepwise(t)
		c := dial(t, s.replica(t, ""))
		defer c.Close()
		_, _ = io.WriteString(c, handshake)
		if line, err := bufio.NewReader(c).ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 426 ") {
			t.Errorf("the answer is %q, %v; want that of a backend that was not asked for an upgrade", line, err)
		}
	})
}

// TestTheBackendDecidesWhetherABodyIsSent where nothing is judged: 100 (Continue) comes when it wants the body, and its refusal
// comes without.
func TestTheBackendDecidesWhetherABodyIsSent(t *testing.T) {
	for name, more := range ways {
		t.Run(name, func(t *testing.T) {
			s := newStepwise(t)
			addr := s.replica(t, more)
			ask := func(path string) (in *bufio.Reader, w io.WriteCloser, first string) {
				c := dial(t, addr)
				fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", path)
				in = bufio.NewReader(c)
				first, err := readHead(in)
				if err != nil {
					t.Fatal(err)
				}
				return in, c, first
			}
			_, c, first := ask("/refusing")
			c.Close()
			if !strings.HasPrefix(first, "HTTP/1.1 401 ") {
				t.Errorf("a backend that refuses the request: %q, want 401", first)
			}
			in, c, first := ask("/upload")
			defer c.Close()
			if first != "HTTP/1.1 100 Continue\r\n\r\n" {
				t.Fatalf("a backend that wants the body: %q, want 100", first)
			}
			_, _ = io.WriteString(c, "abc\n")
			if line := <-s.came; line != "abc\n" {
				t.Errorf("the backend gets %q", line)
			}
			head, err := readHead(in)
			if head == first { // net/http's server and httputil may both tell the client to go on
				head, err = readHead(in)
			}
			if !strings.HasPrefix(head, "HTTP/1.1 200 ") {
				t.Errorf("then %q, %v; want 200", head, err)
			}
		})
	}
}

// TestABackendLearnsThatAReaderHasGone as it would without the proxy.
func TestABackendLearnsThatAReaderHasGone(t *testing.T) {
	for name, more := range ways {
		t.Run(name, func(t *testing.T) {
			s := newStepwise(t)
			c := dial(t, s.replica(t, more))
			_, _ = io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
			<-s.came
			c.Close()
			within(t, patience, "the backend learns that the client has gone", s.gone)
		})
	}
}
