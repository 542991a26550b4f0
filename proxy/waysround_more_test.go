package proxy_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// A form or JSON object that some backend reads otherwise than this proxy is refused; so is one of which it cannot be told.
func TestABodyThatIsReadInTwoWaysIsRefused(t *testing.T) {
	b, f := itemsFleet(t)
	c := f.replica()
	const put = `{"_method":"PUT"}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(put))
	_ = z.Close()
	const inParts = "multipart/form-data; boundary=b"
	part := "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n"
	for name, tc := range map[string]struct{ kind, body, coding string }{
		"compressed JSON":                   {"application/json", zipped.String(), "gzip"},
		"a mark before it":                  {"application/json", "\xef\xbb\xbf" + put, ""},
		"UTF-16":                            {"application/json", "\xff\xfe{\x00", ""},
		"a number that is none":             {"application/json", `{"a":NaN,"_method":"PUT"}`, ""},
		"a comment":                         {"application/json", `{/**/"_method":"PUT"}`, ""},
		"no end":                            {"application/json", `{"_method":"PUT"`, ""},
		"a form and JSON":                   {"application/x-www-form-urlencoded; a=/json", put, ""},
		"a word somewhere":                  {"text/plain, application/x-www-form-urlencoded", "_method=PUT", ""},
		"EBCDIC":                            {"application/x-www-form-urlencoded; charset=cp037", "\x6d", ""},
		"a character set that is malformed": {"application/x-www-form-urlencoded; charset=ibm037; =", "\x6d", ""},
		"parts after the end":               {inParts, "--b--\r\n" + part + "--b--\r\n", ""},
		"parts that begin after a bare LF":  {inParts, "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nv\n" + part + "--b--\r\n", ""},
		"an encoded word":                   {inParts, strings.Replace(part, "_method", "=?utf-8?B?X21ldGhvZA==?=", 1) + "--b--\r\n", ""},
		"an extended name":                  {inParts, strings.Replace(part, `name="_method"`, `name*=utf-8''x; name=_method`, 1) + "--b--\r\n", ""},
		"other quotes":                      {inParts, strings.Replace(part, `"_method"`, `'_method'`, 1) + "--b--\r\n", ""},
	} {
		header := []string{"Content-Type", tc.kind}
		if tc.coding != "" {
			header = append(header, "Content-Encoding", tc.coding)
		}
		if got := c.do("POST", "/items/a", tc.body, header...); got.StatusCode != 400 {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for name, tc := range map[string][2]string{
		"deep JSON":        {"application/json", `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `,"_method":"PUT"}`},
		"as Laravel looks": {"text/plain; x=/json", put},
		"other parts":      {"multipart/x-mixed; boundary=b", part + "--b--\r\n"},
	} {
		c.do("POST", "/items/a", tc[1], "Content-Type", tc[0]).want(t, 409, refusal.Missing)
		_ = name
	}
	if len(b.writes()) > 0 {
		t.Errorf("applied: %q", b.writes())
	}
	file := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename*=utf-8''%C3%A4.txt\r\n\r\nx\r\n--b--\r\n"
	c.do("POST", "/items/a", file, "Content-Type", inParts).want(t, 204)
	c.do("POST", "/items/a", `{"text":"half`, "Content-Type", "application/json").want(t, 204) // nothing to obey in it
}

func TestNothingLeadsOutOfTheUpstreamsPathAndBack(t *testing.T) {
	b := newBackend(t)
	b.texts["/base/items/a"], b.texts["/base/items/b"], b.texts["/base/free"] = "one", "one", "x"
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/items/{id}"
	f.cfg.Upstream, _ = url.Parse(b.URL + "/base")
	c := f.replica()
	for _, path := range []string{"/../base/items/a", "/%2e%2e/base/items/a", "/..;/base/items/a", "/..%2fbase/items/a", "/x/../../base/items/a", `/..\base/items/a`, "/../other"} {
		if got := f.raw(c, "PUT", path); got != http.StatusBadRequest {
			t.Errorf("PUT %s: %d", path, got)
		}
	}
	c.do("COPY", "/free", "", "Destination", "/base/items/a").want(t, 409, refusal.Missing)
	c.do("COPY", "/free", "", "Destination", "/base//items/a").want(t, 400, refusal.Malformed)
	old := c.get("/items/a").etag()
	c.do("COPY", "/items/b", "", "Destination", "/base/items/a", "If-Match", c.get("/items/b").etag()).want(t, 204)
	c.put("/items/a", "lost", old).want(t, 409, refusal.Stale)

	f.cfg.Routes[0].Upstream = f.cfg.Upstream // and the file's is the backend itself
	f.cfg.Upstream, _ = url.Parse(b.URL)
	c = f.replica()
	c.do("PUT", "/base/items/a", "x").want(t, 400, refusal.Malformed)
	c.do("COPY", "/free", "", "Destination", "/items/a").want(t, 400, refusal.Malformed)
	c.do("PUT", "/base/free", "x").want(t, 204)
	c.do("PUT", "/BASE/items/a", "x").want(t, 400, refusal.Malformed)
	c.get("/base/items/a").want(t, 200) // a read goes where it went
}

