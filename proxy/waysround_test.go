package proxy_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// itemsFleet guards /items/{id} and nothing else.
func itemsFleet(t *testing.T) (*backend, *fleet) {
	b := newBackend(t)
	b.texts["/items/a"], b.texts["/free"] = "one", "free"
	f := newFleet(t, b)
	f.cfg.Routes[0].Name, f.cfg.Routes[0].Match = "items", "/items/{id}"
	return b, f
}

func TestAPathInAnotherLetterCaseLeadsRoundNoGuard(t *testing.T) {
	b, f := itemsFleet(t)
	c := f.replica()
	for _, path := range []string{"/ITEMS/a", "/Items/a", "/items/a/../../ITEMS/a", "//ITEMS/a", "/%49tems/a"} {
		if got := f.raw(c, "PUT", path); got != http.StatusBadRequest {
			t.Errorf("PUT %s: %d", path, got)
		}
		if got := f.raw(c, "GET", path); got == http.StatusBadRequest {
			t.Errorf("GET %s: %d, and reads change nothing", path, got)
		}
	}
	if got := f.raw(c, "PUT", "/FREE"); got != http.StatusNoContent {
		t.Errorf("PUT /FREE, which no rule can mean: %d", got)
	}
	if applied := b.writes(); len(applied) != 1 {
		t.Errorf("applied: %q", applied)
	}
	c.put("/items/a", "two", c.get("/items/a").etag()).want(t, 204)
}

func TestRoutesThatDifferInLetterCaseAreTwo(t *testing.T) {
	_, f := itemsFleet(t)
	upper := f.cfg.Routes[0]
	upper.Name, upper.Match = "upper", "/Items/{nr}"
	f.cfg.Routes = append(f.cfg.Routes, upper)
	c := f.replica()
	c.do("PUT", "/Items/b", "x").want(t, 409, refusal.Missing)
	c.do("PUT", "/items/b", "x").want(t, 409, refusal.Missing)
	c.do("PUT", "/iTEMS/b", "x").want(t, 400, refusal.Malformed)
}

func TestWhereLetterCaseIsFoldedASpellingIsNoOtherResource(t *testing.T) {
	b, f := itemsFleet(t)
	f.cfg.Routes[0].Key = proxy.Key{FoldCase: true, Query: map[string]string{"v": "^[A-Za-z]+$"}}
	f.cfg.Routes[0].Match = "/Items/{id}"
	b.texts["/Items/A"], b.texts["/items/a"] = "one", "one"
	keys := keysOf(f, "/items/a?v=x", "/ITEMS/A?v=X", "/Items/%41?v=x", "/items/b?v=x", "/items/a?v=y")
	for i, same := range []int{0, 0, 0, 3, 4} {
		if (keys[i] == keys[0]) != (same == 0) || keys[i] == (etagcache.Key{}) {
			t.Errorf("request %d: key %s, and that of 0 is %s", i, keys[i], keys[0])
		}
	}
	c := f.replica()
	tag := c.get("/items/a?v=x").etag()
	c.do("PUT", "/ITEMS/A?v=x", "two", "If-Match", tag).want(t, 204)
	c.put("/items/a?v=X", "three", tag).want(t, 409, refusal.Stale)
}

func TestAForeignHostLeadsRoundNoGuard(t *testing.T) {
	b, f := itemsFleet(t)
	f.cfg.Routes[0].Match = "api.example.com/items/{id}"
	c := f.replica()
	with := func(host string) answer {
		req, _ := http.NewRequest("PUT", c.url+"/items/a", strings.NewReader("x"))
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return answer{Response: res}
	}
	with("api.example.com").want(t, 409)
	with("evil.example").want(t, 400)
	with("127.0.0.1").want(t, 400)
	if len(b.writes()) > 0 {
		t.Errorf("applied: %q", b.writes())
	}
	f.cfg.Routes = append(f.cfg.Routes, proxy.Route{Name: "rest", Match: "/", Mode: proxy.Off})
	c = f.replica()
	with("evil.example").want(t, 204) // there is a rule for all other hosts
}

