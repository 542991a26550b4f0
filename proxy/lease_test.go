package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAReplicaThatWasFrozenPastItsLeaseSendsNothing(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.Write = 100 * time.Millisecond
	o := &told{started: func() { time.Sleep(400 * time.Millisecond) }} // SIGSTOP; lease and settle time are over then
	f.cfg.Observer = o
	var late atomic.Int32
	next := proxy.NewTransport()
	f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPut && r.Context().Err() == nil {
			late.Add(1)
		}
		return next.RoundTrip(r)
	})
	c := f.replica()
	for range 5 {
		c.put("/a", "late", c.get("/a").etag())
		time.Sleep(300 * time.Millisecond)
	}
	if late.Load() > 0 || len(b.writes()) > 0 {
		t.Errorf("after the end of its lease %d writes were begun, of which the backend applied %q", late.Load(), b.writes())
	}
}

func TestAWaitingClientThatHangsUpLeavesTheStoreAlone(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.BusyWait = 1500 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	arrived, goOn := b.holdPUTs()
	var first sync.WaitGroup
	first.Go(func() { c.put("/a", "first", tag) })
	<-arrived
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("second"))
	req.Header.Set("If-Match", tag)
	time.AfterFunc(200*time.Millisecond, hangUp)
	_, _ = (&http.Transport{}).RoundTrip(req)
	before, _ := f.store.trips()
	time.Sleep(500 * time.Millisecond)
	after, _ := f.store.trips()
	close(goOn)
	first.Wait()
	if after-before > 20 {
		t.Errorf("half a second after its client hung up, a waiting write had asked the store %d times", after-before)
	}
}

// keySpy tells which keys are asked for.
type keySpy struct {
	etagcache.Store
	saw func(etagcache.Key)
}

func (s keySpy) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	s.saw(k)
	return s.Store.Get(ctx, k)
}

func TestABusyRecordFromBeforeTheUploadRefusesNothing(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.Settle = 200 * time.Millisecond
	c := f.replica()
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	c.do("PUT", "/new", "x", "If-None-Match", "*").want(t, 502)
	b.intercept(nil)
	upload, end := io.Pipe()
	req, _ := http.NewRequest(http.MethodPut, c.url+"/new", upload)
	req.Header.Set("If-None-Match", "*")
	go func() {
		_, _ = io.WriteString(end, "slow ")
		time.Sleep(time.Second) // far longer than lease margin and settle time
		_, _ = io.WriteString(end, "upload")
		_ = end.Close()
	}()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 204 {
		t.Errorf("refused by what was true before the upload: %d %s", res.StatusCode, body)
	}
}

func TestAPassedClientThatHangsUpIsNotTheBackendsFailure(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	arrived := make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		close(arrived)
		<-r.Context().Done()
		return false
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/a", nil)
	go func() { <-arrived; hangUp() }()
	_, _ = (&http.Transport{}).RoundTrip(req)
	for range 100 {
		if o.count("request POST 499") > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if o.count("decision passed backend") != 0 {
		t.Errorf("told: %q", o.all())
	}
}

func TestAClientThatHangsUpInItsBodyWasNotRefused(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a").etag()
	u, _ := url.Parse(c.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT /a HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\nContent-Length: 10\r\n\r\nhalf", tag)
	time.Sleep(50 * time.Millisecond)
	conn.Close()
	for range 100 {
		if len(o.all()) > 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	if o.count("decision refused malformed") != 0 || o.count("request PUT 400") != 0 {
		t.Errorf("told: %q", o.all())
	}
}

func TestATagThatNobodyVouchedForIsRefusedWithItsReason(t *testing.T) {
	b := newBackend(t)
	c := newFleet(t, b).replica()
	tag := c.get("/a").etag()
	arrived, goOn := b.holdPUTs()
	var first sync.WaitGroup
	first.Go(func() { c.put("/a", "first", tag) })
	<-arrived
	unvouched := c.get("/a").etag()
	busy := c.put("/a", "second", unvouched)
	busy.want(t, 409, refusal.Busy)
	if after := busy.Header.Get("Retry-After"); after != "1" { // not what the lease lasts
		t.Errorf("Retry-After: %s", after)
	}
	b.intercept(nil)
	close(goOn)
	first.Wait()
	stale := c.put("/a", "second", unvouched)
	stale.want(t, 409, refusal.Stale)
	if !strings.Contains(stale.body, "nobody could take note") {
		t.Errorf("%s", stale.body)
	}
}
