//go:build unix

package merge

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bound is far more processor time than what a mebibyte takes, even with the race detector, and less than what would be quadratic in it.
const bound = 10 * time.Second

// within fails the test if it takes too long.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	begin := processorTime(t)
	do()
	if took := processorTime(t) - begin; took > bound {
		t.Errorf("%s takes %v", what, took)
	}
}

// processorTime does not depend on what else the machine does.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// many joins n parts.
func many(n int, part func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part(i)
	}
	return strings.Join(parts, ",")
}

func TestLargeDocumentsAreComparedInBoundedTime(t *testing.T) {
	const n = 45_000
	// cased are names that differ in letter case alone, beginning with the i-th.
	cased := func(i int) string {
		name := []byte("abcdefghijklmnop")
		for bit := range name {
			if i>>bit&1 == 1 {
				name[bit] -= 'a' - 'A'
			}
		}
		return string(name)
	}
	long := strings.Repeat("/", 1<<19)
	deep := func(value string) string {
		return strings.Repeat(`{"b":0,"a":`, 500) + "{" + many(20_000, func(i int) string { return fmt.Sprintf(`"%d":%s`, i, value) }) + "}" + strings.Repeat("}", 500)
	}
	for _, tc := range []struct {
		name, base, yours, theirs string
		overlaps                  bool
	}{
		{
			"members in other orders", "{" + many(n, func(i int) string { return fmt.Sprintf(`"%d":1`, i) }) + "}",
			"{" + many(n, func(i int) string { return fmt.Sprintf(`"%d":2`, n-1-i) }) + "}",
			"{" + many(n, func(i int) string { return fmt.Sprintf(`"%d":1`, (i+n/2)%n) }) + "}", false,
		},
		{
			"a set", "[" + many(n, func(i int) string { return fmt.Sprint(i) }) + "]",
			"[" + many(n, func(i int) string { return fmt.Sprint(n + i) }) + "]",
			"[" + many(n, func(i int) string { return fmt.Sprint(n - i) }) + "]", false,
		},
		{
			"names that are one to some", "{}", "{" + many(n/2, func(i int) string { return fmt.Sprintf(`"%s":1`, cased(i)) }) + "}",
			"{" + many(n/2, func(i int) string { return fmt.Sprintf(`"%s":1`, cased(n/2+i)) }) + "}", true,
		},
		{
			"changes within a long name", `{"` + long + `":{` + many(n, func(i int) string { return fmt.Sprintf(`"%d":1`, i) }) + "}}",
			`{"` + long + `":{` + many(n, func(i int) string { return fmt.Sprintf(`"%d":2`, i) }) + "}}",
			`{"` + long + `":{` + many(n, func(i int) string { return fmt.Sprintf(`"%d":3`, i) }) + "}}", true,
		},
		{"changes deep below", deep("1"), deep("2"), deep("1.0"), false},
		{"numbers with many digits", strings.Repeat("1", 1<<20), strings.Repeat("2", 1<<20), strings.Repeat("1", 1<<20) + "e" + strings.Repeat("0", 1<<20), false},
	} {
		within(t, tc.name, func() {
			c := Compare(parse(t, tc.base), parse(t, tc.yours), parse(t, tc.theirs), pointers(t, ""))
			if merged, ok := c.Merged(); ok == tc.overlaps {
				t.Errorf("%s: overlaps %t; %d bytes", tc.name, c.Overlaps(), len(merged.Bytes()))
			}
			if len(c.Changes) > mostChanges {
				t.Errorf("%s: %d changes are shown", tc.name, len(c.Changes))
			}
		})
	}
}

