package refusal

import (
	"strconv"
	"strings"
)

// format is one form in which a refusal can be sent.
type format struct {
	mediaType   string // what Accept is held against
	contentType string // what is sent: the media type, and its charset where it has one
	policy      string // Content-Security-Policy; "" sends none
	render      func(problem) []byte
}

// formats, the best first. The first is what a client gets that takes none of them: an answer in a form that was not
// asked for is better than a 406 that hides why (RFC 9110, section 12.4.1).
var formats = []format{
	{mediaType: "application/problem+json", contentType: "application/problem+json", render: problem.json},
	{mediaType: "application/json", contentType: "application/json", render: problem.json},
	{mediaType: "text/html", contentType: "text/html; charset=utf-8", policy: pagePolicy, render: problem.html},
	{mediaType: "text/plain", contentType: "text/plain; charset=utf-8", render: problem.text},
}

// javaDefault begins the Accept of a Java program that has set none (java.net.HttpURLConnection, up to Java 17 at least;
// what follows the asterisk has changed). It is a program that asks for nothing, and not a browser.
const javaDefault = "text/html, image/gif, image/jpeg, *"

// negotiate chooses by Accept (RFC 9110, section 12.5.1): the highest quality; among equals what the client names more
// precisely, because "application/json, */*" asks for JSON; then the order of formats. Elements that are none are
// passed over.
func negotiate(accept []string) format {
	if len(accept) == 1 && strings.HasPrefix(accept[0], javaDefault) {
		return formats[0]
	}
	ranges := parseAccept(accept)
	best, bestQuality, bestPrecision := formats[0], 0, 0
	for _, f := range formats {
		if q, precision := qualityOf(f.mediaType, ranges); q > bestQuality || q == bestQuality && precision > bestPrecision {
			best, bestQuality, bestPrecision = f, q, precision
		}
	}
	if bestQuality == 0 {
		return formats[0]
	}
	return best
}

// mediaRange is an element of Accept, its quality in thousandths. Parameters of media types are not looked at: no
// format can be had with other ones.
type mediaRange struct {
	kind, subtype string
	quality       int
}

// precision orders the ranges that match one media type: the most precise one decides.
func (m mediaRange) precision(mediaType string) int {
	kind, subtype, _ := strings.Cut(mediaType, "/")
	switch {
	case m.kind == kind && m.subtype == subtype:
		return 3
	case m.kind == kind && m.subtype == "*":
		return 2
	case m.kind == "*" && m.subtype == "*":
		return 1
	}
	return 0
}

func qualityOf(mediaType string, ranges []mediaRange) (quality, precision int) {
	for _, m := range ranges {
		if p := m.precision(mediaType); p > precision || p > 0 && p == precision && m.quality > quality {
			quality, precision = m.quality, p
		}
	}
	return quality, precision
}

func parseAccept(lines []string) []mediaRange {
	var ranges []mediaRange
	for _, line := range lines {
		for _, element := range splitUnquoted(line, ',') {
			if m, ok := parseRange(element); ok {
				ranges = append(ranges, m)
			}
		}
	}
	return ranges
}

func parseRange(element string) (m mediaRange, ok bool) {
	parts := splitUnquoted(element, ';')
	m.quality = 1000
	m.kind, m.subtype, ok = strings.Cut(strings.ToLower(strings.TrimSpace(parts[0])), "/")
	for _, parameter := range parts[1:] {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return m, false
			}
			m.quality = int(q*1000 + 0.5)
		}
	}
	return m, ok
}

// splitUnquoted splits at every separator that is not within a quoted string (RFC 9110, section 5.6.4).
func splitUnquoted(s string, separator byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
