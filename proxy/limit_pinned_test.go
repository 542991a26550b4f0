package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// most is how many bytes were held at the most.
func (o *told) most() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mostHeld
}

func (o *told) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mostHeld = 0
}

// An upload without end, of whatever kind, keeps nobody from writing.
func TestTheLongestUploadGivesWayToAWrite(t *testing.T) {
	const held, each = 100_000, 40_000
	for name, how := range map[string]struct{ method, header string }{
		"a write":                    {"PUT", "If-Match: %s\r\n"},
		"a form of who may not even": {"POST", "Content-Type: application/x-www-form-urlencoded\r\nX-Any: %s\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f, b, o := limited(t, held, within(time.Hour))
			c := f.replica()
			c.proxy.GiveUpAfter(0)
			tag := c.get("/a").etag()
			header := fmt.Sprintf(how.header, tag)
			longest := upload(t, c, how.method, header, each+1, each)
			eventually(t, "the first is held", func() bool { return o.nowHeld() >= each })
			other := upload(t, c, how.method, header, each+1, each)
			eventually(t, "two uploads are held", func() bool { return o.nowHeld() >= 2*each })

			c.put("/a", strings.Repeat("y", 30_000), tag).want(t, 204)
			_ = longest.SetReadDeadline(time.Now().Add(20 * time.Second))
			answered := bufio.NewReader(longest)
			res, err := http.ReadResponse(answered, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != 408 || !strings.Contains(string(body), `"reason":"slow"`) || !res.Close {
				t.Errorf("status %d, to be closed: %t; body: %s", res.StatusCode, res.Close, body)
			}
			if _, err := answered.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection stays open: %v", err)
			}
			if o.nowHeld() != each+1 || o.most() > held || o.count("decision refused slow") != 1 {
				t.Errorf("%d bytes are held, at the most it was %d; told %q", o.nowHeld(), o.most(), o.all())
			}
			fmt.Fprint(other, "x") // nobody needed its room
			_ = other.SetReadDeadline(time.Now().Add(20 * time.Second))
			if res, err = http.ReadResponse(bufio.NewReader(other), nil); err != nil || res.StatusCode == 408 {
				t.Fatalf("the other upload: %v %v", res, err)
			}
			if want := map[string]int{"PUT": 1, "POST": 2}[how.method]; len(b.writes()) != want {
				t.Errorf("%d writes were applied", len(b.writes()))
			}
			o.asBefore(t, c, c.get("/a").etag())
		})
	}
}

func TestTheLongestUploadOfAnHTTP2ConnectionGivesWayAndTheOthersGoOn(t *testing.T) {
	const size = 100_000
	o := &told{}
	s := newStory(t, within(time.Hour), func(f *fleet) { f.cfg.Observer, f.cfg.Held = o, 140_000*4/3 })
	s.c.proxy.GiveUpAfter(0)
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
	t.Cleanup(func() { _ = w.Close() })
	answered := make(chan *http.Response, 1)
	go func() {
		res, err := send(r)
		if err != nil {
			t.Error(err)
		}
		answered <- res
	}()
	_, _ = io.WriteString(w, strings.Repeat("x", size))
	eventually(t, "it is held", func() bool { return o.nowHeld() >= size })
	res, err := send(strings.NewReader(strings.Repeat("y", size)))
	if err != nil || res.StatusCode != 204 {
		t.Fatalf("the next write: %v, %v", res, err)
	}
	res.Body.Close()
	if res = soon(t, "the upload is refused", answered); res == nil {
		return
	}
	body, _ := io.ReadAll(res.Body)
	if res.Body.Close(); res.StatusCode != 408 || res.ProtoMajor != 2 || !strings.Contains(string(body), `"reason":"slow"`) {
		t.Errorf("%s %d: %s", res.Proto, res.StatusCode, body)
	}
	_ = w.Close()
	if n := len(over.conns); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
}

// slowReader asks for a resource and takes no more than the first line of the answer.
func slowReader(t *testing.T, c *client, path string) *bufio.Reader {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	r := bufio.NewReaderSize(conn, 16)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return r
}

// Whoever reads slowly keeps nobody from getting versions, where the proxy makes these.
func TestTheSlowestReaderGivesWayToAnAnswerWithAVersion(t *testing.T) {
	const size = 12 << 20                              // more than the way to a client takes
	f, b, o := limited(t, 3*7*size/2, func(f *fleet) { // for answers a third of it: two have room, and the third one asks for more than a quarter of the rest
		f.cfg.Routes[0].Version, f.cfg.Limits.Representation = fromBody(), size
	})
	large := strings.Repeat("x", size)
	answering(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) })
	c := f.replica()
	c.proxy.GiveUpAfter(time.Hour)
	slowest := slowReader(t, c, "/large")
	eventually(t, "the first is held", func() bool { return o.nowHeld() == size })
	second := slowReader(t, c, "/large")
	eventually(t, "two are held", func() bool { return o.nowHeld() == 2*size })
	if got := c.get("/large"); len(got.body) != size || got.etag() != "" {
		t.Fatalf("there was room: %d bytes, tag %q", len(got.body), got.etag())
	}
	c.proxy.GiveUpAfter(0)
	if got := c.get("/large"); len(got.body) != size || got.etag() == "" {
		t.Errorf("%d bytes, tag %q", len(got.body), got.etag())
	}
	if n, err := io.Copy(io.Discard, slowest); err != nil && errors.Is(err, os.ErrDeadlineExceeded) || n >= size {
		t.Errorf("the slowest got %d bytes, %v", n, err)
	}
	if n, err := io.CopyN(io.Discard, second, size); err != nil {
		t.Errorf("the second got %d bytes: %v", n, err)
	}
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
	if o.most() > 3*size {
		t.Errorf("%d bytes were held", o.most())
	}
}

