package main_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// paths are the ways to one backend that are compared: straight, through a bare httputil.ReverseProxy, and through the
// program, which guards nothing of what is sent, for its only route is off or is another.
type paths struct {
	backend        *mirror
	direct, bare   string
	off, elsewhere string
	guarded, made  string // everything is guarded: by the backend's tags, by tags that are made of the body
}

const (
	nothingGuarded = "routes: [{name: all, match: /, mode: off}]\n"
	otherGuarded   = "routes: [{name: other, match: '/guarded/{id}'}]\n"
	byBody         = "defaults: {version: {from: body}}\n"
)

func newPaths(t *testing.T) *paths {
	t.Helper()
	p := &paths{backend: newMirror(t)}
	p.direct = p.backend.addr()
	at := func(more string) string {
		r := serve(t, setup{upstream: "http://" + p.direct, more: more}.yaml()).ready()
		return strings.TrimPrefix(r.url, "http://")
	}
	p.off, p.elsewhere, p.guarded, p.made = at(nothingGuarded), at(otherGuarded), at(""), at(byBody)
	bare := httptest.NewUnstartedServer(bareProxy(t, p.direct))
	bare.Config.MaxHeaderBytes = 32 << 10 // the program's default
	bare.Start()
	t.Cleanup(bare.Close)
	p.bare = bare.Listener.Addr().String()
	return p
}

// bareProxy is what the program is measured by: the standard library's reverse proxy that rewrites as the program does.
func bareProxy(t *testing.T, backend string) *httputil.ReverseProxy {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery
			pr.SetURL(&url.URL{Scheme: "http", Host: backend})
			pr.Out.Host = pr.In.Host
			pr.SetXForwarded()
		},
		ErrorLog: quiet,
	}
}

// talk sends bytes on a connection of its own, and returns what comes back until it is closed, in readable form.
func talk(t testing.TB, addr, request string) string {
	t.Helper()
	c := dial(t, addr)
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // it may be answered before it is sent, and the connection closed
	raw, err := io.ReadAll(c)
	if err != nil && len(raw) == 0 {
		t.Fatalf("%s: %v", addr, err)
	}
	return readable(raw, methodsOf(request))
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// methodsOf are the methods of pipelined requests without bodies, or of one with a body.
func methodsOf(request string) (methods []string) {
	for part := range strings.SplitSeq(request, "\r\n\r\n") {
		if method, rest, ok := strings.Cut(part, " "); ok && strings.Contains(rest, " HTTP/1.") {
			methods = append(methods, method)
		}
	}
	return methods
}

// readable is all that came on a connection: fields in their order, bodies without their chunks, which depend on timing.
func readable(raw []byte, methods []string) string {
	var b strings.Builder
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		head, err := readHead(in)
		if err != nil {
			fmt.Fprintf(&b, "%send: %v\n", head, err)
			return b.String()
		}
		boundary := ""
		if found := multipartBoundary.FindStringSubmatch(head); found != nil {
			boundary = found[1]
		}
		b.WriteString(multipartBoundary.ReplaceAllString(head, "boundary=BOUNDARY"))
		code, _ := strconv.Atoi(strings.Fields(head + " 0 0")[1])
		if code < 200 && code != http.StatusSwitchingProtocols {
			continue
		}
		method := http.MethodGet
		if len(methods) > 0 {
			method, methods = methods[0], methods[1:]
		}
		if method != http.MethodHead && code != http.StatusNoContent && code != http.StatusNotModified {
			b.WriteString(readBody(in, strings.ToLower(head), boundary))
		}
	}
}

// multipartBoundary is drawn anew for each answer that has several parts.
var multipartBoundary = regexp.MustCompile(`boundary=([0-9a-f]+)`)

// readHead reads a status line and fields, without the date.
func readHead(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return b.String() + line, err
		}
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "Trailer: "); ok { // Go has them in any order
			list := strings.Split(names, ", ")
			slices.Sort(list)
			line = "Trailer: " + strings.Join(list, ", ") + "\r\n"
		}
		if !strings.HasPrefix(line, "Date: ") {
			b.WriteString(line)
		}
		if line == "\r\n" {
			return b.String(), nil
		}
	}
}

func readBody(in *bufio.Reader, head, boundary string) string {
	var body []byte
	var err error
	var trailers string
	if strings.Contains(head, "\r\ntransfer-encoding: chunked\r\n") {
		if body, err = io.ReadAll(httputil.NewChunkedReader(in)); err == nil {
			trailers, err = readHead(in)
		}
	} else if _, rest, ok := strings.Cut(head, "\r\ncontent-length: "); ok {
		length, _, _ := strings.Cut(rest, "\r\n")
		n, _ := strconv.ParseInt(length, 10, 64)
		body, err = io.ReadAll(io.LimitReader(in, n))
		if err == nil && int64(len(body)) < n {
			err = io.ErrUnexpectedEOF
		}
	} else {
		body, err = io.ReadAll(in)
	}
	text := string(body)
	if boundary != "" {
		text = strings.ReplaceAll(text, boundary, "BOUNDARY")
	}
	if len(text) > 400 {
		text = fmt.Sprintf("%d bytes, SHA-256 %x\n", len(text), sha256.Sum256([]byte(text)))
	}
	if err != nil {
		text += fmt.Sprintf("\nbroken off: %v", err)
	}
	return "body: " + text + "\n" + trailers
}

// endToEnd is what of an exchange does not belong to one connection alone (RFC 9110, section 7.6.1), and what reaches the client
// whatever is between. How a body is framed is of a connection, and so are the case of names and the order of different fields.
func endToEnd(said string) string {
	var lines, fields []string
	head := false
	for line := range strings.SplitSeq(said, "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name = strings.ToLower(name); {
		case strings.HasPrefix(line, "HTTP/1."):
			head = true
			lines = append(lines, line)
		case head && line == "\r":
			slices.SortStableFunc(fields, func(a, b string) int {
				return cmp.Compare(a[:strings.IndexByte(a, ':')], b[:strings.IndexByte(b, ':')])
			})
			lines, fields, head = append(append(lines, fields...), line), nil, false
		case !head:
			lines = append(lines, line)
		case !slices.Contains(ofTheConnection, name):
			fields = append(fields, name+":"+value)
		}
	}
	return strings.Join(lines, "\n")
}

var ofTheConnection = []string{"connection", "keep-alive", "transfer-encoding", "content-length", "trailer"}
