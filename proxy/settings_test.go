package proxy_test

import (
	"maps"
	"net/url"
	"slices"
	"testing"

	"proxy409/proxy"
)

func TestKeySettingsAreThoseThatMakeKeys(t *testing.T) {
	settings := func(upstream string, routes ...proxy.Route) map[string]string {
		t.Helper()
		u, err := url.Parse(upstream)
		if err != nil {
			t.Fatal(err)
		}
		s, err := (&proxy.Config{Upstream: u, Routes: routes}).KeySettings()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	php := func(change func(*proxy.Route)) proxy.Route {
		r := route()
		r.Match, r.Key = "/api.php", proxy.Key{Query: map[string]string{"id": "^[0-9]+$"}}
		change(&r)
		return r
	}
	same := func(*proxy.Route) {}
	base := settings("http://a:80", route(), php(same))
	for what, c := range map[string]struct {
		got    map[string]string
		differ []string // what differs from base
	}{
		"another spelling of the upstream": {settings("HTTP://A/", route(), php(same)), nil},
		"a route more":                     {settings("http://a", route(), proxy.Route{Name: "x", Match: "/x/{id}"}, php(same)), nil},
		"other rules":                      {settings("http://a", route(), php(func(r *proxy.Route) { r.Missing, r.Name = proxy.MissingAllow, "other" })), nil},
		"another upstream":                 {settings("http://b", route(), php(same)), []string{"route /", "route /api.php", "upstream"}},
		"another base path":                {settings("http://a/v1", route(), php(same)), []string{"route /", "route /api.php", "upstream"}},
		"another form of the key":          {settings("http://a", route(), php(func(r *proxy.Route) { r.Key.Query["id"] = "^[1-9][0-9]*$" })), []string{"route /api.php"}},
		"no key of its own":                {settings("http://a", route(), php(func(r *proxy.Route) { r.Key = proxy.Key{} })), []string{"route /", "route /api.php"}},
		"a route that is off":              {settings("http://a", route(), php(func(r *proxy.Route) { r.Mode = proxy.Off })), []string{"route /", "route /api.php"}},
		"a route with a host":              {settings("http://a", route(), php(same), proxy.Route{Match: "a.example/"}), []string{"route a.example/"}},
		"a narrower route": {
			settings("http://a", route(), php(func(r *proxy.Route) { r.When = map[string]string{"action": "save"} })),
			[]string{"route /api.php"},
		},
	} {
		var differ []string
		for _, name := range slices.Sorted(maps.Keys(c.got)) {
			if c.got[name] != base[name] {
				differ = append(differ, name)
			}
		}
		for name := range base {
			if _, ok := c.got[name]; !ok {
				differ = append(differ, name)
			}
		}
		slices.Sort(differ)
		if !slices.Equal(differ, c.differ) {
			t.Errorf("%s: %q differ, want %q", what, differ, c.differ)
		}
	}
}
