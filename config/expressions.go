package config

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
)

// The regexps of `when` and `key`: only checked here, and compiled by whoever uses them.

// parameters decodes a mapping from parameters to regexps. It replaces what is there.
func parameters(dst *map[string]string, parse func(string) (string, error)) decodeFunc {
	return named(dst, "parameter", maxVisits, text(maxParameterName), func(s *string) decodeFunc { return one(s, parse) })
}

const (
	maxParameterName = 100
	maxExpression    = 1000
)

// wholeValue checks a regexp that a whole value must match.
func wholeValue(text string) (string, error) {
	if _, err := expression(text); err != nil {
		return "", err
	}
	if _, err := expression("^(?:" + text + ")$"); err != nil { // an unclosed \Q swallows the rest
		return "", fmt.Errorf("%w once it is put into ^(?:…)$", err)
	}
	return text, nil
}

// partOfKey checks a regexp that picks what becomes part of a key.
func partOfKey(text string) (string, error) {
	tree, err := expression(text)
	switch {
	case err != nil:
		return "", err
	case matchesNothing(tree):
		return "", errors.New("can match the empty text, which would make one resource of all; write ^[0-9]+$ rather than ^[0-9]*$")
	}
	return text, nil
}

func expression(text string) (*syntax.Regexp, error) {
	switch {
	case text == "":
		return nil, errors.New("is empty; it wants a Go regexp")
	case len(text) > maxExpression:
		return nil, fmt.Errorf("is longer than %d bytes", maxExpression)
	}
	tree, err := syntax.Parse(text, syntax.Perl) // as regexp.Compile does
	if bad := (*syntax.Error)(nil); errors.As(err, &bad) {
		return nil, fmt.Errorf("is not a Go regexp: %s", bad.Code) // its Expr may hold the value of a variable
	}
	return tree, err
}

// matchesNothing says whether a match may be empty somewhere in some text: more than whether the empty text matches,
// which \b[0-9]* does not.
func matchesNothing(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpNoMatch, syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpRepeat:
		return tree.Min == 0 || matchesNothing(tree.Sub[0])
	case syntax.OpCapture, syntax.OpPlus:
		return matchesNothing(tree.Sub[0])
	case syntax.OpAlternate:
		return slices.ContainsFunc(tree.Sub, matchesNothing)
	case syntax.OpConcat:
		return !slices.ContainsFunc(tree.Sub, func(part *syntax.Regexp) bool { return !matchesNothing(part) })
	}
	return true
}
