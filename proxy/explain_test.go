package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"proxy409/proxy"
)

// explainedRequests are texts of a request line and header fields; the last line is the body.
var explainedRequests = []string{
	"GET /items/7 HTTP/1.1\n\n",
	"OPTIONS /items/7 HTTP/1.1\n\n",
	"PUT /items/7 HTTP/1.1\n\n",
	"PUT /items/7?x=1 HTTP/1.1\nIf-Match: \"a\n\n",
	"PUT /items/7 HTTP/1.1\nIf-Match: *\n\n",
	"PUT /items/7 HTTP/1.1\nIf-Match: \"a\"\nIf-None-Match: *\n\n",
	"PUT /items/7 HTTP/1.1\nConnection: If-Match\nIf-Match: \"a\"\n\n",
	"PUT //items/7 HTTP/1.1\n\n",
	"GET //items/7 HTTP/1.1\n\n",
	"DELETE /items/%2e%2e/items/7 HTTP/1.1\n\n",
	"POST /items/7 HTTP/1.1\nX-HTTP-Method: PUT\n\n",
	"POST /items/7?_method=GET HTTP/1.1\n\n",
	"POST /items/7 HTTP/1.1\nX-HTTP-Method: PUT\nX-Method-Override: PATCH\n\n",
	"POST /items/7 HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n_method=DELETE",
	"POST /items/7 HTTP/1.1\n\nx",
	"MOVE /items/7 HTTP/1.1\nIf-Match: \"a\"\n\n",
	"GET /side/door HTTP/1.1\n\n",
	"PUT /watched/1 HTTP/1.1\n\n",
	"PUT /free/1 HTTP/1.1\n\n",
	"PUT /elsewhere HTTP/1.1\n\n",
}

func asServed(t *testing.T, text string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	head += fmt.Sprintf("\nHost: example.com\nContent-Length: %d", len(body))
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// explainable is a proxy with a route of each kind, whose backend and store note that they were asked.
func explainable(t *testing.T) (*proxy.Proxy, *fleet, *[]*http.Request) {
	t.Helper()
	b := newBackend(t)
	f := newFleet(t, b)
	var seen []*http.Request
	f.cfg.Transport = nobodyThere(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Clone(r.Context()))
		return nil, errors.New("nobody is there")
	})
	items := route()
	items.Name, items.Match = "items", "/items/{id}"
	shut, watched, free := route(), route(), route()
	shut.Name, shut.Match, shut.Mode = "shut", "/side/door", proxy.Closed
	watched.Name, watched.Match, watched.Mode = "watched", "/watched/", proxy.Observe
	free.Name, free.Match, free.Mode = "free", "/free/", proxy.Off
	f.cfg.Routes = []proxy.Route{items, shut, watched, free}
	f.cfg.Limits.Body = 20
	return f.replica().proxy, f, &seen
}

type nobodyThere func(*http.Request) (*http.Response, error)

func (f nobodyThere) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnExplanationIsWhatHappens(t *testing.T) {
	p, f, seen := explainable(t)
	for _, text := range explainedRequests {
		*seen = nil
		gets, swaps := f.store.trips()
		e := p.Explain(asServed(t, text))
		if g, s := f.store.trips(); len(*seen) > 0 || g != gets || s != swaps {
			t.Errorf("%q: the explanation asked somebody", text)
		}

		w := &keptAnswer{header: http.Header{}}
		p.ServeHTTP(w, asServed(t, text))
		refused := e.Refused != nil && !e.Forgiven
		if asked := len(*seen) > 0; asked == refused {
			t.Errorf("%q: refused %v, but the backend was asked: %v", text, refused, asked)
		}
		if refused && (w.status != e.Refused.Status || !strings.Contains(w.body.String(), `"reason":"`+e.Refused.Reason+`"`)) {
			t.Errorf("%q: explained as %+v, answered %d %s", text, e.Refused, w.status, w.body.String())
		}
		if refused || len(*seen) == 0 {
			continue
		}
		want := e.Sent
		if e.Judged {
			want = e.Probe // the store knows nothing, so the backend is asked first
		}
		if got := (*seen)[0]; got.Method != want.Method || got.URL.String() != want.URL.String() || got.Host != want.Host {
			t.Errorf("%q: explained as %s %s, was %s %s", text, want.Method, want.URL, got.Method, got.URL)
		}
	}
}

// keptAnswer keeps an answer.
type keptAnswer struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *keptAnswer) Header() http.Header         { return r.header }
func (r *keptAnswer) WriteHeader(status int)      { r.status = status }
func (r *keptAnswer) Write(b []byte) (int, error) { return r.body.Write(b) }

func TestAnExplanationNamesWhatMadeTheMethod(t *testing.T) {
	p, _, _ := explainable(t)
	for text, want := range map[string]string{
		"PUT /items/7 HTTP/1.1\n\n":                                                                               "",
		"put /items/7 HTTP/1.1\n\n":                                                                               "",
		"POST /items/7?_method=PUT HTTP/1.1\n\n":                                                                  "query",
		"POST /items/7 HTTP/1.1\nX-Method-Override: put\nX-Other: DELETE\n\n":                                     "X-Method-Override",
		"POST /items/7 HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n_method=PUT":                  "form",
		"GET /items/7 HTTP/1.1\nX-HTTP-Method: DELETE\n\n":                                                        "X-Http-Method",
		"PUT /items/7 HTTP/1.1\nX-HTTP-Method: DELETE\n\n":                                                        "",
		"POST /items/7 HTTP/1.1\nX_HTTP_Method: DELETE\nContent-Type: application/x-www-form-urlencoded\n\n_=PUT": "",
	} {
		if e := p.Explain(asServed(t, text)); e.MethodFrom != want {
			t.Errorf("%q: %s is from %q, want %q", text, e.Method, e.MethodFrom, want)
		}
	}
}

func TestAnExplanationHasTheTagsAsTheRecordIsAsked(t *testing.T) {
	_, f, _ := explainable(t)
	f.cfg.Routes[0].Version.Suffixes = []string{"-gzip"}
	p := f.replica().proxy
	e := p.Explain(asServed(t, "PUT /items/7 HTTP/1.1\nIf_Match: \"x\"\nIf-Match: W/\"b-gzip\", \"a;p409-5lbHlZmR5tNbEplY\"\n\n"))
	if len(e.Tags) != 2 || e.Tags[0].Bare.String() != `W/"b"` || e.Tags[0].Qualified ||
		e.Tags[1].Bare.String() != `"a"` || !e.Tags[1].Qualified {
		t.Errorf("the tags are %+v", e.Tags)
	}
	if len(e.Dropped) != 1 || e.Dropped[0] != "If_match" || e.Sent.Header["If-Match"] != nil {
		t.Errorf("dropped %q; sent %v", e.Dropped, e.Sent.Header)
	}
}

func TestAnExplanationMindsTheSizeOfTheBody(t *testing.T) {
	p, _, _ := explainable(t)
	e := p.Explain(asServed(t, "PUT /items/7 HTTP/1.1\nIf-Match: \"a\"\n\nthis is over the limit of the body"))
	if e.Refused == nil || e.Refused.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("refused: %+v", e.Refused)
	}
}
