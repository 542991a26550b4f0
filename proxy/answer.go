package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"proxy409/etagcache"
)

// What Proxy-Status says of an answer (RFC 9209).
const (
	toldReplayed = `proxy409; details="replayed"`
	toldMerged   = `proxy409; details="merged"`
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
	short := written(status, h, tag, nil, func(name string) bool { return name == "Location" || name == "Content-Location" })
	if len(short) > limit { // more than a record takes
		short = written(status, nil, etagcache.Tag{}, nil, nil)
	}
	return short
}

func written(status int, h http.Header, tag etagcache.Tag, content []byte, keeps func(name string) bool) []byte {
	var b bytes.Buffer
	b.Grow(256 + len(content))
	b.WriteString(strconv.Itoa(status) + "\r\n")
	out := make(http.Header)
	for name, values := range h {
		if name != "Etag" && keeps(name) {
			out[name] = values
		}
		if name == "Proxy-Status" && slices.Contains(values, toldMerged) {
			out[name] = []string{toldMerged} // what is there is not what was sent, whenever that is said
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

// answerAgain is a kept answer, as it is given now; nil: it cannot be read.
func (w *write) answerAgain(ctx context.Context, kept []byte) *http.Response {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(kept)))
	line, err := r.ReadLine()
	if err != nil {
		return nil
	}
	status, err := strconv.Atoi(line)
	if err != nil || status < 200 || status > 999 {
		return nil
	}
	h, err := r.ReadMIMEHeader()
	if err != nil {
		return nil
	}
	content, _ := io.ReadAll(r.R) // from memory
	res := answerOf(w.req, status, content)
	for name, values := range h {
		res.Header[name] = values
	}
	if tag, ok, err := etagcache.ParseETag(res.Header["Etag"]); ok && err == nil {
		view := w.latest(ctx)
		res.Header["Etag"] = []string{w.handOut(tag, w.x.route, view, view.Noted(w.x.route.unsuffixed(tag))).String()}
	}
	return res
}

// answerOf is an answer with that content, where the status has any.
func answerOf(req *http.Request, status int, content []byte) *http.Response {
	res := emptyAnswer(req, status)
	if status != http.StatusNoContent {
		res.Header["Content-Length"] = []string{strconv.Itoa(len(content))}
		res.ContentLength, res.Body = int64(len(content)), io.NopCloser(bytes.NewReader(content))
	}
	return res
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
// A small one whose length is known has been sent with its header, and is read without further ado; what is left of it when the lease ends is not
// waited for.
func peek(res *http.Response, limit int, lease time.Time) (content []byte, whole bool) {
	switch {
	case res.ContentLength > int64(limit), isStream(res.Header):
		return nil, false
	case res.Body == nil || res.Body == http.NoBody || res.ContentLength == 0:
		return nil, true
	}
	if n := res.ContentLength; n > 0 {
		limit = int(n)
	}
	if res.ContentLength > 0 && limit <= keptWithRecord {
		return readNow(res, lease)
	}
	p := &peeked{body: res.Body, done: make(chan struct{})}
	p.news.L = &p.mu
	go p.read(make([]byte, limit+1))
	timer := time.NewTimer(patient)
	defer timer.Stop()
	select {
	case <-p.done:
		content, whole = p.content, errors.Is(p.err, io.EOF)
	case <-timer.C:
		p.enough()
	}
	res.Body = p
	return content, whole
}

// readNow reads a content of known length to its end.
func readNow(res *http.Response, until time.Time) (content []byte, whole bool) {
	body := res.Body
	late := time.AfterFunc(time.Until(until), func() { _ = body.Close() })
	defer late.Stop()
	content = make([]byte, res.ContentLength)
	n, err := io.ReadFull(body, content)
	var rest io.Reader = body // which is at its end, and may have trailers to tell
	if err != nil {
		rest = failing{err}
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(content[:n]), rest), body}
	return content[:n], err == nil
}

// peeked is a content whose beginning is read by another goroutine. What has come can be read while more is waited for.
type peeked struct {
	body io.ReadCloser
	done chan struct{} // closed when no more is read ahead
	at   int           // how much of the content has been read

	mu      sync.Mutex
	news    sync.Cond
	content []byte
	err     error // what came after the content; nil: there is more
	over    bool  // no more is to be read ahead
	ended   bool  // nor is it
}

func (p *peeked) read(buf []byte) {
	defer close(p.done)
	for n := 0; ; {
		more, err := p.body.Read(buf[n:])
		n += more
		p.mu.Lock()
		p.content, p.err = buf[:n], err
		p.ended = err != nil || n == len(buf) || p.over
		ended := p.ended
		p.news.Broadcast()
		p.mu.Unlock()
		if ended {
			return
		}
	}
}

// enough ends the reading ahead with what comes next.
func (p *peeked) enough() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

func (p *peeked) Read(b []byte) (int, error) {
	p.mu.Lock()
	for p.at == len(p.content) && !p.ended {
		p.news.Wait()
	}
	n := copy(b, p.content[p.at:])
	p.at += n
	err := p.err
	p.mu.Unlock()
	switch {
	case n > 0 || len(b) == 0:
		return n, nil
	case err != nil:
		return 0, err
	}
	return p.body.Read(b)
}

// Close ends the reading, too.
func (p *peeked) Close() error {
	err := p.body.Close()
	<-p.done
	return err
}
