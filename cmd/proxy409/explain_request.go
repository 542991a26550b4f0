package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// asked is a request as the command line has it.
type asked struct {
	method, url string
	headers     []string // "Name: value"
	data        string
}

// defaultType is what -d is where no Content-Type is given, as curl has it.
const defaultType = "application/x-www-form-urlencoded"

// request makes the request that a server would get, by the parser that a server has: what it makes of odd spellings is
// what is asked about. A URL that is a path alone leaves the Host open. No error repeats a header's value.
func (a asked) request() (*http.Request, error) {
	target, host, err := a.target()
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(a.method+a.url, "\r\n ") {
		return nil, errors.New("the method and the URL have no spaces and line ends in them; in a URL a space is %20")
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\n", a.method, target)
	typed := false
	for i, h := range a.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" || strings.ContainsAny(h, "\r\n") {
			return nil, fmt.Errorf("-H number %d is not of the form 'Name: value'", i+1)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			host = strings.TrimSpace(value)
			continue
		case "Content-Length", "Transfer-Encoding":
			continue // they say how the body is sent, and it is not
		case "Content-Type":
			typed = true
		}
		fmt.Fprintf(&text, "%s:%s\r\n", name, value)
	}
	if host != "" {
		fmt.Fprintf(&text, "Host: %s\r\n", host)
	}
	if a.data != "" {
		if !typed {
			fmt.Fprintf(&text, "Content-Type: %s\r\n", defaultType)
		}
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(a.data))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text.String() + "\r\n" + a.data)))
	if err != nil {
		return nil, errors.New("no server would take this for a request: the method, the URL or the name of a header is malformed")
	}
	return r, nil
}

// target is what stands in the request line, and the Host. Nothing is decoded on the way there.
func (a asked) target() (target, host string, err error) {
	text, _, _ := strings.Cut(a.url, "#")
	if strings.HasPrefix(text, "/") {
		return text, "", nil
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", errors.New("the URL is neither a path, such as /items/7, nor one of http or https")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if u, err := url.Parse(scheme + "://" + rest[:end]); err != nil || u.Host == "" || u.User != nil {
		return "", "", errors.New("the URL has no sound host; credentials belong into -H 'Authorization: …'")
	}
	host, target = rest[:end], rest[end:]
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return target, host, nil
}
