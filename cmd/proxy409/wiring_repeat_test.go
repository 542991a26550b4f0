package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"proxy409/config"
	"proxy409/proxy"
)

// repeats is a configuration with all that routes may do with repeated and stale writes.
func repeats(t *testing.T) *config.Config {
	t.Helper()
	cfg, _, err := config.Load("testdata/repeat.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestWhatBecomesOfRepeatedWritesReachesTheProxy(t *testing.T) {
	type part struct {
		NoReplay, Merge bool
		Idempotency     proxy.Idempotency
		History         proxy.History
	}
	var got []part
	for _, r := range repeats(t).Routes {
		p := route(r)
		got = append(got, part{p.NoReplay, p.Merge, p.Idempotency, p.History})
	}
	want := []part{
		{NoReplay: true, Merge: true, History: proxy.History{Keep: 100 << 10, For: 90 * time.Minute, Sets: []string{"/tags", "/a/b"}}},
		{Idempotency: proxy.Idempotency{TTL: 2 * time.Hour, Required: true}},
		{Idempotency: proxy.Idempotency{TTL: 24 * time.Hour}, History: proxy.History{Keep: 64 << 10, For: time.Hour}},
		{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestExplainSaysWhatBecomesOfRepeatedWrites(t *testing.T) {
	var out strings.Builder
	s := &sheet{out: &out}
	for _, r := range repeats(t).Routes {
		for _, line := range rules(r) {
			s.line(r.Name, "%s", line)
		}
	}
	golden(t, "explain/repeat.txt", out.String())
}

// A key that is added to a package and forgotten in the wiring would be one that the file promises and nobody keeps.
func TestEveryKeyOfARouteReachesTheProxy(t *testing.T) {
	cfg, _, err := config.Parse("all.yaml", []byte(`
upstream: http://127.0.0.1:9000
routes:
  - name: all
    match: /all/{id}
    when: {query: {a: b}}
    key: {case: fold}
    path: allow
    websocket: true
    private: true
    verify: always
    host: upstream
    store_down: allow
    replay: off
    idempotency: {}
    history: {}
    on_stale: merge
    expect: [if-match]
    body_template: "{{.Title}}"
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := reflect.ValueOf(route(cfg.Routes[0]))
	for i := range all.NumField() {
		if all.Field(i).IsZero() {
			t.Errorf("the proxy's %s is not set", all.Type().Field(i).Name)
		}
	}
}
