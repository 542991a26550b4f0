package target

import (
	"net/http"
	"slices"
	"strings"
)

// What [Method] refuses.
const (
	BadMethod            Problem = "the method, or a header or parameter that overrides it, is not a method's name"
	ContradictoryMethods Problem = "the headers and parameters that override the method name different methods"
)

// overrideHeaders are the header fields by which clients that can only send GET and POST name another method.
var overrideHeaders = []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// Safe reports whether a method only reads (RFC 9110, section 9.2.1; RFC 4918; RFC 3253, section 3.6; RFC 5323; QUERY).
// It must be in capitals: methods are case-sensitive (RFC 9110, section 9.1), and a backend that
// does not know "get" may do with it whatever it does with the rest.
func Safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "REPORT", "SEARCH", "QUERY":
		return true
	}
	return false
}

// Method is the method that the request may have at the backend, or a [Problem].
//
// X-HTTP-Method-Override, X-HTTP-Method and X-Method-Override, as header fields or, like _method, as parameters of the query or the
// body, name another one. Whether the backend obeys is not known, so they are believed only where that makes the request more
// dangerous: they turn a POST into any other unsafe method, a safe request into an unsafe one, and any into a MOVE or COPY, which
// concern another resource too; by a parameter, which on a GET may mean anything, only into one that is registered. What is returned is never [Safe] unless the request's own method is.
//
// Otherwise methods are returned in capitals, as lenient backends read them, but "get" stays "get": it is no safe
// method.
//
// The request's header fields must have been freed of their [Aliases]. InBody lists the values that a parameter has in the body; nil:
// there are none.
func Method(r *http.Request, inBody func(name string) []string) (string, error) {
	return effective(r.Method, overrides(r, inBody))
}

// overrides lists the methods that the request names beside its own.
func overrides(r *http.Request, inBody func(string) []string) []string {
	var named []string
	for _, name := range MethodParameters() {
		if r.URL != nil && r.URL.RawQuery != "" {
			inQuery, _ := QueryValues(r.URL.RawQuery, name)
			named = append(named, inQuery...)
		}
		if inBody != nil {
			named = append(named, inBody(name)...)
		}
	}
	if Safe(strings.ToUpper(r.Method)) {
		named = slices.DeleteFunc(named, func(s string) bool { return !registered(strings.ToUpper(strings.TrimSpace(s))) })
	}
	for _, name := range overrideHeaders {
		named = append(named, r.Header[name]...)
	}
	for i := range named {
		named[i] = strings.TrimSpace(named[i])
	}
	return slices.DeleteFunc(named, func(s string) bool { return s == "" })
}

// MethodParameters are the names of the parameters by which a request can name another method.
func MethodParameters() []string { return append([]string{"_method"}, overrideHeaders...) }

// MayMove reports whether a backend may take the request for a MOVE or COPY, by its method, by what overrides that, or by what may
// stand in its body. The header fields may have any spelling.
func MayMove(r *http.Request) bool {
	if !Safe(r.Method) {
		return true
	}
	for name := range r.Header {
		if slices.ContainsFunc(overrideHeaders, func(o string) bool { return foldHeader(o) == foldHeader(name) }) {
			return true
		}
	}
	return NamesMethod(r.URL.RawQuery)
}

// NamesMethod reports whether a backend may take a parameter of the query for the method of the request.
func NamesMethod(rawQuery string) bool {
	return slices.ContainsFunc(MethodParameters(), func(name string) bool {
		values, _ := QueryValues(rawQuery, name)
		return len(values) > 0
	})
}

// registered reports whether a method is one of those that IANA lists and that backends dispatch by.
func registered(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "MOVE", "COPY", "MKCOL", "PROPPATCH", "LOCK", "UNLOCK",
		"ACL", "BIND", "REBIND", "UNBIND", "LINK", "UNLINK", "MKCALENDAR", "MKREDIRECTREF", "UPDATEREDIRECTREF", "UPDATE", "CHECKIN",
		"CHECKOUT", "UNCHECKOUT", "MERGE", "LABEL", "ORDERPATCH", "VERSION-CONTROL", "BASELINE-CONTROL", "MKACTIVITY", "MKWORKSPACE":
		return true
	}
	return false
}

func effective(own string, named []string) (string, error) {
	if own == "" {
		own = http.MethodGet // as net/http sends it
	}
	for _, m := range append([]string{own}, named...) {
		if !isToken(m) {
			return "", BadMethod
		}
	}
	folded := strings.ToUpper(own)
	if len(named) > 0 {
		other := strings.ToUpper(named[0])
		for _, m := range named {
			if strings.ToUpper(m) != other {
				return "", ContradictoryMethods
			}
		}
		if (folded == http.MethodPost || Safe(folded)) && !Safe(other) || other == "MOVE" || other == "COPY" {
			return other, nil
		}
	}
	if Safe(folded) {
		return own, nil
	}
	return folded, nil
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
