package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAClientThatHangsUpAfterItsBodyChangesNothing(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	arrived, goOn := b.holdPUTs()
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
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("chunked: %s", res.Status)
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

	f.cfg.Refusals.Disclose = false
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

func TestMoveClaimsItsDestination(t *testing.T) {
	for _, base := range []string{"", "/base", "/base/"} {
		b := newBackend(t)
		under := strings.TrimSuffix(base, "/")
		b.texts[under+"/a"], b.texts[under+"/b"] = "one", "other"
		f := newFleet(t, b)
		f.cfg.Upstream.Path = base
		c := f.replica()
		a, other := c.get("/a").etag(), c.get("/b").etag()
		b.tag = func(string, string) string { return other } // so that only the record can tell
		c.do("MOVE", "/a", "", "If-Match", a, "Destination", "http://anywhere/b").want(t, 204)
		c.put("/b", "x", other).want(t, 409, refusal.Stale)
		c.do("MOVE", "/b", "", "If-Match", c.get("/b").etag()).want(t, 400, refusal.Malformed)
	}
}

func TestWritesWaitForOneAnotherUpToTheLimit(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Limits.Waiters = 1
	f.cfg.Timeouts.BusyWait = 5 * time.Second
	c := f.replica()
	tag := c.get("/a").etag()
	arrived, goOn := b.holdPUTs()
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
