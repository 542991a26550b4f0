package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
)

// FuzzARefusalRepeatsNothingButIfMatch: whatever a client sends, neither the refusal nor the log has any of its query, its path's
// parameters, its header fields and its body; the refusal is what its type says, and a line of the log is one.
func FuzzARefusalRepeatsNothingButIfMatch(f *testing.F) {
	f.Add("PUT", "/a", "x=1", "Cookie", "v", `"a1"`, "text/html")
	f.Add("POST", "//a/../b%0d%0aX:%20y%C2%85%C2%9B", "_method=PUT;", "X-Http-Method-Override", "PUT", "a1", "application/json")
	f.Add("MOVE", "/keyed", "id=x&id=%zz", "Destination", "http://h//x?", `"a" "b"`, "text/plain")
	f.Add("put", "/numbered/x", "", "Connection", "If-Match", "*", "*/*")
	f.Add("DELETE", "/a", "", "Content-Type", "multipart/form-data; boundary=\"", "\x80", "")
	const mark = "s3cr3t"
	f.Fuzz(func(t *testing.T, method, path, query, name, value, match, accept string) {
		if strings.Contains(strings.ToLower(method+path+match), mark) {
			t.Skip() // what may show is not looked for
		}
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s;v=%s-parameter?t=%s-query&%s HTTP/1.1\r\nHost: h\r\nCookie: %s-cookie\r\nAuthorization: %s\r\n", method, path, mark, mark, query, mark, mark)
		fmt.Fprintf(&text, "%s: %s %s-field\r\nIf-Match: %s\r\nAccept: %s\r\nContent-Length: 11\r\n\r\n%s-body", name, value, mark, match, accept, mark)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text.String())))
		if err != nil {
			t.Skip()
		}
		if strings.Contains(strings.Join(r.Header["If-Match"], ""), mark) {
			t.Skip()
		}
		var logged bytes.Buffer
		w := httptest.NewRecorder()
		shown(t, &logged).ServeHTTP(w, r.WithContext(context.Background()))
		said := fmt.Sprint(w.Code, w.Header()) + w.Body.String()
		if strings.Contains(strings.ToLower(said), mark) {
			t.Fatalf("it says %q", said)
		}
		if w.Header().Get("Proxy-Status") != "" && strings.HasSuffix(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("this is no JSON: %q", w.Body)
		}
		for line := range strings.Lines(logged.String()) {
			odd := func(c rune) bool { return c < ' ' || c > '~' && c < 0xa0 }
			if !json.Valid([]byte(line)) || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), odd) || strings.Contains(strings.ToLower(line), mark) {
				t.Fatalf("the log has %q", line)
			}
		}
	})
}

// shown is a proxy before a backend without a network, which logs to the buffer.
func shown(t *testing.T, logged *bytes.Buffer) *proxy.Proxy {
	t.Helper()
	keyed, numbered := route(), route()
	keyed.Name, keyed.Match, keyed.Key.Query = "keyed", "/keyed", map[string]string{"id": "^[0-9]+$"}
	numbered.Name, numbered.Match, numbered.Key.Path = "numbered", "/numbered/{n}", map[string]string{"n": "^[0-9]+$"}
	u := httptest.NewRequest(http.MethodGet, "http://origin.invalid/", nil).URL
	p, err := proxy.New(proxy.Config{
		Upstream: u, Routes: []proxy.Route{route(), keyed, numbered, {Name: "closed", Match: "/closed/", Mode: proxy.Closed}},
		Transport: &stillOrigin{}, Cache: etagcache.New(memstore.New(memstore.Options{}), etagcache.Options{}),
		Timeouts: proxy.Timeouts{Write: time.Minute, BusyWait: time.Second},
		Limits:   proxy.Limits{Body: 1 << 10, Representation: 1 << 10, Tags: 8, Waiters: 1},
		Refusals: proxy.Refusals{Disclose: true},
		Logger:   slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
