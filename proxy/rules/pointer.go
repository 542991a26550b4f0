package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON pointer (RFC 6901). The zero value is the whole document.
type Pointer struct {
	text   string
	tokens []string // unescaped
}

// longestPointer is in bytes. No document is as deep as a longer one goes.
const longestPointer = 1000

// ParsePointer reads a pointer as it stands in a configuration; "" is the whole document. Its errors are for who wrote that.
func ParsePointer(text string) (Pointer, error) {
	if text == "" {
		return Pointer{}, nil
	}
	rest, rooted := strings.CutPrefix(text, "/")
	switch {
	case !rooted:
		return Pointer{}, fmt.Errorf("%q is not a JSON pointer (RFC 6901): it begins with /, as /email or /customer/id", text)
	case strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(text), "~"):
		return Pointer{}, fmt.Errorf("%q has a ~ that is neither ~0, for a ~ in a name, nor ~1, for a /", text)
	case len(text) > longestPointer:
		return Pointer{}, fmt.Errorf("a JSON pointer has at most %d bytes, and this one is longer", longestPointer)
	case !utf8.ValidString(text):
		return Pointer{}, errors.New("a JSON pointer is in UTF-8, and this one is not")
	}
	tokens := strings.Split(rest, "/")
	for i, token := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return Pointer{text, tokens}, nil
}

// String is the pointer as [ParsePointer] reads it.
func (p Pointer) String() string { return p.text }

// Tokens are the names and indices on the way, unescaped; none for the whole document.
func (p Pointer) Tokens() []string { return slices.Clone(p.tokens) }

// First is the name of the outermost member that the pointer leads through; "": it is the whole document.
func (p Pointer) First() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

// Lookup finds the value that the pointer leads to, in what encoding/json makes of a document. A document that a client sent is asked
// with [Document.Field], which sees what readers differ in.
func Lookup(value any, p Pointer) (any, bool) {
	for _, token := range p.tokens {
		var ok bool
		if value, ok = child(value, token); !ok {
			return nil, false
		}
	}
	return value, true
}

// child is the member or element that a token names. "-", the element after the last, is none (RFC 6901 section 4).
func child(value any, token string) (any, bool) {
	switch within := value.(type) {
	case map[string]any:
		member, ok := within[token]
		return member, ok
	case []any:
		n, err := strconv.Atoi(token)
		if err == nil && strconv.Itoa(n) == token && 0 <= n && n < len(within) {
			return within[n], true
		}
	}
	return nil, false
}
