package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"proxy409/config"
	"proxy409/proxy"
)

// survey is the questions to a backend about one resource, and its answers.
type survey struct {
	online
	ctx       context.Context
	transport http.RoundTripper
	route     *config.Route // nil: none matches
	rule      config.Version
	limit     int64 // of a representation, in bytes

	read, probe *http.Request
	writes      []*http.Request
	guarded     proxy.Explanation // of a write

	first, second, probed, head, unmodified response
	otherCase                               string     // a path that shows the same, in other letter case; "": there is none
	coded                                   []response // by the codings, in their order
	trial                                   trial
}

// response is an answer of the backend, with its content if that is within the limit.
type response struct {
	status int
	header http.Header
	body   []byte // up to one byte over the limit
	sum    []byte // of all the content
	size   int64
	cut    error // why the content did not come to its end
}

// most is how much of an answer is read at all.
const most = 64 << 20

// codings are what compressors offer. Each is asked for alone, to see what becomes of the tag.
var codings = []string{"gzip", "br", "zstd"}

// ask puts all the questions. The error is for a resource of which nothing can be said.
func (s *survey) ask() (err error) {
	if s.first, err = s.get(); err != nil {
		return fmt.Errorf("the backend gave no answer: %w", err)
	}
	if err := s.answered(); err != nil {
		return err
	}
	s.wait()
	questions := []struct {
		to   *response
		from *http.Request
		add  []string
	}{
		{&s.second, s.read, []string{"Accept-Encoding", "identity"}},
		{&s.probed, s.probe, nil},
		{&s.head, withMethod(s.read, http.MethodHead), []string{"Accept-Encoding", "identity"}},
		{&s.unmodified, s.read, []string{"Accept-Encoding", "identity", "If-None-Match", s.first.header.Get("Etag")}},
	}
	for _, q := range questions {
		if *q.to, err = s.send(q.from, nil, q.add...); err != nil {
			return fmt.Errorf("the backend answered once, and then not: %w", err)
		}
	}
	for _, coding := range codings {
		r, err := s.send(s.read, nil, "Accept-Encoding", coding)
		if err != nil {
			return fmt.Errorf("the backend answered, but not with Accept-Encoding: %s: %w", coding, err)
		}
		s.coded = append(s.coded, r)
	}
	if err := s.askOtherCase(); err != nil {
		return err
	}
	return s.try()
}

// answered says why nothing can be learned from an answer, and what to do.
func (s *survey) answered() error {
	switch status := s.first.status; {
	case status == http.StatusOK:
		return nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("the backend answered %d: give the credentials of somebody who may read it with -H", status)
	case status == http.StatusNotFound || status == http.StatusGone:
		return fmt.Errorf("the backend answered %d: name a resource that exists", status)
	case status >= 300 && status < 400:
		return fmt.Errorf("the backend answered %d: name the resource that it leads to", status)
	default:
		return fmt.Errorf("the backend answered %d, which shows no representation", status)
	}
}

// get reads the resource as it is, without compression.
func (s *survey) get() (response, error) {
	return s.send(s.read, nil, "Accept-Encoding", "identity")
}

// send sends a request once more, with fields added to its header: names and values, of which empty ones are left out.
func (s *survey) send(template *http.Request, body []byte, add ...string) (response, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	req := template.Clone(ctx)
	req.Body, req.ContentLength, req.GetBody = http.NoBody, 0, nil
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	for i := 0; i+1 < len(add); i += 2 {
		if add[i+1] != "" {
			req.Header.Set(add[i], add[i+1])
		}
	}
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	r := response{status: res.StatusCode, header: res.Header}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		r.cut = errors.New("it is a stream")
		return r, nil
	}
	sum := sha256.New()
	content := io.TeeReader(io.LimitReader(res.Body, most), sum)
	r.body, r.cut = io.ReadAll(io.LimitReader(content, s.limit+1))
	if r.cut == nil {
		r.size, r.cut = io.Copy(io.Discard, content)
	}
	r.sum, r.size = sum.Sum(nil), r.size+int64(len(r.body))
	return r, nil
}

// wait lets the clocks of backends go on, whose tags or content may change by them.
func (s *survey) wait() { s.sleep(s.pause) }

// sleep ends early with the context.
func (s *survey) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

func withMethod(r *http.Request, method string) *http.Request {
	out := r.Clone(r.Context())
	out.Method = method
	return out
}

// as says by which rule the resource is looked at.
func (s *survey) as() string {
	if s.route == nil {
		return "no route matches; looked at " + yamlLine(s.rule)
	}
	return fmt.Sprintf("by route %s, %s", s.route.Name, yamlLine(s.rule))
}
