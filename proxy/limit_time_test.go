package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// drip sends one byte at each interval, until it cannot.
func drip(w io.Writer, every time.Duration) (gone <-chan struct{}) {
	end := make(chan struct{})
	go func() {
		defer close(end)
		for {
			if _, err := w.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(every)
		}
	}()
	return end
}

func within(body time.Duration) func(*fleet) {
	return func(f *fleet) { f.cfg.Timeouts.Body = body }
}

func TestAnUploadThatTakesTooLongIsRefusedAndItsConnectionClosed(t *testing.T) {
	for name, header := range map[string]string{
		"with a length": "Content-Length: 1000000\r\n",
		"a form":        "Content-Length: 1000000\r\nContent-Type: application/x-www-form-urlencoded\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			const limit = 300 * time.Millisecond
			f, b, o := limited(t, 1<<20, within(limit))
			c := f.replica()
			tag := c.get("/a").etag()
			method := "PUT"
			if name == "a form" {
				method = "POST"
			}
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start := time.Now()
			fmt.Fprintf(conn, "%s /a HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\n%s\r\n", method, tag, header)
			gone := drip(conn, 10*time.Millisecond)
			eventually(t, "it is in its upload", func() bool { return o.nowHeld() > 0 })
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			r := bufio.NewReader(conn)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if res.StatusCode != 408 || !strings.Contains(string(body), `"reason":"slow"`) || !res.Close || err != nil {
				t.Errorf("status %d, to be closed: %t, %v; body: %s", res.StatusCode, res.Close, err, body)
			}
			if took := time.Since(start); took < limit {
				t.Errorf("it was refused after %v", took)
			}
			if _, err := r.ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
			soon(t, "the connection is closed", gone)
			if o.count("decision refused slow") != 1 || len(b.writes()) > 0 {
				t.Errorf("told %q, applied %q", o.all(), b.writes())
			}
			o.asBefore(t, c, tag)
		})
	}
}

func TestASlowStreamIsRefusedAndTheOthersOfItsConnectionGoOn(t *testing.T) {
	s := newStory(t, within(300*time.Millisecond))
	o := &told{}
	s.f.cfg.Observer = o
	s.c = s.f.replica()
	d := s.door(true)
	over := d.streams()
	defer over.CloseIdleConnections()
	send := func(body io.Reader) (*http.Response, error) {
		req, err := http.NewRequest(http.MethodPut, d.URL+"/a", body)
		if err != nil {
			return nil, err
		}
		req.Header.Set("If-Match", s.tag)
		return over.RoundTrip(req)
	}
	r, w := io.Pipe()
	gone := drip(w, 10*time.Millisecond)
	res, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if res.Body.Close(); res.StatusCode != 408 || res.ProtoMajor != 2 || !strings.Contains(string(body), `"reason":"slow"`) {
		t.Errorf("%s %d: %s", res.Proto, res.StatusCode, body)
	}
	_ = r.Close()
	soon(t, "the client stops", gone)
	if res, err = send(strings.NewReader("two")); err != nil || res.StatusCode != 204 {
		t.Fatalf("the next write: %v, %v", res, err)
	}
	res.Body.Close()
	if n := len(over.conns); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
}

// A deadline that stayed would look like a client that hangs up.
func TestAWriteMayTakeLongerThanItsUploadMay(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2: ", http2), func(t *testing.T) {
			s := newStory(t, within(100*time.Millisecond))
			s.f.cfg.Timeouts.Write = 20 * time.Second
			s.c = s.f.replica()
			d := s.door(http2)
			cancelled := make(chan error, 1)
			s.b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					time.Sleep(2 * time.Second)
					select {
					case <-d.gone:
						cancelled <- errors.New("to the proxy the client is gone")
					default:
						cancelled <- r.Context().Err()
					}
				}
				return false
			})
			client := d.Client()
			req, _ := http.NewRequest(http.MethodPut, d.URL+"/a", strings.NewReader(strings.Repeat("x", 100_000)))
			req.Header.Set("If-Match", s.tag)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if err := <-cancelled; res.StatusCode != 204 || err != nil || res.ProtoMajor == 2 != http2 {
				t.Errorf("%s %d, %v", res.Proto, res.StatusCode, err)
			}
		})
	}
}