func TestFieldsThatNameAnotherPathReachNoBackend(t *testing.T) {
	b, f := itemsFleet(t)
	var got http.Header
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool { got = r.Header; return false })
	c := f.replica()
	c.do("PUT", "/free", "x", "X-Original-URL", "/items/a", "X-Rewrite-Url", "/items/a", "X_Original_URL", "/items/a", "X-Other", "kept").want(t, 204)
	for name := range got {
		if strings.Contains(name, "Url") || strings.Contains(name, "_") {
			t.Errorf("the backend got %s: %s", name, got[name])
		}
	}
	if got.Get("X-Other") != "kept" {
		t.Error("a field that is no concern of ours did not reach the backend")
	}
}

func TestWhoMayForwardIsBelievedAndNobodyElse(t *testing.T) {
	b, f := itemsFleet(t)
	var got http.Header
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool { got = r.Header; return false })
	sent := []string{
		"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Host", "shop.example", "X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/shop",
		"Forwarded", "for=192.0.2.1", "X_Forwarded_For", "192.0.2.9",
	}
	c := f.replica()
	c.get("/free", sent...).want(t, 200)
	own := strings.TrimPrefix(c.url, "http://")
	if got.Get("X-Forwarded-For") != "127.0.0.1" || got.Get("X-Forwarded-Host") != own || got.Get("X-Forwarded-Proto") != "http" ||
		got["X-Forwarded-Prefix"] != nil || got["Forwarded"] != nil || got["X_forwarded_for"] != nil {
		t.Errorf("from anybody: %v", got)
	}
	f.cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f.replica().get("/free", sent...).want(t, 200)
	if got.Get("X-Forwarded-For") != "192.0.2.1, 127.0.0.1" || got.Get("X-Forwarded-Host") != "shop.example" ||
		got.Get("X-Forwarded-Proto") != "https" || got.Get("X-Forwarded-Prefix") != "/shop" || got.Get("Forwarded") != "for=192.0.2.1" || got["X_forwarded_for"] != nil {
		t.Errorf("from a trusted proxy: %v", got)
	}
}

func TestACopyFromAnUnguardedPlaceOntoAGuardedOneIsJudged(t *testing.T) {
	b, f := itemsFleet(t)
	c := f.replica()
	for name, header := range map[string][]string{
		"COPY": {"Destination", "/items/a"},
		"MOVE": {"Destination", "http://elsewhere.example/items/%61"},
		"copy": {"Destination", "/items/a"},
		"POST": {"Destination", "/items/a", "X-HTTP-Method-Override", "COPY"},
		"LINK": {"Destination", "/items/a", "X_HTTP_Method_Override", "COPY"},
	} {
		got := c.do(name, "/free", "", header...)
		if name == "LINK" { // not one that an override can turn into a COPY, and none of Destination's business
			got.want(t, 204)
			continue
		}
		got.want(t, 409, refusal.Missing)
	}
	c.do("COPY", "/free", "", "Destination", "//items//a").want(t, 400, refusal.Malformed)
	c.do("COPY", "/free", "", "Destination", "/elsewhere").want(t, 204)
	c.do("PUT", "/free", "x", "Destination", "/items/a").want(t, 204)
	if applied := b.writes(); len(applied) != 3 {
		t.Errorf("applied: %q", applied)
	}
	before := c.get("/items/a").etag()
	c.do("COPY", "/free", "", "Destination", "/items/a", "If-Match", c.get("/free").etag()).want(t, 204)
	c.put("/items/a", "x", before).want(t, 409, refusal.Stale)
}

