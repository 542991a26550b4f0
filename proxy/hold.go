package proxy

import (
	"bytes"
	"io"
	"mime"
	"net/http"

	"proxy409/proxy/validator"
)

// hold reads the content of an answer into memory, if it is not larger than limit. Whatever comes of it, the answer still
// has its whole content, to be read once. What is a stream by its nature is not waited for.
func hold(res *http.Response, limit int64) ([]byte, error) {
	if res.ContentLength > limit {
		return nil, validator.TooLarge
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "text/event-stream" {
		return nil, validator.Stream
	}
	var held bytes.Buffer
	if res.ContentLength > 0 {
		held.Grow(int(res.ContentLength) + bytes.MinRead) // it is within the limit
	}
	n, err := io.Copy(&held, io.LimitReader(res.Body, limit+1))
	content := held.Bytes()
	switch {
	case err != nil:
		res.Body = rest(content, failing{err}, res.Body)
		return nil, validator.Stream
	case n > limit:
		res.Body = rest(content, res.Body, res.Body)
		return nil, validator.TooLarge
	}
	res.Body = rest(content, nil, res.Body)
	return content, nil
}

// rest is a body of which the beginning has been read.
func rest(begin []byte, more io.Reader, body io.Closer) io.ReadCloser {
	var r io.Reader = bytes.NewReader(begin)
	if more != nil {
		r = io.MultiReader(r, more)
	}
	return struct {
		io.Reader
		io.Closer
	}{r, body}
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
