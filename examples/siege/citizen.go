package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// citizen is a well-behaved client: the only one that writes to its resource with current tags.
type citizen struct {
	client *http.Client
	url    string
	name   string

	writes, busy, overloaded int
	slowest                  time.Duration
	faults                   []string
}

func newCitizen(s *stand, n int) *citizen {
	path := [...]string{"/good/a", "/made/a", "/json/a", "/good/b"}[n]
	return &citizen{
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}},
		url:    "http://" + s.proxy.listen + path, name: path,
	}
}

func (c *citizen) fault(format string, args ...any) {
	if len(c.faults) < 10 {
		c.faults = append(c.faults, c.name+": "+fmt.Sprintf(format, args...))
	}
}

// live reads and writes in turn. What it has written it must read, and nothing but that, or an update was lost.
func (c *citizen) live(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	written := ""
	for ctx.Err() == nil {
		tag, text, ok := c.read()
		if !ok {
			continue
		}
		if text != written {
			c.fault("it wrote %q and read %q: an update was lost", written, text)
		}
		next := fmt.Sprintf("%s, write %d", c.name, c.writes+1)
		start := time.Now()
		if c.write(next, tag) {
			written = next
			c.writes++
		}
		c.slowest = max(c.slowest, time.Since(start))
	}
}

// read returns the tag and the text. A read without a tag, for want of room to make one, is tried again.
func (c *citizen) read() (tag, text string, ok bool) {
	status, header, body, err := c.do(http.MethodGet, "", "")
	switch {
	case err != nil:
		c.fault("a read got no answer: %v", err)
		time.Sleep(100 * time.Millisecond)
		return "", "", false
	case status != http.StatusOK:
		c.fault("a read got %d: %s", status, body)
		return "", "", false
	case header.Get("ETag") == "":
		c.overloaded++
		time.Sleep(10 * time.Millisecond)
		return "", "", false
	}
	var document struct{ Text string }
	if strings.HasPrefix(c.name, "/json/") {
		if err := json.Unmarshal(body, &document); err != nil {
			c.fault("a read got %q: %v", body, err)
		}
		return header.Get("ETag"), document.Text, true
	}
	return header.Get("ETag"), string(body), true
}

// write reports whether the write was applied.
func (c *citizen) write(text, tag string) bool {
	status, header, body, err := c.do(http.MethodPut, text, tag)
	if err != nil {
		c.fault("a write got no answer: %v", err)
		return false
	}
	var problem struct{ Reason string }
	_ = json.Unmarshal(body, &problem) // where it is none, the reason is ""
	again := header.Get("Retry-After") != ""
	switch {
	case status == http.StatusNoContent:
		return true
	case problem.Reason == "busy" && again:
		c.busy++
	case (problem.Reason == "overloaded" || problem.Reason == "unverifiable" && status == http.StatusServiceUnavailable) && again:
		c.overloaded++ // its probe may find no room either
	default:
		c.fault("a write with the current tag %s got %d: %s", tag, status, body)
	}
	time.Sleep(10 * time.Millisecond)
	return false
}

func (c *citizen) do(method, text, tag string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.url, strings.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	if tag != "" {
		req.Header.Set("If-Match", tag)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, body, errors.Join(err, res.Body.Close())
}
