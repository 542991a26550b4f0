package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// newHTTPClient returns a client that keeps its own connections, and follows no redirect.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// door is where clients send their requests: a replica, or without a proxy the backend itself.
type door struct {
	name   string
	url    string
	client *http.Client
}

// patience is how long a client waits. It is longer than a proxy may take, so that giving up is the clients' own doing
// only where they mean to.
const patience = 4 * time.Second

// edition is what a client has read, and may edit.
type edition struct {
	version version
	tag     string
	unread  bool // the tag is from the answer to a write, which need not be the resource's
}

// bare reports whether the tag was read, and is as the backend made it.
func (e edition) bare() bool { return !e.unread && !strings.Contains(e.tag, ";p409-") }

// user is one client.
type user struct {
	n       int
	history *history
}

// read reads a resource. With an edition that the user still has, it asks whether that is still good.
func (u user) read(ctx context.Context, d door, resource int, had *edition) (edition, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+pathOf(resource), nil)
	if err != nil {
		return edition{}, err
	}
	if had != nil {
		req.Header.Set("If-None-Match", had.tag)
	}
	o := op{client: u.n, resource: resource, read: true, at: d.name, call: u.history.now()}
	res, err := d.client.Do(req)
	if err != nil {
		return edition{}, err
	}
	defer res.Body.Close()
	e, err := readEdition(res, had)
	if err != nil {
		return edition{}, err
	}
	o.end, o.shown = u.history.now(), e.version
	u.history.add(o)
	return e, nil
}

func readEdition(res *http.Response, had *edition) (edition, error) {
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return edition{}, err
	case res.StatusCode == http.StatusNotModified && had != nil:
		return *had, nil
	case res.StatusCode != http.StatusOK:
		return edition{}, fmt.Errorf("GET: %d %.200s", res.StatusCode, text)
	}
	var b body
	err = json.Unmarshal(text, &b)
	return edition{version: b.Version, tag: res.Header.Get("ETag")}, err
}

// change is one write as its client means it.
type change struct {
	resource int
	from     edition
	// hangUp, if it is not zero, is when the client goes away, though it has sent everything.
	hangUp time.Duration
	// half: the client goes away in the middle of the body.
	half bool
	// bodiless: there is no body, and Idempotency-Key, which http.Transport takes for leave to send a request again.
	bodiless bool
	// decoy: If-Match comes in two lines, the first of which names a version that never was.
	decoy bool
}

// write sends a change. It returns what became of it and the tag that the answer names.
func (u user) write(ctx context.Context, d door, c change) (o op, next edition) {
	o = op{
		client: u.n, resource: c.resource, at: d.name, id: u.history.number(), base: c.from.version,
		bare: c.from.bare(), partial: c.half,
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := c.request(ctx, d, o.id, cancel)
	if err != nil {
		o.outcome, o.reason = refused, err.Error()
		return o, next
	}
	o.call = u.history.now()
	if c.hangUp > 0 {
		defer time.AfterFunc(c.hangUp, cancel).Stop()
	}
	res, err := d.client.Do(req)
	if err == nil {
		o.outcome, o.reason = judgeAnswer(res)
		next = edition{o.id, res.Header.Get("ETag"), true}
	}
	o.end = u.history.now()
	if c.half && o.outcome == open {
		o.outcome, o.reason = refused, "half a body"
	}
	u.history.add(o)
	return o, next
}

func (c change) request(ctx context.Context, d door, id version, cancel context.CancelFunc) (*http.Request, error) {
	text, err := json.Marshal(body{id, filler})
	if err != nil {
		return nil, err
	}
	var content io.Reader = io.NopCloser(bytes.NewReader(text))
	switch {
	case c.bodiless:
		content, text = nil, nil
	case c.half:
		content = &torn{Reader: bytes.NewReader(text[:len(text)/2]), tear: cancel}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, d.url+pathOf(c.resource), content)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(text))
	if c.bodiless {
		req.Header["idempotency-key"] = []string{strconv.FormatInt(int64(id), 10)} // our own transport knows it in capitals only
		req.Header.Set(headerBare, "1")
	}
	if c.decoy {
		req.Header.Add("If-Match", `"there-never-was-such-a-version"`)
	}
	req.Header.Add("If-Match", c.from.tag)
	req.Header.Set(headerID, strconv.FormatInt(int64(id), 10))
	req.Header.Set(headerBase, strconv.FormatInt(int64(c.from.version), 10))
	if c.hangUp > 0 { // the backend is to be at it when the client goes away
		req.Header.Set(headerWork, strconv.FormatInt(2*c.hangUp.Milliseconds(), 10))
	}
	return req, nil
}

// torn is half a body, at the end of which its client goes away.
type torn struct {
	io.Reader
	tear func()
}

func (t *torn) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err == io.EOF {
		time.Sleep(2 * time.Millisecond) // so that what was sent is under way
		t.tear()
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// judgeAnswer says what an answer tells its client of the write.
func judgeAnswer(res *http.Response) (outcome, string) {
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body) // half an answer is an answer
	status := res.StatusCode
	switch {
	case res.Header.Get(headerOrigin) == "":
		return judgeRefusal(text)
	case status == http.StatusAccepted:
		return open, "202"
	case status >= 200 && status < 400:
		return done, ""
	case status == http.StatusRequestTimeout || status >= 500:
		return open, strconv.Itoa(status)
	default:
		return refused, strconv.Itoa(status)
	}
}

// judgeRefusal reads what the proxy says. Of all its refusals only these two leave the outcome open.
func judgeRefusal(text []byte) (outcome, string) {
	var problem struct{ Reason string }
	_ = json.Unmarshal(text, &problem)
	switch problem.Reason {
	case "", "backend", "timeout":
		return open, problem.Reason
	}
	return refused, problem.Reason
}
