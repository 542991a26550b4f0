package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"proxy409/config"
	"proxy409/proxy"
)

// ruled is a configuration with rules of every kind.
func ruled(t *testing.T) *config.Config {
	t.Helper()
	file := filepath.Join("testdata", "rules.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Parse(file, raw, func(string) (string, bool) { return "Bearer hunter2", true })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestRulesReachTheProxyAsTheFileHasThem(t *testing.T) {
	var got []proxy.Rules
	for _, r := range ruled(t).Routes {
		got = append(got, route(r).Rules)
	}
	asker := map[string]string{"Authorization": "Bearer hunter2"}
	want := []proxy.Rules{
		{
			Expect: []string{"if-match", "json:/version"},
			Unique: []proxy.Unique{
				{
					Name: "unique-1", Fields: []string{"/email"}, Fold: []string{"trim", "lower"}, Ask: "/users?email={/email}",
					Location: "/users/{found:/0/id}",
				},
				{Name: "whole-name", Fields: []string{"/first", "/last"}, Ask: "/users?first={/first}&last={/last}", List: "/items", Return: true},
			},
			Touches: []string{"/users"},
		},
		{
			Require: []proxy.Require{
				{
					Name: "require-1", On: []string{"DELETE", "MOVE"}, That: "size(orders.body) == 0 && size(bills.body) == 0",
					Ask:     map[string]string{"orders": "/orders?customer={id}", "bills": "/bills?customer={id}"},
					Message: "the customer still has orders",
				},
				{Name: "open", That: "current.body.status != 'closed'", MessageExpression: "'it is ' + current.body.status"},
			},
			AskHeaders: asker,
		},
		{
			Resource: "/orders/{id}", Leases: []string{"/customers/{/customer}"},
			Transitions: &proxy.Transitions{
				Field:   "/status",
				Moves:   map[string][]string{"pending": {"approved", "cancelled"}, "approved": {"shipped"}, "shipped": nil, "cancelled": nil},
				Initial: []string{"pending"},
			},
		},
		{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// A rule that is added to a package and forgotten here would be one that the file promises and nobody keeps.
func TestEveryRuleOfThePackagesIsTranslated(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[config.Rules](), reflect.TypeFor[proxy.Rules]()},
		{reflect.TypeFor[config.Unique](), reflect.TypeFor[proxy.Unique]()},
		{reflect.TypeFor[config.Require](), reflect.TypeFor[proxy.Require]()},
		{reflect.TypeFor[config.Transitions](), reflect.TypeFor[proxy.Transitions]()},
	} {
		if said, done := pair[0].NumField(), pair[1].NumField(); said != done {
			t.Errorf("%v has %d fields, and %v %d", pair[0], said, pair[1], done)
		}
	}
}

// A key that reached nobody would be accepted, and change nothing.
func TestABodyTemplateReachesTheProxy(t *testing.T) {
	if got, want := route(ruled(t).Routes[2]).BodyTemplate, "{{.Title}}"; got != want {
		t.Errorf("the proxy gets the template %q, want %q", got, want)
	}
	cfg, _, err := config.Parse("x", []byte(`
upstream: http://127.0.0.1:9000
routes:
  - {name: a, match: /a, body_template: '{"text": "{{.Detail}}"}'}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = validate(cfg); err == nil || !strings.HasPrefix(err.Error(), "x:4: routes[0].body_template: ") {
		t.Errorf("a template whose JSON breaks at a quote: %v", err)
	}
}

func TestRulesAreNamedForMetrics(t *testing.T) {
	var got [][]string
	for _, r := range ruled(t).Routes {
		got = append(got, ruleNames(r))
	}
	want := [][]string{{"unique-1", "whole-name"}, {"require-1", "open"}, {"transitions"}, nil}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExplainListsTheRulesOfARoute(t *testing.T) {
	var out strings.Builder
	s := &sheet{out: &out}
	for _, r := range ruled(t).Routes {
		for _, line := range rules(r) {
			s.line(r.Name, "%s", line)
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error("the value of a field in ask_headers is shown")
	}
	golden(t, "explain/rules.txt", out.String())
}
