package proxy

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"proxy409/proxy/target"
)

// plainHost is a Host that everybody reads alike.
var plainHost = regexp.MustCompile(`^(?:|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::\d*)?$`)

// mostFields is how many header fields a request may have: each takes much more memory here than it has bytes, for as long as the
// request lasts.
const mostFields = 256

func fields(h http.Header) (n int) {
	for _, lines := range h {
		n += len(lines)
	}
	return n
}

// barred is what is wrong with a request whatever its route is. Over HTTP/1 most of it is refused before (package framing).
func barred(r *http.Request) *objection {
	if r.ProtoMajor >= 2 && r.ContentLength == 0 && r.Body != nil && r.Body != http.NoBody {
		r.ContentLength = -1 // what the length says is not so: it is sent when it has been read to its end, and that fails
	}
	switch {
	case r.URL.Opaque != "", r.Method == http.MethodConnect && r.URL.Path == "",
		r.ProtoMajor >= 2 && !strings.HasPrefix(r.RequestURI, "/") && (r.Method != http.MethodOptions || r.RequestURI != "*"):
		return malformed("The target of the request is neither a path nor a URL with a host.")
	case fields(r.Header) > mostFields:
		return malformed(fmt.Sprintf("The request has more than %d header fields.", mostFields))
	case len(r.Header["Content-Length"]) > 1:
		return malformed("The request says twice how long its body is.")
	}
	return nil
}

// dropWaysRound removes fields by which a request on any route could reach a guarded resource without the guard's seeing it:
// those that name another path, those by which some see the end of the body elsewhere, so that the rest is another request, and
// upgrades to a tunnel in which whole requests can be sent.
func dropWaysRound(h http.Header) {
	for name := range h {
		if target.NamesPath(name) || target.Frames(name) {
			delete(h, name)
		}
	}
	delete(h, "Http2-Settings")
	for _, asked := range h["Upgrade"] {
		for protocol := range strings.SplitSeq(asked, ",") {
			protocol = strings.ToLower(strings.TrimSpace(protocol))
			if strings.HasPrefix(protocol, "h2") || strings.HasPrefix(protocol, "http") || strings.HasPrefix(protocol, "tls") {
				delete(h, "Upgrade")
				return
			}
		}
	}
}

// upgrade lets a GET through that asks for the WebSocket protocol, where the route allows that, and drops every other
// Upgrade: what goes through a tunnel, nobody guards. The reverse proxy takes care of Connection.
func (p *Proxy) upgrade(r *http.Request, x *exchange) {
	asked := r.Header["Upgrade"]
	if x.route.WebSocket && x.safe && r.Method == http.MethodGet && x.method == http.MethodGet && len(asked) == 1 &&
		strings.EqualFold(asked[0], "websocket") {
		x.tunnel = true
		return
	}
	r.Header.Del("Upgrade")
}
