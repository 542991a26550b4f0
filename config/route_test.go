package config

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"
)

func parseRoutes(t *testing.T, text string) []Route {
	t.Helper()
	c, _, err := Parse("routes.yaml", []byte("upstream: http://localhost:9000\n"+text), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c.Routes
}

const inheritance = `
routes:
  - name: own
    match: /own/{id}
    upstream: http://own.example
    timeouts: {write: 3s}
    limits: {body: 3KiB}
    refusals: {status: {stale: 418}}
    key: {query: {nr: "^[0-9]+$"}}
    version: {suffixes: []}
  - {name: shared, match: /shared}
defaults:
  upstream: http://shared.example
  host: upstream
  private: true
  timeouts: {write: 20s, settle: 2s}
  limits: {body: 2KiB, tags: 2}
  refusals: {profile: rfc9110, status: {stale: 410, busy: 423}}
  key: {query: {id: "^[0-9]+$"}}
  version: {suffixes: [-gzip], lag: 1s}
timeouts: {write: 10s, busy_wait: 1s}
limits: {representation: 1KiB, body: 1KiB}
refusals: {disclose: never, status: {absent: 404}}
`

func TestARouteInheritsFromDefaultsAndThenFromTheFile(t *testing.T) {
	routes := parseRoutes(t, inheritance)
	own, shared := routes[0], routes[1]
	if own.Upstream.Host != "own.example" || shared.Upstream.Host != "shared.example" || shared.Host != HostUpstream || !own.Private {
		t.Errorf("got upstreams %v and %v, host %v, private %v", own.Upstream, shared.Upstream, shared.Host, own.Private)
	}
	if want := (RouteTimeouts{3 * time.Second, 2 * time.Second, time.Second, 5 * time.Minute, 5 * time.Minute}); own.Timeouts != want {
		t.Errorf("got timeouts %v, want %v", own.Timeouts, want)
	}
	if want := (RouteLimits{Body: 3 * KiB, Representation: KiB, Tags: 2, Waiters: 64}); own.Limits != want {
		t.Errorf("got limits %+v, want %+v", own.Limits, want)
	}
	want := Refusals{ProfileRFC9110, map[string]int{"stale": 418, "busy": 423, "absent": 404}, "urn:proxy409:", DiscloseNever}
	if !reflect.DeepEqual(own.Refusals, want) {
		t.Errorf("got refusals %+v, want %+v", own.Refusals, want)
	}
	if got := slices.Collect(maps.Keys(own.Key.Query)); !slices.Equal(got, []string{"nr"}) {
		t.Errorf("the key has the parameters %v; a route's own replace those of defaults", got)
	}
	if own.Version.Suffixes != nil || own.Version.Lag != time.Second || len(shared.Version.Suffixes) != 1 {
		t.Errorf("got versions %+v and %+v", own.Version, shared.Version)
	}
}

func TestRoutesShareNothing(t *testing.T) {
	const text = `
defaults:
  key: {query: {id: "[0-9]+"}, path: {nr: "[0-9]+"}}
  version: {from: body, ignore: [/a]}
  expect: ["query:rev"]
  ask_headers: {X-A: a}
routes: [{name: a, match: "/a/{nr}"}, {name: b, match: "/b/{nr}"}]
`
	routes, untouched := parseRoutes(t, text), parseRoutes(t, text)
	r := routes[0]
	r.Guard[0], r.Pass[0], r.Version.Ignore[0] = "X", "X", "/x"
	r.Key.Query["x"], r.Key.Path["x"], r.Refusals.Status["stale"] = "x", "x", 499
	r.Expect[0], r.AskHeaders["X-A"] = "x", NewSecret("x")
	r.Upstream.Host = "changed"
	if !reflect.DeepEqual(routes[1], untouched[1]) {
		t.Errorf("a change of one route changes another: %+v", routes[1])
	}
}

func TestGuardingPostChangesOtherDefaults(t *testing.T) {
	for text, want := range map[string]Route{
		"guard: [PUT]":                            {Pass: []string{"POST"}, Missing: MissingReject},
		"guard: [POST]":                           {Pass: []string{}, Missing: MissingAllow},
		"guard: [POST, PUT]":                      {Pass: []string{}, Missing: MissingReject},
		"guard: [POST], missing: reject":          {Pass: []string{}, Missing: MissingReject},
		"guard: [POST], pass: [PURGE]":            {Pass: []string{"PURGE"}, Missing: MissingAllow},
		"guard: [GET], version: {read: /a}":       {Pass: []string{"POST"}, Missing: MissingReject},
		"guard: [POST], pass: [], missing: allow": {Pass: []string{}, Missing: MissingAllow},
	} {
		for _, file := range []string{
			"defaults: {" + text + "}",
			"routes: [{name: a, match: /, " + text + "}]",
			"defaults: {" + text + "}\nroutes: [{name: a, match: /}]",
		} {
			got := parseRoutes(t, file)[0]
			if !slices.Equal(got.Pass, want.Pass) || got.Missing != want.Missing {
				t.Errorf("%s: got pass %v and missing %s, want %v and %s", file, got.Pass, got.Missing, want.Pass, want.Missing)
			}
		}
	}
}

func TestQualifyDependsOnTheSource(t *testing.T) {
	for text, want := range map[string]Qualify{
		"{}":                                QualifyReturned,
		"{from: body}":                      QualifyNever,
		"{from: json, pointer: /v}":         QualifyReturned,
		"{from: header, header: X-V}":       QualifyReturned,
		"{from: body, qualify: returned}":   QualifyReturned,
		"{from: body, qualify: always}":     QualifyAlways,
		"{qualify: never, compare: strong}": QualifyNever,
	} {
		if got := parseRoutes(t, "defaults: {version: "+text+"}")[0].Version.Qualify; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	routes := parseRoutes(t, "defaults: {version: {qualify: returned}}\nroutes: [{name: a, match: /, version: {from: body}}]")
	if got := routes[0].Version.Qualify; got != QualifyReturned {
		t.Errorf("got %s, though defaults says returned", got)
	}
}

func TestWhatDefaultsSaysForOtherRoutesIsNotInherited(t *testing.T) {
	routes := parseRoutes(t, `
defaults: {version: {from: json, pointer: /version, read: "/r/{id}"}}
routes:
  - {name: same, match: "/a/{id}"}
  - {name: same-too, match: "/b/{id}", version: {from: json}}
  - {name: body, match: "/c/{id}", version: {from: body, ignore: [/t]}}
  - {name: etag, match: "/d/{id}", version: {from: etag, suffixes: [-gzip, ";br", --gzip]}}
  - {name: closed, match: /e, mode: closed, guard: [GET]}
  - {name: off, match: /f, mode: off}
`)
	for i, want := range []string{"/version", "/version", "", "", "/version", "/version"} {
		if got := routes[i].Version.Pointer; got != want {
			t.Errorf("%s: got pointer %q, want %q", routes[i].Name, got, want)
		}
	}
	for i, want := range []string{"/r/{id}", "/r/{id}", "/r/{id}", "/r/{id}", "", ""} {
		if got := routes[i].Version.Read; got != want {
			t.Errorf("%s: got read %q, want %q", routes[i].Name, got, want)
		}
	}
}

func TestARoutesExpectationsAndFieldsReplaceThoseOfDefaults(t *testing.T) {
	routes := parseRoutes(t, `
defaults: {expect: ["query:rev"], ask_headers: {X-A: a, X-B: b}, body_template: shared}
routes:
  - {name: shared, match: /a}
  - {name: own, match: /b, expect: ["header:X-V"], ask_headers: {X-A: c}, body_template: own}
  - {name: plain, match: /c, mode: off}
`)
	for i, want := range []Route{
		{Rules: Rules{Expect: []string{"query:rev"}, AskHeaders: map[string]Secret{"X-A": NewSecret("a"), "X-B": NewSecret("b")}}, BodyTemplate: "shared"},
		{Rules: Rules{Expect: []string{"header:X-V"}, AskHeaders: map[string]Secret{"X-A": NewSecret("c")}}, BodyTemplate: "own"},
		{BodyTemplate: "shared"},
	} {
		if got := routes[i]; !reflect.DeepEqual(got.Rules, want.Rules) || got.BodyTemplate != want.BodyTemplate {
			t.Errorf("%s: got %+v and body_template %s", got.Name, got.Rules, got.BodyTemplate)
		}
	}
}

func TestRoutesMayShareAMatch(t *testing.T) {
	routes := parseRoutes(t, `
routes:
  - {name: save, match: /api.php, when: {query: {action: "save|delete"}}, guard: [GET, POST],
     key: {query: {id: "^[1-9][0-9]*$"}}, version: {from: body, read: "/api.php?action=get&id={id}"}}
  - {name: load, match: /api.php, when: {query: {action: "load"}}}
  - {name: rest, match: /api.php, mode: closed}
  - {name: title, match: "/posts/{id}/{rest...}", key: {path: {id: "^[0-9]+"}}, version: {read: "/p/{id}?q={rest}"}}
`)
	if got := routes[0].When.Query["action"]; got != "save|delete" || routes[2].When.Query != nil || routes[2].Mode != Closed {
		t.Errorf("got %+v", routes)
	}
	if routes[0].Key.Query["id"] != "^[1-9][0-9]*$" || routes[3].Key.Path["id"] != "^[0-9]+" {
		t.Errorf("got keys %v and %v", routes[0].Key, routes[3].Key)
	}
}
