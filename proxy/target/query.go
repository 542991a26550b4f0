package target

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// QueryValues lists the values of a parameter of a query, or of a form's body, as the most lenient of parsers would find
// them: under every name that is [SameParameter], with ";" separating too, and bad escapes left standing.
//
// Plain is false where parsers differ in what they find, because the parameter is spelt in an odd way: ID, id[] or " id" for
// id, next to a ";", with a bad escape, a control character or bad UTF-8 in its value; or because it comes after so many others that
// some no longer look.
func QueryValues(rawQuery, name string) (values []string, plain bool) {
	plain = true
	count := 0
	for piece := range strings.SplitSeq(rawQuery, "&") {
		for pair := range strings.SplitSeq(piece, ";") {
			count++
			k, v, _ := strings.Cut(pair, "=")
			if len(k) < len(name) { // which escapes do not make shorter
				continue
			}
			if k = formUnescape(k); !SameParameter(k, name) {
				continue
			}
			value := formUnescape(v)
			plain = plain && k == name && pair == piece && !hasBadEscape(v) && count <= fewestParameters &&
				!strings.ContainsFunc(value, isControl) && utf8.ValidString(value)
			values = append(values, value)
		}
	}
	return values, plain
}

// Named lists the parameters of a form's body that some backend may take for one of the names, with their values, of which the
// beginning suffices; false if there are more than most.
func Named(form string, names []string, most, longest int) (found [][2]string, ok bool) {
	shortest := len(slices.MinFunc(names, func(a, b string) int { return len(a) - len(b) }))
	for piece := range strings.SplitSeq(form, "&") {
		for pair := range strings.SplitSeq(piece, ";") {
			k, v, _ := strings.Cut(pair, "=")
			if len(k) < shortest { // which escapes do not make shorter
				continue
			}
			k = formUnescape(k)
			if !slices.ContainsFunc(names, func(name string) bool { return SameParameter(k, name) }) {
				continue
			}
			if len(found) == most {
				return nil, false
			}
			found = append(found, [2]string{k, formUnescape(v[:min(len(v), longest)])})
		}
	}
	return found, true
}

// fewestParameters is how many parameters every backend reads: PHP's max_input_vars, the parameterLimit of Express and the
// maxParameterCount of Tomcat leave it at that, and drop the rest.
const fewestParameters = 1000

// SameParameter reports whether some backend may take a name, decoded, for that of the parameter: in any letter case (Slim
// reads _METHOD), as an array of it (name[], name[x]), with what PHP does to names (spaces before them are dropped, a NUL ends
// them, and dots, spaces and a "[" that nothing closes become "_"), and with what Rack does: brackets before them and after
// them are dropped.
func SameParameter(spelt, name string) bool {
	if len(spelt) < len(name) {
		return false
	}
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
	name = strings.Map(func(r rune) rune {
		if r == '.' || r == ' ' {
			return '_'
		}
		return r
	}, strings.TrimSpace(name))
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