// A client that reads its answer slowly keeps what it has not read, but not the body that it has sent, whatever the request was.
func TestABodyIsGivenBackWhenItHasBeenSent(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct {
		method, path string
		answer       time.Duration
	}{
		"a read": {"GET", "/a", 0}, "a read that is waited for": {"GET", "/a", time.Hour}, "OPTIONS": {"OPTIONS", "/a", time.Hour},
		"a passed request": {"POST", "/a", time.Hour}, "a request for another rule": {"POST", "/chosen?action=other", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 50_000
			f, b, o := limited(t, 1<<20, func(f *fleet) {
				f.cfg.Timeouts.Answer = tc.answer
				chosen, free := route(), route()
				chosen.Match, chosen.Name, chosen.When = "/chosen", "chosen", map[string]string{"action": "save"}
				free.Match, free.Name, free.Mode = "/chosen", "free", proxy.Off
				f.cfg.Routes = append(f.cfg.Routes, chosen, free)
			})
			c := f.replica()
			goOn := make(chan struct{})
			t.Cleanup(func() { close(goOn) })
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
					t.Errorf("the backend got %d bytes, %v", n, err)
				}
				flush(w)
				<-goOn
				return true
			})
			res := make(chan *http.Response, 1)
			go func() {
				req, _ := http.NewRequest(tc.method, c.url+tc.path, strings.NewReader(strings.Repeat("x", size)))
				req.Header.Set("Content-Type", form)
				got, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Error(err)
				}
				res <- got
			}()
			got := soon(t, "the header of the answer", res)
			eventually(t, "the body is given back", func() bool { return o.nowHeld() == 0 })
			if o.most() < size {
				t.Errorf("%d bytes were held", o.most())
			}
			got.Body.Close()
		})
	}
}

// A backend that speaks HTTP/2 can refuse a request before it has all of its body, and still answer at length.
func TestABodyThatTheBackendDoesNotWantIsGivenBack(t *testing.T) {
	const size = 4 << 20 // more than the backend's window
	goOn := make(chan struct{})
	b := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("ETag", `"1"`)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		flush(w)
		<-goOn
	}))
	b.EnableHTTP2 = true
	b.StartTLS()
	defer b.Close()
	defer close(goOn)
	f, _, o := limited(t, 0, func(f *fleet) {
		f.cfg.Upstream, _ = url.Parse(b.URL)
		f.cfg.Limits.Body, f.cfg.Transport = size, b.Client().Transport
	})
	c := f.replica()
	for _, method := range []string{"PUT", "POST"} {
		tag := c.get("/a").etag()
		o.forget()
		req, _ := http.NewRequest(method, c.url+"/a", strings.NewReader(strings.Repeat("x", size)))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if method == "PUT" {
			req.Header.Set("If-Match", tag)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 401 || o.most() < size {
			t.Errorf("%s: %d; %d bytes were held", method, res.StatusCode, o.most())
		}
		eventually(t, "the body is given back", func() bool { return o.nowHeld() == 0 })
		goOn <- struct{}{}
		res.Body.Close()
	}
}

// stuck is a client's connection that takes nothing.
type stuck struct {
	header    http.Header
	came, end chan struct{}
}

func (s stuck) Header() http.Header { return s.header }
func (s stuck) WriteHeader(int)     {}
func (s stuck) Write(p []byte) (int, error) {
	close(s.came)
	<-s.end
	return 0, net.ErrClosed
}

func TestARefusedRequestGivesItsBodyBackAtOnce(t *testing.T) {
	f, b, o := limited(t, 0)
	c := f.replica()
	req, _ := http.NewRequest(http.MethodPost, "http://h/a", strings.NewReader("_method=PUT&text="+strings.Repeat("x", 100_000)))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := stuck{http.Header{}, make(chan struct{}), make(chan struct{})}
	over := make(chan struct{})
	go func() { defer close(over); c.proxy.ServeHTTP(w, req) }()
	soon(t, "the refusal is written", w.came)
	if o.nowHeld() != 0 || o.most() < 100_000 {
		t.Errorf("%d bytes are held, of %d", o.nowHeld(), o.most())
	}
	close(w.end)
	soon(t, "it is over", over)
	if o.count("decision refused missing") != 1 || len(b.writes()) > 0 {
		t.Errorf("told %q", o.all())
	}
}

func TestOfAReadsFormLittleIsHeld(t *testing.T) {
	const most = 64 << 10
	for _, tc := range []struct {
		method, kind string
		size, status int
	}{
		{"GET", "application/x-www-form-urlencoded", most, 200},
		{"GET", "application/x-www-form-urlencoded", most + 1, 413},
		{"OPTIONS", "multipart/form-data; boundary=b", most + 1, 413},
		{"GET", "application/json", most + 1, 200},
		{"GET", "application/octet-stream", most + 1, 200},
		{"POST", "application/x-www-form-urlencoded", most + 1, 204},
	} {
		t.Run(fmt.Sprint(tc.method, " ", tc.kind, " ", tc.size), func(t *testing.T) {
			f, b, o := limited(t, 0)
			c := f.replica()
			before := b.asked()
			got := c.do(tc.method, "/a", strings.Repeat("x", tc.size), "Content-Type", tc.kind)
			if got.want(t, tc.status); tc.status == 413 {
				if got.want(t, 413, refusal.TooLarge); b.asked() != before || !strings.Contains(got.body, "65536") {
					t.Errorf("the backend was asked; body: %s", got.body)
				}
			}
			if o.most() > 2*most || tc.status == 413 && o.most() > most {
				t.Errorf("%d bytes were held", o.most())
			}
			eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
		})
	}
}
