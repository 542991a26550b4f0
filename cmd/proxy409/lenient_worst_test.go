package main_test

import (
	"bufio"
	"strings"
	"testing"
)

// TestTheLenientBackendDoesWhatARequestMayMean shows that the judge of the attacks is one: without a proxy before it, it applies them.
func TestTheLenientBackendDoesWhatARequestMayMean(t *testing.T) {
	for _, head := range []string{
		"PUT /items/a", "PUT //items///a/", "PUT /x/%2e%2e/items/./a", `PUT /items\a`, "PUT /items%252Fa", "PUT /%2569tems/a", "PUT /items/a;v=1", "PUT /ITEMS/a",
		"PUT /items/%c1%a1", "PUT /items/%u0061", "PUT /items/a%00.json", "PUT /items/a%3Fx", "PUT /items/a.%20", "PUT //evil.example/items/a", "PUT http://x/items/a",
		"put /items/a", "FOO /items/a", "POST /items/a?_method[]=put", "GET /items/a?_METHOD=DELETE", "MOVE /items/a",
	} {
		mustBeApplied(t, head+" HTTP/1.1\r\nHost: h\r\n\r\n", "/items/a")
	}
	for _, fields := range []string{
		"X_HTTP_Method.Override: PUT", "x-original-url: /strict/a", "X-Forwarded-Prefix: /items", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\n_method=PUT",
		"Content-Length: 17\r\n\r\n{\"_method\":\"PUT\"}", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\nX-HTTP-Method: PUT", "\nX-Http-Method: PUT", "X-HTTP-METHOD : DELETE",
	} {
		method, target, document := "POST", "/items/a", "/items/a"
		switch {
		case strings.Contains(fields, "original"):
			method, target, document = "PUT", "/free/x", "/strict/a"
		case strings.Contains(fields, "Prefix"):
			method, target = "PUT", "/a"
		}
		mustBeApplied(t, method+" "+target+" HTTP/1.1\r\nHost: h\r\n"+strings.TrimPrefix(fields, "\n")+"\r\n\r\n", document)
	}
	mustBeApplied(t, "COPY /free/x HTTP/1.1\nHost: h\nDestination: http://x/items//a\n\n", "/items/a")
	mustBeApplied(t, "POST /legacy.php?id=8&ID=07x HTTP/1.1\r\nHost: h\r\n\r\n", "/legacy.php?id=7")
}

func mustBeApplied(t *testing.T, raw, document string) {
	t.Helper()
	b := newLenient(framing{chunkedWins: true})
	m, err := b.framing.read(bufio.NewReader(strings.NewReader(raw)), func() {})
	if err != nil {
		t.Errorf("%q: %v", raw, err)
		return
	}
	b.answer(m)
	if applied, _ := b.since(0, 0); len(applied) != 1 || applied[0].document != document {
		t.Errorf("%q: applied are %v, want one to %s", raw, applied, document)
	}
}
