package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-openapi/jsonpointer"
	"pgregory.net/rapid"
)

// Documents of few names and few values, of which two sides change a little, in ways that often meet.
func TestBothImplementationsAgreeOnAnyTwoSides(t *testing.T) {
	overlapped, merged := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		base := drawValue(t, 3)
		yours, theirs := drawEdit(t, base), drawEdit(t, base)
		texts := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "/a", "/b", "/a/b", "/A/a"}), 0, 3, rapid.ID).Draw(t, "sets")
		documents := [3]Document{}
		for i, v := range []any{base, yours, theirs} {
			var b strings.Builder
			write(t, &b, v)
			var err error
			if documents[i], err = Parse([]byte(b.String())); err != nil {
				t.Fatal(err)
			}
		}
		judge(t, documents[0], documents[1], documents[2], texts, sets(t, texts))
		if Compare(documents[0], documents[1], documents[2], sets(t, texts)).Overlaps() {
			overlapped++
		} else {
			merged++
		}
	})
	if overlapped == 0 || merged == 0 {
		t.Errorf("%d overlapped, %d were merged", overlapped, merged)
	}
}

func TestPatchesAreAppliedAsAnotherLibraryDoes(t *testing.T) {
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"a": drawValue(t, 3), "b": drawValue(t, 3)}
		var b, patch strings.Builder
		write(t, &b, v)
		write(t, &patch, drawPatch(t, v))
		base, err := Parse([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Apply(JSONPatch, base, []byte(patch.String()))
		if asked, wrong := Parse([]byte(patch.String())); err != nil || wrong != nil || isMistaken(asked) {
			return
		}
		want, ok := theLibrary(base, patch.String())
		if !ok {
			return
		}
		both++
		if means(got, nil) != meaning(naiveValue(want)) {
			t.Fatalf("%s with %s: %s; want %s", b.String(), patch.String(), got.Bytes(), want)
		}
	})
	if both == 0 {
		t.Error("no patch was applied by both")
	}
}

func sets(t *rapid.T, texts []string) Sets {
	t.Helper()
	all, err := setsOf(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var someNames = []string{"a", "b", "A", "", "~/", "a\x00"}

func drawValue(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case depth > 0 && kind < 5:
		object := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			object[rapid.SampledFrom(someNames).Draw(t, "name")] = drawValue(t, depth-1)
		}
		return object
	case depth > 0 && kind < 7:
		list := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			list = append(list, drawValue(t, depth-2))
		}
		return list
	}
	return rapid.SampledFrom([]any{json.Number("1"), json.Number("-20"), "x", "é", nil, true, false}).Draw(t, "scalar")
}

// drawEdit changes a value here and there.
func drawEdit(t *rapid.T, v any) any {
	if rapid.IntRange(0, 9).Draw(t, "anew") == 0 {
		return drawValue(t, 2)
	}
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch rapid.IntRange(0, 9).Draw(t, "edit") {
			case 0: // it is removed
			case 1, 2, 3:
				object[name] = drawEdit(t, v[name])
			default:
				object[name] = v[name]
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "more") == 0 {
			object[rapid.SampledFrom(someNames).Draw(t, "name")] = drawValue(t, 1)
		}
		return object
	case []any:
		list := []any{}
		for _, element := range v {
			if rapid.IntRange(0, 4).Draw(t, "stays") > 0 {
				list = append(list, element)
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "more") {
			list = append(list, drawValue(t, 0))
		}
		return rapid.Permutation(list).Draw(t, "order")
	}
	return v
}

func drawPatch(t *rapid.T, v map[string]any) any {
	places := slices.Sorted(maps.Keys(everywhere(map[string]bool{}, "", v)))
	operations := []any{}
	for range rapid.IntRange(1, 4).Draw(t, "operations") {
		place := func() string {
			at := rapid.SampledFrom(places).Draw(t, "place")
			if rapid.IntRange(0, 3).Draw(t, "new") == 0 {
				at += rapid.SampledFrom([]string{"/c", "/0", "/-", "/1", "/01"}).Draw(t, "below")
			}
			return at
		}
		op := rapid.SampledFrom([]string{"add", "remove", "replace", "move", "copy", "test"}).Draw(t, "op")
		operation := map[string]any{"op": op, "path": place(), "value": drawValue(t, 1)}
		if op == "move" || op == "copy" {
			operation["from"] = place()
		}
		if op == "test" {
			if found, there := lookup(v, operation["path"].(string)); there {
				operation["value"] = found
			}
		}
		operations = append(operations, operation)
	}
	return operations
}

// everywhere has the pointers to all values.
func everywhere(places map[string]bool, at string, v any) map[string]bool {
	places[at] = true
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			everywhere(places, at+"/"+jsonpointer.Escape(name), member)
		}
	case []any:
		for i, element := range v {
			everywhere(places, at+"/"+strconv.Itoa(i), element)
		}
	}
	return places
}

// write writes a value in one of many ways.
func write(t *rapid.T, b *strings.Builder, v any) {
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")
	b.WriteString(space)
	switch v := v.(type) {
	case map[string]any:
		names := rapid.Permutation(slices.Sorted(maps.Keys(v))).Draw(t, "order")
		for i, name := range names {
			b.WriteString([]string{"{", ","}[min(i, 1)])
			write(t, b, name)
			b.WriteString(space + ":")
			write(t, b, v[name])
		}
		if len(v) == 0 {
			b.WriteString("{" + space)
		}
		b.WriteString("}")
	case []any:
		b.WriteString("[")
		for i, element := range v {
			if i > 0 {
				b.WriteString(",")
			}
			write(t, b, element)
		}
		b.WriteString("]")
	case string:
		if rapid.Bool().Draw(t, "escaped") {
			b.WriteString(`"`)
			for _, r := range v {
				fmt.Fprintf(b, `\u%04x`, r)
			}
			b.WriteString(`"`)
			break
		}
		plain, _ := json.Marshal(v)
		b.Write(plain)
	case json.Number:
		b.WriteString(v.String() + rapid.SampledFrom([]string{"", ".0", "e0", ".00E+0"}).Draw(t, "spelling"))
	default:
		plain, _ := json.Marshal(v)
		b.Write(plain)
	}
	b.WriteString(space)
}
