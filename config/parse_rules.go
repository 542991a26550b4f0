package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The parsers of what stands in rules; see the note in parse.go.

// expectation checks a place where a request may say which version it was made from.
func expectation(from string) (string, error) {
	if from == "if-match" || from == "if-unmodified-since" {
		return from, nil
	}
	kind, name, found := strings.Cut(from, ":")
	parse, known := expectations[kind]
	if !found || !known {
		return "", errors.New(
			"is not a place of a version; allowed: if-match, json:/POINTER, form:NAME, header:NAME, query:NAME, if-unmodified-since")
	}
	name, err := parse(name)
	if err != nil {
		return "", fmt.Errorf("names after its colon what %w", err)
	}
	return kind + ":" + name, nil
}

// expectations are the kinds of places that have names.
var expectations = map[string]func(string) (string, error){
	"json": jsonPointer, "form": text(maxParameterName), "query": text(maxParameterName), "header": expectedField,
}

func expectedField(name string) (string, error) {
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
	case !fieldNames.MatchString(name):
		return "", errors.New("is not the name of a header field, such as X-Revision")
	case canonical == "If-Unmodified-Since":
		return "", errors.New("has a place of its own; write if-unmodified-since")
	case strings.HasPrefix(canonical, "If-"):
		return "", errors.New("is a precondition of HTTP, which is judged as what it is; leave it out")
	case slices.Contains(versionless, canonical):
		return "", errors.New("is about the connection, the message or the moment, and names no version of a resource")
	default:
		return canonical, nil
	}
}

var (
	answerNames = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,62}$`)
	// celWords can be no identifiers in CEL.
	celWords = []string{
		"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null",
		"package", "return", "true", "var", "void", "while",
	}
)

// answerName checks what an expression calls an answer of the backend.
func answerName(text string) (string, error) {
	switch {
	case !answerNames.MatchString(text):
		return "", errors.New("is not an identifier; it is a lower-case letter and up to 62 of a-z, A-Z, 0-9 and _")
	case text == "request", text == "current":
		return "", errors.New("is that of another variable: request and current are there in any case")
	case slices.Contains(celWords, text):
		return "", errors.New("is a word of CEL's own")
	}
	return text, nil
}

const (
	maxState      = 200
	maxFieldValue = 8 << 10
)

// state checks the name of a state, which may have spaces in it.
func state(name string) (string, error) {
	switch {
	case strings.TrimSpace(name) == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", errors.New("has a control character in it")
	}
	return prose(maxState)(name)
}

// prose checks a text of several words and lines.
func prose(most int) func(string) (string, error) {
	return func(text string) (string, error) {
		switch {
		case strings.TrimSpace(text) == "":
			return "", errors.New("is empty")
		case len(text) > most:
			return "", fmt.Errorf("is longer than %d bytes", most)
		case !utf8.ValidString(text), strings.ContainsFunc(strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text), unicode.IsControl):
			return "", errors.New("has a control character or broken UTF-8 in it")
		}
		return text, nil
	}
}

// notAsked are fields that a question of the proxy's own has no use for, or that the proxy sets itself.
var notAsked = []string{
	"Host", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Range", "Accept-Encoding",
}

// askField checks and canonicalizes the name of a field that questions have.
func askField(name string) (string, error) {
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
	case !fieldNames.MatchString(name):
		return "", errors.New("is not one, such as Authorization")
	case slices.Contains(notAsked, canonical), strings.HasPrefix(canonical, "Content-"), strings.HasPrefix(canonical, "If-"):
		return "", errors.New("is one about the connection, the message or a condition, which the proxy sees to itself")
	default:
		return canonical, nil
	}
}

// fieldValue hides the value of a header field, and says nothing of what is in it.
func fieldValue(text string) (Secret, error) {
	switch {
	case text == "":
		return Secret{}, errors.New("is empty")
	case len(text) > maxFieldValue:
		return Secret{}, fmt.Errorf("is longer than %d bytes", maxFieldValue)
	case strings.TrimSpace(text) != text:
		return Secret{}, errors.New("begins or ends with white space; a variable may have a line break at its end")
	case strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }):
		return Secret{}, errors.New("has something in it that cannot stand in a header field; ASCII can, without control characters")
	}
	return NewSecret(text), nil
}
