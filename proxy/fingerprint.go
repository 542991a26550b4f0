package proxy

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"proxy409/etagcache"
)

// head is the fingerprint of what there is of the request before its body: the caller, the method, the target and the precondition. Who the
// caller is may stand in any field, so all of them count but those that are another's, or other ones each time.
func (w *write) head() etagcache.Digest {
	if w.headPrint != (etagcache.Digest{}) {
		return w.headPrint
	}
	r := w.req
	parts := []string{"proxy409 request 1", r.Method, w.x.method, w.x.host, r.URL.EscapedPath(), r.URL.RawQuery, strconv.FormatInt(r.ContentLength, 10)}
	var names []string
	for name := range r.Header {
		if !volatile(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], "\n")
		if name == "Idempotency-Key" && w.named != "" {
			value = w.named // with the quotes or without
		}
		parts = append(parts, name, value)
	}
	if r.TLS != nil {
		for _, cert := range r.TLS.PeerCertificates[:min(1, len(r.TLS.PeerCertificates))] {
			sum := sha256.Sum256(cert.Raw)
			parts = append(parts, string(sum[:]))
		}
	}
	w.headPrint = etagcache.DigestOf(parts...)
	return w.headPrint
}

// volatile reports whether a request field may be another one when a request is sent again, and says nothing of what it is or who sends it.
func volatile(name string) bool {
	switch name = http.CanonicalHeaderKey(name); name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Accept-Charset", "Cache-Control", "Pragma", "Connection", "Content-Length", "Date", "Expect",
		"Te", "User-Agent", "Via", "Forwarded", "X-Real-Ip", "Priority", "Referer", "Dnt", "Save-Data",
		"Traceparent", "Tracestate", "Baggage", "B3", "X-Request-Id", "X-Correlation-Id", "Request-Id", "Correlation-Context", "X-Amzn-Trace-Id",
		"X-Cloud-Trace-Context", "Sentry-Trace", "Uber-Trace-Id", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id",
		// Of these families others say who the caller is, as X-Forwarded-User and Cf-Access-Jwt-Assertion do.
		"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server", "Cf-Connecting-Ip", "Cf-Ew-Via", "Cf-Ipcountry",
		"Cf-Ray", "Cf-Visitor":
		return true
	}
	return slices.ContainsFunc([]string{"X-B3-", "X-Datadog-", "Sec-", "X-Retry-"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// fingerprint is that of the whole request, whose body has come.
func (w *write) fingerprint() (etagcache.Print, *objection) {
	content, o := w.wholeBody()
	if o != nil {
		return etagcache.Print{}, o
	}
	head := w.head()
	return etagcache.Print{Head: head, Whole: etagcache.DigestOf(string(head[:]), string(content))}, nil
}
