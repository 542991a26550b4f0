package merge

import (
	"mime"
	"net/http"
	"strings"
)

// Kind is what the body of a write says about the document that it is sent to. The zero value is none.
type Kind uint8

// The kinds.
const (
	Whole      Kind = iota + 1 // PUT: the document itself
	MergePatch                 // PATCH: the members that change (RFC 7396)
	JSONPatch                  // PATCH: a list of operations (RFC 6902)
)

func (k Kind) String() string {
	switch k {
	case Whole:
		return "whole"
	case MergePatch:
		return "merge-patch"
	case JSONPatch:
		return "json-patch"
	}
	return "none"
}

// KindOf is the kind of a request with this method and the one Content-Type that it has; false: there is nothing that can be said about its body.
// These types are known exactly, with no parameter but a charset of utf-8: other types in +json have rules of their own. A PATCH
// that only says application/json is taken for a merge patch, as most frameworks take it.
func KindOf(method, contentType string) (Kind, bool) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return 0, false
		}
	}
	switch {
	case method == http.MethodPut && media == "application/json":
		return Whole, true
	case method == http.MethodPatch && (media == "application/json" || media == "application/merge-patch+json"):
		return MergePatch, true
	case method == http.MethodPatch && media == "application/json-patch+json":
		return JSONPatch, true
	}
	return 0, false
}
