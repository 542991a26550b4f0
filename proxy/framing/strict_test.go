package framing

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// This is the same grammar as the follower's, written in another way: from whole messages, by regular expressions.

const (
	tokenRE     = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
	visibleRE   = `[^\x00-\x20\x7f]`
	hostByteRE  = `[\-._~%!$&'()*+;=0-9A-Za-z`
	authorityRE = `(?:` + hostByteRE + `]+|\[` + hostByteRE + `:]*\])(?::[0-9]*)?`
	quotedRE    = `"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"`
)

var (
	requestLineRE = regexp.MustCompile(`^(?:\r\n)?(` + tokenRE + `) (` + visibleRE + `+) HTTP/1\.([01])\r\n`)
	fieldRE       = regexp.MustCompile(`^(` + tokenRE + `):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n`)
	chunkRE       = regexp.MustCompile(`^([0-9A-Fa-f]{1,16})((?:;` + tokenRE + `(?:=(?:` + tokenRE + `|` + quotedRE + `))?)*)\r\n`)
	originRE      = regexp.MustCompile(`^/` + visibleRE + `*$`)
	absoluteRE    = regexp.MustCompile(`^[hH][tT][tT][pP][sS]?://(` + authorityRE + `)(?:[/?]` + visibleRE + `*)?$`)
	wholeRE       = regexp.MustCompile(`^` + authorityRE + `$`)
	aliasRE       = regexp.MustCompile(`(?i)^(?:content[^0-9a-z]length|transfer[^0-9a-z]encoding)$`)
)

// strict reads sound requests until something is missing or wrong; whole says that nothing was.
func strict(b []byte) (all []request, whole bool) {
	for len(b) > 0 {
		r, rest, ok := strictRequest(b)
		if !ok {
			return all, false
		}
		all, b = append(all, r), rest
	}
	return all, true
}

func strictRequest(b []byte) (r request, rest []byte, ok bool) {
	line := requestLineRE.FindSubmatch(b)
	if line == nil {
		return r, nil, false
	}
	method, target, version11 := string(line[1]), string(line[2]), line[3][0] == '1'
	fields, rest, ok := strictFields(b[len(line[0]):])
	if !ok {
		return r, nil, false
	}
	authority, ok := strictTarget(method, target)
	hosts, lengths, codings := fields["host"], fields["content-length"], fields["transfer-encoding"]
	switch {
	case !ok, len(fields["alias"]) > 0, len(hosts) > 1, version11 && len(hosts) == 0:
		return r, nil, false
	case len(hosts) == 1 && hosts[0] != "" && !wholeRE.MatchString(hosts[0]):
		return r, nil, false
	case authority != "" && len(hosts) == 1 && asciiLower(hosts[0]) != asciiLower(authority):
		return r, nil, false
	case len(lengths)+len(codings) > 1, method == "CONNECT" && len(lengths)+len(codings) > 0:
		return r, nil, false
	}
	r = request{line: method + " " + target, whole: true}
	switch {
	case len(codings) == 1:
		if !version11 || asciiLower(codings[0]) != "chunked" {
			return r, nil, false
		}
		r.body, rest, ok = strictChunks(rest)
		return r, rest, ok
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if err != nil || n > uint64(len(rest)) {
			return r, nil, false
		}
		r.body, rest = string(rest[:n]), rest[n:]
	}
	return r, rest, true
}

// strictFields reads a section up to its empty line. Names are in small letters, and aliases under a name of their own.
func strictFields(b []byte) (fields map[string][]string, rest []byte, ok bool) {
	fields = make(map[string][]string)
	for {
		if rest, ok := bytes.CutPrefix(b, []byte("\r\n")); ok {
			return fields, rest, true
		}
		m := fieldRE.FindSubmatch(b)
		if m == nil {
			return nil, nil, false
		}
		name := asciiLower(string(m[1]))
		if aliasRE.MatchString(name) && !strings.Contains(name, "-") {
			name = "alias"
		}
		fields[name] = append(fields[name], string(m[2]))
		b = b[len(m[0]):]
	}
}

func strictTarget(method, target string) (authority string, ok bool) {
	if method == "CONNECT" {
		return target, wholeRE.MatchString(target) && len(target) <= longestAuthority
	}
	if m := absoluteRE.FindStringSubmatch(target); m != nil {
		return m[1], len(m[1]) <= longestAuthority
	}
	return "", originRE.MatchString(target) || method == "OPTIONS" && target == "*"
}

func strictChunks(b []byte) (body string, rest []byte, ok bool) {
	for {
		m := chunkRE.FindSubmatch(b)
		if m == nil || len(m[2]) > longestExtensions {
			return "", nil, false
		}
		n, err := strconv.ParseUint(string(m[1]), 16, 63)
		b = b[len(m[0]):]
		if err != nil {
			return "", nil, false
		}
		if n == 0 {
			fields, rest, ok := strictFields(b)
			for _, name := range []string{"host", "content-length", "transfer-encoding", "alias", "trailer", "connection"} {
				ok = ok && len(fields[name]) == 0
			}
			return body, rest, ok && len(b)-len(rest) <= longestTrailer
		}
		if uint64(len(b)) < n+2 || string(b[n:n+2]) != "\r\n" {
			return "", nil, false
		}
		body += string(b[:n])
		b = b[n+2:]
	}
}

// asciiLower leaves alone what is not ASCII.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}
