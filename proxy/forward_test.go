package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAClientThatHangsUpAfterItsBodyChangesNothing(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			close(arrived)
			<-goOn
		}
		return false
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("mine"))
	req.Header.Set("If-Match", tag)
	go func() {
		<-arrived
		hangUp()
	}()
	if _, err := http.DefaultTransport.RoundTrip(req); err == nil {
		t.Fatal("the client was to hang up")
	}
	time.Sleep(50 * time.Millisecond) // the server notices
	close(goOn)
	if err := c.proxy.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.intercept(nil)
	if got := b.writes(); len(got) != 1 {
		t.Fatalf("the backend applied %q", got)
	}
	c.put("/a", "yours", tag).want(t, 409, refusal.Stale)
	c.put("/a", "yours", c.get("/a").etag()).want(t, 204)
}

func TestAClientThatHangsUpBeforeTheEndOfItsBodySendsNothing(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	u, _ := url.Parse(c.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT /a HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\nContent-Length: 10\r\n\r\nhalf", tag)
	time.Sleep(50 * time.Millisecond)
	// Meanwhile nobody is kept waiting.
	c.put("/a", "mine", tag).want(t, 204)
	conn.Close()
	time.Sleep(50 * time.Millisecond)
	if got := b.writes(); len(got) != 1 {
		t.Fatalf("the backend applied %q", got)
	}
}

func TestAWriteInDoubtClosesTheResourceForTheSettleTime(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.Settle = 500 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		b.set("/a", "applied") // and no answer
		panic(http.ErrAbortHandler)
	})
	c.put("/a", "applied", tag).want(t, 502, refusal.Backend)
	b.intercept(nil)
	start := time.Now()
	c.put("/a", "next", `"v-applied"`).want(t, 409, refusal.Busy)
	if took := time.Since(start); took > 300*time.Millisecond {
		t.Errorf("it waited %s for an outcome that nobody knows", took)
	}
	if got := c.get("/a"); !strings.Contains(got.etag(), "p409-") {
		t.Errorf("a read meanwhile shows %s, which could be the version before", got.etag())
	}
	time.Sleep(700 * time.Millisecond)
	c.put("/a", "next", tag).want(t, 409, refusal.Stale)
	c.put("/a", "next", c.get("/a").etag()).want(t, 204)
}

func TestNoAnswerInTime(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.Write = 200 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			time.Sleep(400 * time.Millisecond)
		}
		return false
	})
	c.put("/a", "late", tag).want(t, 504, refusal.Timeout)
}

// TestAWriteIsNeverReplayed puts a write on a connection that the backend closes without an answer. http.Transport would
// send a bodiless one with Idempotency-Key again.
func TestAWriteIsNeverReplayed(t *testing.T) {
	var seen atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if req.Method != http.MethodGet {
						if req.Header.Get("Idempotency-Key") != "k" {
							t.Error("the backend did not get the Idempotency-Key")
						}
						seen.Add(1)
						return
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream = &url.URL{Scheme: "http", Host: l.Addr().String()}
	c := f.replica()
	tag := c.get("/a").etag() // leaves an idle connection
	c.do("DELETE", "/a", "", "If-Match", tag, "Idempotency-Key", "k").want(t, 502, refusal.Backend)
	c.do("POST", "/b", "", "Idempotency-Key", "k").want(t, 502, refusal.Backend)
	if n := seen.Load(); n != 2 {
		t.Errorf("two writes were sent %d times", n)
	}
}

func TestExpectContinueIsRefusedBeforeTheBody(t *testing.T) {
	c := newFleet(t, newBackend(t)).replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	u, _ := url.Parse(c.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "PUT /a HTTP/1.1\r\nHost: x\r\nIf-Match: \"v-one\"\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusConflict {
		t.Fatalf("%v %v", res, err)
	}
}

func TestABodyOverTheLimit(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Limits.Body = 10
	c := f.replica()
	tag := c.get("/a").etag()
	c.put("/a", "12345678901", tag).want(t, 413, refusal.TooLarge)
	req, _ := http.NewRequest(http.MethodPut, c.url+"/a", io.MultiReader(strings.NewReader("1234567890"), strings.NewReader("1")))
	req.Header.Set("If-Match", tag)
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != 413 {
		t.Errorf("chunked: %v %v", res, err)
	}
	c.put("/a", "1234567890", tag).want(t, 204)

	f.cfg.Routes[0].Mode = proxy.Observe
	f.replica().put("/a", strings.Repeat("x", 100_000), `"bad"`).want(t, 204)
	if got := b.writes(); len(got) != 2 || len(got[1]) < 100_000 {
		t.Errorf("observing, the backend got %d writes", len(got))
	}
}

func TestNobodyLearnsWhatTheBackendWouldNotShow(t *testing.T) {
	b := newBackend(t)
	b.texts["/a"] = "one"
	f := newFleet(t, b)
	c := f.replica()
	tag := c.get("/a").etag()
	c.put("/a", "two", tag).want(t, 204)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "who are you", http.StatusUnauthorized)
			return true
		}
		return false
	})
	if got := c.put("/a", "x", tag); got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") == "" || !strings.Contains(got.body, "who are you") {
		t.Errorf("a stranger got %d: %s", got.StatusCode, got.body)
	}
	c.do("PUT", "/a", "x", "If-Match", tag, "Authorization", "me").want(t, 409, refusal.Stale)

	b.intercept(func(w http.ResponseWriter, r *http.Request) bool { // a mask
		if r.Header.Get("Authorization") == "" {
			http.NotFound(w, r)
			return true
		}
		return false
	})
	masked, truly := c.put("/a", "x", tag), c.put("/nothing", "x", tag)
	masked.want(t, 409, refusal.Absent)
	if a, b := sameButInstance(masked.body), sameButInstance(truly.body); a != b {
		t.Errorf("what is masked differs from what is absent:\n%s\n%s", a, b)
	}

	f.cfg.Disclose = false
	c = f.replica()
	reads := b.reads
	masked, truly = c.put("/a", "x", tag), c.put("/a", "x", `"v-two;p409-AAAAAAAAAAAAAAAA"`)
	if a, b := sameButInstance(masked.body), sameButInstance(truly.body); a != b {
		t.Errorf("with disclose: never the answers differ:\n%s\n%s", a, b)
	}
	if b.reads != reads {
		t.Error("with disclose: never the backend was asked")
	}
}

