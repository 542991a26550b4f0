package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"proxy409/proxy/refusal"
)

var (
	errBodyTooLarge = errors.New("the body is over the limit")
	errBodySlow     = errors.New("timeouts.body is over")
)

// body is the body of a request that the proxy holds, or tries to. Its zero value is one that it does not hold.
type body struct {
	memory  *budget
	client  http.ResponseWriter // by which the connection that the body comes on is reached; nil: there is none
	within  time.Duration       // in which the upload must be over; 0: no limit
	held    *holding
	content []byte        // the whole body, when it has come
	reader  *bytes.Reader // of content; nil: it has not come
	failed  error         // why it could not be held
}

// whole reports whether the whole body is held, so that the client has no more to do with it.
func (b *body) whole() bool { return b != nil && b.reader != nil }

// release gives back what is held, because the body is with the backend, or the request is over.
func (b *body) release() {
	if b != nil && b.held != nil {
		b.held.release()
	}
}

// sent lets go of the whole body when it has been sent, for a client may take long to read the answer. Nobody reads the body any more: a
// write is not repeated.
func (b *body) sent() {
	b.content = nil
	b.reader.Reset(nil)
	b.release()
}

// buffer reads the whole body into memory, so that a slow upload holds no lease and a client that hangs up before its end
// sends nothing. The request still has its whole body, also after errBodyTooLarge and errNoRoom, to be streamed.
func (b *body) buffer(req *http.Request, limit int64) ([]byte, error) {
	// Reading the body tells the client to go on; the backend has nothing to say to that any more (RFC 9110 section
	// 10.1.1), and one that never does would cost a second.
	delete(req.Header, "Expect")
	switch {
	case b.whole():
		return b.content, nil
	case b.failed != nil:
		return nil, b.failed
	case req.ContentLength > limit:
		return nil, errBodyTooLarge
	case req.Body == nil || req.Body == http.NoBody:
		req.Body = http.NoBody
		return nil, nil
	}
	b.held = b.memory.forWrites()
	content, over, err := b.read(req, limit)
	b.failed = err
	switch {
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errNoRoom):
		req.Body = b.held.rest(content, io.MultiReader(bytes.NewReader(over), req.Body), req.Body)
		return nil, err
	case err != nil:
		b.release()
		return nil, err
	case len(content) == 0:
		req.Body = http.NoBody
	default:
		b.content, b.reader = content, bytes.NewReader(content)
		req.Body = io.NopCloser(b.reader)
	}
	req.ContentLength, req.TransferEncoding = int64(len(content)), nil
	return content, nil
}

// read reads the body to its end within the time for that. When that is over, the deadline stays: what comes yet is not
// waited for, and the connection is closed.
func (b *body) read(req *http.Request, limit int64) (content, over []byte, err error) {
	until := b.deadline()
	content, over, err = b.held.read(req.Body, limit, req.ContentLength)
	if until.IsZero() {
		return content, over, err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, nil, errBodySlow
	}
	// One that stayed would end what is streamed on, or look like a client that hangs up: net/http reads on, to learn of that.
	_ = http.NewResponseController(b.client).SetReadDeadline(time.Time{})
	if err == nil && !time.Now().Before(until) {
		return nil, nil, errBodySlow // it may have done so already
	}
	return content, over, err
}

// deadline sets the time by which the rest of the body must have come. The zero time: there is none.
func (b *body) deadline() time.Time {
	if b.within == 0 || b.client == nil {
		return time.Time{}
	}
	until := time.Now().Add(b.within)
	if http.NewResponseController(b.client).SetReadDeadline(until) != nil {
		return time.Time{} // not a connection of net/http's server
	}
	return until
}

// refused bounds how long the server waits for what is left of the body of a request that was refused, before it sends the refusal.
func (b *body) refused(req *http.Request) {
	if !repeatable(req) && !b.whole() {
		_ = b.deadline()
	}
}

// bodyObjection is the answer when a body could not be buffered; tooLarge explains that it is over the limit.
func bodyObjection(err error, tooLarge string) *objection {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &objection{reason: refusal.TooLarge, detail: tooLarge}
	case errors.Is(err, errNoRoom):
		return &objection{reason: refusal.Overloaded, cause: err, retry: time.Second}
	case errors.Is(err, errBodySlow):
		return &objection{reason: refusal.Slow, cause: err, final: true}
	case err != nil:
		return &objection{reason: refusal.Malformed, detail: "The body could not be read to its end.", cause: err, final: true}
	}
	return nil
}

// closer runs a function when a body is closed.
type closer struct {
	io.ReadCloser
	after func()
}

func (c *closer) Close() error {
	err := c.ReadCloser.Close()
	c.after()
	return err
}
