package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// roundTrips is a transport made of a function.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheBackendsRefusalOfAProbeReachesTheCallerWhole(t *testing.T) {
	half := strings.Repeat("who are you? ", 1000)
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, half)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(100 * time.Millisecond)
		_, _ = io.WriteString(w, half)
		return true
	})
	c := newFleet(t, b).replica()
	req, _ := http.NewRequest(http.MethodPut, c.url+"/a", strings.NewReader("x"))
	req.Header.Set("If-Match", `"v-one"`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != half+half {
		t.Errorf("%d of %d bytes: %v", len(got), 2*len(half), err)
	}
}

func TestWhatAProbeShowsIsNotedAsWhatItAskedFor(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.RawQuery == "short" {
			w.Header().Set("ETag", `"short"`)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "o")
			return true
		}
		return false
	})
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a").etag()
	c.do("PUT", "/a?short", "x", "If-Match", `"unseen"`).want(t, 409, refusal.Stale) // asks for /a
	c.get("/a?short")
	if o.count("drift") != 0 {
		t.Error("a drift was reported, though nobody wrote")
	}
	c.put("/a", "two", tag).want(t, 204)
}

func TestAWriterBeforeAMaskRetiresNothing(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			http.NotFound(w, r)
			return true
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].VerifyAlways = true
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a", "Authorization", "me").etag()
	c.put("/a", "x", tag).want(t, 409, refusal.Absent) // a stranger, to whom the backend shows nothing
	if o.count("drift") != 0 {
		t.Error("a drift was reported, though nobody wrote")
	}
	c.do("PUT", "/a", "two", "If-Match", tag, "Authorization", "me").want(t, 204)
}

func TestWhatComesBeforeAProbesAnswerStaysHere(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			w.Header().Set("Link", "</secret.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Refusals.Disclose = false
	c := f.replica()
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = append(hints, h.Get("Link")); return nil },
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("x"))
	req.Header.Set("If-Match", `"other"`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(hints) != 0 {
		t.Errorf("the client of a PUT got the probe's %q, before %d", hints, res.StatusCode)
	}
}

func TestABodyThatTakesLongHoldsUpNoProbe(t *testing.T) {
	b := newBackend(t)
	end := make(chan struct{})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("ETag", `"v-one"`)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
		return true
	})
	f := newFleet(t, b)
	f.cfg.Timeouts.Write = time.Second
	c := f.replica()
	defer close(end)
	start := time.Now()
	c.put("/a", "two", `"v-one"`).want(t, 204)
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestADriftThatAWritersProbeFindsIsCounted(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	c.get("/a")
	b.set("/a", "behind")
	c.put("/a", "two", `"v-behind"`).want(t, 204)
	if o.count("drift") != 1 {
		t.Errorf("told: %q", o.all())
	}
}

func TestEveryAnswerOfTheBackendIsClosed(t *testing.T) {
	for _, mode := range []proxy.Mode{proxy.Enforce, proxy.Observe} {
		t.Run(string(mode), func(t *testing.T) {
			b := newBackend(t)
			var asked atomic.Int32
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && asked.Add(1) > 1 {
					w.WriteHeader(http.StatusForbidden)
					return true
				}
				return false
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Mode = mode
			var open atomic.Int32
			next := proxy.NewTransport()
			f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
				res, err := next.RoundTrip(r)
				if err == nil {
					open.Add(1)
					res.Body = &once{ReadCloser: res.Body, closed: func() { open.Add(-1) }}
				}
				return res, err
			})
			c := f.replica()
			// The first probe, before the body, shows a version; another write makes the claim ask again.
			upload, end := io.Pipe()
			req, _ := http.NewRequest(http.MethodPut, c.url+"/a", upload)
			req.Header.Set("If-Match", `"v-one"`)
			go func() {
				_, _ = io.WriteString(end, "x")
				for asked.Load() == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(20 * time.Millisecond)
				c.do("POST", "/a", "one")
				_ = end.Close()
			}()
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			time.Sleep(50 * time.Millisecond)
			if asked.Load() < 2 {
				t.Fatal("it was to ask twice")
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d answers were never closed", n)
			}
		})
	}
}

type once struct {
	io.ReadCloser
	o      sync.Once
	closed func()
}

func (o *once) Close() error {
	o.o.Do(o.closed)
	return o.ReadCloser.Close()
}