func TestTheStricterOfTwoRulesCountsForAnOddPath(t *testing.T) {
	b, f := itemsFleet(t)
	watch := f.cfg.Routes[0]
	watch.Name, watch.Match, watch.Mode = "watch", "/watch/{path...}", proxy.Observe
	f.cfg.Routes = append(f.cfg.Routes, watch)
	c := f.replica()
	for _, path := range []string{"/watch/../items/a", "/watch/..%2fitems/a"} {
		if got := f.raw(c, "PUT", path); got != http.StatusBadRequest {
			t.Errorf("PUT %s: %d", path, got)
		}
	}
	if len(b.writes()) > 0 {
		t.Errorf("applied: %q", b.writes())
	}
}

// Where no when fits, the body may still name what one asks for.
func TestABodyThatChoosesARuleIsNoWayRoundAllOfThem(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Match, f.cfg.Routes[0].When = "/api.php", map[string]string{"action": "save"}
	f.cfg.Routes[0].Guard, f.cfg.Routes[0].Pass = []string{"POST"}, nil
	c := f.replica()
	for _, body := range []string{"action=save", "ACTION[]=save"} {
		c.do("POST", "/api.php", body, "Content-Type", urlencoded).want(t, 400, refusal.Malformed)
	}
	c.do("POST", "//api.php", "action=save", "Content-Type", urlencoded).want(t, 400, refusal.Malformed)
	c.do("POST", "/api.php?action=get", `{"action":["save"]}`, "Content-Type", "application/json").want(t, 400, refusal.Malformed)
	c.do("POST", "/api.php?action=get", "action=save", "Content-Type", "text/plain", "Connection", "Content-Type").want(t, 400, refusal.Malformed)
	c.do("POST", "/api.php?action=get", "text=x", "Content-Type", urlencoded).want(t, 204)
}

func TestATunnelIsNotForWhatIsGuarded(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	r := &f.cfg.Routes[0]
	r.Match, r.Guard, r.Pass, r.WebSocket, r.Version.Read = "/api.php", []string{"GET", "POST"}, nil, true, "/a"
	c := f.replica()
	c.get("/api.php?save=1", "Connection", "Upgrade", "Upgrade", "websocket").want(t, 409, refusal.Missing)
	var got http.Header
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool { got = r.Header; return false })
	c.get("/a", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c-14", "HTTP2-Settings", "AAMAAABk").want(t, 200)
	if got["Upgrade"] != nil || got["Http2-Settings"] != nil {
		t.Errorf("the backend got %v", got)
	}
}

// Where nobody can tell which method a request has, a route that only watches takes it for a write.
func TestARequestOfAMethodThatCannotBeToldIsNoRead(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	watch := f.cfg.Routes[0]
	watch.Name, watch.When, watch.Mode = "watch", map[string]string{"quiet": "1"}, proxy.Observe
	f.cfg.Routes = append(f.cfg.Routes, watch)
	c := f.replica()
	tag := c.get("/a").etag()
	c.get("/a?quiet=1", "X-HTTP-Method-Override", "PUT", "X-Method-Override", "DELETE").want(t, 200)
	c.put("/a", "two", tag).want(t, 409, refusal.Stale)
}

func TestTheStricterRuleOfASourceAndItsDestinationCounts(t *testing.T) {
	_, f := itemsFleet(t)
	watch := f.cfg.Routes[0]
	watch.Name, watch.Match, watch.Mode = "watch", "/watch/{id}", proxy.Observe
	f.cfg.Routes = append(f.cfg.Routes, watch)
	c := f.replica()
	c.do("COPY", "/watch/x", "", "Destination", "/items/a").want(t, 409, refusal.Missing)
	c.do("COPY", "/watch/x", "", "Destination", "/watch/y").want(t, 204)
}

// Where nothing is guarded, nobody is in the way.
func TestWhereNothingIsGuardedEverySpellingPasses(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Mode = proxy.Off
	f.cfg.Upstream, _ = url.Parse(b.URL + "/base")
	c := f.replica()
	for _, path := range []string{"//" + strings.Repeat("x/../", 1000), "/../other", "/a%3Fb"} {
		if got := f.raw(c, "PUT", path); got != http.StatusNoContent {
			t.Errorf("PUT %.20s: %d", path, got)
		}
	}
	c.do("COPY", "/x", "", "Destination", "x").want(t, 204)
	c.get("/x", "X-Original-URL", "/y", "X-HTTP-Method-Override", "PUT").want(t, 200)
}
