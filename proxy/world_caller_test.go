package proxy_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// caller is one client of a world, with connections of its own for each version of HTTP.
type caller struct {
	w *world
	*party
	random *rand.Rand
	one    *http.Transport // HTTP/1.1
	two    *http.Transport // HTTP/2, unencrypted
	last   map[string]sight
	first  map[string]sight
	count  int // of writes
	cycle  int
}

// sight is what a caller has seen of a resource: "" stands for nothing there.
type sight struct{ tag, text string }

func newCaller(w *world, name string) *caller {
	c := &caller{
		w: w, party: newParty(name), random: w.draw(name),
		last: make(map[string]sight), first: make(map[string]sight),
	}
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
		return w.net.dial(ctx, c.party, address(addr))
	}
	c.one = &http.Transport{DialContext: dial, DisableCompression: true, IdleConnTimeout: time.Minute}
	c.two = &http.Transport{DialContext: dial, DisableCompression: true, IdleConnTimeout: time.Minute, Protocols: new(http.Protocols)}
	c.two.Protocols.SetUnencryptedHTTP2(true)
	return c
}

func (c *caller) leave() {
	c.one.CloseIdleConnections()
	c.two.CloseIdleConnections()
	c.kill()
}

// got is an answer, read to its end.
type got struct {
	status int
	header http.Header
	body   string
	// refused is the proxy's reason, where the answer is its own.
	refused string
}

func (g got) String() string {
	if g.refused != "" {
		return fmt.Sprintf("%d, %s", g.status, g.refused)
	}
	return fmt.Sprint(g.status)
}

// longestAnswer is what no request of an editor may exceed, uploads included: it waits for its upload, for another write,
// for a probe and for its own write.
const longestAnswer = 150 * time.Second

// longPost is how long a caller waits for a write that nobody judges, at times: longer than a lease and its settle time.
const longPost = 100 * time.Second

var refusedBecause = regexp.MustCompile(`^proxy409; .*details="(\w+)"`)

// transport is the one for a version of HTTP; 0: any.
func (c *caller) transport(version int) *http.Transport {
	if version == 2 || version == 0 && c.random.IntN(3) == 0 {
		return c.two
	}
	return c.one
}

// do sends a request to a replica and reads the answer.
func (c *caller) do(ctx context.Context, transport *http.Transport, index int, method, path string, header http.Header, body io.Reader, length int) (got, error) {
	ctx, cancel := context.WithTimeout(ctx, longestAnswer)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+string(replicaAddr(index))+path, body)
	if err != nil {
		return got{}, err
	}
	req.Header = header
	if body != nil {
		req.ContentLength = int64(length)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return got{}, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	g := got{status: res.StatusCode, header: res.Header, body: string(content)}
	if m := refusedBecause.FindStringSubmatch(res.Header.Get("Proxy-Status")); m != nil {
		g.refused = m[1]
	}
	if err == nil && res.Header.Get("Content-Encoding") == "gzip" && len(content) > 0 {
		g.body, err = unzipped(content)
	}
	return g, err
}

func unzipped(b []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(z)
	return string(content), err
}

// read looks at a resource, and sometimes asks only whether it has changed.
func (c *caller) read(ctx context.Context, index int, path string) (sight, got, error) {
	header := http.Header{"X-Client": {c.name}}
	if c.w.law.tags == compressed && c.random.IntN(2) == 0 {
		header.Set("Accept-Encoding", "gzip")
	}
	before := c.last[path]
	if before.tag != "" && c.random.IntN(3) == 0 {
		header.Set("If-None-Match", before.tag)
	}
	if c.random.IntN(10) == 0 {
		_, _ = c.do(ctx, c.transport(0), index, http.MethodHead, path, header.Clone(), nil, 0)
	}
	g, err := c.do(ctx, c.transport(0), index, http.MethodGet, path, header, nil, 0)
	if err != nil {
		return sight{}, g, err
	}
	s := before
	switch g.status {
	case http.StatusOK:
		s = sight{tag: g.header.Get("ETag"), text: g.body}
	case http.StatusNotModified:
		s.tag = g.header.Get("ETag")
	case http.StatusNotFound:
		s = sight{}
	default:
		return sight{}, g, fmt.Errorf("status %d", g.status)
	}
	c.w.judge.tell(path, "%s reads %q with %s from replica %d: %d", c.name, s.text, s.tag, index, g.status)
	c.last[path] = s
	if _, ok := c.first[path]; !ok && s.tag != "" {
		c.first[path] = s
	}
	return s, g, nil
}

