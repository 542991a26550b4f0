package config

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzRuleTemplate: with any value in the place of what is in braces, escaped as it will be, a template is a path and a query of the same
// shape; and what is in braces is of one of the kinds.
func FuzzRuleTemplate(f *testing.F) {
	for _, s := range []string{
		"/users?email={/email}", "/users/{found:/0/id}", "/customers/{/customer}", "/a/{id}?x={query:x}&y={/a~1b/c~0d}", "/{/a#b}?{/a?b}", "/{//}", "/{query:}",
		"/{found:}", "/{found:x}", "/{/~}", "/{body:/a}", "x", "/a#b", "/a{", "/{}", "/{/a}/..", `/{/a\b}`, "/{/ü}", "/{query:a&b}",
	} {
		f.Add(s, "7")
	}
	f.Add("/{/a}?{/b}", "a/b?c#d%&")
	f.Fuzz(func(t *testing.T, template, value string) {
		got, err := locationTemplate(template)
		if elsewhere, errElsewhere := ruleTemplate(template); err != nil && errElsewhere == nil {
			t.Fatalf("%q is accepted as %q, but not for a location: %v", template, elsewhere, err)
		} else if errElsewhere == nil && strings.Contains(template, "{found:") {
			t.Fatalf("%q is accepted where nothing has been found", template)
		}
		if err != nil {
			return
		}
		if got != template {
			t.Fatalf("%q is accepted as %q", template, got)
		}
		requireKinds(t, template)
		with := func(v string) *url.URL {
			raw := placeholders.ReplaceAllLiteralString(template, url.QueryEscape(v))
			u, err := url.ParseRequestURI(raw)
			if err != nil || u.Host != "" || u.Fragment != "" {
				t.Fatalf("%q with %q is %q, which is %v, %v", template, v, raw, u, err)
			}
			return u
		}
		one, other := with("x"), with(value)
		if strings.Count(one.EscapedPath(), "/") != strings.Count(other.EscapedPath(), "/") || strings.Count(one.RawQuery, "&") != strings.Count(other.RawQuery, "&") {
			t.Fatalf("%q with %q is %s, and with x %s", template, value, other, one)
		}
	})
}

func requireKinds(t *testing.T, template string) {
	t.Helper()
	plain := plainNames(template)
	for _, name := range names(template) {
		pointer, found := strings.CutPrefix(name, "found:")
		parameter, ofQuery := strings.CutPrefix(name, "query:")
		_, err := jsonPointer(pointer)
		switch {
		case slices.Contains(plain, name):
		case ofQuery && parameter != "" && !found:
		case err == nil && (found || strings.HasPrefix(name, "/")):
		default:
			t.Fatalf("%q is accepted with {%s}", template, name)
		}
	}
}

// FuzzExpectation: what is accepted is of one of the kinds, and is read as itself again.
func FuzzExpectation(f *testing.F) {
	for _, s := range []string{
		"if-match", "if-unmodified-since", "json:/version", "form:lock_version", "header:x-revision", "query:rev", "header:If-Match", "header:etag",
		"json:", "json:version", "form:", "header:a b", "query:a:b", "etag", "", ":", "JSON:/a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := expectation(text)
		if err != nil {
			return
		}
		if again, err := expectation(got); err != nil || again != got || !strings.EqualFold(got, text) {
			t.Fatalf("%q is %q, and that is %q, %v", text, got, again, err)
		}
		kind, name, _ := strings.Cut(got, ":")
		if !slices.Contains([]string{"if-match", "if-unmodified-since", "json", "form", "header", "query"}, kind) ||
			(name == "") != strings.HasPrefix(kind, "if-") {
			t.Fatalf("%q is accepted", text)
		}
	})
}

// requireWholeRules holds what is said of the fields of Rules.
func requireWholeRules(t *testing.T, r Route) {
	t.Helper()
	taken := []string{}
	for _, u := range r.Unique {
		if len(u.Fields) == 0 || u.Ask == "" || u.OnDuplicate == "" {
			t.Fatalf("accepted: %+v", u)
		}
		taken = append(taken, u.Name)
	}
	for _, q := range r.Require {
		if q.That == "" || q.On != nil && len(q.On) == 0 {
			t.Fatalf("accepted: %+v", q)
		}
		taken = append(taken, q.Name)
	}
	if r.Transitions != nil {
		requireClosed(t, *r.Transitions)
		taken = append(taken, "transitions")
	}
	slices.Sort(taken)
	if slices.Contains(taken, "") || len(slices.Compact(slices.Clone(taken))) != len(taken) {
		t.Fatalf("the rules are called %q", taken)
	}
	if !r.Mode.guards() && (len(taken) > 0 || len(r.Expect) > 0 || r.Resource != "" || len(r.Leases) > 0 || len(r.Touches) > 0) {
		t.Fatalf("a route in mode %s has rules: %+v", r.Mode, r.Rules)
	}
}

func requireClosed(t *testing.T, rule Transitions) {
	t.Helper()
	named := slices.Clone(rule.Initial)
	for _, to := range rule.Moves {
		named = append(named, to...)
	}
	for _, state := range named {
		if _, known := rule.Moves[state]; !known || rule.Field == "" {
			t.Fatalf("accepted: %+v", rule)
		}
	}
}
