package merge

import (
	"errors"
	"fmt"
	"slices"

	"proxy409/proxy/rules"
)

// operation is one of a JSON Patch.
type operation struct {
	op         string
	path, from rules.Pointer
	value      *node
}

// jsonPatch applies a JSON Patch (RFC 6902). It does not change the document.
func jsonPatch(root, patch *node) (*node, error) {
	if patch.kind != array {
		return nil, errors.New("a JSON Patch is an array of operations")
	}
	p := patcher{root: root}
	if root != nil {
		p.root = root.clone()
	}
	for i, n := range patch.elements {
		o, err := readOperation(n)
		if err == nil {
			err = p.apply(o)
		}
		if err != nil {
			return nil, fmt.Errorf("operation %d of the JSON Patch: %w", i+1, err)
		}
	}
	return p.root, nil
}

// clone copies all that a patch may change.
func (n *node) clone() *node {
	c := *n
	c.elements, c.members = slices.Clone(n.elements), slices.Clone(n.members)
	for i, element := range c.elements {
		c.elements[i] = element.clone()
	}
	for i, m := range c.members {
		c.members[i].value = m.value.clone()
	}
	return &c
}

// readOperation reads an operation as strictly as RFC 6902 section 4 has it. Members that mean nothing are passed over.
func readOperation(n *node) (operation, error) {
	if n.kind != object {
		return operation{}, errors.New("it is not an object")
	}
	named := map[string]*node{}
	known := []string{"op", "path", "from", "value"}
	for _, m := range n.members {
		if meant := lenient(m.name); slices.Contains(known, meant) {
			if meant != m.name {
				return operation{}, errVariant(m.name)
			}
			named[m.name] = m.value
		}
	}
	op := named["op"]
	if op == nil || op.kind != text {
		return operation{}, errors.New(`it has no "op"`)
	}
	o := operation{op: op.text, value: named["value"]}
	var err error
	if o.path, err = readPointer("path", named["path"]); err != nil {
		return operation{}, err
	}
	switch o.op {
	case "move", "copy":
		o.from, err = readPointer("from", named["from"])
		return o, err
	case "add", "replace", "test":
		if o.value == nil {
			return operation{}, errors.New(`it has no "value"`)
		}
		return o, nil
	case "remove":
		return o, nil
	}
	return operation{}, fmt.Errorf("there is no op %q", o.op)
}

func readPointer(name string, n *node) (rules.Pointer, error) {
	if n == nil || n.kind != text {
		return rules.Pointer{}, fmt.Errorf("it has no %q", name)
	}
	return rules.ParsePointer(n.text)
}
