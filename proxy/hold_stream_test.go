package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy/refusal"
)

func TestAStreamIsNotWaitedFor(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "multipart/x-mixed-replace; boundary=x", "application/x-ndjson"} {
		t.Run(kind, func(t *testing.T) {
			b := newBackend(t)
			next := make(chan struct{})
			answering(b, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, "first\n")
				flush(w)
				select {
				case <-next:
					_, _ = io.WriteString(w, "second\n")
				case <-r.Context().Done():
				}
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version = fromBody()
			c := f.replica()
			if head := c.do("HEAD", "/a", ""); head.StatusCode != 200 { // is a GET there, and must not wait for its end
				t.Errorf("HEAD: %d", head.StatusCode)
			}
			res, err := http.Get(c.url + "/a")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			lines := bufio.NewReader(res.Body)
			for i, want := range []string{"first\n", "second\n"} {
				if got, err := lines.ReadString('\n'); got != want {
					t.Errorf("line %d: %q %v", i, got, err)
				}
				if i == 0 {
					close(next)
				}
			}
		})
	}
}

func TestTrailersComeAfterAnAnswerThatWasHeld(t *testing.T) {
	for _, limit := range []int64{1, 9, 10, 100} { // of ten bytes
		b := newBackend(t)
		answering(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Checksum")
			_, _ = io.WriteString(w, "0123456789")
			flush(w)
			w.Header().Set("Checksum", "42")
			w.Header().Set(http.TrailerPrefix+"Unannounced", "43")
		})
		f := newFleet(t, b)
		f.cfg.Routes[0].Version = fromBody()
		f.cfg.Limits.Representation = limit
		got := f.replica().get("/a")
		if got.body != "0123456789" || got.Trailer.Get("Checksum") != "42" || got.Trailer.Get("Unannounced") != "43" {
			t.Errorf("limit %d: %q %v", limit, got.body, got.Trailer)
		}
	}
}

func TestAnAnswerThatBreaksOffBreaksOffAtTheClientToo(t *testing.T) {
	b := newBackend(t)
	answering(b, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		flush(w)
		panic(http.ErrAbortHandler)
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version = fromBody()
	res, err := http.Get(f.replica().url + "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "half" || err == nil || res.Header.Get("ETag") != "" {
		t.Errorf("%q, %v, tag %q", body, err, res.Header.Get("ETag"))
	}
}

func TestAWriteWhoseAnswerNeverEndsHoldsItsLeaseNoLongerThanItMay(t *testing.T) {
	for name, hangUp := range map[string]bool{"and its client waits": false, "and its client hangs up": true} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			trickling := make(chan struct{})
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Method != http.MethodPut {
					_, _ = io.WriteString(w, `{"version":1}`)
					return true
				}
				flush(w)
				close(trickling)
				for {
					select {
					case <-r.Context().Done():
						return true
					case <-time.After(5 * time.Millisecond):
						_, _ = io.WriteString(w, " ")
						flush(w)
					}
				}
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Version = fromJSON()
			f.cfg.Routes[0].Version.TrustWrites = true
			f.cfg.Timeouts.Write = 300 * time.Millisecond
			o := &told{}
			f.cfg.Observer = o
			c := f.replica()
			tag := c.get("/a").etag()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("x"))
			req.Header.Set("If-Match", tag)
			if hangUp {
				go func() { <-trickling; cancel() }()
			}
			res, err := http.DefaultClient.Do(req)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			if hangUp != errors.Is(err, context.Canceled) {
				t.Errorf("the answer: %v", err)
			}
			eventually(t, "the lease ends", func() bool { return o.count("ended applied") == 1 })
			c.put("/a", "y", tag).want(t, 409, refusal.Stale)
		})
	}
}
