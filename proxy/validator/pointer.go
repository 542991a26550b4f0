package validator

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"
)

// parsePointer reads an RFC 6901 pointer. Its tokens are returned as [appendContent] has the keys of a document.
func parsePointer(pointer string) ([]string, error) {
	p, err := jsonpointer.New(pointer)
	if err != nil {
		return nil, errors.New(`a JSON pointer (RFC 6901) starts with a slash, as in "/version"`)
	}
	if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(pointer), "~") {
		return nil, errors.New(`in a JSON pointer (RFC 6901) ~ is written ~0, and / within a name ~1`)
	}
	tokens := p.DecodedTokens()
	for i, token := range tokens {
		tokens[i] = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(token)
	}
	return tokens, nil
}

// index is the array index that a token stands for. It has no leading zeros; "-", the element after the last, is none
// here (RFC 6901 section 4).
func index(token string) (n int, ok bool) {
	n, err := strconv.Atoi(token)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == token
}

// find returns the text of the value at the path, in a document that is valid. There is none where two members of one
// name are on the way: readers differ in which of them they take (RFC 8259 section 4), so neither names the version.
func find(doc []byte, path []string) (value []byte, ok bool) {
	s := scanner{text: doc}
	for _, token := range path {
		switch s.next() {
		case '{':
			ok = s.toMember(token)
		case '[':
			ok = s.toElement(token)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	s.next()
	begin := s.at
	s.skip()
	return doc[begin:s.at], true
}

// toMember goes from the start of an object to the value of its one member of that name.
func (s *scanner) toMember(name string) bool {
	found, count := 0, 0
	var key []byte
	s.at++
	for s.next() != '}' {
		key = appendContent(key[:0], s.str())
		if string(key) == name {
			found = s.at
			count++
		}
		s.skip()
	}
	s.at = found
	return count == 1
}

// toElement goes from the start of an array to an element.
func (s *scanner) toElement(token string) bool {
	n, ok := index(token)
	if !ok {
		return false
	}
	s.at++
	for ; s.next() != ']'; n-- {
		if n == 0 {
			return true
		}
		s.skip()
	}
	return false
}

// ignored is a tree of the members that do not count. The nil tree has none.
type ignored struct {
	all   bool // this does not count, with all that is below
	below map[string]*ignored
}

// with adds a path to the tree.
func (t *ignored) with(path []string) *ignored {
	if t == nil {
		t = &ignored{below: map[string]*ignored{}}
	}
	if len(path) == 0 {
		t.all = true
		return t
	}
	t.below[path[0]] = t.below[path[0]].with(path[1:])
	return t
}

// member is the tree below a name, nil if nothing there is ignored.
func (t *ignored) member(name []byte) *ignored {
	if t == nil {
		return nil
	}
	return t.below[string(name)]
}

// element is the tree below an index.
func (t *ignored) element(n int) *ignored {
	if t == nil || len(t.below) == 0 {
		return nil
	}
	return t.below[strconv.Itoa(n)]
}

// whole reports whether this does not count at all.
func (t *ignored) whole() bool { return t != nil && t.all }
