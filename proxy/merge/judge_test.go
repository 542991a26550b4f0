package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// huge are numbers that the second implementation would need too long for.
var huge = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

// tester is a testing.T or a rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// judge compares a comparison with that of the second implementation, and holds it to what must be so for any.
func judge(t tester, base, yours, theirs Document, texts []string, sets Sets) {
	t.Helper()
	c := Compare(base, yours, theirs, sets)
	merged, ok := c.Merged()
	about := fmt.Sprintf("base %s, yours %s, theirs %s, sets %q: merged %s", base.Bytes(), yours.Bytes(), theirs.Bytes(), texts, merged.Bytes())
	if ok == c.Overlaps() || !ok && !c.More && !slices.ContainsFunc(c.Changes, func(change Change) bool { return change.Overlap }) {
		t.Fatalf("%s: overlaps %t, and %v", about, c.Overlaps(), c.Changes)
	}
	b, y, th := naiveValue(base.Bytes()), naiveValue(yours.Bytes()), naiveValue(theirs.Bytes())
	want, overlaps, wantMerged := naiveCompare(sides3{b, y, th}, texts)
	if overlaps != c.Overlaps() || ok && means(merged, texts) != meaningOf(wantMerged, texts) {
		t.Fatalf("%s; overlaps %t; want %t and %s", about, c.Overlaps(), overlaps, meaning(wantMerged))
	}
	if !c.More {
		got := map[string]string{}
		for _, change := range c.Changes {
			got[change.Pointer] = change.text()
		}
		sorted := slices.IsSortedFunc(c.Changes, func(a, b Change) int { return strings.Compare(a.Pointer, b.Pointer) })
		if len(got) != len(c.Changes) || !sorted || !maps.Equal(got, want) {
			t.Fatalf("%s; changes %v, sorted %t; want %v", about, got, sorted, want)
		}
		judgeChanges(t, c, b, y, th, texts)
	}
	judgeLaws(t, c, base, yours, theirs, texts, sets)
}

// judgeLaws holds the comparison to what needs no second implementation.
func judgeLaws(t tester, c Comparison, base, yours, theirs Document, texts []string, sets Sets) {
	t.Helper()
	about := fmt.Sprintf("base %s, yours %s, theirs %s, sets %q", base.Bytes(), yours.Bytes(), theirs.Bytes(), texts)
	if m, ok := Compare(base, base, theirs, sets).Merged(); !ok || string(m.Bytes()) != string(theirs.Bytes()) {
		t.Fatalf("%s: with no change of yours it is %s", about, m.Bytes())
	}
	if m, ok := Compare(base, yours, base, sets).Merged(); !ok || means(m, texts) != means(yours, texts) {
		t.Fatalf("%s: with no change of theirs it is %s", about, m.Bytes())
	}
	if m, ok := Compare(base, yours, yours, sets).Merged(); !ok || string(m.Bytes()) != string(yours.Bytes()) {
		t.Fatalf("%s: where both are the same it is %s", about, m.Bytes())
	}
	merged, ok := c.Merged()
	turned := Compare(base, theirs, yours, sets)
	if m, okTurned := turned.Merged(); ok != okTurned || ok && means(m, texts) != means(merged, texts) || len(turned.Changes) != len(c.Changes) {
		t.Fatalf("%s: %s, %v; the other way round %s, %v", about, merged.Bytes(), c.Changes, m.Bytes(), turned.Changes)
	}
	if !ok {
		return
	}
	if m, ok := Compare(base, yours, merged, sets).Merged(); !ok || string(m.Bytes()) != string(merged.Bytes()) {
		t.Fatalf("%s: merged %s; once more %s, %t", about, merged.Bytes(), m.Bytes(), ok)
	}
	if _, err := Parse(merged.Bytes()); err != nil {
		t.Fatalf("%s: merged %s: %v", about, merged.Bytes(), err)
	}
}

// judgeChanges makes of the base what each side has, with the changes that are shown of it.
func judgeChanges(t tester, c Comparison, base, yours, theirs any, texts []string) {
	t.Helper()
	you, they := base, base
	for _, change := range c.Changes {
		if change.Yours != nil || change.YoursRemoved {
			you = changed(you, change.Pointer, change.Yours)
		}
		if change.Theirs != nil || change.TheirsRemoved {
			they = changed(they, change.Pointer, change.Theirs)
		}
	}
	if meaningOf(you, texts) != meaningOf(yours, texts) || meaningOf(they, texts) != meaningOf(theirs, texts) {
		t.Fatalf("the changes %v make of %s %s and %s; want %s and %s", c.Changes, meaning(base), meaning(you), meaning(they), meaning(yours), meaning(theirs))
	}
}

func changed(v any, at string, to json.RawMessage) any {
	if to == nil {
		return with(v, at, nil, true)
	}
	return with(v, at, naiveValue(to), false)
}

// text is what the second implementation says of a change.
func (c Change) text() string {
	side := func(does, removed bool, raw json.RawMessage) string {
		switch {
		case !does:
			return "-"
		case removed:
			return "nothing"
		}
		return meaning(naiveValue(raw))
	}
	return fmt.Sprint(side(true, c.Base == nil, c.Base), side(c.Yours != nil || c.YoursRemoved, c.YoursRemoved, c.Yours),
		side(c.Theirs != nil || c.TheirsRemoved, c.TheirsRemoved, c.Theirs), c.Overlap)
}

// means is the meaning of a document, in which the order of sets does not count.
func means(d Document, sets []string) string { return meaningOf(naiveValue(d.Bytes()), sets) }

func meaningOf(v any, sets []string) string {
	for _, at := range sets {
		v = sortedAt(v, at)
	}
	return meaning(v)
}
