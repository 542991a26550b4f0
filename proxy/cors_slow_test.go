package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

var errBroken = errors.New("the connection broke")

// whereShared switches CORS on. A question that is over has no answer, and none comes to a PUT with X-Lost.
func whereShared(cfg *proxy.Config) {
	cfg.Routes[0].CORS = true
	next := cfg.Transport
	cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
		res, err := next.RoundTrip(r)
		switch {
		case err == nil && r.Context().Err() != nil:
			return nil, r.Context().Err()
		case r.Method == http.MethodPut && r.Header.Get("X-Lost") != "":
			return nil, errBroken
		}
		return res, err
	})
}

func TestABackendThatDoesNotAnswerTheQuestionDelaysARefusalByASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t, whereShared)
		s := newSharing(t, u.b)
		s.preflight = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		start := time.Now()
		got := u.do("PUT", "/a", nil, "Origin", friend)
		if got.want(t, 409, refusal.Missing); len(got.shared()) > 0 || len(s.preflights()) != 1 {
			t.Errorf("%q", got.shared())
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Refusals cost their client nothing. However many it causes, the backend has no more than so many questions at a time.
func TestRefusalsDoNotFloodTheBackendWithQuestions(t *testing.T) {
	const most, requests = 64, 200
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t, whereShared)
		s := newSharing(t, u.b)
		goOn := make(chan struct{})
		s.preflight = func(w http.ResponseWriter, r *http.Request) {
			<-goOn
			s.strict(w, r)
		}
		answers := make(chan answer, requests)
		for range requests {
			go func() { answers <- u.do("PUT", "/a", nil, "Origin", friend) }()
		}
		synctest.Wait()
		if asked, unasked := len(s.preflights()), len(answers); asked != most || unasked != requests-most {
			t.Fatalf("%d are at the backend, %d were refused without asking", asked, unasked)
		}
		for range requests - most {
			if got := <-answers; len(got.shared()) > 0 || got.StatusCode != 409 {
				t.Fatalf("%d %q, and nobody asked", got.StatusCode, got.shared())
			}
		}
		close(goOn)
		for range most {
			if got := <-answers; len(got.shared()) == 0 {
				t.Fatal("one that was asked about has no permission")
			}
		}
		for i := range 2 * most { // and when they are answered, others have their turn
			if got := u.do("PUT", "/a", nil, "Origin", friend); len(got.shared()) == 0 {
				t.Fatalf("number %d was not asked about", i)
			}
		}
	})
}

func TestAWriteThatIsRefusedHoldsNoLeaseWhileThePageIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t, whereShared, func(cfg *proxy.Config) { cfg.Refusals.Disclose = false })
		s := newSharing(t, u.b)
		tag := u.do("GET", "/a", nil).etag()
		asked, goOn := make(chan struct{}), make(chan struct{})
		s.preflight = func(w http.ResponseWriter, r *http.Request) {
			close(asked)
			<-goOn
			s.strict(w, r)
		}
		lost := make(chan answer, 1)
		go func() { lost <- u.do("PUT", "/a", nil, "If-Match", tag, "Origin", friend, "X-Lost", "1") }()
		<-asked
		if started, ended := u.told.count("started"), u.told.count("ended doubt"); started != 1 || ended != 1 {
			t.Errorf("%d leases were taken, %d given back: %q", started, ended, u.told.all())
		}
		close(goOn)
		if got := <-lost; got.StatusCode != 502 || len(got.shared()) == 0 {
			t.Errorf("%d %q", got.StatusCode, got.Header)
		}
	})
}

// A client that is late with its body looks to net/http like one that has gone away.
func TestARefusalOfASlowUploadIsReadable(t *testing.T) {
	f, _, s := sharingFleet(t)
	f.cfg.Timeouts.Body = 200 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /a HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\nIf-Match: %s\r\nContent-Length: 3\r\n\r\nx", friend, tag)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := (answer{Response: res}); got.StatusCode != 408 || !maps.Equal(got.shared(), granted(got)) || len(s.preflights()) != 1 {
		t.Errorf("%d %q", got.StatusCode, got.Header)
	}
}
