package cors

import (
	"net/http"
	"slices"
	"strings"
)

// The fields of the protocol, as [http.Header] spells them.
const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	requestMethod    = "Access-Control-Request-Method"
	requestHeaders   = "Access-Control-Request-Headers"
)

// Grant is what an answer of the backend lets the pages of one origin do. The zero value lets them do nothing.
type Grant struct {
	origin      string // "*", or the origin; "": none
	credentials bool
}

// GrantOf reads what an answer's header lets an origin do.
func GrantOf(h http.Header, origin string) Grant {
	lines := h[allowOrigin]
	switch {
	case origin == "" || len(lines) != 1:
		return Grant{}
	case lines[0] == "*":
		return Grant{origin: "*"}
	case lines[0] == origin:
		return Grant{origin: origin, credentials: credentials(h)}
	}
	return Grant{}
}

// credentials reports whether the answer is for requests with credentials, too. The word is case-sensitive.
func credentials(h http.Header) bool { return slices.Equal(h[allowCredentials], []string{"true"}) }

// Given reports whether it lets the origin read anything.
func (g Grant) Given() bool { return g.origin != "" }

// ofRefusals are the fields of a refusal that a page has use for and does not see by itself.
var ofRefusals = [...]string{"Retry-After", "Proxy-Status", "Etag", "Location"}

// Refuse gives the grant to a refusal's header, and lets the pages of the origin see what it says.
func (g Grant) Refuse(h http.Header) {
	if !g.Given() {
		return
	}
	h[allowOrigin] = []string{g.origin}
	if g.credentials {
		h[allowCredentials] = []string{"true"}
	}
	for _, name := range ofRefusals {
		if len(h[name]) > 0 {
			add(h, exposeHeaders, spelling(name))
		}
	}
}

// VaryByOrigin says that the answer would be another for another origin.
func VaryByOrigin(h http.Header) {
	if !names(h["Vary"], "Origin") && !names(h["Vary"], "*") {
		add(h, "Vary", "Origin")
	}
}

// ExposeETag lets pages that may read an answer of the backend see its ETag, if it has one.
func ExposeETag(h http.Header) {
	if len(h[allowOrigin]) == 0 || len(h["Etag"]) == 0 || listed(h, exposeHeaders, "ETag") {
		return
	}
	add(h, exposeHeaders, "ETag")
}

// listed reports whether a field that lists header fields has one, by name or by "*" where that is no name.
func listed(h http.Header, field, name string) bool {
	return names(h[field], name) || names(h[field], "*") && !credentials(h)
}

// names reports whether lines of a comma-separated list have an element; letter case does not count.
func names(lines []string, element string) bool {
	for _, line := range lines {
		for e := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(e, " \t"), element) {
				return true
			}
		}
	}
	return false
}

// add puts an element at the end of a list, and keeps what is there. The slice that is there may be somebody else's.
func add(h http.Header, field, element string) {
	had := strings.Join(h[field], ", ")
	if strings.Trim(had, ", \t") == "" {
		h[field] = []string{element}
		return
	}
	h[field] = []string{had + ", " + element}
}

// spelling is a field's name as people write it.
func spelling(name string) string {
	if name == "Etag" {
		return "ETag"
	}
	return name
}
