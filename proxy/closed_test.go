package proxy_test

import (
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAClosedRouteLetsNothingPass(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("the backend got %s %s", r.Method, r.URL)
		return false
	})
	f := newFleet(t, b)
	closed := route()
	closed.Match, closed.Mode = "/admin/", proxy.Closed
	open := route()
	open.Match, open.Mode = "/", proxy.Off
	f.cfg.Routes = []proxy.Route{open, closed}
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "get", "LOCK"}
	for _, m := range methods {
		got := c.do(m, "/admin/x", "x")
		if got.want(t, 403); m != "HEAD" {
			got.want(t, 403, refusal.Closed)
		}
	}
	if n := o.count("decision refused closed"); n != len(methods) {
		t.Errorf("%d refusals were counted: %q", n, o.all())
	}
	for _, path := range []string{
		"/admin", "/admin/", "//admin", "//admin/x", "/./admin/x", "/x/../admin/x", "/x/%2e%2e/admin/x", "/%61dmin/x", "/admin%2fx",
		"/admin%252fx", "/admin\\x", "/%5cadmin/x", "/admin;v=1/x", "/admin%3Bv/x", "/admin%00/x", "/admin./x", "/admin%20/x",
		"/%c0%af/admin/x", "/admin/../admin/x", "/admin?x=1", "/admin/x#y",
	} {
		for _, m := range []string{"GET", "POST", "PUT"} {
			if got := f.raw(c, m, path); got != 403 {
				t.Errorf("%s %s: %d", m, path, got)
			}
		}
	}
	for _, header := range [][]string{
		{"X-HTTP-Method-Override", "GET"},
		{"Connection", "If-Match"},
		{"If-Match", `"x"`},
		{"Upgrade", "websocket", "Connection", "Upgrade"},
		{"X-Original-URL", "/"},
		{"Content-Type", "multipart/form-data"},
	} {
		c.do("POST", "/admin/x", "_method=GET", header...).want(t, 403, refusal.Closed)
	}
}

// Nobody needs to send a form to be told that it is refused, and the proxy need not hold it.
func TestAClosedRouteReadsNoForm(t *testing.T) {
	f := newFleet(t, newBackend(t))
	f.cfg.Routes[0].Mode = proxy.Closed
	c := f.replica()
	wanted := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { wanted = true }})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/a", strings.NewReader("a=1"))
	req.Header.Set("Content-Type", urlencoded)
	req.Header.Set("Expect", "100-continue")
	res, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 || wanted {
		t.Errorf("%d, and the form was wanted: %t", res.StatusCode, wanted)
	}
}

func TestAMoveIntoAClosedRouteIsRefused(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	closed := route()
	closed.Match, closed.Mode = "/admin/", proxy.Closed
	f.cfg.Routes = append(f.cfg.Routes, closed)
	c := f.replica()
	c.do("MOVE", "/a", "", "If-Match", c.get("/a").etag(), "Destination", c.url+"/admin/x").want(t, 403, refusal.Closed)
	if len(b.writes()) > 0 {
		t.Errorf("the backend got %q", b.writes())
	}
}

func TestAMoveFindsItsDestinationWhicheverHostTheBackendIsSent(t *testing.T) {
	b := newBackend(t)
	b.texts["/b"] = "two"
	f := newFleet(t, b)
	f.cfg.Routes[0].Match, f.cfg.Routes[0].UpstreamHost = "127.0.0.1/", true
	c := f.replica()
	tag := c.get("/b").etag()
	c.do("MOVE", "/a", "", "If-Match", c.get("/a").etag(), "Destination", c.url+"/b").want(t, 204)
	c.put("/b", "x", tag).want(t, 409, refusal.Stale)
}