func TestOfManyChangesThoseThatOverlapAreShown(t *testing.T) {
	documents := func(changed func(i int) string) string {
		return "{" + many(1000, func(i int) string { return fmt.Sprintf(`"%03d":%s`, i, changed(i)) }) + "}"
	}
	base := documents(func(int) string { return "0" })
	yours := documents(func(int) string { return "1" })
	theirs := documents(func(i int) string {
		if i >= 950 {
			return "2"
		}
		return "0"
	})
	c := Compare(parse(t, base), parse(t, yours), parse(t, theirs), nil)
	overlap := 0
	for _, change := range c.Changes {
		if change.Overlap {
			overlap++
		}
	}
	if len(c.Changes) != mostChanges || !c.More || overlap != 50 || c.Changes[0].Pointer != "/000" || c.Changes[mostChanges-1].Pointer != "/999" {
		t.Errorf("%d changes, %d of which overlap; more %t", len(c.Changes), overlap, c.More)
	}
	if c := Compare(parse(t, base), parse(t, base), parse(t, theirs), nil); len(c.Changes) != 50 || c.More {
		t.Errorf("%d changes, more %t; want 50", len(c.Changes), c.More)
	}
}

func TestAnOverlapCountsThatIsTooDeepToBeShown(t *testing.T) {
	name := strings.Repeat("~", longest/2)
	document := func(value string) Document { return parse(t, `{"`+name+`":`+value+`}`) }
	c := Compare(document("1"), document("2"), document("3"), nil)
	if len(c.Changes) != 0 || !c.More || !c.Overlaps() {
		t.Errorf("%v, more %t, overlaps %t", c.Changes, c.More, c.Overlaps())
	}
	if _, ok := c.Merged(); ok {
		t.Error("it is merged")
	}
}

func TestPatchesAreAppliedInBoundedTime(t *testing.T) {
	members := func(n int) string {
		return "{" + many(n, func(i int) string { return fmt.Sprintf(`"%d":1`, i) }) + "}"
	}
	list := "[" + many(90_000, func(int) string { return "1" }) + "]"
	operations := func(n int, operation string) string {
		return "[" + many(n, func(int) string { return operation }) + "]"
	}
	for _, tc := range []struct {
		name, base, request string
		kind                Kind
		applies             bool
	}{
		{"a large merge patch", members(90_000), members(45_000), MergePatch, true},
		{"new members", "{}", members(90_000), MergePatch, true},
		{"all members removed", members(45_000), strings.ReplaceAll(members(45_000), ":1", ":null"), MergePatch, true},
		{"operations on many members", members(90_000), operations(20_000, `{"op":"replace","path":"/89999","value":2}`), JSONPatch, false},
		{"a few operations on many members", members(90_000), operations(100, `{"op":"replace","path":"/89999","value":2}`), JSONPatch, true},
		{"insertions before many elements", list, operations(20_000, `{"op":"add","path":"/0","value":2}`), JSONPatch, false},
		{"removals before many elements", list, operations(30_000, `{"op":"remove","path":"/0"}`), JSONPatch, false},
		{"insertions after many elements", list, operations(9_000, `{"op":"add","path":"/-","value":2}`), JSONPatch, true},
		{"doubling", `[1]`, operations(60, `{"op":"copy","from":"","path":"/-"}`), JSONPatch, false},
		{"copies of what is large", "[" + list + "]", operations(100, `{"op":"copy","from":"/0","path":"/-"}`), JSONPatch, false},
		{"tests of what is large", `{"a":` + list + `}`, `[{"op":"test","path":"/a","value":[` + many(40_000, func(int) string { return "1" }) + `]}]`, JSONPatch, false},
		{
			"depth", `{"a":{"a":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `},"b":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`,
			`[{"op":"move","from":"/a","path":"/b` + strings.Repeat("/0", 399) + `/-"}]`, JSONPatch, false,
		},
	} {
		within(t, tc.name, func() {
			got, err := Apply(tc.kind, parse(t, tc.base), []byte(tc.request))
			if (err == nil) != tc.applies {
				t.Errorf("%s: %d bytes, %v", tc.name, len(got.Bytes()), err)
			}
		})
	}
}

func TestWhatWouldBeTooLargeIsNotMerged(t *testing.T) {
	list := func(name string) string {
		return `{"` + name + `":[` + many(60_000, func(int) string { return "1" }) + `]}`
	}
	c := Compare(parse(t, "{}"), parse(t, list("a")), parse(t, list("b")), nil)
	if _, ok := c.Merged(); ok || c.Overlaps() {
		t.Errorf("merged %t, overlaps %t", ok, c.Overlaps())
	}
}
