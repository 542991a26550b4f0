package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestASecretNeverPrints(t *testing.T) {
	const password = "hunter2"
	s := NewSecret(password)
	type outer struct {
		Redis  Redis
		hidden Secret
		nested struct{ deep *Redis }
	}
	v := outer{Redis: Redis{URL: s}, hidden: s}
	v.nested.deep = &v.Redis
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+verb+verb, s, &s, v) // the wrong verbs are the point
	}
	for _, x := range []any{s, &s, v, map[string]Secret{"a": s}} {
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		marshalled, err := yaml.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(text, marshalled...))
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", s, "group", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", s, "group", v)
	if text := out.String(); strings.Contains(text, password) || strings.Contains(text, fmt.Sprintf("%x", password)) {
		t.Errorf("the secret is printed: %s", text)
	}
	if s.Reveal() != password || (Secret{}).Reveal() != "" {
		t.Error("Reveal does not")
	}
	if got := fmt.Sprint(s); got != "<secret>" {
		t.Errorf("got %s", got)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]ByteSize{
		"0": 0, "1024": 1024, "7B": 7, "16MiB": 16 << 20, "32KiB": 32 << 10, "2GiB": 2 << 30, "10KB": 10_000,
		"10MB": 10_000_000, "1GB": 1e9, "007": 7,
	} {
		got, err := byteSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
		if again, err := byteSize(got.String()); err != nil || again != got {
			t.Errorf("%s prints as %s, which reads as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "B", "MiB", "-1", "+1", "1.5MiB", "1 MiB", "1mib", "1M", "1_000", "0x10", "9223372036854775808",
		"9223372036854775807KiB", "8589934592GiB",
	} {
		if n, err := byteSize(text); err == nil {
			t.Errorf("%q reads as %d", text, n)
		}
	}
}

func TestExpansion(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "a", "EMPTY": "", "NEST": "${A}$${A}", "_x1": "x"}[name]
		return v, ok
	}
	for text, want := range map[string]string{
		"": "", "plain": "plain", "$A": "$A", "^[0-9]+$": "^[0-9]+$", "$": "$", "$$": "$$", "a}b": "a}b", "{$}": "{$}",
		"${A}": "a", "${A}${A}": "aa", "<${A}>": "<a>", "${_x1}": "x", "$$${A}": "$${A}", "$${A}": "${A}",
		"$${A}${A}$${": "${A}a${", "${EMPTY}": "", "${EMPTY:-d}": "d", "${NONE:-d}": "d", "${NONE:-}": "", "${A:-d}": "a",
		"${NONE:-$x:-{y}": "$x:-{y", "${NEST}": "${A}$${A}", "$ ${A}$": "$ a$",
	} {
		if got, err := expand(text, env); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"${", "a${A", "${}", "${NONE}", "${A-d}", "${A:?}", "${1}", "${ A}", "${A:-${A}}", "${:-x}", "${a.b}",
		strings.Repeat("${A}", 1000),
	} {
		if got, err := expand(text, env); err == nil {
			t.Errorf("%q expands to %q", text, got)
		}
	}
}

func TestProblemsOfOthersAreLocated(t *testing.T) {
	c, _, err := Parse("p.yaml", []byte(`upstream: http://localhost:9000
defaults:
  pass: [POST]
  version:
    reread: true
routes:
  - name: a
    match: /a
  - name: b
    match: /b
    version:
      compare: strong
limits: {tags: 8}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"routes[1].match":            "p.yaml:10: routes[1].match: bad",
		"routes[1].version.compare":  "p.yaml:12: routes[1].version.compare: bad",
		"routes[1].version.reread":   "p.yaml:5: defaults.version.reread: bad",
		"routes[0].version":          "p.yaml:4: defaults.version: bad",
		"routes[0].pass[0]":          "p.yaml:3: defaults.pass[0]: bad",
		"routes[0].guard":            "p.yaml:7: routes[0].guard: bad",
		"routes[0].upstream":         "p.yaml:1: upstream: bad",
		"routes[0].limits.tags":      "p.yaml:13: limits.tags: bad",
		"routes[0].limits.body":      "p.yaml:7: routes[0].limits.body: bad",
		"routes[7].guard":            "p.yaml:6: routes[7].guard: bad",
		"store.redis.url":            "p.yaml:1: store.redis.url: bad",
		"":                           "p.yaml:1: bad",
		"routes[1].version.from[0].": "p.yaml:11: routes[1].version.from[0].: bad",
	} {
		if got := c.Problem(path, "bad").String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := c.Locate("routes[1].match"); got != 10 {
		t.Errorf("got line %d", got)
	}
	fileless, err := Default("http://localhost:9000")
	if err != nil {
		t.Fatal(err)
	}
	if got := fileless.Problem("routes[0].match", "bad").String(); got != "routes[0].match: bad" {
		t.Errorf("got %s", got)
	}
}

func TestProblemsOfOthersWithRulesAreLocated(t *testing.T) {
	c, _, err := Parse("p.yaml", []byte(`upstream: http://localhost:9000
defaults:
  expect: [if-match, "header:X-Revision"]
routes:
  - name: a
    match: /a
    guard: [POST]
    unique:
      - fields: [/a]
        ask: "/a?a={/a}"
    require:
      - that: "true"
      - ask:
          items: /items
          orders: /orders
        that: >
          orders
        message: no
    transitions:
      field: /s
      moves:
        open: [open]
    leases:
      - /a
      - /b
    body_template: x
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"routes[0].unique[0]":                     "p.yaml:9: routes[0].unique[0]: bad",
		"routes[0].unique[0].ask":                 "p.yaml:10: routes[0].unique[0].ask: bad",
		"routes[0].unique[0].location":            "p.yaml:9: routes[0].unique[0].location: bad",
		"routes[0].require[0].message":            "p.yaml:12: routes[0].require[0].message: bad",
		"routes[0].require[1].that":               "p.yaml:16: routes[0].require[1].that: bad",
		"routes[0].require[1].ask.orders":         "p.yaml:15: routes[0].require[1].ask.orders: bad",
		"routes[0].require[1].message":            "p.yaml:18: routes[0].require[1].message: bad",
		"routes[0].transitions.moves.open[0]":     "p.yaml:22: routes[0].transitions.moves.open[0]: bad",
		"routes[0].leases[1]":                     "p.yaml:25: routes[0].leases[1]: bad",
		"routes[0].expect[1]":                     "p.yaml:3: defaults.expect[1]: bad",
		"routes[0].body_template":                 "p.yaml:26: routes[0].body_template: bad",
		"routes[0].require[1].message_expression": "p.yaml:13: routes[0].require[1].message_expression: bad",
	} {
		if got := c.Problem(path, "bad").String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestProblemsAreErrors(t *testing.T) {
	var err error = Problems{{Path: "a", Message: "x"}, {Path: "b", Message: "y"}}
	var p Problem
	if !errors.As(err, &p) || p.Path != "a" {
		t.Errorf("got %v", p)
	}
}

func TestTooManyRoutesAreRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("upstream: http://h\nroutes:\n")
	for i := range maxRoutes + 2 {
		fmt.Fprintf(&b, " - {name: r%d, match: /%d}\n", i, i)
	}
	_, _, err := Parse("f", []byte(b.String()), nil)
	if want := "f:1003: routes[1000]: is one route too many; 1000 are allowed"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestALargeFileIsRefused(t *testing.T) {
	_, _, err := Parse("f", bytes.Repeat([]byte("#"), maxFile+1), nil)
	if want := "f: the file is larger than 1MiB"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