func TestAStreamThatIsNotHeldHasAllTheTimeItTakes(t *testing.T) {
	for name, path := range map[string]string{"passed": "/a", "unguarded": "/free"} {
		t.Run(name, func(t *testing.T) {
			f, b, _ := limited(t, 1<<20, within(100*time.Millisecond), func(f *fleet) {
				f.cfg.Routes[0].Match, f.cfg.Timeouts.Answer = "/a", 100*time.Millisecond
			})
			c := f.replica()
			r, w := io.Pipe()
			go func() {
				for range 10 {
					time.Sleep(50 * time.Millisecond)
					_, _ = io.WriteString(w, "x")
				}
				_ = w.Close()
			}()
			req, _ := http.NewRequest(http.MethodPost, c.url+path, r)
			req.Header.Set("Content-Type", "application/octet-stream")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := b.writes(); res.StatusCode != 204 || len(got) != 1 || !strings.HasSuffix(got[0], " xxxxxxxxxx") {
				t.Errorf("%d, applied %q", res.StatusCode, got)
			}
		})
	}
}

// net/http reads what is left of a body before it sends the answer.
func TestARefusalDoesNotWaitForASlowBodyForEver(t *testing.T) {
	f, b, _ := limited(t, 1<<20, within(300*time.Millisecond))
	c := f.replica()
	conn := upload(t, c, "PUT", "If-Match: \"stale\"\r\n", 100_000, 0)
	gone := drip(conn, 10*time.Millisecond)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 409 || !res.Close {
		t.Errorf("status %d, to be closed: %t", res.StatusCode, res.Close)
	}
	soon(t, "the connection is closed", gone)
	if len(b.writes()) > 0 {
		t.Errorf("applied %q", b.writes())
	}
}

func TestAnAnswerThatDoesNotBeginInTimeIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct{ method, path string }{
		"a read": {"GET", "/a"}, "a read of what no rule matches": {"GET", "/free"}, "a passed request": {"POST", "/a"}, "an unguarded one": {"PUT", "/free"},
	} {
		t.Run(name, func(t *testing.T) {
			f, b, _ := limited(t, 0, func(f *fleet) {
				f.cfg.Routes[0].Match, f.cfg.Timeouts.Answer = "/a", 200*time.Millisecond
			})
			cancelled := make(chan struct{}, 1)
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body)
				select {
				case <-r.Context().Done():
					cancelled <- struct{}{}
				case <-time.After(20 * time.Second):
				}
				return true
			})
			client := f.replica()
			start := time.Now()
			client.do(c.method, c.path, "x").want(t, 504, refusal.Timeout)
			if took := time.Since(start); took < 200*time.Millisecond {
				t.Errorf("it was given up after %v", took)
			}
			soon(t, "the backend is told", cancelled)
		})
	}
}

func TestAnAnswerThatHasBegunHasAllTheTimeItTakes(t *testing.T) {
	for _, path := range []string{"/a", "/free"} {
		f, b, _ := limited(t, 0, func(f *fleet) {
			f.cfg.Routes[0].Match, f.cfg.Timeouts.Answer = "/a", 200*time.Millisecond
		})
		answering(b, func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = io.WriteString(w, "x")
				flush(w)
				time.Sleep(50 * time.Millisecond)
			}
		})
		if got := f.replica().get(path); got.StatusCode != 200 || got.body != "xxxxxxxxxx" {
			t.Errorf("%s: %d %q", path, got.StatusCode, got.body)
		}
	}
}

// An answer may begin before the request's body has ended, and outlast any time that begins to count then.
func TestAnEarlyAnswerIsNotBoundByTheRestOfTheUpload(t *testing.T) {
	f, b, _ := limited(t, 0, func(f *fleet) {
		f.cfg.Routes[0].Match, f.cfg.Timeouts.Answer = "/a", 200*time.Millisecond
	})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		_ = http.NewResponseController(w).EnableFullDuplex()
		flush(w)
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(500 * time.Millisecond)
		_, _ = io.WriteString(w, "done")
		return true
	})
	c := f.replica()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		c.proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	r, w := io.Pipe()
	req, _ := http.NewRequest(http.MethodPut, front.URL+"/free", r)
	go func() { _, _ = io.WriteString(w, "x") }()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_ = w.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "done" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

func TestARouteHasTimesOfItsOwn(t *testing.T) {
	f, b, _ := limited(t, 0, within(time.Hour))
	own := f.cfg.Timeouts
	own.Answer = 100 * time.Millisecond
	f.cfg.Routes = append(f.cfg.Routes, proxy.Route{Name: "own", Match: "/own", Mode: proxy.Off, Timeouts: &own})
	release := make(chan struct{})
	defer close(release)
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	f.replica().get("/own").want(t, 504, refusal.Timeout)
}
