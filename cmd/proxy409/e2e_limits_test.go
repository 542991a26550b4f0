package main_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dripper is one client that uploads a byte in a second.
type dripper struct {
	net.Conn
	sent int
}

func newDripper(t testing.TB, r *replica, path, tag string) *dripper {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 100000\r\n\r\n", path, tag)
	return &dripper{Conn: conn}
}

func (d *dripper) drip() {
	if n, err := d.Write([]byte("x")); err == nil {
		d.sent += n
	}
}

// uploading demands that the client has no answer and an open connection.
func (d *dripper) uploading(t testing.TB) {
	t.Helper()
	_ = d.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := d.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("it is not in the middle of its upload after %d bytes: %d bytes came, %v", d.sent, n, err)
	}
}

func TestTwoHundredSlowUploadsDelayNobody(t *testing.T) {
	const clients = 200
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url()}.yaml()).ready()
	doc := r.url + "/doc"
	before := r.metric("go_goroutines")
	tag := get(t, doc).etag()
	var all []*dripper
	for range clients {
		all = append(all, newDripper(t, r, "/doc", tag))
	}
	stop, dripping := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(dripping)
		for {
			for _, d := range all {
				d.drip()
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	eventually(t, 30*time.Second, func() error {
		if held := r.metric("proxy409_held_bytes"); held < clients {
			return fmt.Errorf("%v bytes are held", held)
		}
		return nil
	})
	var slowest time.Duration
	for i := range 20 {
		start := time.Now()
		put(t, doc, fmt.Sprint("text ", i), tag).done(t)
		tag = get(t, doc).etag()
		slowest = max(slowest, time.Since(start))
	}
	if slowest > time.Second {
		t.Errorf("a write and a read took %v", slowest)
	}
	close(stop)
	<-dripping
	for _, d := range all {
		if d.uploading(t); d.sent == 0 {
			t.Error("one has sent nothing")
		}
	}
	if held := r.metric("proxy409_held_bytes"); held < clients || held > 200*(4<<10) {
		t.Errorf("for 200 uploads of some bytes each, %v bytes are held", held)
	}
	if n := o.writes(); n != 20 {
		t.Errorf("%d writes were applied", n)
	}
	for _, d := range all {
		d.Close()
	}
	r.calm(t, before)
	put(t, doc, "after", tag).done(t)
}

// calm waits until nothing is held any more, and as many goroutines are there as were before.
func (r *replica) calm(t testing.TB, goroutines float64) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		held, now := r.metric("proxy409_held_bytes"), r.metric("go_goroutines")
		if held != 0 || now > goroutines+5 {
			return fmt.Errorf("%v bytes are held, and of %v goroutines there are %v", held, goroutines, now)
		}
		return nil
	})
}

// series are the names and labels of all samples on /metrics.
func (r *replica) series() []string {
	r.t.Helper()
	var all []string
	for line := range strings.Lines(get(r.t, r.admin+"/metrics").body) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	slices.Sort(all)
	return all
}

const tokens = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func random(n int) string {
	b := make([]byte, 1+rand.IntN(n))
	for i := range b {
		b[i] = tokens[rand.IntN(len(tokens))]
	}
	return string(b)
}

