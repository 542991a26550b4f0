package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"proxy409/proxy/refusal"
)

var errBodyTooLarge = errors.New("the body is over the limit")

// buffer reads the whole body into memory, so that a slow upload holds no lease and a client that hangs up before its end
// sends nothing. The request still has its whole body, also after errBodyTooLarge, to be streamed.
func buffer(req *http.Request, limit int64) ([]byte, error) {
	// Reading the body tells the client to go on; the backend has nothing to say to that any more (RFC 9110 section
	// 10.1.1), and one that never does would cost a second.
	delete(req.Header, "Expect")
	if req.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	if req.Body == nil || req.Body == http.NoBody {
		req.Body = http.NoBody
		return nil, nil
	}
	var buf bytes.Buffer
	if req.ContentLength > 0 {
		// What is announced is not believed before it comes.
		buf.Grow(int(min(req.ContentLength, 64<<10)) + bytes.MinRead)
	}
	n, err := io.Copy(&buf, io.LimitReader(req.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		req.Body = rest(buf.Bytes(), req.Body, req.Body)
		return nil, errBodyTooLarge
	}
	if n == 0 {
		req.Body = http.NoBody
	} else {
		req.Body = io.NopCloser(bytes.NewReader(buf.Bytes()))
	}
	req.ContentLength, req.TransferEncoding = n, nil
	return buf.Bytes(), nil
}

// bodyObjection is the answer when a body could not be buffered; tooLarge explains that it is over the limit.
func bodyObjection(err error, tooLarge string) *objection {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &objection{reason: refusal.TooLarge, detail: tooLarge}
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
