package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// asking are the two occasions on which the backend is asked before a write: the record does not know, or the route wants it
// asked under the lease.
var asking = map[string]func(*fleet){
	"the record is unknown": func(*fleet) {},
	"verify: always":        func(f *fleet) { f.cfg.Routes[0].VerifyAlways = true },
}

// doubtful makes the record unknown, unless the route asks all the same, and returns a tag that will do.
func (s *story) doubtful() string {
	if s.f.cfg.Routes[0].VerifyAlways {
		return s.tag
	}
	s.c.do("POST", "/a", "two")
	return s.b.present("/a")
}

// onReads makes the backend answer reads so, until heal.
func (b *backend) onReads(answer http.HandlerFunc) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			answer(w, r)
		}
		return r.Method == http.MethodGet
	})
}

func TestWhereTheBackendDoesNotSayWhatIsThereNothingIsSentAndNoLeaseIsLeft(t *testing.T) {
	for fault, answer := range map[string]http.HandlerFunc{
		"a reset":              func(w http.ResponseWriter, _ *http.Request) { says(w, "", true) },
		"half a header":        func(w http.ResponseWriter, _ *http.Request) { says(w, "HTTP/1.1 200 OK\r\nETag: \"v-", false) },
		"500":                  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"503":                  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"429":                  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) },
		"a redirect to log in": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"what a cache has kept": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Age", "9")
			w.Header().Set("ETag", `"v-one"`)
		},
		"no answer in time": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		for occasion, change := range asking {
			t.Run(fmt.Sprint(fault, ", ", occasion), func(t *testing.T) {
				t.Parallel()
				s := newStory(t, change, func(f *fleet) {
					if fault == "no answer in time" {
						f.cfg.Timeouts.Write = time.Second
					}
				})
				tag := s.doubtful()
				before := len(s.b.writes())
				s.b.onReads(answer)
				for range 2 { // not busy, the second time
					got := s.c.put("/a", "lost", tag)
					if got.want(t, 503, refusal.Unverifiable); got.Header.Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
				}
				s.b.heal()
				if n := len(s.b.writes()); n != before {
					t.Errorf("the backend applied %q", s.b.writes())
				}
				s.c.put("/a", "three", tag).want(t, 204) // a tag that nobody refuted is good
				s.c.put("/a", "lost", tag).want(t, 409, refusal.Stale)
				s.nothingLost()
			})
		}
	}
}

// The request is complete, and yet it is not too late: nothing was sent. (A server notices that a client is gone when it has
// read its body, so this is a DELETE.)
func TestAClientThatHangsUpWhileTheBackendIsAskedIsNotWrittenFor(t *testing.T) {
	for occasion, change := range asking {
		t.Run(occasion, func(t *testing.T) {
			s := newStory(t, change)
			tag := s.doubtful()
			before := len(s.b.writes())
			d := s.door(false)
			asked := make(chan struct{}, 10)
			s.b.onReads(func(_ http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			})
			ctx, hangUp := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, http.MethodDelete, d.URL+"/a", nil)
			req.Header.Set("If-Match", tag)
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				if res, err := (&http.Transport{}).RoundTrip(req); err == nil {
					res.Body.Close()
					t.Errorf("it was answered with %d", res.StatusCode)
				}
			}()
			soon(t, "the backend is asked", asked)
			hangUp()
			soon(t, "the client is gone", gone)
			soon(t, "the write is dealt with", d.over)
			s.b.heal()
			if n := len(s.b.writes()); n != before {
				t.Errorf("the backend applied %q", s.b.writes())
			}
			s.c.put("/a", "three", tag).want(t, 204) // at once, and with that tag
			s.nothingLost()
		})
	}
}

// The read after a write is a gift. What goes wrong with it costs the client its next tag, and nothing else.
func TestAFaultInTheReadAfterAWriteTeachesNothing(t *testing.T) {
	for fault, answer := range map[string]http.HandlerFunc{
		"a reset":           func(w http.ResponseWriter, _ *http.Request) { says(w, "", true) },
		"500, with a tag":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"v-x"`); w.WriteHeader(500) },
		"404, with a tag":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"v-x"`); w.WriteHeader(404) },
		"403":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
		"no tag":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) },
		"no answer in time": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, func(f *fleet) {
				f.cfg.Routes[0].Version = proxy.Version{Reread: true}
				if fault == "no answer in time" {
					f.cfg.Timeouts.Write = time.Second
				}
			})
			s.b.onReads(answer)
			got := s.c.put("/a", "two", s.tag)
			if got.want(t, 204); got.etag() != "" {
				t.Errorf("the next tag is %s", got.etag())
			}
			s.b.heal()
			s.moved()
		})
	}
}
