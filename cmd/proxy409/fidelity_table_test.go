package main_test

import (
	"regexp"
	"strings"
	"testing"
)

// exchangeRow is an exchange on the wire. In its bytes lines end with \n, and each HOST is the backend's.
type exchangeRow struct {
	name, request string
	// hops says why what passes one more hop looks different to the client, in what is not of the connection alone.
	hops string
	// unlearned says why the tag that the client of a guarded route gets is qualified: the answer teaches nothing.
	unlearned string
	// made says what else than tags changes where the proxy makes them.
	made string
}

const last = "Host: HOST\nConnection: close\n"

// reads are exchanges that teach and change nothing. They pass a guarded route as well.
var reads = []exchangeRow{
	{name: "plain", request: "GET /a?b=c HTTP/1.1\n" + last + "\n"},
	{name: "102 and 103 several times", request: "GET /hints HTTP/1.1\n" + last + "\n"},
	{name: "103, and then 404", request: "GET /hints-then-404 HTTP/1.1\n" + last + "\n"},
	{name: "trailers", request: "GET /trailers HTTP/1.1\n" + last + "TE: trailers\n\n"},
	{name: "trailers that were not announced", request: "GET /unannounced HTTP/1.1\n" + last + "TE: trailers\n\n"},
	{name: "duplicate, empty and odd fields", request: "GET /fields HTTP/1.1\n" + last + "X-Empty:\nX-Twice: a\nX-Twice: b, c\nX-Latin: caf\xe9\n\n", hops: "Go's server guesses a Content-Type"},
	{name: "fields of a hop", request: "GET /hop HTTP/1.1\nHost: HOST\nConnection: close, X-Mine\nX-Mine: 1\nKeep-Alive: 5\nTE: gzip\n\n", hops: "they are for the next alone"},
	{name: "a field of 200 KiB in the answer", request: "GET /large-fields HTTP/1.1\n" + last + "\n"},
	{name: "a header near the limit", request: "GET /a HTTP/1.1\n" + last + "X-Large: " + strings.Repeat("x", 30<<10) + "\n\n"},
	{name: "a hundred fields", request: "GET /a HTTP/1.1\n" + last + strings.Repeat("X-Many: 1\n", 100) + "\n"},
	{name: "HEAD", request: "HEAD /sized HTTP/1.1\n" + last + "\n", made: "it is made of what a GET shows"},
	{name: "HEAD of a stream", request: "HEAD /trailers HTTP/1.1\n" + last + "\n"},
	{name: "HEAD and GET on one connection", request: "HEAD /file HTTP/1.1\nHost: HOST\n\nGET /file HTTP/1.1\n" + last + "\n"},
	{name: "three pipelined requests", request: "GET /a HTTP/1.1\nHost: HOST\n\nGET /no-content HTTP/1.1\nHost: HOST\n\nGET /sized HTTP/1.1\n" + last + "\n"},
	{name: "a length", request: "GET /sized HTTP/1.1\n" + last + "\n"},
	{name: "a range", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=2-5\n\n"},
	{name: "a range from the end", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=-3\n\n"},
	{name: "a range of what nobody has read", request: "GET /unread HTTP/1.1\n" + last + "Range: bytes=2-5\n\n", unlearned: "206"},
	{name: "ranges", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=0-1,4-5,-2\n\n"},
	{name: "a range that is not there", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=99-\n\n"},
	{name: "If-Range that holds", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=2-5\nIf-Range: \"strong\"\n\n"},
	{name: "If-Range that does not", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=2-5\nIf-Range: \"other\"\n\n"},
	{name: "If-Range of a date", request: "GET /file HTTP/1.1\n" + last + "Range: bytes=2-5\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT\n\n"},
	{name: "If-None-Match that holds", request: "GET /file HTTP/1.1\n" + last + "If-None-Match: \"other\"\n\n"},
	{name: "If-None-Match that does not", request: "GET /file HTTP/1.1\n" + last + "If-None-Match: \"x\", W/\"strong\"\n\n"},
	{name: "If-None-Match with a weak tag", request: "GET /weak-file HTTP/1.1\n" + last + "If-None-Match: W/\"weak\"\n\n"},
	{name: "If-Modified-Since", request: "GET /file HTTP/1.1\n" + last + "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\n\n"},
	{name: "If-Match of a read that holds", request: "GET /file HTTP/1.1\n" + last + "If-Match: \"strong\"\n\n"},
	{name: "If-Match of a read that does not", request: "GET /file HTTP/1.1\n" + last + "If-Match: \"other\"\n\n", unlearned: "412"},
	{name: "no tag", request: "GET /untagged HTTP/1.1\n" + last + "\n"},
	{name: "204", request: "GET /no-content HTTP/1.1\n" + last + "\n"},
	{name: "304 that nobody asked for", request: "GET /unmodified HTTP/1.1\n" + last + "\n"},
	{name: "205", request: "GET /reset HTTP/1.1\n" + last + "\n"},
	{name: "299", request: "GET /odd-success HTTP/1.1\n" + last + "\n"},
	{name: "401 with two challenges", request: "GET /private HTTP/1.1\n" + last + "\n"},
	{name: "409 of the backend's own", request: "GET /conflict HTTP/1.1\n" + last + "\n"},
	{name: "418", request: "GET /teapot HTTP/1.1\n" + last + "\n"},
	{name: "503 with Retry-After", request: "GET /unavailable HTTP/1.1\n" + last + "\n"},
	{name: "599", request: "GET /odd-failure HTTP/1.1\n" + last + "\n"},
	{name: "302", request: "GET /moved HTTP/1.1\n" + last + "\n"},
	{name: "a coding that nobody undoes", request: "GET /zipped HTTP/1.1\n" + last + "Accept-Encoding: gzip;q=0.5, br\n\n", made: "the content is asked for without codings"},
	{name: "no Accept-Encoding is added", request: "GET /zipped HTTP/1.1\n" + last + "\n", made: "the content is asked for without codings"},
	{name: "what a cache has aged", request: "GET /aged HTTP/1.1\n" + last + "\n", unlearned: "Age"},
	{name: "User-Agent", request: "GET /a HTTP/1.1\n" + last + "User-Agent: Mosaic/0.9\n\n"},
	{name: "HTTP/1.0", request: "GET /a HTTP/1.0\n\n"},
	{name: "HTTP/1.0 with a host", request: "GET /trailers HTTP/1.0\nHost: HOST\n\n"},
	{name: "HTTP/1.0 that goes on", request: "GET /sized HTTP/1.0\nHost: HOST\nConnection: keep-alive\n\nGET /a HTTP/1.0\nHost: HOST\n\n"},
	{name: "a backend of HTTP/1.0", request: "GET /old HTTP/1.1\n" + last + "\n", hops: "each hop has its own version, and Go has its own reasons"},
	{name: "a body that ends too soon", request: "GET /cut HTTP/1.1\n" + last + "\n", hops: "Go's server guesses a Content-Type"},
	{name: "chunks that end too soon", request: "GET /cut-chunks HTTP/1.1\n" + last + "\n"},
	{name: "odd spaces in the answer", request: "GET /spaced HTTP/1.1\n" + last + "\n", hops: "fields are spelt as Go spells them"},
	{name: "an absolute target", request: "GET http://HOST/a?b HTTP/1.1\n" + last + "\n"},
	{name: "escapes in the path", request: "GET /a%20b/%C3%A9/%7e;v=1,2/@:!$'()*+= HTTP/1.1\n" + last + "\n"},
	{name: "a path that can mean several things", request: "GET //a/./b/../c%2Fd%5Ce HTTP/1.1\n" + last + "\n"},
	{name: "a question mark and nothing", request: "GET /a? HTTP/1.1\n" + last + "\n"},
	{name: "odd queries", request: "GET /a?b;c&d=%zz&&e=f+g%20h&=&i HTTP/1.1\n" + last + "\n"},
	{name: "OPTIONS", request: "OPTIONS /a HTTP/1.1\n" + last + "\n"},
	{name: "TRACE", request: "TRACE /a HTTP/1.1\n" + last + "\n"},
	{name: "PROPFIND with a body", request: "PROPFIND /a HTTP/1.1\n" + last + "Depth: 1\nContent-Length: 4\n\n<a/>"},
}

// writes are exchanges that would be judged or marked on a guarded route.
var unjudged = []exchangeRow{
	{name: "a POST", request: "POST /a HTTP/1.1\n" + last + "Content-Length: 5\n\nhello"},
	{name: "a PUT in chunks", request: "PUT /a HTTP/1.1\n" + last + "Transfer-Encoding: chunked\n\n3\nabc\n2;ext=1\nde\n0\n\n"},
	{name: "a PUT with trailers", request: "PUT /a HTTP/1.1\n" + last + "Transfer-Encoding: chunked\nTrailer: X-Digest, X-Two\n\n3\nabc\n0\nX-Digest: 1\nX-Two: 2\n\n"},
	{name: "a PUT without a body", request: "PUT /a HTTP/1.1\n" + last + "Content-Length: 0\n\n"},
	{name: "a PUT without a length", request: "PUT /a HTTP/1.1\n" + last + "\n"},
	{name: "a DELETE", request: "DELETE /no-content HTTP/1.1\n" + last + "\n"},
	{name: "a DELETE with a body", request: "DELETE /no-content HTTP/1.1\n" + last + "Content-Length: 2\n\n{}"},
	{name: "a GET with a body", request: "GET /a HTTP/1.1\n" + last + "Content-Length: 2\n\n{}"},
	{name: "If-Match", request: "PUT /a HTTP/1.1\n" + last + "If-Match: W/\"a\", \"b\"\nIf-Match: *\nContent-Length: 1\n\nx"},
	{name: "an If-Match that is none", request: "PUT /a HTTP/1.1\n" + last + "If-Match: unquoted\nContent-Length: 1\n\nx"},
	{name: "If-None-Match", request: "PUT /a HTTP/1.1\n" + last + "If-None-Match: *\nContent-Length: 1\n\nx"},
	{name: "an override of the method", request: "POST /a?_method=PUT HTTP/1.1\n" + last + "X-HTTP-Method-Override: DELETE\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 14\n\n_method=DELETE"},
	{name: "a form in parts", request: "POST /a HTTP/1.1\n" + last + "Content-Type: multipart/form-data; boundary=b\nContent-Length: 62\n\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nvalue\r\n--b--\r\n"},
	{name: "a method of nobody's", request: "PURGE /a HTTP/1.1\n" + last + "\n"},
	{name: "a method with signs", request: "M-SEARCH /a HTTP/1.1\n" + last + "\n"},
	{name: "a method in small letters", request: "put /a HTTP/1.1\n" + last + "Content-Length: 1\n\nx"},
	{name: "MOVE", request: "MOVE /a HTTP/1.1\n" + last + "Destination: http://HOST/b\nOverwrite: F\n\n"},
	{name: "LOCK", request: "LOCK /a HTTP/1.1\n" + last + "Timeout: Infinite\nIf: (<urn:x>)\nContent-Length: 0\n\n"},
	{name: "POST and GET on one connection", request: "POST /a HTTP/1.1\nHost: HOST\nContent-Length: 2\n\nhiGET /b HTTP/1.1\n" + last + "\n"},
	{name: "HTTP/1.0 with a body", request: "POST /a HTTP/1.0\nHost: HOST\nContent-Length: 2\n\nhi"},
	{name: "100 that the backend does not wait with", request: "PUT /a HTTP/1.1\n" + last + "Expect: 100-continue\nContent-Length: 2\n\nhi"},
}

func (row exchangeRow) at(host string) string {
	text := strings.ReplaceAll(row.request, "\r\n", "\n")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), "HOST", host)
}

// exchange sends a row one way, and returns what the client and what the backend saw of it.
func (p *paths) exchange(t *testing.T, addr string, row exchangeRow) (client, backend string) {
	t.Helper()
	p.backend.since()
	client = talk(t, addr, row.at("host.example"))
	// Whether the server has sent its own before the backend's comes depends on who is quicker.
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	for strings.Contains(client, goOn+goOn) {
		client = strings.ReplaceAll(client, goOn+goOn, goOn)
	}
	return client, p.backend.since()
}

// TestWhatIsNotGuardedPassesAsThroughABareReverseProxy compares what the client gets, byte for byte but for dates and chunks, and what
// the backend gets; and both with what happens when nothing is between.
func TestWhatIsNotGuardedPassesAsThroughABareReverseProxy(t *testing.T) {
	p := newPaths(t)
	for _, row := range append(append([]exchangeRow(nil), reads...), unjudged...) {
		t.Run(row.name, func(t *testing.T) {
			direct, _ := p.exchange(t, p.direct, row)
			client, backend := p.exchange(t, p.bare, row)
			if backend == "" {
				t.Fatalf("the backend was not asked, and the bare proxy says:\n%s", client)
			}
			if (endToEnd(direct) == endToEnd(client)) != (row.hops == "") {
				t.Errorf("straight (it differs because %q):\n%s\nthrough a bare proxy:\n%s", row.hops, direct, client)
			}
			for name, addr := range map[string]string{"off": p.off, "elsewhere": p.elsewhere} {
				c, b := p.exchange(t, addr, row)
				if c != client {
					t.Errorf("%s: the client gets:\n%s\nand through a bare proxy:\n%s", name, c, client)
				}
				if b != backend {
					t.Errorf("%s: the backend gets:\n%s\nand through a bare proxy:\n%s", name, b, backend)
				}
			}
		})
	}
}

// TestAReadPassesAGuardedRouteAsThroughABareReverseProxy byte for byte, but for dates and chunks. Where an answer teaches the proxy
// nothing, its tag is qualified.
func TestAReadPassesAGuardedRouteAsThroughABareReverseProxy(t *testing.T) {
	p := newPaths(t)
	for _, row := range reads {
		t.Run(row.name, func(t *testing.T) {
			client, backend := p.exchange(t, p.bare, row)
			c, b := p.exchange(t, p.guarded, row)
			plain := qualification.ReplaceAllString(c, `"`)
			if plain != client || (c != client) != (row.unlearned != "") {
				t.Errorf("the client gets (its tag is qualified because %q):\n%s\nand through a bare proxy:\n%s", row.unlearned, c, client)
			}
			if b != backend {
				t.Errorf("the backend gets:\n%s\nand through a bare proxy:\n%s", b, backend)
			}
		})
	}
}

var qualification = regexp.MustCompile(`;p409-[0-9A-Za-z_-]+"`)

// TestARouteWithMadeTagsChangesNothingButTags of what is read.
func TestARouteWithMadeTagsChangesNothingButTags(t *testing.T) {
	p := newPaths(t)
	for _, row := range reads {
		if strings.Contains(row.request, "\nIf-") {
			continue // they speak of other tags
		}
		t.Run(row.name, func(t *testing.T) {
			client, _ := p.exchange(t, p.bare, row)
			c, _ := p.exchange(t, p.made, row)
			if (withoutTags(c) == withoutTags(client)) != (row.made == "") {
				t.Errorf("the client gets (it differs because %q):\n%s\nand through a bare proxy:\n%s", row.made, c, client)
			}
		})
	}
}

var tagLine = regexp.MustCompile(`(?m)^etag:.*\n`)

func withoutTags(said string) string { return tagLine.ReplaceAllString(endToEnd(said), "") }
