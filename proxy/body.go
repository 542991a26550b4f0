package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"time"

	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

var (
	errBodyTooLarge = errors.New("the body is over the limit")
	errFormOfRead   = fmt.Errorf("it is the form of a request that only reads: %w", errBodyTooLarge)
	errBodySlow     = errors.New("timeouts.body is over")
	errGivenUp      = errors.New("limits.held is used up, and this upload was under way the longest")
)

// maxFormOfRead is the largest form that is read with a request that only reads, such as a GET. Backends that have a use for one at
// all look for a few parameters in it.
const maxFormOfRead = 64 << 10

// body is the body of a request that the proxy holds, or tries to. Its zero value is one that it does not hold.
type body struct {
	memory   *budget
	client   http.ResponseWriter // by which the connection that the body comes on is reached; nil: there is none
	within   time.Duration       // in which the upload must be over; 0: no limit
	held     *holding
	content  []byte        // the whole body, when it has come
	reader   *bytes.Reader // of content; nil: it has not come
	failed   error         // why it could not be held
	onItsWay bool          // it was given to the transport, which says when it has been sent
}

// whole reports whether the whole body is held, so that the client has no more to do with it.
func (b *body) whole() bool { return b != nil && b.reader != nil }

// release gives back what is held, because the body is with the backend, or the request is over.
func (b *body) release() {
	if b != nil && b.held != nil {
		b.held.release()
	}
}

// follow lets go of the whole body when the transport has sent it, or will send no more of it: a client may take long to read the
// answer. Nobody reads the body after that, for a request that has one is not repeated.
func (b *body) follow(trace *httptrace.ClientTrace) {
	b.onItsWay = true
	trace.WroteRequest = func(httptrace.WroteRequestInfo) { b.drop() }
}

// drop lets go of the whole body. Nobody may be reading it.
func (b *body) drop() {
	b.content = nil
	b.reader.Reset(nil)
	b.release()
}

// replace puts another body in the place of the one that has come.
func (b *body) replace(req *http.Request, content []byte) {
	b.content, b.reader = content, bytes.NewReader(content)
	req.Body = io.NopCloser(b.reader)
	req.ContentLength, req.TransferEncoding = int64(len(content)), nil
	delete(req.Header, "Content-Length") // the transport writes it
}

// answered lets go of the whole body if it never went to the backend, because something else is the answer.
func (b *body) answered() {
	if b.whole() && !b.onItsWay {
		b.drop()
	}
}

// buffer reads the whole body into memory, so that a slow upload holds no lease and a client that hangs up before its end
// sends nothing. The request still has its whole body, also after errBodyTooLarge and errNoRoom, to be streamed.
func (b *body) buffer(req *http.Request, limit int64) ([]byte, error) {
	// Reading the body tells the client to go on; the backend has nothing to say to that any more (RFC 9110 section
	// 10.1.1), and one that never does would cost a second.
	delete(req.Header, "Expect")
	tooLarge := errBodyTooLarge
	if kind := formKind(req); kind != "" && kind != jsonObject && target.Safe(req.Method) && limit > maxFormOfRead {
		limit, tooLarge = maxFormOfRead, errFormOfRead
	}
	switch {
	case b.whole():
		return b.content, nil
	case b.failed != nil:
		return nil, b.failed
	case req.ContentLength > limit:
		return nil, tooLarge
	case req.Body == nil || req.Body == http.NoBody:
		req.Body = http.NoBody
		return nil, nil
	}
	b.held = b.memory.forWrites()
	if b.client != nil {
		b.held.hurry = b.hurry
	}
	content, over, err := b.read(req, limit)
	if errors.Is(err, errBodyTooLarge) {
		err = tooLarge
	}
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

// read reads the body to its end within the time for that, or until it is given up for the room that it takes. When that is over, the
// deadline stays: what comes yet is not waited for, and the connection is closed.
func (b *body) read(req *http.Request, limit int64) (content, over []byte, err error) {
	until := b.deadline()
	b.held.await()
	content, over, err = b.held.read(req.Body, limit, req.ContentLength)
	if gone := b.held.settle(); gone {
		return nil, nil, errGivenUp // even if it came to its end at the same moment
	}
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

// hurry ends the upload: the rest of the body is not waited for.
func (b *body) hurry() error {
	return http.NewResponseController(b.client).SetReadDeadline(time.Unix(1, 0))
}

// cutOff ends the answer: its client does not get the rest.
func (b *body) cutOff() error {
	return http.NewResponseController(b.client).SetWriteDeadline(time.Unix(1, 0))
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
// One that was too slow has had its time.
func (b *body) refused(req *http.Request) {
	b.answered()
	if !repeatable(req) && !b.whole() && !tooSlow(b.failed) {
		_ = b.deadline()
	}
}

func tooSlow(err error) bool { return errors.Is(err, errBodySlow) || errors.Is(err, errGivenUp) }

// bodyObjection is the answer when a body could not be buffered; tooLarge explains that it is over the limit.
func bodyObjection(err error, tooLarge string) *objection {
	switch {
	case errors.Is(err, errFormOfRead):
		return &objection{reason: refusal.TooLarge, detail: fmt.Sprintf("A form may say that it stands for another method (_method), and with "+
			"a method that only reads, forms are read up to %d bytes.", maxFormOfRead)}
	case errors.Is(err, errBodyTooLarge):
		return &objection{reason: refusal.TooLarge, detail: tooLarge}
	case tooSlow(err):
		return &objection{reason: refusal.Slow, cause: err, final: true}
	case errors.Is(err, errNoRoom):
		return &objection{reason: refusal.Overloaded, cause: err, retry: time.Second}
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
