package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// nowHeld is how many bytes the process holds, as its metrics have it.
func (o *told) nowHeld() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}

// limited is a fleet of one that may hold so much of the bodies of requests; of answers a third as much.
func limited(t *testing.T, held int64, changes ...func(*fleet)) (*fleet, *backend, *told) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer, f.cfg.Held = o, held/3*4+held%3
	for _, change := range changes {
		change(f)
	}
	return f, b, o
}

// asBefore demands that nothing is held, and that the resource can be written with the tag that it has.
func (o *told) asBefore(t *testing.T, c *client, tag string) {
	t.Helper()
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
	c.put("/a", "one", tag).want(t, 204)
}

// upload begins a request of size bytes of which not all come. It has been read as far as it came when held is.
func upload(t *testing.T, c *client, method, header string, size, come int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s /a HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s", method, header, size, strings.Repeat("x", come))
	return conn
}

func TestABodyMayFillTheBudgetAndNoMore(t *testing.T) {
	const held = 100_000
	f, b, o := limited(t, held)
	c := f.replica()
	tag := c.get("/a").etag()
	got := c.put("/a", strings.Repeat("x", held+1), tag)
	got.want(t, 503, refusal.Overloaded)
	if got.Header.Get("Retry-After") == "" || len(b.writes()) > 0 {
		t.Errorf("Retry-After %q, applied %q", got.Header.Get("Retry-After"), b.writes())
	}
	c.put("/a", strings.Repeat("x", held), tag).want(t, 204)
	if o.mostHeld != held || o.count("decision refused overloaded") != 1 {
		t.Errorf("%d bytes were held at the most; told %q", o.mostHeld, o.all())
	}
	o.asBefore(t, c, c.get("/a").etag())
}

// The budget is everybody's. What it refuses it refuses for as long as it is used up by those who have not had their time yet, and whoever
// uses it up gives it back by going away.
func TestUploadsThatUseUpTheBudgetRefuseOthersUntilTheyAreOver(t *testing.T) {
	const held, each = 100_000, 40_000
	f, b, o := limited(t, held)
	c := f.replica()
	c.proxy.GiveUpAfter(time.Hour)
	tag := c.get("/a").etag()
	conditions := "If-Match: " + tag + "\r\n"
	first := upload(t, c, "PUT", conditions, each+1, each)
	second := upload(t, c, "PUT", conditions, each+1, each)
	eventually(t, "two uploads are held", func() bool { return o.nowHeld() >= 2*each })

	c.put("/a", strings.Repeat("y", 30_000), tag).want(t, 503, refusal.Overloaded)
	c.do("POST", "/a", "_method=PUT&text="+strings.Repeat("y", 30_000), "Content-Type", "application/x-www-form-urlencoded", "If-Match", tag).
		want(t, 503, refusal.Overloaded)
	if o.nowHeld() != 2*(each+1) || len(b.writes()) > 0 {
		t.Errorf("%d bytes are held; applied %q", o.nowHeld(), b.writes())
	}
	c.put("/a", strings.Repeat("y", 10_000), tag).want(t, 204) // what fits goes on
	first.Close()
	eventually(t, "the first has given back", func() bool { return o.nowHeld() <= each+1 })
	c.put("/a", strings.Repeat("y", 30_000), c.get("/a").etag()).want(t, 204)
	second.Close()
	o.asBefore(t, c, c.get("/a").etag())
}

