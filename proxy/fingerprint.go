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
// caller is may stand in any field, so all of them count but those that are another's, or other ones each time. What a client adds to tell its requests
// from those of others with the same credentials (a User-Agent, an Idempotency-Key) counts so, too.
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
	parts = append(parts, clientAddress(r))
	if r.TLS != nil {
		for _, cert := range r.TLS.PeerCertificates[:min(1, len(r.TLS.PeerCertificates))] {
			sum := sha256.Sum256(cert.Raw)
			parts = append(parts, string(sum[:]))
		}
	}
	w.headPrint = etagcache.DigestOf(parts...)
	return w.headPrint
}

// clientAddress is where the request came from, as far as the proxies in front are believed. Two clients that send the same words with the same
// credentials, or none, are two in most cases by this alone; a client that has moved is judged anew.
func clientAddress(r *http.Request) string {
	first, _, _ := strings.Cut(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	return strings.TrimSpace(first)
}

// volatile reports whether a request field may be another one when a request is sent again, and says nothing of what it is or who sends it. These
// are named one by one: a proxy in front tells who the caller is in fields such as X-Forwarded-User and Cf-Access-Jwt-Assertion.
func volatile(name string) bool {
	switch name {
	case "Cache-Control", "Pragma", "Connection", "Content-Length", "Date", "Expect",
		"Te", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Port", "X-Real-Ip", "Priority", "Referer", "Dnt", "Save-Data",
		"Traceparent", "Tracestate", "Baggage", "B3", "X-Request-Id", "X-Correlation-Id", "Request-Id", "Correlation-Context", "X-Amzn-Trace-Id",
		"X-Cloud-Trace-Context", "Sentry-Trace", "Uber-Trace-Id", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id",
		"Cf-Ray", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Cf-Ipcountry", "Cf-Visitor", "Cf-Ew-Via":
		return true
	}
	return slices.ContainsFunc([]string{"X-B3-", "X-Datadog-", "Sec-Ch-", "Sec-Fetch-", "X-Retry-"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
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
