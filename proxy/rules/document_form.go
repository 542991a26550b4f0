package rules

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"proxy409/proxy/target"
)

// readForm reads a form as browsers send it (WHATWG URL, section 5.1), but refuses what that passes over.
func readForm(content string) (Document, error) {
	values := map[string]any{}
	count := 0
	for pair := range strings.SplitSeq(content, "&") {
		if pair == "" {
			continue
		}
		if count++; count > mostParts {
			return Document{}, malformed("the form has more than %d parameters, which is more than are looked at", mostParts)
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		switch {
		case nameErr != nil || valueErr != nil:
			return Document{}, malformed("the form has a %% that is not followed by two hexadecimal digits, in its parameter number %d", count)
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return Document{}, malformed("the form is not in UTF-8, in its parameter number %d", count)
		}
		switch before := values[name].(type) {
		case nil:
			values[name] = value
		case []any:
			values[name] = append(before, value)
		default:
			values[name] = []any{before, value}
		}
	}
	return Document{kind: formBody, value: values, form: content}, nil
}

// parameter is what the pointer leads to in a form.
func (d Document) parameter(p Pointer) (value any, present bool, err error) {
	name := p.tokens[0]
	found, plain := target.QueryValues(d.form, name)
	switch {
	case name == "":
		return nil, false, malformed("the form is asked for a parameter without a name, which is none to some")
	case len(p.tokens) > 1:
		if len(found) > 0 || d.hasDotted(name) {
			return nil, false, malformed("the form has parameters that may or may not be what %s means, which is found in JSON alone", p)
		}
		return nil, false, nil
	case len(found) > 1:
		return nil, false, malformed("the form has more than one parameter that may be %s", d.name(p))
	case !plain:
		return nil, false, malformed("the form has the parameter %s in a way that is read in several: in another spelling, as an array, beside a semicolon, "+
			"with a control character in it, or after too many others", d.name(p))
	case len(found) == 0:
		return nil, false, nil
	}
	return found[0], true, nil
}

// hasDotted reports whether the form has a parameter within the name as Spring and .NET write it: order.status.
func (d Document) hasDotted(name string) bool {
	for pair := range strings.FieldsFuncSeq(d.form, func(r rune) bool { return r == '&' || r == ';' }) {
		spelt, _, _ := strings.Cut(pair, "=")
		spelt, err := url.QueryUnescape(spelt)
		outer, _, dotted := strings.Cut(spelt, ".")
		if err == nil && dotted && target.SameParameter(outer, name) {
			return true
		}
	}
	return false
}
