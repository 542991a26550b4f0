package config

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// readTemplate checks version.read by itself; that its names stand for something is checked with the rest of the route.
func readTemplate(template string) (string, error) {
	if _, err := text(maxTemplate)(template); err != nil {
		return "", err
	}
	switch names := placeholders.FindAllString(template, -1); {
	case !strings.HasPrefix(template, "/"):
		return "", errors.New("is not a path; it begins with /, as /articles/{id} or /api.php?action=get&id={id}")
	case strings.Contains(template, "#"):
		return "", errors.New("has a fragment, which no backend gets to see")
	case strings.Count(template, "{") != len(names), strings.Count(template, "}") != len(names):
		return "", errors.New("has a brace without its other; {name} stands for a wildcard of match or a parameter of key.query")
	}
	raw, _, _ := strings.Cut(template, "?")
	u, err := url.ParseRequestURI(placeholders.ReplaceAllString(template, "x"))
	switch {
	case strings.Contains(raw, "//"), err == nil && u.Path != "/" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return "", errors.New("has a path that is not clean: no //, no dot segments")
	case err != nil, strings.Contains(raw, `\`):
		return "", errors.New("is not a path and query as they stand in a URL")
	case u.EscapedPath() != placeholders.ReplaceAllString(raw, "x"):
		return "", errors.New("has a character in its path that must be percent-encoded there, as ü is %C3%BC")
	}
	return template, nil
}

const maxTemplate = 1000

var placeholders = regexp.MustCompile(`\{([^{}]+)\}`)

// names are what stands in braces in a match or in version.read.
func names(template string) []string {
	var found []string
	for _, m := range placeholders.FindAllStringSubmatch(template, -1) {
		found = append(found, m[1])
	}
	return found
}

// wildcards are the names of a match's wildcards, and whether each stands for one segment alone.
func wildcards(match string) map[string]bool {
	found := make(map[string]bool)
	for _, name := range names(match) {
		short, rest := strings.CutSuffix(name, "...")
		if short != "$" {
			found[short] = !rest
		}
	}
	return found
}
