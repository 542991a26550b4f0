package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// parsed reads content as JSON with numbers as they are written; nil: it is not.
func parsed(content []byte) any {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil
	}
	return v
}

// changes lists, as JSON pointers, the members in which two documents differ, the innermost ones; nil where they are not
// JSON, or differ as a whole.
func changes(a, b []byte) []string {
	x, y := parsed(a), parsed(b)
	if x == nil || y == nil {
		return nil
	}
	var found []string
	differences("", x, y, &found)
	slices.Sort(found)
	if slices.Contains(found, "") {
		return nil
	}
	return found
}

func differences(at string, a, b any, found *[]string) {
	if reflect.DeepEqual(a, b) {
		return
	}
	x, ok1 := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok1 || !ok2 {
		*found = append(*found, at)
		return
	}
	for name := range x {
		differences(at+"/"+escaped(name), x[name], y[name], found)
	}
	for name := range y {
		if _, both := x[name]; !both {
			*found = append(*found, at+"/"+escaped(name))
		}
	}
}

// escaped is a name in a JSON pointer (RFC 6901).
func escaped(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// versionNames are names that members have which are versions, without what is between their words.
var versionNames = []string{"version", "revision", "rev", "etag", "rowversion", "lockversion", "resourceversion", "lockno"}

// versionMembers lists, as JSON pointers, the members of a document, or of an object in it, that look like a version.
func versionMembers(content []byte) []string {
	top, _ := parsed(content).(map[string]any)
	found := versionsIn("", top)
	for _, name := range sortedKeys(top) {
		if inner, ok := top[name].(map[string]any); ok {
			found = append(found, versionsIn("/"+escaped(name), inner)...)
		}
	}
	return found
}

func versionsIn(at string, members map[string]any) (found []string) {
	for _, name := range sortedKeys(members) {
		folded := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
		switch members[name].(type) {
		case string, json.Number:
			if slices.Contains(versionNames, folded) {
				found = append(found, at+"/"+escaped(name))
			}
		}
	}
	return found
}
