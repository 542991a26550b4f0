package proxy_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// bubble is a replica and its backend without a network, for tests in which an hour is a moment.
type bubble struct {
	*testing.T
	b     *backend
	store *faultyStore
	told  *told
	proxy *proxy.Proxy
}

// newBubble must be called in a bubble of synctest.
func newBubble(t *testing.T, changes ...func(*proxy.Config)) *bubble {
	u := &bubble{T: t, b: &backend{t: t, texts: map[string]string{"/a": "one"}}, told: &told{}}
	u.store = &faultyStore{Store: memstore.New(memstore.Options{})}
	at, _ := url.Parse("http://backend")
	cfg := proxy.Config{
		Upstream: at, Routes: []proxy.Route{route()},
		Cache:    etagcache.New(u.store, etagcache.Options{LocalFor: time.Second}),
		Timeouts: proxy.Timeouts{Write: 30 * time.Second, Settle: 30 * time.Second},
		Limits:   proxy.Limits{Body: 1 << 20, Representation: 1 << 20, Tags: 64, Waiters: 64},
		Refusals: proxy.Refusals{Disclose: true},
		Logger:   slog.New(slog.DiscardHandler), Observer: u.told,
		Transport: roundTrips(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			in := r.WithContext(r.Context())
			if in.Body == nil {
				in.Body = http.NoBody
			}
			u.b.serve(w, in)
			return w.Result(), nil
		}),
	}
	for _, change := range changes {
		change(&cfg)
	}
	p, err := proxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	u.proxy = p
	return u
}

func (u *bubble) do(method, path string, body io.Reader, header ...string) answer {
	r := httptest.NewRequest(method, path, body)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	u.proxy.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return answer{res, w.Body.String()}
}

// dripping is a body of which one byte comes in a second.
type dripping struct {
	io.Reader
	came atomic.Int32
}

func (d *dripping) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	n, err := d.Reader.Read(p[:1])
	d.came.Add(int32(n))
	return n, err
}

const fiveMinutes = 300

// Nobody could write where somebody uploads slowly, if the lease were taken before the upload.
func TestAnUploadOfOneByteInASecondHoldsNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t) // which waits for no lease: busy_wait is 0
		tag := u.do("GET", "/a", nil).etag()
		slow := &dripping{Reader: strings.NewReader(strings.Repeat("lost!", fiveMinutes/5))}
		done := make(chan answer, 1)
		go func() { done <- u.do("PUT", "/a", slow, "If-Match", tag) }()
		time.Sleep(fiveMinutes / 2 * time.Second)
		if came := slow.came.Load(); came < fiveMinutes/3 || came > fiveMinutes/2+1 {
			t.Fatalf("after half of the time, %d of %d bytes have come", came, fiveMinutes)
		}
		if n := u.told.count("started"); n != 0 {
			t.Errorf("%d leases are held", n)
		}
		start := time.Now()
		u.do("PUT", "/a", strings.NewReader("two"), "If-Match", tag).want(t, 204)
		u.do("PUT", "/a", strings.NewReader("three"), "If-Match", u.do("GET", "/a", nil).etag()).want(t, 204)
		u.do("POST", "/a", strings.NewReader("four")).want(t, 204)
		u.do("DELETE", "/a", nil, "If-Match", u.do("GET", "/a", nil).etag()).want(t, 204)
		u.do("PUT", "/a", strings.NewReader("one"), "If-None-Match", "*").want(t, 204) // the tag has come back
		if waited := time.Since(start); waited > 0 {
			t.Errorf("the others waited for %s", waited)
		}
		(<-done).want(t, 409, refusal.Stale)
		if came := slow.came.Load(); came != fiveMinutes {
			t.Errorf("it was refused after %d of %d bytes", came, fiveMinutes)
		}
		for _, w := range u.b.writes() {
			if strings.Contains(w, "lost") {
				t.Errorf("the backend applied %q", u.b.writes())
			}
		}
	})
}

// An upload has all the time in the world: timeouts.write is the backend's.
func TestAnUploadMayTakeLongerThanItsLease(t *testing.T) {
	for _, known := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			u := newBubble(t)
			tag := `"v-one"` // which the backend is asked for, if nobody has read it
			if known {
				tag = u.do("GET", "/a", nil).etag()
			}
			slow := &dripping{Reader: strings.NewReader(strings.Repeat("x", fiveMinutes))}
			u.do("PUT", "/a", slow, "If-Match", tag).want(t, 204)
			if got := u.b.writes(); len(got) != 1 || len(got[0]) != len("PUT /a ")+fiveMinutes {
				t.Errorf("the backend applied %q", got)
			}
		})
	}
}

// One whose tag is stale when it comes is told so before it has sent its body.
func TestASlowUploadThatIsStaleIsRefusedBeforeItHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t)
		tag := u.do("GET", "/a", nil).etag()
		u.do("PUT", "/a", strings.NewReader("two"), "If-Match", tag).want(t, 204)
		slow := &dripping{Reader: strings.NewReader(strings.Repeat("x", fiveMinutes))}
		u.do("PUT", "/a", slow, "If-Match", tag).want(t, 409, refusal.Stale)
		if came := slow.came.Load(); came > 0 {
			t.Errorf("%d bytes were read", came)
		}
	})
}

// A passed upload takes no lease at all, and its body is not held: it is at the backend while it comes. Until it has come to its end it
// cannot be applied, and nobody's tag is stale for it; from then on everybody's is.
func TestASlowPassedUploadHoldsUpNoWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newBubble(t)
		tag := u.do("GET", "/a", nil).etag()
		slow := &dripping{Reader: strings.NewReader(strings.Repeat("x", fiveMinutes))}
		done := make(chan answer, 1)
		go func() { done <- u.do("POST", "/a", slow, "Content-Type", "text/plain") }()
		time.Sleep(fiveMinutes / 2 * time.Second)
		u.do("PUT", "/a", strings.NewReader("two"), "If-Match", tag).want(t, 204)
		u.do("PUT", "/b", strings.NewReader("x"), "If-None-Match", "*").want(t, 204)
		tag = u.do("GET", "/a", nil).etag()
		(<-done).want(t, 204)
		u.do("PUT", "/a", strings.NewReader("lost"), "If-Match", tag).want(t, 409, refusal.Stale)
		u.do("PUT", "/a", strings.NewReader("last"), "If-Match", u.do("GET", "/a", nil).etag()).want(t, 204)
		if n := u.told.count("unwritten") + u.told.count("expired"); n > 0 {
			t.Errorf("told %q", u.told.all())
		}
	})
}
