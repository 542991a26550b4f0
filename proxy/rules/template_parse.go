package rules

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"proxy409/proxy/target"
)

// Holes is what a template may name. The zero value is nothing.
type Holes struct {
	// Wildcard says whether {name} stands for something; Rest, whether that may have slashes, which then stay. Nil: for none.
	Wildcard, Rest func(name string) bool
	// Query, Body and Found allow {query:name}, {/pointer} into the request's body, and {found:/pointer} into what the backend answered.
	Query, Body, Found bool
}

// longestTemplate is in bytes.
const longestTemplate = 1000

// ParseTemplate reads a template. Its errors are for who wrote the configuration, and begin after the template itself: "has a …".
func ParseTemplate(text string, may Holes) (Template, error) {
	switch {
	case !strings.HasPrefix(text, "/"):
		return Template{}, errors.New("is not a path, perhaps with a query; it begins with /, as /users/{id} or /users?email={/email}")
	case len(text) > longestTemplate:
		return Template{}, fmt.Errorf("is longer than %d bytes", longestTemplate)
	}
	t := Template{text: text}
	parts := &t.path
	for rest := text; rest != ""; {
		var p part
		var err error
		if rest[0] == '{' {
			p, rest, err = cutHole(rest, may)
		} else {
			p, rest, err = cutLiteral(rest, t.asks)
		}
		if err != nil {
			return Template{}, err
		}
		if p.text != "" || p.hole != literal {
			*parts = append(*parts, p)
		}
		if !t.asks && strings.HasPrefix(rest, "?") {
			t.asks, rest, parts = true, rest[1:], &t.query
		}
	}
	if _, err := target.Canonical(t.Sample()); err != nil {
		return Template{}, fmt.Errorf("is not clean: %w", err)
	}
	if err := t.checkQuery(); err != nil {
		return Template{}, err
	}
	return t, nil
}

// cutHole reads what begins with a brace.
func cutHole(text string, may Holes) (p part, rest string, err error) {
	name, rest, closed := strings.Cut(text[1:], "}")
	if !closed || strings.Contains(name, "{") {
		return part{}, "", errors.New("has a { that no } closes; " + may.allowed())
	}
	p = part{hole: wildcard, text: name}
	switch prefix, after, _ := strings.Cut(name, ":"); {
	case strings.HasPrefix(name, "/") && may.Body:
		p.hole, p.text = inBody, name
	case prefix == "query" && after != "" && may.Query:
		p.hole, p.text = inQuery, after
	case strings.HasPrefix(name, "found:") && may.Found:
		p.hole, p.text = inFound, after
	case may.Wildcard == nil || !may.Wildcard(name):
		return part{}, "", fmt.Errorf("has {%s}, which stands for nothing here; %s", name, may.allowed())
	}
	if p.hole == inBody || p.hole == inFound {
		if p.pointer, err = ParsePointer(p.text); err != nil {
			return part{}, "", fmt.Errorf("has {%s}: %w", name, err)
		}
	}
	p.slashes = p.hole == wildcard && may.Rest != nil && may.Rest(name)
	return p, rest, nil
}

// allowed says what may stand between braces.
func (h Holes) allowed() string {
	var ways []string
	for _, way := range []struct {
		may  bool
		text string
	}{
		{h.Wildcard != nil, "{name} for a wildcard of match or a parameter of key.query"},
		{h.Query, "{query:name} for a parameter of the query"},
		{h.Body, "{/pointer} for a member of the request's body"},
		{h.Found, "{found:/pointer} for a member of what the backend answered to ask"},
	} {
		if way.may {
			ways = append(ways, way.text)
		}
	}
	if len(ways) == 0 {
		return "nothing may stand in braces"
	}
	return "in braces may stand " + strings.Join(ways, ", or ")
}

// cutLiteral reads up to the next brace, or from a path to its query.
func cutLiteral(text string, inQuery bool) (p part, rest string, err error) {
	ends := "{?"
	if inQuery {
		ends = "{"
	}
	end := strings.IndexAny(text, ends)
	if end < 0 {
		end = len(text)
	}
	p.text, rest = text[:end], text[end:]
	switch _, err := url.PathUnescape(p.text); {
	case strings.Contains(p.text, "}"):
		return part{}, "", errors.New("has a } without a { before it; as itself it is written %7D")
	case strings.Contains(p.text, "#"):
		return part{}, "", errors.New("has a fragment, which no backend gets to see; as itself # is written %23")
	case err != nil:
		return part{}, "", errors.New("has a % that is not followed by two hexadecimal digits; as itself it is written %25")
	case strings.ContainsFunc(p.text, func(r rune) bool { return !onTheWire(r, inQuery) }):
		return part{}, "", errors.New("has a character that must be percent-encoded there, as ü is %C3%BC")
	}
	return p, rest, nil
}

// onTheWire reports whether a character stands for itself in a path (RFC 3986 section 3.3), or in a query as it is used: with brackets.
func onTheWire(r rune, inQuery bool) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("-._~!$&'()*+,;=:@/%", r) || inQuery && strings.ContainsRune("?[]", r)
}

// checkQuery refuses values where the query has its names: a client would choose what is asked.
func (t Template) checkQuery() error {
	named := false // the parameter, and its value begins
	for _, p := range t.query {
		if p.hole == literal {
			last := p.text[strings.LastIndexAny(p.text, "&;")+1:]
			named = strings.Contains(last, "=") || named && len(last) == len(p.text)
		} else if !named {
			return fmt.Errorf("has {%s} where a parameter of the query has its name; it is the value of one, as name={%s}", p.name(), p.name())
		}
	}
	return nil
}
