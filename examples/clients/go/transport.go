// Package ifmatch lets a Go client write only from the version that it has read: [Transport] keeps entity tags and sends them as
// If-Match, [Update] reads, changes and writes until nobody else has written in between. It is made for servers behind proxy409,
// needs little more than the standard library, and is meant to be copied.
package ifmatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ErrInDoubt is wrapped by the error of a write whose answer got lost, and whose repetition was refused: the first one may have been
// applied, and was perhaps what the second one met. Look before you write again.
var ErrInDoubt = errors.New("nobody can say whether the write was applied")

// Transport remembers the ETag of what it GETs, and sends it as If-Match with the next PUT, PATCH or DELETE of the same URL, unless
// the request has a precondition. Tags go back as they came, also weak ones and those that the proxy has qualified.
//
// It remembers for one user who does one thing at a time. Who reads a URL anew takes what is there now for what was edited; and where
// several share a Transport, one would write from what another has read. Those set If-Match themselves, or use [Update], which does.
//
// A write whose answer got lost (any error of Base while the request's context lasts) is repeated once, word for word, if it has
// a precondition or an Idempotency-Key and its body can be had again (GetBody). That relies on the proxy, which does not apply it twice.
//
// The zero value is ready for use, by several goroutines at once.
type Transport struct {
	Base http.RoundTripper // sends the requests; nil: [http.DefaultTransport]
	Keep int               // of how many URLs the tag is kept, at least; 0: 1000

	mu   sync.Mutex
	tags map[string]string // by resource
}

// RoundTrip implements [http.RoundTripper]. It does not follow redirects: who does asks it for each request on the way, and each URL
// has a tag of its own.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil || req.Header == nil {
		return t.base().RoundTrip(req) // which knows what to say of it
	}
	key := resource(req)
	if tag := t.tag(key); tag != "" && isWrite(req) && !hasPrecondition(req) {
		req = req.Clone(req.Context())
		req.Header.Set("If-Match", tag)
		if req.Header.Get("Idempotency-Key") == "" {
			req.Header.Set("Idempotency-Key", IdempotencyKey()) // or the same words of another client would be this one's
		}
	}
	res, err := t.base().RoundTrip(req)
	if err != nil {
		res, err = t.repeat(req, err)
	}
	if err != nil {
		return nil, err
	}
	tag := res.Header.Get("ETag")
	isRead := cmp.Or(req.Method, http.MethodGet) == http.MethodGet
	switch {
	case isRead && tag != "" && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusNotModified):
		t.keep(key, tag)
	case isWrite(req) && res.StatusCode/100 == 2:
		t.keep(key, tag) // none: what was read is gone, and what is there now has not been read
	}
	return res, nil
}

// repeat sends a write again whose answer got lost. An error in answer to that says nothing of the first one, unless it is the first
// one's answer.
func (t *Transport) repeat(req *http.Request, lost error) (*http.Response, error) {
	again := req.Clone(req.Context())
	if !repeatable(req) || pause(req.Context(), 1, "") != nil {
		return nil, lost
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, lost
		}
		again.Body = body
	}
	res, err := t.base().RoundTrip(again)
	if err != nil {
		return nil, lost
	}
	if said := reason(res); res.StatusCode >= 400 && said != "replayed" {
		res.Body.Close()
		return nil, fmt.Errorf("%w: its answer got lost (%w), and when it was sent again the answer was %d %s", ErrInDoubt, lost, res.StatusCode, said)
	}
	return res, nil
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) tag(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tags[key]
}

// keep remembers a tag; "" is to forget it. What must make room for it is whatever comes: a write without a tag is refused as missing.
func (t *Transport) keep(key, tag string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tags, key)
	if tag == "" {
		return
	}
	for other := range t.tags {
		if len(t.tags) < cmp.Or(t.Keep, 1000) {
			break
		}
		delete(t.tags, other)
	}
	if t.tags == nil {
		t.tags = map[string]string{}
	}
	t.tags[key] = tag
}

// resource is the URL of a request without its fragment, on the host that it is sent for.
func resource(req *http.Request) string {
	u := *req.URL
	u.Fragment, u.RawFragment = "", ""
	return cmp.Or(req.Host, u.Host) + " " + u.String()
}

func isWrite(req *http.Request) bool {
	return req.Method == http.MethodPut || req.Method == http.MethodPatch || req.Method == http.MethodDelete
}

func hasPrecondition(req *http.Request) bool {
	return len(req.Header["If-Match"])+len(req.Header["If-None-Match"]) > 0
}

// repeatable reports whether the proxy can tell that a request is the same one again.
func repeatable(req *http.Request) bool {
	known := isWrite(req) && hasPrecondition(req) || req.Header.Get("Idempotency-Key") != ""
	return known && (req.Body == nil || req.Body == http.NoBody || req.GetBody != nil)
}

// reason is why the proxy refused, or what else it says of its answer; "" of what comes from the backend.
func reason(res *http.Response) string {
	_, status, _ := strings.Cut(strings.Join(res.Header.Values("Proxy-Status"), ", "), "proxy409;")
	status, _, _ = strings.Cut(status, ",")
	_, details, _ := strings.Cut(status, `details="`)
	details, _, _ = strings.Cut(details, `"`)
	return details
}

// pause waits as long as Retry-After says, if it does, and a while that grows with each try and is left to chance: those who met
// once would meet again.
func pause(ctx context.Context, try int, retryAfter string) error {
	seconds, _ := strconv.Atoi(retryAfter)
	timer := time.NewTimer(time.Duration(seconds)*time.Second + rand.N(50*time.Millisecond<<min(try, 5)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// IdempotencyKey is a new value for the header field Idempotency-Key: with it a POST may be repeated, and a write is not taken for the repetition
// of another client's that happens to say the same with the same credentials.
func IdempotencyKey() string { return `"` + uuid.NewString() + `"` }
