package config

import (
	"regexp"
	"testing"
)

func TestAKeyIsNeverEmpty(t *testing.T) {
	for _, text := range []string{
		"^[1-9][0-9]*$", "a", "(a|b)+", "a{2}", "a?b", "(?i)x.*", ".", "(?s).", "^a$|^b$", "(?:a*b)+", `\d+`,
	} {
		if _, err := partOfKey(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "^", "$", "^$", "a*", "a?", "a|", "(a|b*)", "a{0,3}", `\b`, `\b[0-9]*`, "(a?){5}", "(?:)", "^[0-9]*$", "(a*)+",
		"(", "a)(b", "[", `\Z`, "a**",
	} {
		if _, err := partOfKey(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzExpressions(f *testing.F) {
	f.Add("save|delete", "save")
	f.Add(`\b[0-9]*`, "a1")
	f.Add(`\Qa`, "a")
	f.Add("(?i)a", "A")
	f.Fuzz(func(t *testing.T, expression, value string) {
		if _, err := wholeValue(expression); err == nil {
			regexp.MustCompile("^(?:" + expression + ")$")
		}
		if _, err := partOfKey(expression); err == nil {
			if at := regexp.MustCompile(expression).FindStringIndex(value); at != nil && at[0] == at[1] {
				t.Errorf("%q matches nothing in %q", expression, value)
			}
		}
	})
}