func sameButInstance(body string) string {
	before, rest, _ := strings.Cut(body, `"instance":"`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

func TestSpellingsOfOneResourceShareItsRecord(t *testing.T) {
	for _, match := range []string{"/", "/items/", "/items/{id}", "/items/{id}/", "/items/{path...}"} {
		t.Run(match, func(t *testing.T) {
			b := newBackend(t)
			for _, p := range []string{"/items/7", "/items/7/", "/items/7;v=1", "/items/%37"} {
				b.texts[p] = "one"
			}
			f := newFleet(t, b)
			f.cfg.Routes[0].Match = match
			c := f.replica()
			tag := c.get("/items/7").etag()
			c.put("/items/7/", "two", tag).want(t, 204)
			c.put("/items/7", "three", tag).want(t, 409, refusal.Stale)
			c.put("/items/%37", "three", tag).want(t, 409, refusal.Stale)
			c.put("/items/x/../7", "three", tag).want(t, 400, refusal.Malformed)
			c.put("/items//7", "three", tag).want(t, 400, refusal.Malformed)
			c.do("PUT", "/items/7", "x", "If_Match", tag).want(t, 409, refusal.Missing)
			c.do("POST", "/items/7", "x", "X-HTTP-Method-Override", "PUT").want(t, 409, refusal.Missing)
			c.do("PUT", "/items/7", "x", "If-Match", tag, "Connection", "If-Match").want(t, 400, refusal.Malformed)
		})
	}
}

func TestUnguardedTrafficPassesAsItIs(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Link", "</s.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "Checksum")
		w.Header().Set("ETag", "not a tag")
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(body)
		w.Header().Set("Checksum", "42")
		return true
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/guarded/"
	c := f.replica()
	hints := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/free//path/%2e", strings.NewReader("second"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if hints != 1 || string(body) != "first second" || res.Trailer.Get("Checksum") != "42" || res.Header.Get("ETag") != "not a tag" {
		t.Errorf("%d hints, body %q, trailer %v, header %v", hints, body, res.Trailer, res.Header)
	}
}

func TestMoveClaimsItsDestination(t *testing.T) {
	b := newBackend(t)
	b.texts["/b"] = "other"
	c := newFleet(t, b).replica()
	a, other := c.get("/a").etag(), c.get("/b").etag()
	c.do("MOVE", "/a", "", "If-Match", a, "Destination", "http://anywhere/b").want(t, 204)
	c.put("/b", "x", other).want(t, 409, refusal.Stale)
	c.do("MOVE", "/b", "", "If-Match", c.get("/b").etag()).want(t, 400, refusal.Malformed)
}

func TestWritesWaitForOneAnotherUpToTheLimit(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Limits.Waiters = 1
	f.cfg.Timeouts.BusyWait = 5 * time.Second
	c := f.replica()
	tag := c.get("/a").etag()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			close(arrived)
			<-goOn
		}
		return false
	})
	answers := make(chan answer, 3)
	go func() { answers <- c.put("/a", "first", tag) }()
	<-arrived
	for range 2 {
		go func() { answers <- c.put("/a", "more", tag) }()
	}
	(<-answers).want(t, 409, refusal.Busy) // one waits, the other finds the line full
	b.intercept(nil)
	close(goOn)
	got := map[int]int{}
	for range 2 {
		got[(<-answers).StatusCode]++
	}
	if got[204] != 1 || got[409] != 1 {
		t.Errorf("%v", got)
	}
}
