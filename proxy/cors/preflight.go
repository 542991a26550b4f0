package cors

import (
	"net/http"
	"strings"
)

// conditions are the request fields that are the proxy's to allow.
var conditions = [...]string{"If-Match", "If-None-Match", "Idempotency-Key"}

// IsPreflight reports whether a request asks for permission to send another one, for the page of an [Origin].
func IsPreflight(r *http.Request) bool {
	_, ok := Origin(r.Header)
	return ok && r.Method == http.MethodOptions && len(r.Header[requestMethod]) == 1 && r.Header[requestMethod][0] != ""
}

// TakeConditions takes If-Match, If-None-Match and Idempotency-Key out of the fields that a preflight asks for, and returns those that
// were there. A header without them stays as it is.
func TakeConditions(h http.Header) (taken []string) {
	lines := h[requestHeaders]
	for _, name := range conditions {
		if names(lines, name) {
			taken = append(taken, name)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	var rest []string
	for field := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if name := strings.Trim(field, " \t"); name != "" && !names(taken, name) {
			rest = append(rest, name)
		}
	}
	if len(rest) == 0 {
		delete(h, requestHeaders)
		return taken
	}
	h[requestHeaders] = []string{strings.Join(rest, ",")}
	return taken
}

// Allow adds request fields to what the answer to a preflight allows, if it lets the origin in.
func Allow(res *http.Response, origin string, fields []string) {
	if res.StatusCode < 200 || res.StatusCode > 299 || !GrantOf(res.Header, origin).Given() {
		return
	}
	for _, name := range fields {
		if !listed(res.Header, allowHeaders, name) {
			add(res.Header, allowHeaders, name)
		}
	}
}

// Question is the header of the preflight by which a browser would ask whether the pages of an origin may send the method.
// It has no credentials, as browsers send none, and asks for no field: of the conditions the backend need not know.
func Question(origin, method string) http.Header {
	return http.Header{"Origin": {origin}, requestMethod: {method}}
}