// It is streamed then: the time for bodies that are held is not its own, and it holds no lease.
func TestARouteThatObservesPassesWhatThereIsNoRoomFor(t *testing.T) {
	f, b, o := limited(t, 10_000, within(200*time.Millisecond), func(f *fleet) { f.cfg.Routes[0].Mode = proxy.Observe })
	c := f.replica()
	tag := c.get("/a").etag()
	text := strings.Repeat("0123456789", 2_000)
	body, client := io.Pipe()
	go func() {
		_, _ = io.WriteString(client, text)
		time.Sleep(500 * time.Millisecond)
		_, _ = io.WriteString(client, text)
		_ = client.Close()
	}()
	req, err := http.NewRequest(http.MethodPut, c.url+"/a", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("If-Match", tag)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := b.writes(); res.StatusCode != 204 || len(got) != 1 || got[0] != "PUT /a "+text+text {
		t.Errorf("%d; %d writes were applied", res.StatusCode, len(got))
	}
	if o.count("decision would_refuse overloaded") != 1 || o.count("started") != 0 {
		t.Errorf("told %q", o.all())
	}
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
}

func TestAnAnswerThatThereIsNoRoomForPassesWholeWithoutAVersion(t *testing.T) {
	const size = 60_000
	text := strings.Repeat("0123456789", size/10)
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint("announced: ", announced), func(t *testing.T) {
			f, b, o := limited(t, 2*size-2, func(f *fleet) { f.cfg.Routes[0].Version = fromBody() })
			answering(b, func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", fmt.Sprint(size))
				}
				flush(w)
				_, _ = io.WriteString(w, text)
			})
			c := f.replica()
			got := c.get("/a")
			if got.body != text || got.etag() != "" || o.count("unversioned overloaded") != 1 {
				t.Errorf("%d bytes, tag %q, told %q", len(got.body), got.etag(), o.all())
			}
			eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
			// A writer's probe may use all of the budget.
			c.put("/a", "x", `"another"`).want(t, 409, refusal.Stale)
			eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
		})
	}
}

// Nothing can be said of the version for want of room, which is not that there is none.
func TestAProbeThatThereIsNoRoomForTellsNothing(t *testing.T) {
	const size = 60_000
	f, b, o := limited(t, size+10_000, func(f *fleet) { f.cfg.Routes[0].Version = fromBody() })
	b.set("/a", strings.Repeat("x", size))
	c := f.replica()
	pin := upload(t, c, "POST", "Content-Type: application/x-www-form-urlencoded\r\n", 30_000, 29_999)
	eventually(t, "an upload is held", func() bool { return o.nowHeld() >= 29_999 })
	got := c.do("DELETE", "/a", "", "If-Match", `"unseen"`)
	got.want(t, 503, refusal.Unverifiable)
	if got.Header.Get("Retry-After") == "" || o.count("probe failed") != 1 || len(b.writes()) > 0 {
		t.Errorf("told %q, applied %q", o.all(), b.writes())
	}
	pin.Close()
	eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
	c.do("DELETE", "/a", "", "If-Match", `"unseen"`).want(t, 409, refusal.Stale)
}

// A client that reads its answer slowly keeps what it has not read, but not the body that it has sent.
func TestAWriteGivesItsBodyBackWhenItHasBeenSent(t *testing.T) {
	const size = 1 << 20
	f, b, o := limited(t, 0)
	c := f.replica()
	tag := c.get("/a").etag()
	goOn := make(chan struct{})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			flush(w)
			<-goOn
		}
		return r.Method == http.MethodPut
	})
	res := make(chan *http.Response, 1)
	go func() {
		req, _ := http.NewRequest(http.MethodPut, c.url+"/a", strings.NewReader(strings.Repeat("x", size)))
		req.Header.Set("If-Match", tag)
		got, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Error(err)
		}
		res <- got
	}()
	got := soon(t, "the header of the answer", res)
	eventually(t, "the body is given back", func() bool { return o.nowHeld() == 0 })
	if o.mostHeld != size {
		t.Errorf("%d bytes were held", o.mostHeld)
	}
	close(goOn)
	got.Body.Close()
}

