package ifmatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	ifmatch "proxy409/examples/clients/go"
)

var errLost = errors.New("the connection was reset")

// base is a RoundTripper that answers as f says, having read and closed the body, as it must.
type base func(req *http.Request, body string) (*http.Response, error)

func (f base) RoundTrip(req *http.Request) (*http.Response, error) {
	var text []byte
	if req.Body != nil {
		text, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	return f(req, string(text))
}

// noted is a body that knows whether it was closed.
type noted struct {
	io.Reader
	closed int
}

func (n *noted) Close() error {
	n.closed++
	return nil
}

func reply(status int, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Etag": {`"1"`}}, Body: body}
}

func request(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, "http://example.com/a", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	sent := ""
	transport := &ifmatch.Transport{Base: base(func(req *http.Request, _ string) (*http.Response, error) {
		sent = req.Header.Get("If-Match")
		return reply(200, http.NoBody), nil
	})}
	for _, method := range []string{"", "PUT"} {
		req := request(t, method, nil)
		before := req.Clone(t.Context())
		if _, err := transport.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(req.Header, before.Header) || req.Method != before.Method || *req.URL != *before.URL {
			t.Errorf("%+v became %+v", before, req)
		}
	}
	if sent != `"1"` {
		t.Errorf("sent was %q", sent)
	}
}

func TestTransportTakesARequestOfNothing(t *testing.T) {
	transport := &ifmatch.Transport{}
	if _, err := transport.RoundTrip(&http.Request{Method: "PUT"}); err == nil {
		t.Error("there is no error")
	}
}

// guarded is a write that may be repeated as far as its header goes.
func guarded(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	req := request(t, "PUT", body)
	req.Header.Set("If-Match", `"1"`)
	return req
}

func TestTransportClosesEachBodyOnce(t *testing.T) {
	var bodies []*noted
	body := func() (io.ReadCloser, error) {
		bodies = append(bodies, &noted{Reader: strings.NewReader("new")})
		return bodies[len(bodies)-1], nil
	}
	refused := &noted{Reader: strings.NewReader("stale")}
	var came []string
	transport := &ifmatch.Transport{Base: base(func(_ *http.Request, body string) (*http.Response, error) {
		if came = append(came, body); len(came) == 1 {
			return nil, errLost
		}
		return reply(409, refused), nil
	})}
	req := guarded(t, nil)
	req.Body, _ = body()
	req.GetBody = body
	_, err := transport.RoundTrip(req)
	if !errors.Is(err, ifmatch.ErrInDoubt) || !errors.Is(err, errLost) {
		t.Errorf("the error is %v", err)
	}
	if fmt.Sprint(came) != "[new new]" || len(bodies) != 2 || bodies[0].closed != 1 || bodies[1].closed != 1 || refused.closed != 1 {
		t.Errorf("came %q; %+v, %+v", came, bodies, refused)
	}
}

func TestTransportRepeatsNothingThatItCannotOrNeedNotRepeat(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		req  *http.Request
		want int
	}{
		"no body":                     {guarded(t, nil), 2},
		"a body that it can get":      {guarded(t, strings.NewReader("new")), 2},
		"a body that it cannot get":   {guarded(t, io.MultiReader(strings.NewReader("new"))), 1},
		"a caller who waits no more":  {guarded(t, nil).WithContext(ended), 1},
		"no precondition and no key":  {request(t, "DELETE", nil), 1},
		"a read, which others repeat": {request(t, "GET", nil), 1},
	} {
		t.Run(name, func(t *testing.T) {
			came := 0
			transport := &ifmatch.Transport{Base: base(func(*http.Request, string) (*http.Response, error) {
				came++
				return nil, errLost
			})}
			if _, err := transport.RoundTrip(tt.req); !errors.Is(err, errLost) || came != tt.want {
				t.Errorf("%v after %d requests, want %d", err, came, tt.want)
			}
		})
	}
}

func TestTransportIsSafeForConcurrentUse(t *testing.T) {
	transport := &ifmatch.Transport{Keep: 3, Base: base(func(req *http.Request, _ string) (*http.Response, error) {
		if tag := req.Header.Get("If-Match"); tag != "" && tag != `"1"` {
			return nil, errors.New("a tag that nobody gave: " + tag)
		}
		return reply(200, http.NoBody), nil
	})}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 200 {
				req := request(t, []string{"GET", "PUT", "DELETE"}[n%3], nil)
				req.URL.Path = fmt.Sprint("/", (i+n)%6)
				if _, err := transport.RoundTrip(req); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestIdempotencyKeysDiffer(t *testing.T) {
	if a, b := ifmatch.IdempotencyKey(), ifmatch.IdempotencyKey(); a == b || !strings.HasPrefix(a, `"`) || len(a) != 38 {
		t.Errorf("%s and %s", a, b)
	}
}
