package main_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// drawRequest draws the bytes of a request that is aimed at one of the documents.
func drawRequest(t *rapid.T, r *fuzzRange) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	document := pick("document", documents...)
	method := pick("method", "PUT", "PUT", "GET", "GET", "POST", "POST", "DELETE", "PATCH", "HEAD", "put", "get", "FOO", "MOVE", "COPY", "PROPFIND", "OPTIONS")
	target := drawSpelling(t, pick("target", document, document, document, document, "/free/x", "/"))
	lines := []string{"Host: " + pick("host", "api.example.com", "api.example.com", "API.example.com.:80", "evil.example", "")}
	content := ""
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		line, body := drawField(t, r, document)
		lines = append(lines, line)
		if content == "" {
			content = body
		}
	}
	if content != "" || method != "GET" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(content)))
	}
	return method + " " + target + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + content
}

// drawField draws a line of the header, and content that goes with it.
func drawField(t *rapid.T, r *fuzzRange, document string) (line, content string) {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	other := pick("other", documents...)
	switch rapid.IntRange(0, 11).Draw(t, "field") {
	case 0, 1, 2, 3:
		d := r.backend.docs[document]
		older := item{name: d.name, version: d.version - rapid.IntRange(0, 1).Draw(t, "age")}
		return pick("name", "If-Match", "If-Match", "If-Match", "if-match", "If_Match") + ": " + pick("weak", "", "", `"x", `, "W/") + older.tag(), ""
	case 4:
		return pick("name", "X-HTTP-Method-Override", "X-Http-Method", "X-Method-Override", "X_HTTP_Method_Override", "X.HTTP.Method") + ": " +
			pick("verb", "PUT", "delete", "GET", "POST", "COPY", "MOVE", "FOO"), ""
	case 5:
		return pick("name", "X-Original-URL", "X-Rewrite-URL", "X_Original_URL", "X-Forwarded-Uri", "X-Original-URI") + ": " + drawSpelling(t, other), ""
	case 6:
		return pick("name", "Destination", "Destination", "destination") + ": " + pick("at", "", "http://h", "//h") + drawSpelling(t, other), ""
	case 7:
		return "Connection: " + pick("named", "If-Match", "Content-Type", "X-HTTP-Method-Override", "close", "Destination", "if_match"), ""
	case 8:
		return pick("name", "X-Forwarded-Prefix", "X_Forwarded_Prefix") + ": " + pick("prefix", "/items", "/strict", "/shut"), ""
	case 9:
		return pick("name", "Content-Type", "Content_Type") + ": application/x-www-form-urlencoded", pick("form", "_method=DELETE", "_METHOD=put", "id=7", "X-HTTP-Method=PUT", "a=1")
	case 10:
		return "Content-Type: application/json", pick("json", `{"_method":"DELETE"}`, `{"id":7}`, `{"a":1}`)
	default:
		return "Content-Type: text/plain", pick("text", "_method=DELETE", "id=7", "text")
	}
}

// drawSpelling draws a spelling of a path, harmless or not.
func drawSpelling(t *rapid.T, path string) string {
	path, query, asked := strings.Cut(path, "?")
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		path = drawChange(t, path)
	}
	if asked {
		path += "?" + query
	}
	return path + rapid.SampledFrom([]string{"", "", "", "", "", "?", "?_method=DELETE", "?x=1;y", "&id=8", "?X-HTTP-Method-Override=PUT"}).Draw(t, "query")
}

// drawChange draws another spelling for one of the path's characters.
func drawChange(t *rapid.T, path string) string {
	const digits = "0123456789abcdef"
	if path == "" {
		return path
	}
	at := rapid.IntRange(0, len(path)-1).Draw(t, "at")
	c := path[at]
	spellings := []string{
		fmt.Sprintf("%%%02x", c), fmt.Sprintf("%%%02X", c), fmt.Sprintf("%%25%02x", c), fmt.Sprintf("%%u00%02x", c),
		fmt.Sprintf("%%25%%%02x%%%02x", digits[c>>4], digits[c&15]), fmt.Sprintf("%%%02x%%%02x", 0xc0|c>>6, 0x80|c&0x3f),
		strings.ToUpper(string(c)), strings.ToLower(string(c)),
	}
	more := []string{";v=1", "%3bv", ".", "%20", "%00", "%3fx", "#x", "%23", "/", "/.", "/x/..", "/..", "%2f", `\`}
	if c == '/' {
		spellings = append(spellings, `\`, "%5c", "%2f", "%252f")
		more = []string{"/", "./", "x/../", "%2e/", "x/%2e%2e/", ".;/", ";/", ";x=1/", "/evil.example/", "../", "x/y/../../"}
	}
	for _, one := range more {
		spellings = append(spellings, string(c)+one)
	}
	return path[:at] + rapid.SampledFrom(spellings).Draw(t, "spelling") + path[at+1:]
}
