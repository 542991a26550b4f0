package merge

import (
	"slices"

	"proxy409/proxy/rules"
)

// Sets are arrays in which order does not count, and each element is a value by itself. One that has an element twice, in any of the documents
// that are compared, is a list like others. There are none within arrays.
type Sets []rules.Pointer

// setTree has the sets by the names on the way to them. The nil tree has none.
type setTree struct {
	here  bool
	below map[string]*setTree
}

func (s Sets) tree() *setTree {
	var root *setTree
	for _, pointer := range s {
		root = root.with(pointer.Tokens())
	}
	return root
}

func (t *setTree) with(tokens []string) *setTree {
	if t == nil {
		t = &setTree{below: map[string]*setTree{}}
	}
	if len(tokens) == 0 {
		t.here = true
		return t
	}
	t.below[tokens[0]] = t.below[tokens[0]].with(tokens[1:])
	return t
}

func (t *setTree) is() bool { return t != nil && t.here }

func (t *setTree) member(name string) *setTree {
	if t == nil {
		return nil
	}
	return t.below[name]
}

// set has an array's elements by their keys, in their order.
type set struct {
	keys     []string
	elements map[string]*node
}

// setOf reads an array as a set; false: it is none, because an element is there twice.
func setOf(n *node) (set, bool) {
	s := set{make([]string, 0, len(n.elements)), make(map[string]*node, len(n.elements))}
	for _, element := range n.elements {
		key := string(element.appendKey(nil))
		if s.elements[key] != nil {
			return set{}, false
		}
		s.keys = append(s.keys, key)
		s.elements[key] = element
	}
	return s, true
}

func (s set) equal(o set) bool {
	if len(s.keys) != len(o.keys) {
		return false
	}
	for _, key := range s.keys {
		if o.elements[key] == nil {
			return false
		}
	}
	return true
}

// sets compares three arrays as sets; false: one of them is none. Whatever is added and removed, nothing overlaps: who adds an element did not have it, and who
// removes it had.
func (c *comparer) sets(at *place, base, yours, theirs *node) (result, bool) {
	b, ok := setOf(base)
	y, okYours := setOf(yours)
	t, okTheirs := setOf(theirs)
	if !ok || !okYours || !okTheirs {
		return result{}, false
	}
	by := sides(!b.equal(y), !b.equal(t))
	c.record(change{at: at, base: base, yours: yours, theirs: theirs, by: by})
	merged := &node{kind: array}
	for _, key := range t.keys {
		if b.elements[key] == nil || y.elements[key] != nil {
			merged.elements = append(merged.elements, t.elements[key])
		}
	}
	for _, key := range y.keys {
		if b.elements[key] == nil && t.elements[key] == nil {
			merged.elements = append(merged.elements, y.elements[key])
		}
	}
	if slices.Equal(merged.elements, theirs.elements) {
		merged = theirs
	}
	return result{merged, by}, true
}
