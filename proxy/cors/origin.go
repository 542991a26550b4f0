package cors

import (
	"net/http"
	"net/netip"
	"strings"
)

// longestOrigin is enough for a scheme, the longest name that DNS has (RFC 1035 section 2.3.4), and a port.
const longestOrigin = 512

// Origin is the origin of the page that a request comes from, as RFC 6454 section 6.2 serialises it. ok is false where there is
// none, and for "null", several Origin lines, and what is no origin.
func Origin(h http.Header) (origin string, ok bool) {
	lines := h["Origin"]
	if len(lines) != 1 || !isOrigin(lines[0]) {
		return "", false
	}
	return lines[0], true
}

// isOrigin reports whether s has the form scheme "://" host [ ":" port ].
func isOrigin(s string) bool {
	if len(s) > longestOrigin {
		return false
	}
	scheme, host, found := strings.Cut(s, "://")
	if !found || !isScheme(scheme) {
		return false
	}
	if name, port, found := cutPort(host); found {
		if port == "" || strings.Trim(port, "0123456789") != "" {
			return false
		}
		host = name
	}
	if inner, found := strings.CutPrefix(host, "["); found {
		inner, found = strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		return found && err == nil && address.Is6() && address.Zone() == ""
	}
	return host != "" && !strings.ContainsFunc(host, notOfHost)
}

// cutPort cuts the port off a host, the colons of an IPv6 address left alone.
func cutPort(host string) (name, port string, found bool) {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.LastIndexByte(host, ']') > colon {
		return host, "", false
	}
	return host[:colon], host[colon+1:], true
}

func isScheme(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return s != "" && strings.IndexByte(letters, s[0]) >= 0 && strings.Trim(s, letters+"0123456789+-.") == ""
}

// notOfHost reports whether a character is none of a host as the URL standard serialises it: letters, digits, and of the rest
// what it does not forbid.
func notOfHost(c rune) bool {
	return c <= ' ' || c > '~' || strings.ContainsRune("#/:<>?@[\\]^|%,;\"'(){}`*", c)
}
