package refusal

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Refusal is one request refused.
type Refusal struct {
	Reason Reason
	// Detail explains this occurrence to whoever wrote the client; "" is the reason's own text. Any bytes will do.
	Detail string
	// IfMatch is the value of the If-Match that the client sent, all lines joined, for the detail of Stale and Absent.
	// It is shown to nobody but the one who sent it. "" leaves it out. Any bytes will do.
	IfMatch string
	// CurrentETag is the present entity tag as the client should send it, quoted; "" if it is not known. Only Stale and
	// Exists show it: with Missing it would invite the client to repeat its write blindly. The caller vouches that
	// this client may read the resource.
	CurrentETag string
	// CurrentVersion is the present version of a route that takes versions from JSON or a header, verbatim; nil if
	// there is none. It is shown where CurrentETag is.
	CurrentVersion json.RawMessage
	// RetryAfter is how long the client should wait; it is rounded up to whole seconds, at least one. It is sent for
	// those reasons only that say [Reason.Retry].
	RetryAfter time.Duration
	// Instance is the URI of this occurrence, for a log line to cite; "" is a new one.
	Instance string
	// Unsent: with Backend and Timeout, nothing was written, because nothing was sent or it was a read.
	Unsent bool
	// Hidden is disclose: never. Stale, Exists and Absent get one and the same answer, but for the instance: a bare
	// Stale, with no detail and no version.
	Hidden bool
}

// Response makes the answer. The request says which form the client takes (Accept) and whether it takes a body (HEAD);
// its own body is not touched, so a [http.RoundTripper] that returns this answer must still close it.
//
// The answer has no ETag, whatever the present version is. In an answer a validator describes the selected
// representation or, after a change, the new one (RFC 9110, section 8.8), and a refusal is neither. And there are
// clients that keep the ETag of whatever answer came last: their next write would overwrite what they have never read.
func (s Style) Response(req *http.Request, r Refusal) *http.Response {
	if r.Hidden && (r.Reason == Stale || r.Reason == Exists || r.Reason == Absent) {
		r = Refusal{Reason: Stale, Instance: r.Instance}
	}
	if r.Instance == "" {
		r.Instance = s.instance()
	}
	status, chosen := s.StatusOf(r.Reason), negotiate(req.Header["Accept"])
	body := chosen.render(s.problem(r))

	h := http.Header{
		"Content-Type":   {chosen.contentType},
		"Content-Length": {strconv.Itoa(len(body))},
		"Cache-Control":  {"no-store"},
		"Vary":           {"Accept"},
		"Proxy-Status":   {proxyStatus(r.Reason)},
		// Every form repeats what the client sent, and none is to be taken for another.
		"X-Content-Type-Options": {"nosniff"},
	}
	if chosen.policy != "" {
		h.Set("Content-Security-Policy", chosen.policy)
	}
	if r.Reason.Retry() {
		h.Set("Retry-After", retryAfter(r.RetryAfter))
	}
	resp := &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
		Request:       req,
	}
	if req.Method == http.MethodHead { // the header fields as with a body (RFC 9110, section 9.3.2)
		resp.Body = http.NoBody
	}
	return resp
}

// proxyStatus is the value of Proxy-Status (RFC 9209, section 2): who refused, the kind of error, and the reason.
func proxyStatus(reason Reason) string {
	return "proxy409; error=" + reason.row().proxyError + "; details=" + structuredString(reason.String())
}

// structuredString is a String of RFC 8941, section 3.3.3. It holds visible ASCII and spaces; whatever else there is
// becomes a question mark.
func structuredString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// retryAfter is a value of Retry-After in seconds (RFC 9110, section 10.2.3).
func retryAfter(d time.Duration) string {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	return strconv.FormatInt(max(seconds, 1), 10)
}