func TestABodyThatNamesAnotherResourceThanTheQueryIsRefused(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	read := f.cfg.Routes[0]
	read.Name, read.When, read.Mode = "read", map[string]string{"action": "get"}, proxy.Off
	write := f.cfg.Routes[0]
	write.Name, write.When, write.Guard, write.Pass = "write", map[string]string{"action": "save"}, []string{"POST"}, nil
	write.Key.Query = map[string]string{"id": "^[0-9]+$"}
	f.cfg.Routes = []proxy.Route{read, write}
	for i := range f.cfg.Routes {
		f.cfg.Routes[i].Match = "/api.php"
	}
	c := f.replica()
	for _, tc := range []struct {
		query, kind, body string
		status            int
	}{
		{"action=save&id=7", urlencoded, "id=7&text=x", 409}, // missing: it is judged
		{"action=save&id=7", urlencoded, "text=x", 409},
		{"action=save&id=7", urlencoded, "id=8", 400},
		{"action=save&id=7", urlencoded, "ID[]=8", 400},
		{"action=save&id=7", parts, named("id", "8") + end, 400},
		{"action=save&id=7", "application/json", `{"id":8}`, 400},
		{"action=save&id=7", "application/json", `{"id":7}`, 409},
		{"action=get&id=7", urlencoded, "action=save", 400},
		{"action=get&id=7", urlencoded, "text=x", 204},
		{"id=7", urlencoded, "text=x", 204}, // no when fits
		{"action=get&id=7", "text/plain", "action=save", 204},
	} {
		if got := c.do("POST", "/api.php?"+tc.query, tc.body, "Content-Type", tc.kind); got.StatusCode != tc.status {
			t.Errorf("?%s %s %s: %d, want %d: %s", tc.query, tc.kind, tc.body, got.StatusCode, tc.status, got.body)
		}
	}
}

func TestAMethodInDisguiseIsJudged(t *testing.T) {
	b, f := itemsFleet(t)
	c := f.replica()
	for _, tc := range []struct{ method, query, kind, body string }{
		{"POST", "", "application/json", `{"_method":"PUT"}`},
		{"POST", "", "application/vnd.api+json; charset=utf-8", `{"a":{"_method":"GET"},"_METHOD":"delete"}`},
		{"POST", "X-HTTP-Method-Override=PUT", "text/plain", ""},
		{"POST", "", urlencoded, "a=1&x-http-method=PATCH"},
		{"GET", "_method=DELETE", "text/plain", ""},
		{"GET", "", urlencoded, "_method=DELETE"},
	} {
		c.do(tc.method, "/items/a?"+tc.query, tc.body, "Content-Type", tc.kind).want(t, 409, refusal.Missing)
	}
	c.get("/items/a?_method=search").want(t, 200)
	c.do("POST", "/items/a", `{"method":"PUT"}`, "Content-Type", "application/json").want(t, 204)
	if applied := b.writes(); len(applied) != 1 {
		t.Errorf("applied: %q", applied)
	}
}

func TestATargetThatIsNoPathIsRefusedEverywhere(t *testing.T) {
	b, f := itemsFleet(t)
	c := f.replica()
	for _, target := range []string{"x:items/a", "http:items/a"} {
		if got := f.raw(c, "PUT", target); got != http.StatusBadRequest {
			t.Errorf("PUT %s: %d", target, got)
		}
	}
	if len(b.writes()) > 0 {
		t.Errorf("applied: %q", b.writes())
	}
}

func TestDangerousSpellingsShareTheKeyWhereTheyAreAllowed(t *testing.T) {
	b, f := itemsFleet(t)
	b.texts["/items//a"], b.texts["/items/b/c"] = "one", "x"
	f.cfg.Routes[0].Match, f.cfg.Routes[0].AllowOdd = "/items/", true
	keys := keysOf(f, "/items/a", "/items//a", "/items/x/../a", "/items/%2561", `/items\a`, "/items/a%00", "/items/b/c", "/items/b%2Fc", "/items/a%3Fx")
	for i, same := range []int{0, 0, 0, 0, 0, 0, 6, 6, 0} {
		if keys[i] != keys[same] || keys[i] == (etagcache.Key{}) {
			t.Errorf("request %d has the key %s, that of %d is %s", i, keys[i], same, keys[same])
		}
	}
	c := f.replica()
	tag := c.get("/items/a").etag()
	for _, path := range []string{"/items//a", "/x/../items/a", "/items/../free"} { // the last may be below /items/, too
		if got := f.raw(c, "PUT", path); got != http.StatusConflict {
			t.Errorf("PUT %s: %d, want it to be judged", path, got)
		}
	}
	c.put("/items/a", "two", tag).want(t, 204)

	f.cfg.Routes[0].Match, f.cfg.Routes[0].Key.Path = "/items/{id}", map[string]string{"id": "^[a-z]+"}
	c = f.replica()
	if got := f.raw(c, "PUT", "/items/a%2Fb"); got != http.StatusBadRequest {
		t.Errorf("a wildcard that is part of the key and cannot be told: %d", got)
	}
}
