package target

import (
	"strings"
	"unicode/utf8"
)

// QueryValues lists the values of a parameter of a query, or of a form's body, as the most lenient of parsers would find
// them: under every name that is [SameParameter], with ";" separating too, and bad escapes left standing.
//
// Plain is false where parsers differ in what they find, because the parameter is spelt in an odd way: ID, id[] or " id" for
// id, next to a ";", with a bad escape, a control character or bad UTF-8 in its value.
func QueryValues(rawQuery, name string) (values []string, plain bool) {
	plain = true
	for piece := range strings.SplitSeq(rawQuery, "&") {
		for pair := range strings.SplitSeq(piece, ";") {
			k, v, _ := strings.Cut(pair, "=")
			if k = formUnescape(k); !SameParameter(k, name) {
				continue
			}
			value := formUnescape(v)
			plain = plain && k == name && pair == piece && !hasBadEscape(v) &&
				!strings.ContainsFunc(value, isControl) && utf8.ValidString(value)
			values = append(values, value)
		}
	}
	return values, plain
}

// SameParameter reports whether some backend may take a name, decoded, for that of the parameter: in any letter case (Slim
// reads _METHOD), as an array of it (name[], name[x]), with what PHP does to names (spaces before them are dropped, a NUL ends
// them, and dots, spaces and a "[" that nothing closes become "_"), and with what Rack does: brackets before them and after
// them are dropped.
func SameParameter(spelt, name string) bool {
	if same(spelt, name) {
		return true
	}
	unbracketed := strings.TrimLeft(spelt, "[]")
	if !strings.Contains(unbracketed, "[") {
		unbracketed = strings.TrimRight(unbracketed, "]")
	}
	return unbracketed != spelt && same(unbracketed, name)
}

func same(spelt, name string) bool {
	spelt, name = foldParameter(spelt), foldParameter(name)
	return strings.EqualFold(spelt, name) || len(spelt) > len(name) && spelt[len(name)] == '[' &&
		strings.EqualFold(spelt[:len(name)], name)
}

func foldParameter(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	name = strings.NewReplacer(".", "_", " ", "_").Replace(strings.TrimSpace(name))
	if !strings.Contains(name, "]") {
		name = strings.Replace(name, "[", "_", 1)
	}
	return name
}

// formUnescape decodes what is encoded as a form has it.
func formUnescape(s string) string {
	if strings.Contains(s, "+") {
		s = strings.ReplaceAll(s, "+", " ")
	}
	return unescape(s)
}
