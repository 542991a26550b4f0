package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	errUnclosed   = errors.New("a ${ is not closed by }; write $${ for a literal ${")
	errReference  = errors.New("a ${…} is neither ${NAME} nor ${NAME:-default}; write $${ for a literal ${")
	variableName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	maxReferences = 100
)

// expand replaces ${NAME} and ${NAME:-default} in a scalar by the variable's value; the default, which cannot hold a }
// or another reference, stands in for a variable that is unset or empty, as in a shell. $${ is a literal ${, and any
// other $ is itself. What a variable holds is not expanded again. The errors quote nothing but names.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for range maxReferences + 1 {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		reference, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", errUnclosed
		}
		value, err := lookup(reference, env)
		if err != nil {
			return "", err
		}
		b.WriteString(before + value)
		text = rest
	}
	return "", fmt.Errorf("has more than %d references to variables", maxReferences)
}

func lookup(reference string, env func(string) (string, bool)) (string, error) {
	name, fallback, hasDefault := strings.Cut(reference, ":-")
	if !variableName.MatchString(name) || strings.Contains(fallback, "${") {
		return "", errReference
	}
	value, set := env(name)
	if hasDefault && value == "" {
		return fallback, nil
	}
	if !set {
		return "", fmt.Errorf("the environment variable %s is not set; set it, or write ${%s:-default}", name, name)
	}
	return value, nil
}
