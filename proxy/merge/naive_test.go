package merge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"
)

// The second implementation: documents are maps from pointers to what stands there, and three of them are compared place by place.

// naiveValue reads a document with encoding/json.
func naiveValue(content []byte) (v any) {
	d := json.NewDecoder(strings.NewReader(string(content)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// meaning is a text that is the same for what is the same as JSON.
func meaning(v any) string {
	switch v := v.(type) {
	case json.Number:
		n, ok := new(big.Rat).SetString(v.String())
		if !ok {
			panic(v)
		}
		return n.RatString()
	case string:
		return strconv.Quote(v)
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, meaning(element))
		}
		return "[" + strings.Join(all, ",") + "]"
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, strconv.Quote(name)+":"+meaning(v[name]))
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	return fmt.Sprint(v)
}

// flatten has the members of objects by their pointers. Everything but an object is one value.
func flatten(flat map[string]string, at string, v any) map[string]string {
	within, is := v.(map[string]any)
	if !is {
		flat[at] = meaning(v)
		return flat
	}
	flat[at] = "an object"
	for name, member := range within {
		flatten(flat, at+"/"+jsonpointer.Escape(name), member)
	}
	return flat
}

func lookup(v any, at string) (any, bool) {
	p, err := jsonpointer.New(at)
	if err != nil {
		panic(err)
	}
	for _, token := range p.DecodedTokens() {
		within, is := v.(map[string]any)
		member, there := within[token]
		if !is || !there {
			return nil, false
		}
		v = member
	}
	return v, true
}

// distinct are the meanings of the elements of an array, sorted, if there is one at the place and no two are the same.
func distinct(v any, at string) ([]string, bool) {
	found, _ := lookup(v, at)
	list, is := found.([]any)
	var all []string
	for _, element := range list {
		all = append(all, meaning(element))
	}
	slices.Sort(all)
	return all, is && len(slices.Compact(slices.Clone(all))) == len(all)
}

// sides3 are three documents: base, yours, theirs.
type sides3 [3]any

// sorted brings sets into one order, where all three documents have one.
func (d sides3) sorted(sets []string) (sorted sides3, are map[string]bool) {
	are = map[string]bool{}
	sorted = d
	for _, at := range sets {
		all := true
		for _, v := range d {
			_, is := distinct(v, at)
			all = all && is
		}
		for i := range sorted {
			if all {
				sorted[i] = sortedAt(sorted[i], at)
			}
		}
		are[at] = all
	}
	return sorted, are
}

// sortedAt sorts the array at the place, if it is a set.
func sortedAt(v any, at string) any {
	if _, is := distinct(v, at); !is {
		return v
	}
	list, _ := lookup(v, at)
	elements := slices.Clone(list.([]any))
	slices.SortFunc(elements, func(a, b any) int { return strings.Compare(meaning(a), meaning(b)) })
	return with(v, at, elements, false)
}

// with is a copy of a document in which there is another value at a place, or none.
func with(v any, at string, value any, gone bool) any {
	p, err := jsonpointer.New(at)
	if err != nil {
		panic(err)
	}
	return replaced(v, p.DecodedTokens(), value, gone)
}

func replaced(v any, tokens []string, value any, gone bool) any {
	if len(tokens) == 0 {
		return value
	}
	within := maps.Clone(v.(map[string]any))
	if len(tokens) == 1 && gone {
		delete(within, tokens[0])
		return within
	}
	within[tokens[0]] = replaced(within[tokens[0]], tokens[1:], value, gone)
	return within
}

func below(p, q string) bool { return p == q || strings.HasPrefix(p, q+"/") }

// naiveCompare returns what is changed, the way it is shown, by pointers, and the merged document in which sets are sorted.
func naiveCompare(original sides3, sets []string) (shown map[string]string, overlaps bool, merged any) {
	d, are := original.sorted(sets)
	var flat [3]map[string]string
	places := map[string]bool{}
	for i, v := range d {
		flat[i] = flatten(map[string]string{}, "", v)
		for at := range flat[i] {
			places[at] = true
		}
	}
	differs := func(at string, side int) bool {
		was, before := flat[0][at]
		is, after := flat[side][at]
		return was != is || before != after
	}
	who := func(at string) (by [3]bool) {
		for p := range places {
			for side := 1; side <= 2; side++ {
				by[side] = by[side] || below(p, at) && differs(p, side)
			}
		}
		return by
	}
	// A place at which all three have an object is looked into; what is changed elsewhere is changed as a whole.
	var tops []string
	for at := range places {
		within, _ := cutLast(at)
		if at != "" && !allObjects(flat, within) || allObjects(flat, at) || who(at) == [3]bool{} {
			continue
		}
		tops = append(tops, at)
	}
	overlap := map[string]bool{}
	merged = d[2]
	for _, at := range tops {
		by := who(at)
		value, there := lookup(d[1], at)
		theirs, thereToo := lookup(d[2], at)
		if by[1] && by[2] && !are[at] && (there != thereToo || meaning(value) != meaning(theirs)) {
			overlap[at] = true
		}
		switch {
		case are[at]:
			merged = with(merged, at, unitedSet(d, at), false)
		case by[1] && !by[2]:
			merged = with(merged, at, value, !there)
		}
	}
	for a := range places {
		for b := range places {
			withinA, nameA := cutLast(a)
			withinB, nameB := cutLast(b)
			if a == "" || b == "" || withinA != withinB || nameA == nameB || !similar(nameA, nameB) || !allObjects(flat, withinA) {
				continue
			}
			if who(a) == [3]bool{1: true} && who(b) == [3]bool{2: true} {
				for _, at := range tops {
					overlap[at] = overlap[at] || below(at, a) || below(at, b)
				}
			}
		}
	}
	shown = map[string]string{}
	for _, at := range tops {
		shown[at] = fmt.Sprint(show(original[0], at), showIf(who(at)[1], original[1], at), showIf(who(at)[2], original[2], at), overlap[at])
		overlaps = overlaps || overlap[at]
	}
	return shown, overlaps, merged
}

func allObjects(flat [3]map[string]string, at string) bool {
	for p := at; p != ""; { // an array has no places below it
		if flat[0][p] != "an object" || flat[1][p] != "an object" || flat[2][p] != "an object" {
			return false
		}
		p, _ = cutLast(p)
	}
	return flat[0][""] == "an object" && flat[1][""] == "an object" && flat[2][""] == "an object"
}

func cutLast(at string) (within, name string) {
	i := strings.LastIndexByte(at, '/')
	if i < 0 {
		return "", ""
	}
	return at[:i], jsonpointer.Unescape(at[i+1:])
}

func similar(a, b string) bool {
	a, _, _ = strings.Cut(a, "\x00")
	b, _, _ = strings.Cut(b, "\x00")
	return strings.EqualFold(a, b)
}

func show(v any, at string) string {
	if found, there := lookup(v, at); there {
		return meaning(found)
	}
	return "nothing"
}

func showIf(does bool, v any, at string) string {
	if !does {
		return "-"
	}
	return show(v, at)
}

// unitedSet is what becomes of a set, sorted.
func unitedSet(d sides3, at string) []any {
	elements := map[string]any{}
	counts := map[string][3]bool{}
	for i, v := range d {
		list, _ := lookup(v, at)
		for _, element := range list.([]any) {
			count := counts[meaning(element)]
			count[i] = true
			counts[meaning(element)] = count
			elements[meaning(element)] = element
		}
	}
	all := []any{}
	for _, m := range slices.Sorted(maps.Keys(elements)) {
		in := counts[m]
		if in[0] && in[1] && in[2] || !in[0] {
			all = append(all, elements[m])
		}
	}
	return all
}

// naiveMergePatch is the algorithm of RFC 7396 section 2, to the letter.
func naiveMergePatch(target, patch any) any {
	members, is := patch.(map[string]any)
	if !is {
		return patch
	}
	object, is := target.(map[string]any)
	if object = maps.Clone(object); !is {
		object = map[string]any{}
	}
	for name, value := range members {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = naiveMergePatch(object[name], value)
		}
	}
	return object
}
