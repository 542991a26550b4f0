package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is where pages come from. A page works through its script and hands in what it could read.
type site struct {
	*httptest.Server
	t      testing.TB
	api    string
	result chan map[string]seen
}

// seen is what a page could read of one answer, or the browser's error in place of it.
type seen struct {
	Status                         int
	ETag, Retry, ProxyStatus, Body string
	Error                          string
}

// script is the page. Its picture is there when its result is, and until then it is not loaded: the browser stays.
const script = `<!doctype html><title>page</title><img src="/wait"><script>
const api = %q;
async function attempt(method, path, header, body) {
  try {
    const res = await fetch(api + path, {method, body, headers: header, credentials: "include"});
    const h = name => res.headers.get(name) ?? "";
    return {status: res.status, etag: h("ETag"), retry: h("Retry-After"), proxyStatus: h("Proxy-Status"), body: await res.text()};
  } catch (e) {
    return {error: String(e)};
  }
}
(async () => {
  const result = {};
  result.read = await attempt("GET", "/a", {});
  const tag = result.read.etag || '"v-1"';
  result.write = await attempt("PUT", "/a", {"If-Match": tag, "X-Note": "x"}, "two");
  result.stale = await attempt("PUT", "/a", {"If-Match": tag}, "three");
  result.creating = await attempt("PUT", "/a", {"If-None-Match": "*"}, "three");
  result.missing = await attempt("PUT", "/a", {}, "three");
  result.malformed = await attempt("PUT", "/a", {"If-Match": "two"}, "three");
  result.unverifiable = await attempt("PUT", "/ill", {"If-Match": tag}, "three");
  result.lost = await attempt("GET", "/lost", {});
  result.simple = await attempt("GET", "/a", {});
  await fetch("/result", {method: "POST", body: JSON.stringify(result)});
})();
</script>`

func newSite(t testing.TB, api string) *site {
	s := &site{t: t, api: api, result: make(chan map[string]seen, 1)}
	handed := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, script, s.api)
	})
	mux.HandleFunc("GET /wait", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-handed:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		result := map[string]seen{}
		if err := json.NewDecoder(r.Body).Decode(&result); err != nil {
			t.Error(err)
		}
		s.result <- result
		close(handed)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// visit opens the page in a browser by this host name, and returns what it could read.
func (s *site) visit(browser, host string) map[string]seen {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "proxy409-browser-")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left of it when the last of its processes has gone
	p := launch(s.t, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir="+dir, "--dump-dom", s.at(host)+"/")
	select {
	case result := <-s.result:
		p.exit(30 * time.Second)
		return result
	case <-p.done:
	case <-time.After(90 * time.Second):
	}
	s.t.Fatalf("the page handed nothing in; the browser said:\n%s", p.logs.tail(4000))
	return nil
}

// at is the site's origin by a host name.
func (s *site) at(host string) string { return strings.Replace(s.URL, "127.0.0.1", host, 1) }

// letting is a backend that keeps one document, lets the last write win, and lets the pages of one origin in; as strictly as
// Spring, Starlette or rs/cors, which refuse a preflight for one field too many.
type letting struct {
	friend string
	mu     sync.Mutex
	text   string
	writes []string
}

func (d *letting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := strings.Split(r.Header.Get("Access-Control-Request-Headers"), ",")
	unheard := slices.ContainsFunc(asked, func(name string) bool { return name != "" && name != "x-note" })
	if r.Header.Get("Origin") == d.friend && !unheard {
		w.Header().Set("Access-Control-Allow-Origin", d.friend)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	} else if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Vary", "Origin")
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", "GET, PUT")
		w.Header().Set("Access-Control-Allow-Headers", "X-Note")
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/ill":
		w.WriteHeader(http.StatusInternalServerError)
	case r.URL.Path == "/lost":
		panic(http.ErrAbortHandler)
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body)
		d.text, d.writes = string(body), append(d.writes, string(body))
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("ETag", `"v-`+d.text+`"`)
		fmt.Fprint(w, d.text)
	}
}

func (d *letting) written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.writes)
}

// browser finds Chromium. It is no part of what the other tests must have, so a variable of its own makes its lack a failure.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const lack = "there is no Chromium (apt-get install chromium): what a browser shows its pages was not tried"
	if os.Getenv("PROXY409_REQUIRE_BROWSER") == "1" {
		t.Fatal(lack)
	}
	t.Skip(lack)
	return ""
}

// browse has a browser show the page, of the origin that the backend lets in or of another one.
func browse(t *testing.T, friendly bool, more string) (map[string]seen, *letting) {
	t.Helper()
	chromium := browser(t)
	d := &letting{text: "1"}
	b := httptest.NewServer(d)
	t.Cleanup(b.Close)
	r := serve(t, setup{upstream: b.URL, more: more}.yaml()).ready()
	s := newSite(t, r.url)
	d.mu.Lock() // the proxy may have asked already
	d.friend = s.at("127.0.0.1")
	d.mu.Unlock()
	if !friendly {
		return s.visit(chromium, "localhost"), d
	}
	return s.visit(chromium, "127.0.0.1"), d
}

func TestAPageInABrowserReadsWhyItIsRefused(t *testing.T) {
	got, d := browse(t, true, "")
	for name, want := range map[string]struct {
		status      int
		etag, retry bool
		says        string
	}{
		"read":         {status: 200, etag: true, says: "1"},
		"write":        {status: 204},
		"stale":        {status: 409, says: `"reason":"stale"`},
		"creating":     {status: 409, says: `"reason":"exists"`},
		"missing":      {status: 409, says: `"reason":"missing"`},
		"malformed":    {status: 400, says: `"reason":"malformed"`},
		"unverifiable": {status: 503, retry: true, says: `"reason":"unverifiable"`},
		"lost":         {status: 502, says: `"reason":"backend"`},
		"simple":       {status: 200, etag: true, says: "two"},
	} {
		s := got[name]
		if s.Status != want.status || (s.ETag != "") != want.etag || (s.Retry != "") != want.retry || !strings.Contains(s.Body, want.says) ||
			s.Status >= 400 && !strings.HasPrefix(s.ProxyStatus, "proxy409;") {
			t.Errorf("%s: the page saw %+v, want %+v", name, s, want)
		}
	}
	if w := d.written(); !slices.Equal(w, []string{"two"}) {
		t.Errorf("the backend got %q", w)
	}
}

func TestAPageOfAnotherOriginReadsNothingInABrowser(t *testing.T) {
	got, d := browse(t, false, "")
	for name, s := range got {
		if s.Error == "" {
			t.Errorf("%s: the page saw %+v", name, s)
		}
	}
	if w := d.written(); len(got) != 9 || len(w) > 0 {
		t.Errorf("the page tried %d things, the backend got %q", len(got), w)
	}
}

// What the browser shows is the proxy's doing: without it the page is as blind as the backend leaves it.
func TestWithCORSOffAPageInABrowserIsAsBlindAsTheBackendLeavesIt(t *testing.T) {
	got, d := browse(t, true, "defaults: {cors: off}\n")
	for name, s := range got {
		if name == "read" || name == "simple" {
			if s.Status != 200 || s.ETag != "" {
				t.Errorf("%s: the page saw %+v", name, s)
			}
		} else if s.Error == "" {
			t.Errorf("%s: the page saw %+v", name, s)
		}
	}
	if w := d.written(); len(got) != 9 || len(w) > 0 {
		t.Errorf("the page tried %d things, the backend got %q", len(got), w)
	}
}
