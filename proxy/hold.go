package proxy

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"proxy409/proxy/validator"
)

// hold reads the content of an answer into memory, if it is not larger than limit. Whatever comes of it, the answer still
// has its whole content, to be read once. What is a stream by its nature is not waited for.
func hold(res *http.Response, limit int64) ([]byte, error) {
	if res.ContentLength > limit {
		return nil, validator.TooLarge
	}
	if isStream(res.Header) {
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
