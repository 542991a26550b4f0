package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The templates of paths are checked here by themselves; that their names stand for something is checked with the rest of the route.

// readTemplate checks version.read.
func readTemplate(template string) (string, error) {
	if err := templateShape(template, "{name} stands for a wildcard of match or a parameter of key.query"); err != nil {
		return "", err
	}
	return template, nil
}

// ruleTemplate checks a template of a rule, and locationTemplate one that may also hold what the backend said when it was asked.
func ruleTemplate(template string) (string, error)     { return templateOf(template, false) }
func locationTemplate(template string) (string, error) { return templateOf(template, true) }

func templateOf(template string, found bool) (string, error) {
	if err := templateShape(template, "{name}, {query:name} and {/pointer} stand for something of the request"); err != nil {
		return "", err
	}
	for _, name := range names(template) {
		if err := placeholder(name, found); err != nil {
			return "", err
		}
	}
	return template, nil
}

// templateShape checks a template without regard to what stands in its braces.
func templateShape(template, braces string) error {
	if _, err := text(maxTemplate)(template); err != nil {
		return err
	}
	shape := placeholders.ReplaceAllString(template, "x")
	switch {
	case !strings.HasPrefix(template, "/"):
		return errors.New("is not a path; it begins with /, as /articles/{id} or /api.php?action=get&id={id}")
	case strings.ContainsAny(shape, "{}"):
		return errors.New("has a brace without its other; " + braces)
	case strings.Contains(shape, "#"):
		return errors.New("has a fragment, which no backend gets to see")
	}
	raw, _, _ := strings.Cut(shape, "?")
	u, err := url.ParseRequestURI(shape)
	switch {
	case strings.Contains(raw, "//"), err == nil && u.Path != "/" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return errors.New("has a path that is not clean: no //, no dot segments")
	case err != nil, strings.Contains(raw, `\`):
		return errors.New("is not a path and query as they stand in a URL")
	case u.EscapedPath() != raw:
		return errors.New("has a character in its path that must be percent-encoded there, as ü is %C3%BC")
	}
	return nil
}

const (
	ofQuery = "query:"
	ofFound = "found:"
)

// placeholder checks what stands in braces in a template of a rule.
func placeholder(name string, found bool) error {
	parameter, isParameter := strings.CutPrefix(name, ofQuery)
	pointer, isFound := strings.CutPrefix(name, ofFound)
	switch {
	case isParameter:
		if _, err := text(maxParameterName)(parameter); err != nil {
			return fmt.Errorf("has a {query:name} whose name %w", err)
		}
	case isFound && !found:
		return errors.New("has {found:…} in it, which is for a location alone: nothing has been found yet")
	case isFound, strings.HasPrefix(name, "/"):
		if _, err := jsonPointer(pointer); err != nil {
			return fmt.Errorf("has something in braces that %w", err)
		}
	}
	return nil
}

// plainNames are those of the names in braces that stand for a wildcard of match or a parameter of key.query.
func plainNames(template string) []string {
	return slices.DeleteFunc(names(template), func(name string) bool {
		return strings.HasPrefix(name, "/") || strings.HasPrefix(name, ofQuery) || strings.HasPrefix(name, ofFound)
	})
}

const maxTemplate = 1000

var placeholders = regexp.MustCompile(`\{([^{}]+)\}`)

// names are what stands in braces in a match or a template.
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
