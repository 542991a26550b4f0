package validator

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// canonical makes of a valid document, less what is ignored, what all documents have that mean the same, and no other:
//
//   - a string as [appendContent] has it, between quotes, other scalars as they are written: 1 and 1.0 differ, for
//     nobody knows what a client makes of numbers;
//   - an array with commas between its elements; one that is ignored is null;
//   - an object as "{" and the SHA-256 of its members, each a key and a value, sorted by key. Members of one name keep
//     their order, so that documents differ if only a reader of the first or of the last does.
//
// Each of these tells where it ends, so none is the beginning of another. The hash keeps the work in proportion: no text
// is moved more than twice, however deep it lies. Text that is sorted is moved once for each object around it.
func canonical(doc []byte, ignore *ignored) []byte {
	c := canonicalizer{scanner: scanner{text: doc}, out: make([]byte, 0, len(doc))}
	c.value(ignore)
	return c.out
}

type canonicalizer struct {
	scanner

	out     []byte
	members []member // of the objects that are open, of the innermost one last
	moved   []byte
}

// member is where a member stands in the output; the indices stay good while the object is open.
type member struct{ begin, value, end int }

func (c *canonicalizer) value(ignore *ignored) {
	switch c.next() {
	case '{':
		c.object(ignore)
	case '[':
		c.array(ignore)
	case '"':
		c.quoted(c.str())
	default:
		c.out = append(c.out, c.word()...)
	}
}

func (c *canonicalizer) quoted(between []byte) {
	c.out = append(c.out, '"')
	c.out = appendContent(c.out, between)
	c.out = append(c.out, '"')
}

func (c *canonicalizer) array(ignore *ignored) {
	c.out = append(c.out, '[')
	c.at++
	for n := 0; c.next() != ']'; n++ {
		if n > 0 {
			c.out = append(c.out, ',')
		}
		if below := ignore.element(n); below.whole() {
			c.skip()
			c.out = append(c.out, "null"...)
		} else {
			c.value(below)
		}
	}
	c.at++
	c.out = append(c.out, ']')
}

func (c *canonicalizer) object(ignore *ignored) {
	begin, first := len(c.out), len(c.members)
	c.at++
	for c.next() != '}' {
		m := member{begin: len(c.out)}
		c.quoted(c.str())
		m.value = len(c.out)
		below := ignore.member(c.out[m.begin+1 : m.value-1])
		if below.whole() {
			c.skip()
			c.out = c.out[:m.begin]
			continue
		}
		c.value(below)
		m.end = len(c.out)
		c.members = append(c.members, m)
	}
	c.at++
	sum := sha256.Sum256(c.sorted(c.out[begin:], c.members[first:]))
	c.out = append(append(c.out[:begin], '{'), sum[:]...)
	c.members = c.members[:first]
}

// sorted is the text of the members in the order of their keys.
func (c *canonicalizer) sorted(text []byte, members []member) []byte {
	byKey := func(a, b member) int {
		return bytes.Compare(c.out[a.begin:a.value], c.out[b.begin:b.value])
	}
	if slices.IsSortedFunc(members, byKey) {
		return text
	}
	slices.SortStableFunc(members, byKey)
	c.moved = c.moved[:0]
	for _, m := range members {
		c.moved = append(c.moved, c.out[m.begin:m.end]...)
	}
	return c.moved
}
