package main

import (
	"fmt"
	"strings"

	"proxy409/config"
)

// conflictRules are the rules of a route about conflicts beside If-Match, in the order in which they are held against a write.
func conflictRules(r config.Route) []rule {
	list := []rule{
		{"resource", r.Resource, "", "whose version and state a write is about"},
		{"expect", strings.Join(r.Expect, ", "), "", "where a client may say which version it edited; all that it says must be current"},
		{"leases", strings.Join(r.Leases, ", "), "", "held exclusively with the write"},
		{"touches", strings.Join(r.Touches, ", "), "", "of unknown version after the write"},
	}
	for _, u := range r.Unique {
		list = append(list, rule{"unique " + u.Name, uniqueRule(u), "", ""})
	}
	if r.Transitions != nil {
		list = append(list, rule{"transitions", transitionsRule(*r.Transitions), "", ""})
	}
	for _, q := range r.Require {
		list = append(list, rule{"require " + q.Name, requireRule(q), "", ""})
	}
	return append(list, rule{
		"ask_headers", strings.Join(sortedKeys(r.AskHeaders), ", "), "",
		"set on what these rules ask the backend, in the place of the caller's credentials",
	})
}

func uniqueRule(u config.Unique) string {
	text := listed(u.Fields, "and")
	if len(u.Fold) > 0 {
		text += ", folded by " + listed(folds(u.Fold), "and")
	}
	text += "; asked at " + u.Ask
	if u.List != "" {
		text += ", whose list is at " + u.List
	}
	if u.Location != "" {
		text += "; the existing one is at " + u.Location
	}
	if u.OnDuplicate == config.DuplicateReturn {
		text += "; a duplicate is answered with the existing one"
	}
	return text
}

func requireRule(q config.Require) string {
	text := q.That
	if len(q.On) > 0 {
		text += ", on " + listed(q.On, "and")
	}
	for _, name := range sortedKeys(q.Ask) {
		text += fmt.Sprintf("; %s is asked at %s", name, q.Ask[name])
	}
	return text
}

func transitionsRule(t config.Transitions) string {
	text := t.Field + " goes"
	for i, from := range sortedKeys(t.Moves) {
		if i > 0 {
			text += ","
		}
		to := "nothing"
		if len(t.Moves[from]) > 0 {
			to = listed(t.Moves[from], "or")
		}
		text += " from " + from + " to " + to
	}
	if len(t.Initial) > 0 {
		text += "; it begins as " + listed(t.Initial, "or")
	}
	return text
}

// listed joins words as a sentence does: a, b and c.
func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	rest := len(words) - 1
	return strings.Join(words[:rest], ", ") + " " + last + " " + words[rest]
}
