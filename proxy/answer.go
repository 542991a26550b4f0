package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"

	"proxy409/etagcache"
)

// How large an answer may be that is kept whole: with the record of its resource, and under an Idempotency-Key. Of larger ones the status, and
// where and what the resource is now, is kept.
const (
	keptWithRecord = 2 << 10
	keptWithKey    = 64 << 10
)

// kept is an answer in the form in which the store has it: the status, the header as in HTTP/1.1, and the content. The entity tag is the
// backend's: how clients get it is up to the record.
func kept(status int, h http.Header, tag etagcache.Tag, content []byte, whole bool, limit int) []byte {
	if whole {
		if b := written(status, h, tag, content, keepsWell); len(b) <= limit {
			return b
		}
	}
	return written(status, h, tag, nil, func(name string) bool { return name == "Location" || name == "Content-Location" })
}

func written(status int, h http.Header, tag etagcache.Tag, content []byte, keeps func(name string) bool) []byte {
	var b bytes.Buffer
	b.WriteString(strconv.Itoa(status) + "\r\n")
	out := make(http.Header)
	for name, values := range h {
		if name != "Etag" && keeps(name) {
			out[name] = values
		}
	}
	if tag != (etagcache.Tag{}) {
		out["Etag"] = []string{tag.String()}
	}
	_ = out.Write(&b) // into memory
	b.WriteString("\r\n")
	b.Write(content)
	return b.Bytes()
}

// keepsWell reports whether a field is as good when it is sent again. Credentials are never kept.
func keepsWell(name string) bool {
	switch name {
	case "Date", "Age", "Expires", "Content-Length", "Set-Cookie", "Www-Authenticate", "Authentication-Info", "Trailer", "Vary", "Server-Timing",
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade", "Proxy-Status":
		return false
	}
	return !strings.HasPrefix(name, "Access-Control-")
}

// answerAgain is a kept answer, as it is given now, by the view that has it; nil: it cannot be read.
func (w *write) answerAgain(ctx context.Context, kept []byte, at etagcache.View) *http.Response {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(kept)))
	line, err := r.ReadLine()
	if err != nil {
		return nil
	}
	status, err := strconv.Atoi(line)
	if err != nil || status < 200 || status > 599 {
		return nil
	}
	h, err := r.ReadMIMEHeader()
	if err != nil {
		return nil
	}
	content, _ := io.ReadAll(r.R) // from memory
	res := emptyAnswer(w.req, status)
	for name, values := range h {
		res.Header[name] = values
	}
	if tag, ok, err := etagcache.ParseETag(res.Header["Etag"]); ok && err == nil {
		view := w.resourceView(ctx, at)
		res.Header["Etag"] = []string{w.handOut(tag, w.x.route, view, view.Noted(w.x.route.unsuffixed(tag))).String()}
	}
	if status != http.StatusNoContent {
		res.Header["Content-Length"] = []string{strconv.Itoa(len(content))}
		res.ContentLength, res.Body = int64(len(content)), io.NopCloser(bytes.NewReader(content))
	}
	return res
}

// resourceView is how the record of the resource is now, at being the view by which the request is known. While the store does not say, it
// names no version.
func (w *write) resourceView(ctx context.Context, at etagcache.View) etagcache.View {
	if at.Key == w.x.key {
		return at
	}
	view, err := w.cache.Fetch(ctx, w.x.key)
	if err != nil {
		return etagcache.View{}
	}
	return view
}

// emptyAnswer is an answer without content.
func emptyAnswer(req *http.Request, status int) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Request: req,
	}
}

// patient is how long the content of a small answer is waited for before its lease is given back, so that it can be kept. Most of it comes with
// the header.
const patient = 100 * time.Millisecond

// peek reads the content of an answer, if it is no larger than limit and there at once. Whole: it is; the answer has it all in any case.
func peek(res *http.Response, limit int) (content []byte, whole bool) {
	switch {
	case res.ContentLength > int64(limit), isStream(res.Header):
		return nil, false
	case res.Body == nil || res.Body == http.NoBody || res.ContentLength == 0:
		return nil, true
	}
	p := &peeked{body: res.Body, came: make(chan struct{}, 1), done: make(chan struct{})}
	if res.ContentLength > 0 {
		limit = int(res.ContentLength)
	}
	go p.read(limit)
	timer := time.NewTimer(patient)
	defer timer.Stop()
	select {
	case <-p.done:
		content, whole = p.content, errors.Is(p.err, io.EOF)
	case <-timer.C:
	}
	res.Body = p
	return content, whole
}

// peeked is a content whose beginning is read by another goroutine. It can be read on as it comes.
type peeked struct {
	body io.ReadCloser
	came chan struct{} // has an element when more has come
	done chan struct{} // closed when the beginning has come, or has failed to

	mu      sync.Mutex
	content []byte // what has come
	at      int    // and how much of it has been read on
	err     error  // what came after the content, once it is done; nil: there is more
}

func (p *peeked) read(limit int) {
	defer close(p.done)
	buf := make([]byte, limit+1)
	for n := 0; n < len(buf); {
		more, err := p.body.Read(buf[n:])
		n += more
		p.mu.Lock()
		p.content, p.err = buf[:n], err
		p.mu.Unlock()
		select {
		case p.came <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *peeked) Read(b []byte) (int, error) {
	for {
		n, over := p.next(b)
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case over && p.err != nil:
			return 0, p.err
		case over:
			return p.body.Read(b)
		}
		select {
		case <-p.came:
		case <-p.done:
		}
	}
}

// next is what has come and has not been read on yet. Over: of the beginning there will be no more.
func (p *peeked) next(b []byte) (n int, over bool) {
	select {
	case <-p.done:
		over = true
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n = copy(b, p.content[p.at:])
	p.at += n
	return n, over
}

// Close ends the reading, too.
func (p *peeked) Close() error {
	err := p.body.Close()
	<-p.done
	return err
}