func TestTenThousandRandomRequestsAddNoSeries(t *testing.T) {
	requests := 10_000
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url(), more: "routes: [{name: doc, match: /doc}, {name: made, match: '/made/{id}', version: {from: body}}]\n"}.yaml()).ready()
	put(t, r.url+"/doc", "two", get(t, r.url+"/doc").etag()).done(t)
	before := r.series()
	methods := []string{"GET", "PUT", "POST", "DELETE", "PATCH"}
	var sent, refused atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			own := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableCompression: true}}
			defer own.CloseIdleConnections()
			for range requests / 8 {
				method, path := random(12), "/"+random(20)
				if rand.IntN(2) == 0 {
					method = methods[rand.IntN(len(methods))]
				}
				if rand.IntN(2) == 0 {
					path = "/made" + path
				}
				req, err := http.NewRequest(method, r.url+path+"?"+random(5)+"="+random(5), strings.NewReader(random(20)))
				if err != nil {
					t.Error(err)
					return
				}
				req.Host = random(20) + ".example"
				req.Header.Set("If-Match", `"`+random(30)+`"`)
				req.Header.Set("X-Http-Method-Override", random(8))
				res, err := own.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				sent.Add(1)
				if res.StatusCode >= 400 {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	after := r.series()
	for _, line := range after {
		if _, ok := slices.BinarySearch(before, line); !ok {
			t.Errorf("new: %s", line)
		}
	}
	if len(after) != len(before) || len(before) < 100 || sent.Load() != int64(requests) || refused.Load() == 0 {
		t.Errorf("%d series became %d by %d requests", len(before), len(after), sent.Load())
	}
	if n := r.metric("proxy409_requests_total"); n < float64(requests) {
		t.Errorf("%v requests were counted", n)
	}
	put(t, r.url+"/doc", "three", get(t, r.url+"/doc").etag()).done(t)
}

// Sixty-four kilobytes of If-Match are more than a header may have, or one tag that names nothing, or too many.
func TestALargeIfMatchIsRefusedAndLeavesNothing(t *testing.T) {
	o := newOrigin(t)
	narrow := serve(t, setup{upstream: o.url()}.yaml()).ready()
	wide := serve(t, setup{upstream: o.url(), more: "limits: {header: 256KiB}\n"}.yaml()).ready()
	one := `"` + strings.Repeat("x", 64<<10) + `"`
	many := strings.Repeat(`"abcdefgh", `, 6000) + `"z"`
	if a := put(t, narrow.url+"/doc", "x", one); a.status != 431 {
		t.Errorf("over limits.header: %d", a.status)
	}
	put(t, wide.url+"/doc", "x", many).want(t, 400, "malformed")
	put(t, wide.url+"/doc", "x", one).want(t, 409, "stale")
	put(t, wide.url+"/doc", "x", strings.Repeat(`W/"abcdefgh", `, 63)+`"z"`).want(t, 409, "stale")
	put(t, wide.url+"/doc", "x", strings.Repeat(`W/"abcdefgh", `, 64)+`"z"`).want(t, 400, "malformed")
	if n := o.writes(); n != 0 {
		t.Errorf("%d writes were applied", n)
	}
	tag := get(t, wide.url+"/doc").etag()
	put(t, wide.url+"/doc", "two", strings.Repeat(`"abcdefgh", `, 63)+tag).done(t)
}

func TestMoreWritesThanMayWaitAreBusyAtOnce(t *testing.T) {
	const waiters, writers = 4, 50
	o := newOrigin(t)
	r := serve(t, setup{
		upstream: o.url(), timeouts: "{write: 30s, settle: 200ms, busy_wait: 20s}", more: fmt.Sprintf("limits: {waiters: %d}\n", waiters),
	}.yaml()).ready()
	before := r.metric("go_goroutines")
	doc := r.url + "/doc"
	tag := get(t, doc).etag()
	g := o.hold()
	answers := make(chan answer, writers+1)
	write := func(text string) {
		a, err := sendBy(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "PUT", doc, text, "If-Match", tag)
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}
	go write("first")
	<-g.arrived
	for i := range writers {
		go write(fmt.Sprint("late ", i))
	}
	for range writers - waiters {
		a := <-answers
		if a.want(t, 409, "busy"); a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	select {
	case a := <-answers:
		t.Fatalf("one that waits was answered: %d %s", a.status, a.reason())
	case <-time.After(200 * time.Millisecond):
	}
	g.release()
	count := map[string]int{}
	for range waiters + 1 {
		a := <-answers
		count[fmt.Sprint(a.status, a.reason())]++
	}
	if count["409stale"] != waiters || count["204"] != 1 || o.writes() != 1 {
		t.Errorf("%v; %d writes were applied", count, o.writes())
	}
	r.calm(t, before)
	put(t, doc, "after", get(t, doc).etag()).done(t)
}
