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
	// Detail explains this occurrence to whoever wrote the client; "" is the reason's own text, with what of the fields
	// below it can tell. Any bytes will do.
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
	// Rule is the name of the rule of the configuration that refused, whatever the reason; "" if none did. Any bytes will do.
	Rule string
	// Message is what the rule says to people, in the place of the reason's own message; "" is that. Only Duplicate,
	// Transition and Rule show it: with any other reason it would say what nobody has found out. Any bytes will do.
	Message string
	// Fields are JSON pointers to the members of the request's body, or the fields of a form, that the refusal is about.
	// Any bytes will do.
	Fields []string
	// ExpectedVersion is the version that the client said it edited, where it said so elsewhere than in If-Match: JSON,
	// verbatim; nil if it did not. Only Stale shows it. What is no JSON, or over 1000 bytes, is left out.
	ExpectedVersion json.RawMessage
	// CurrentState, RequestedState and AllowedStates say between which states Transition refuses a step. CurrentState is ""
	// for a resource that would be created, and AllowedStates are then those in which one may be; empty, there are none.
	// The caller vouches that this client may read the resource. Any bytes will do.
	CurrentState, RequestedState string
	AllowedStates                []string
	// Location is where the existing resource is, a path or URL. Only Duplicate shows it, and the header field Location
	// has it too: RFC 9110, section 10.2.2, gives that no meaning with a 409, but clients look there. What is not visible
	// ASCII, or over 2000 bytes, is left out.
	Location string
	// Changes is what has changed since the version that the client sent, as package merge tells it: a JSON array of what was there
	// before, what the client makes of it and what others made. Only Stale shows it. What is no such array, or over 64 KiB, is left out.
	// The caller vouches that this client may read the resource.
	Changes json.RawMessage
	// RetryAfter is how long the client should wait; it is rounded up to whole seconds, at least one. It is sent for
	// those reasons only that say [Reason.Retry].
	RetryAfter time.Duration
	// Instance is the URI of this occurrence, for a log line to cite; "" is a new one.
	Instance string
	// Unsent: with Backend and Timeout, nothing was written, because nothing was sent or it was a read.
	Unsent bool
	// Hidden is disclose: never. Stale, Exists and Absent get one and the same answer, but for the instance: a bare
	// Stale, with no detail and no version. Duplicate does not say where the existing resource is, nor Transition which
	// states there are: what is left is what the client sent, what the configuration says, and Detail.
	Hidden bool
}

// Response makes the answer. The request says which form the client takes (Accept) and whether it takes a body (HEAD);
// its own body is not touched, so a [http.RoundTripper] that returns this answer must still close it.
//
// The answer has no ETag, whatever the present version is. In an answer a validator describes the selected
// representation or, after a change, the new one (RFC 9110, section 8.8), and a refusal is neither. And there are
// clients that keep the ETag of whatever answer came last: their next write would overwrite what they have never read.
func (s Style) Response(req *http.Request, r Refusal) *http.Response {
	if r.Hidden {
		r = r.hide()
	}
	if r.Instance == "" {
		r.Instance = s.instance()
	}
	p := s.problem(r)
	status, c := p.Status, s.content(req, p)

	h := http.Header{
		"Content-Type":   {c.contentType},
		"Content-Length": {strconv.Itoa(len(c.body))},
		"Cache-Control":  {"no-store"},
		"Proxy-Status":   {proxyStatus(r.Reason)},
		// Every form repeats what the client sent, and none is to be taken for another.
		"X-Content-Type-Options": {"nosniff"},
	}
	if c.negotiated {
		h.Set("Vary", "Accept")
	}
	if c.policy != "" {
		h.Set("Content-Security-Policy", c.policy)
	}
	if r.Reason.Retry() {
		h.Set("Retry-After", retryAfter(r.RetryAfter))
	}
	if r.Reason == Unsupported {
		h.Set("Accept", readableTypes)
	}
	if p.Location != "" {
		h.Set("Location", p.Location)
	}
	resp := &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		ContentLength: int64(len(c.body)),
		Body:          io.NopCloser(bytes.NewReader(c.body)),
		Request:       req,
	}
	if req.Method == http.MethodHead { // the header fields as with a body (RFC 9110, section 9.3.2)
		resp.Body = http.NoBody
	}
	return resp
}

// hide takes away what a client learns nothing of with disclose: never.
func (r Refusal) hide() Refusal {
	if r.Reason == Stale || r.Reason == Exists || r.Reason == Absent {
		return Refusal{Reason: Stale, Instance: r.Instance}
	}
	r.Location, r.CurrentState, r.AllowedStates = "", "", nil
	return r
}

// content is a body and what its header says of it.
type content struct {
	body                []byte
	contentType, policy string
	negotiated          bool // by Accept
}

// content is what the template makes of the problem; without one, or if it fails, what Accept asks for.
func (s Style) content(req *http.Request, p problem) content {
	if s.Body != nil {
		if body, err := s.Body.render(p); err == nil {
			return content{body: body, contentType: s.Body.kind.contentType, policy: s.Body.kind.policy}
		}
	}
	f := negotiate(req.Header["Accept"])
	return content{body: f.render(p), contentType: f.contentType, policy: f.policy, negotiated: true}
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
