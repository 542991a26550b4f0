package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"proxy409/proxy/validator"
)

// hold reads the content of an answer into memory, if it is not larger than limit and there is room for it. Whatever comes of it, the
// answer still has its whole content, to be read once. What is a stream by its nature is not waited for.
func hold(res *http.Response, limit int64, in *holding) ([]byte, error) {
	if res.ContentLength > limit {
		return nil, validator.TooLarge
	}
	if isStream(res.Header) {
		return nil, validator.Stream
	}
	content, over, err := in.read(res.Body, limit, res.ContentLength)
	in.await() // whatever came of it, what has been read is held until somebody takes it
	switch {
	case err == nil:
		res.Body = in.rest(content, nil, res.Body)
		return content, nil
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errNoRoom):
		res.Body = in.rest(content, io.MultiReader(bytes.NewReader(over), res.Body), res.Body)
		if errors.Is(err, errNoRoom) {
			return nil, validator.NoRoom
		}
		return nil, validator.TooLarge
	}
	res.Body = in.rest(content, failing{err}, res.Body)
	return nil, validator.Stream
}

// isStream reports whether the content is one that comes bit by bit, and may never end, by what the backend says of it.
func isStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch kind {
	case "text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson", "application/ndjson", "application/jsonl",
		"application/json-seq", "application/stream+json":
		return true
	}
	return false
}

// rest is a body of which the beginning has been read, and is held. It is given back when it has been read again, or the body
// is closed.
func (h *holding) rest(begin []byte, more io.Reader, body io.Closer) io.ReadCloser {
	readers := []io.Reader{bytes.NewReader(begin), atEnd(h.release)}
	if more != nil {
		readers = append(readers, more)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(readers...), closing{body, h.release}}
}

// atEnd is an empty reader that runs a function when it is come to.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// closing runs a function when something is closed.
type closing struct {
	io.Closer
	after func()
}

func (c closing) Close() error {
	defer c.after()
	return c.Closer.Close()
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
