package target

import (
	"net/url"
	"strings"
)

// QueryValues lists the values of a parameter of a query, or of a form's body, as the most lenient parser would find them:
// the name in any letter case (Slim reads _METHOD), ";" separating too, bad escapes left standing.
func QueryValues(rawQuery, name string) []string {
	var values []string
	for pair := range strings.FieldsFuncSeq(rawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		k, v, _ := strings.Cut(pair, "=")
		if strings.EqualFold(formUnescape(k), name) {
			values = append(values, formUnescape(v))
		}
	}
	return values
}

func formUnescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
