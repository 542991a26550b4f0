package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"proxy409/proxy/refusal"
)

// after is what a status says of the record.
func (s *story) after(status int) {
	s.Helper()
	switch status {
	case 202, 408, 502, 503, 504:
		s.inDoubt()
	case 404, 409, 410, 412:
		s.moved()
	default:
		if status >= 400 && status < 500 {
			s.kept()
		} else {
			s.moved()
		}
	}
}

// answersWith makes the backend answer writes with a status, and a head and a content of its own.
func (b *backend) answersWith(status int, applies bool) (body string, header http.Header) {
	body, header = fmt.Sprintf("%d of the backend", status), http.Header{
		"X-Trace": {"7", "8"}, "Content-Type": {"text/x-own"}, "Retry-After": {"77"}, "Www-Authenticate": {"Own"}, "Allow": {"GET"},
	}
	b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
		if applies {
			b.apply(r.URL.Path, text)
		}
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	return body, header
}

func TestEveryStatusOfABackendThatRefusesSaysWhatBecameOfTheRecord(t *testing.T) {
	for status := 400; status <= 451; status++ {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newStory(t)
			body, header := s.b.answersWith(status, false)
			s.sameAnswer(s.c.put("/a", "two", s.tag), status, body, header)
			s.b.heal()
			s.after(status)
		})
	}
}

func TestEveryStatusOfABackendThatMayHaveAppliedSaysWhatBecameOfTheRecord(t *testing.T) {
	for _, status := range []int{200, 201, 202, 203, 207, 226, 299, 300, 301, 302, 303, 307, 308, 500, 501, 502, 503, 504, 505, 507, 511, 599} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newStory(t)
			body, header := s.b.answersWith(status, true)
			s.sameAnswer(s.c.put("/a", "two", s.tag), status, body, header)
			s.b.heal()
			s.after(status)
		})
	}
}

// A read after a 202 may still show what was before it, and shows what is after it at any time from then on.
func TestWhatWasOnlyAcceptedIsAppliedBeforeAnybodyIsLetIn(t *testing.T) {
	s := newStory(t)
	s.b.answersWith(202, false)
	s.c.put("/a", "queued", s.tag).want(t, 202)
	s.b.heal()
	before := s.c.get("/a")
	s.inDoubt(func() { s.b.apply("/a", "queued") })
	s.c.put("/a", "lost", before.etag()).want(t, 409, refusal.Stale)
}

// interim sends a PUT and returns the interim answers and the final one.
func (s *story) interim(tag string) (interim []string, final int) {
	s.Helper()
	ctx := httptrace.WithClientTrace(s.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			interim = append(interim, strings.TrimSpace(fmt.Sprint(status, " ", h.Get("Link"))))
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.c.url+"/a", strings.NewReader("two"))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("If-Match", tag)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	res.Body.Close()
	return interim, res.StatusCode
}

// An interim answer decides nothing: a wrapper of the ResponseWriter that kept the first status would make 200 of them.
func TestInterimAnswersPassAndTheFinalOneDecides(t *testing.T) {
	for _, interim := range [][]int{{103}, {100}, {102}, {102, 103, 103}, {199}} {
		for _, final := range []int{204, 404, 422, 503, 303} {
			t.Run(fmt.Sprint(interim, " then ", final), func(t *testing.T) {
				s := newStory(t)
				s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
					if final < 400 {
						s.b.apply(r.URL.Path, text)
					}
					for _, status := range interim {
						if status == 103 {
							w.Header().Set("Link", "</style.css>")
						}
						w.WriteHeader(status)
						w.Header().Del("Link")
					}
					w.WriteHeader(final)
				})
				want := make([]string, 0, len(interim))
				for _, status := range interim {
					want = append(want, fmt.Sprint(status, map[bool]string{true: " </style.css>"}[status == 103]))
				}
				if got, status := s.interim(s.tag); !slices.Equal(got, want) || status != final {
					t.Errorf("the client got %q and then %d, the backend sent %q and then %d", got, status, want, final)
				}
				s.b.heal()
				s.after(final)
			})
		}
	}
}

// A backend that changes protocols where nobody asked it to has said nothing of the write.
func TestASwitchOfProtocolsThatNobodyAskedForIsNoAnswer(t *testing.T) {
	s := newStory(t)
	s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
		s.b.apply(r.URL.Path, text)
		says(w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false)
	})
	s.c.put("/a", "two", s.tag).want(t, 502)
	s.b.heal()
	s.moved()
}

// Post, redirect, get: what a browser's form does. The answer is the backend's, and nobody but the browser follows it.
func TestAFormThatIsAnsweredWith303HasMovedTheRecord(t *testing.T) {
	for _, form := range []struct {
		name, body string
		change     func(*fleet)
	}{
		{"a judged POST", "text=two", func(f *fleet) { f.cfg.Routes[0].Guard, f.cfg.Routes[0].Pass = []string{"POST", "PUT"}, nil }},
		{"a passed POST with If-Match", "text=two", func(*fleet) {}},
		{"_method=PUT", "_method=PUT&text=two", func(*fleet) {}},
		{"_method=PUT, read after it", "_method=PUT&text=two", func(f *fleet) { f.cfg.Routes[0].Version.Reread = true }},
	} {
		t.Run(form.name, func(t *testing.T) {
			s := newStory(t, form.change)
			s.b.onWrites(func(w http.ResponseWriter, r *http.Request, text string) {
				_, value, _ := strings.Cut(text, "text=")
				s.b.apply(r.URL.Path, value)
				w.Header().Set("Location", "/a?saved")
				w.Header().Set("Set-Cookie", "flash=saved")
				w.WriteHeader(303)
			})
			kind := []string{"Content-Type", "application/x-www-form-urlencoded", "If-Match"}
			asked := s.b.asked()
			got := s.c.do("POST", "/a", form.body, append(kind, s.tag)...)
			s.sameAnswer(got, 303, "", http.Header{"Location": {"/a?saved"}, "Set-Cookie": {"flash=saved"}})
			if n := s.b.asked() - asked; n > 0 && form.name != "_method=PUT, read after it" {
				t.Errorf("the redirect was followed %d times", n)
			}
			s.c.do("POST", "/a", "text=lost", append(kind, s.tag)...).want(t, 409, refusal.Stale)
			s.b.heal()
			s.moved()
		})
	}
}
