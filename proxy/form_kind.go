package proxy

import (
	"errors"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The types of forms.
const (
	urlencoded = "application/x-www-form-urlencoded"
	multiparts = "multipart/form-data"
	jsonObject = "json"
	twoKinds   = "a form, and JSON"
)

// formKind is the media type of a request that a backend may take for a form, whatever else stands in the field, and "" of
// any other. Rack takes a POST without Content-Type for one, and looks into multipart/related and multipart/mixed too; Laravel
// reads _method from JSON.
func formKind(r *http.Request) string {
	lines := r.Header["Content-Type"]
	if len(lines) == 0 && strings.EqualFold(r.Method, http.MethodPost) {
		return urlencoded
	}
	found := ""
	for _, line := range lines {
		switch kind := kindOf(line); {
		case kind == "" || kind == found:
		case found == "" || found == jsonObject && kind != jsonObject:
			found = kind
		default:
			found = twoKinds
		}
	}
	return found
}

// kindOf is the kind of form that one Content-Type names, if any. Many look for a word anywhere in it rather than at the media type:
// where the word is somewhere else, it is two things.
func kindOf(line string) string {
	line = strings.ToLower(line)
	kind := strings.TrimLeft(line, " \t")
	if i := strings.IndexAny(kind, ";, \t"); i >= 0 {
		kind = kind[:i]
	}
	coded, parts := strings.Contains(line, "urlencoded"), strings.Contains(line, "multipart/")
	json := strings.Contains(line, "/json") || strings.Contains(line, "+json")
	switch {
	case kind == "":
		return urlencoded
	case coded && kind == urlencoded && !parts && !json:
		return urlencoded
	case parts && strings.HasPrefix(kind, "multipart/") && !coded && !json:
		return kind
	case json && !coded && !parts:
		return jsonObject
	case coded || parts || json:
		return twoKinds
	}
	return ""
}

// oddForm reports whether backends differ in how they read the form, because of what its header says.
func oddForm(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) == 0 {
		return false
	}
	_, params, err := mime.ParseMediaType(lines[0])
	odd := len(lines) > 1 || err != nil && lines[0] != "" &&
		(!errors.Is(err, mime.ErrInvalidMediaParameter) || strings.Contains(strings.ToLower(lines[0]), "charset="))
	return odd || !likeASCII.MatchString(params["charset"]) ||
		slices.ContainsFunc(h["Content-Encoding"], func(s string) bool { return !strings.EqualFold(strings.TrimSpace(s), "identity") })
}

// likeASCII are the character sets in which ASCII looks like ASCII.
var likeASCII = regexp.MustCompile(`(?i)^(?:|utf-?8|(?:us-)?ascii|iso-?8859-?\d+|latin-?\d+|windows-(?:125\d|31j|874)|cp125\d|shift[-_]?jis|sjis|euc-(?:jp|kr)|gb(?:2312|k|18030)|big5|koi8-[ru]|tis-620)$`)