// Whatever becomes of a request, what it held is given back.
func TestWhateverHappensNothingStaysHeld(t *testing.T) {
	const size = 100_000
	large := strings.Repeat("x", size)
	for name, attack := range map[string]func(t *testing.T, b *backend, c *client, tag string, o *told){
		"the client hangs up in its upload": func(t *testing.T, _ *backend, c *client, tag string, o *told) {
			conn := upload(t, c, "PUT", "If-Match: "+tag+"\r\n", size, size-1)
			eventually(t, "it is held", func() bool { return o.nowHeld() >= size-1 })
			conn.Close()
		},
		"the client hangs up while its write is at the backend": func(t *testing.T, b *backend, c *client, tag string, o *told) {
			there, goOn := b.holdPUTs()
			conn := upload(t, c, "PUT", "If-Match: "+tag+"\r\n", size, size)
			soon(t, "the write is at the backend", there)
			conn.Close()
			b.intercept(nil)
			close(goOn)
			eventually(t, "it is applied, and on record", func() bool { return o.count("ended applied") == 1 })
		},
		"the client hangs up in an answer that is held": func(t *testing.T, b *backend, c *client, _ string, o *told) {
			b.set("/large", strings.Repeat(large, 10)) // more than the way to the client takes
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			fmt.Fprint(conn, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
			if _, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			conn.Close()
		},
		"the backend's answer breaks off in what is held": func(t *testing.T, b *backend, c *client, _ string, _ *told) {
			answering(b, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(size+1))
				_, _ = io.WriteString(w, large)
				panic(http.ErrAbortHandler)
			})
			if got, err := c.attempt("GET", "/b", ""); err == nil {
				t.Errorf("the client got the whole answer: %d bytes", len(got.body))
			}
			b.intercept(nil)
		},
		"the backend's answer breaks off after what is held": func(t *testing.T, b *backend, c *client, _ string, o *told) {
			answering(b, func(w http.ResponseWriter, _ *http.Request) {
				for range 30 {
					_, _ = io.WriteString(w, large)
					flush(w)
				}
				panic(http.ErrAbortHandler)
			})
			if got, err := c.attempt("GET", "/b", ""); err == nil || len(got.body) < 1<<20 {
				t.Errorf("the client got %d bytes, %v", len(got.body), err)
			}
			b.intercept(nil)
		},
		"the backend resets the connection of a write": func(t *testing.T, b *backend, c *client, _ string, _ *told) {
			b.set("/b", "b")
			tag := c.get("/b").etag()
			b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					panic(http.ErrAbortHandler)
				}
				return false
			})
			c.put("/b", large, tag).want(t, 502, refusal.Backend)
			b.intercept(nil)
		},
		"the client resets its stream in its upload": func(t *testing.T, b *backend, c *client, tag string, o *told) {
			s := &story{T: t, b: b, c: c, tag: tag}
			d := s.door(true)
			over := d.streams()
			t.Cleanup(over.CloseIdleConnections)
			r, w := io.Pipe()
			reset, ended := s.stream(d, over, r)
			_, _ = io.WriteString(w, large)
			eventually(t, "it is held", func() bool { return o.nowHeld() >= size-1 })
			reset()
			soon(t, "the client has gone", ended)
			_ = w.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, b, o := limited(t, 8<<20, func(f *fleet) { f.cfg.Routes[0].Version = fromBody() })
			c := f.replica()
			tag := c.get("/a").etag()
			attack(t, b, c, tag, o)
			eventually(t, "nothing is held", func() bool { return o.nowHeld() == 0 })
			if o.mostHeld < size {
				t.Errorf("%d bytes were held at the most", o.mostHeld)
			}
			o.asBefore(t, c, c.get("/a").etag())
		})
	}
}

// A panic of what stands before the proxy takes the request with it, and nothing else.
func TestAPanicGivesBack(t *testing.T) {
	f, b, o := limited(t, 1<<20, func(f *fleet) { f.cfg.Routes[0].Version = fromBody() })
	c := f.replica()
	b.set("/a", strings.Repeat("x", 50_000))
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://h/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it did not panic")
			}
		}()
		c.proxy.ServeHTTP(panicking{http.Header{}}, req)
	}()
	if o.mostHeld < 50_000 {
		t.Errorf("%d bytes were held", o.mostHeld)
	}
	o.asBefore(t, c, c.get("/a").etag())
}

// panicking is a client's connection that panics when it is written to.
type panicking struct{ header http.Header }

func (p panicking) Header() http.Header       { return p.header }
func (p panicking) WriteHeader(int)           {}
func (p panicking) Write([]byte) (int, error) { panic(http.ErrAbortHandler) }