// attempt is a write that a caller makes.
type attempt struct {
	method, path string
	from         sight
	match        []string // the lines of If-Match; none: If-None-Match: *, or nothing at all where it is not judged
	unjudged     bool
	form         bool                       // sent as a browser would send it
	key          bool                       // with Idempotency-Key
	body         func(content string) *body // nil: one that comes as it should
	over         int                        // this version of HTTP; 0: any
	patient      bool                       // it waits as long as its context says
	never        string                     // why it must not arrive
}

// write makes an attempt, with a text that nobody else writes.
func (c *caller) write(ctx context.Context, index int, a attempt) (text string, g got, err error) {
	c.count++
	d := &deed{
		id: fmt.Sprintf("%s-%04d", c.name, c.count), actor: c.name, path: a.path, method: a.method,
		base: a.from.text, judged: !a.unjudged, never: a.never,
	}
	text = d.id + strings.Repeat("x", c.random.IntN(3))
	c.w.judge.sends(d)
	c.w.judge.tell(a.path, "%s sends %s from %q to replica %d: %s If-Match %v%s", c.name, d.id, d.base, index, a.method, a.match, a.never)
	header := http.Header{headerWrite: {d.id}, headerBase: {d.base}, "Content-Type": {"text/plain"}}
	if c.w.law.tags == compressed && c.random.IntN(2) == 0 {
		header.Set("Accept-Encoding", "gzip")
	}
	switch {
	case a.unjudged:
	case len(a.match) > 0:
		header["If-Match"] = a.match
	default:
		header.Set("If-None-Match", "*")
	}
	if a.key { // spelt so that the client's own transport does not send it twice
		header["idempotency-key"] = []string{d.id}
	}
	method, content := a.method, text
	if a.form {
		method, content = http.MethodPost, "_method="+a.method+"&text="+text
		header.Set("Content-Type", urlencodedForm)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.unjudged && !a.patient {
		ctx, cancel = context.WithTimeout(ctx, longPost/time.Duration(1+3*c.random.IntN(2)))
		defer cancel()
	}
	var body io.Reader
	switch {
	case method == http.MethodDelete:
		content = ""
	case a.body != nil:
		bad := a.body(content)
		bad.hangUp(ctx, cancel)
		body = bad
	default:
		body = onlyOnce{strings.NewReader(content)}
	}
	g, err = c.do(ctx, c.transport(a.over), index, method, a.path, header, body, len(content))
	c.concluded(d, g, err)
	return text, g, err
}

// onlyOnce hides from the transport that a body could be sent again.
type onlyOnce struct{ io.Reader }

// concluded tells the judge what a write's client knows of it in the end.
func (c *caller) concluded(d *deed, g got, err error) {
	if g.status == 0 {
		if took := time.Since(d.sent); took >= longestAnswer && d.judged {
			c.w.judge.fail(d.path, "%s had no answer within %v", d.id, took)
		}
		c.w.judge.ends(d, false, fmt.Sprint("no answer: ", err))
		return
	}
	nothingSent := strings.Contains(g.body, "Nothing was sent")
	switch {
	case g.refused == "backend" && !nothingSent, g.refused == "timeout" && !nothingSent: // nobody knows
	case g.refused != "":
		c.w.judge.mayNot(d, "it was refused: "+g.String())
		if (g.status == 503 || g.refused == "busy") && g.header.Get("Retry-After") == "" {
			c.w.judge.fail(d.path, "%s was refused without Retry-After: %s", d.id, g)
		}
	}
	c.w.judge.ends(d, g.refused == "" && g.status < 400, g.String())
}
