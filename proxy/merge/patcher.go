package merge

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a patch may make the proxy do. "copy" doubles a document with each forty bytes, and every operation looks for its place.
const (
	mostWork   = 10_000_000 // members that are passed by on the way
	mostCopied = 1 << 20    // bytes, of all copies together
)

// patcher applies operations to a tree that is its own. What it changes, and all that this is in, it writes anew.
type patcher struct {
	root         *node
	work, copied int
}

var (
	errNotThere = errors.New("there is nothing at that place")
	errTooMuch  = errors.New("the whole patch is more work than is done for one")
)

func (p *patcher) apply(o operation) error {
	path, from := o.path.Tokens(), o.from.Tokens()
	switch o.op {
	case "add":
		return p.put(path, o.value, true)
	case "replace":
		return p.put(path, o.value, false)
	case "remove":
		_, err := p.remove(path)
		return err
	case "test":
		value, err := p.find(path, false)
		if err == nil && !equal(value, o.value) {
			err = errors.New("the test fails")
		}
		return err
	case "copy":
		value, err := p.find(from, false)
		if err != nil {
			return err
		}
		if value, err = p.copy(value); err != nil {
			return err
		}
		return p.put(path, value, true)
	case "move":
		return p.move(from, path)
	}
	return fmt.Errorf("there is no op %q", o.op)
}

func (p *patcher) move(from, path []string) error {
	if slices.Equal(from, path) {
		_, err := p.find(from, false)
		return err
	}
	if len(from) < len(path) && slices.Equal(from, path[:len(from)]) {
		return errors.New("what moves cannot move into itself")
	}
	value, err := p.remove(from)
	if err != nil {
		return err
	}
	return p.put(path, value, true)
}

// find is the value where the tokens lead. With touch, all on the way is to be written anew.
func (p *patcher) find(tokens []string, touch bool) (*node, error) {
	n := p.root
	for i := 0; ; i++ {
		if touch && n != nil && (n.kind == array || n.kind == object) {
			n.raw = nil
		}
		if i == len(tokens) {
			break
		}
		at, err := p.index(n, tokens[i])
		if err != nil {
			return nil, err
		}
		if n.kind == array {
			n = n.elements[at]
		} else {
			n = n.members[at].value
		}
	}
	if n == nil {
		return nil, errNotThere
	}
	return n, nil
}

// index is where a token leads within an array or object.
func (p *patcher) index(within *node, token string) (int, error) {
	switch {
	case within == nil:
		return 0, errNotThere
	case within.kind == array:
		at, ok := position(token)
		if !ok || at >= len(within.elements) {
			return 0, errNotThere
		}
		return at, nil
	}
	if p.work += len(within.members); p.work > mostWork {
		return 0, errTooMuch
	}
	at := slices.IndexFunc(within.members, func(m member) bool { return m.name == token })
	if at < 0 {
		return 0, errNotThere
	}
	return at, nil
}

// position reads an array index (RFC 6901 section 4), which has no sign and no leading zeros.
func position(token string) (int, bool) {
	at, err := strconv.Atoi(token)
	return at, err == nil && at >= 0 && strconv.Itoa(at) == token
}

// put sets a value. With add, it is inserted into an array, and need not be there in an object; otherwise it replaces one.
func (p *patcher) put(tokens []string, value *node, add bool) error {
	if len(tokens) == 0 {
		if p.root == nil && !add {
			return errNotThere
		}
		p.root = value
		return nil
	}
	last := tokens[len(tokens)-1]
	within, err := p.find(tokens[:len(tokens)-1], true)
	if err != nil {
		return err
	}
	if add && within.kind == array {
		return p.insert(within, last, value)
	}
	at, err := p.index(within, last)
	switch {
	case err == nil && within.kind == array:
		within.elements[at] = value
	case err == nil:
		within.members[at].value = value
	case add && within.kind == object && errors.Is(err, errNotThere):
		return p.join(within, last, value)
	}
	return err
}

func (p *patcher) insert(within *node, token string, value *node) error {
	at, ok := position(token)
	if token == "-" {
		at, ok = len(within.elements), true
	}
	if !ok || at > len(within.elements) {
		return errNotThere
	}
	if p.work += (len(within.elements) - at) / 8; p.work > mostWork {
		return errTooMuch
	}
	within.elements = slices.Insert(within.elements, at, value)
	return nil
}

// join makes a value a member that an object does not have.
func (p *patcher) join(within *node, name string, value *node) error {
	before, _, _ := strings.Cut(name, "\x00")
	for _, m := range within.members {
		if other, _, _ := strings.Cut(m.name, "\x00"); strings.EqualFold(other, before) {
			return errVariant(name)
		}
	}
	written, err := quoted(name)
	within.members = append(within.members, member{name, written, value})
	return err
}

func (p *patcher) remove(tokens []string) (*node, error) {
	if len(tokens) == 0 {
		return nil, errors.New("the whole document is not removed by a patch")
	}
	within, err := p.find(tokens[:len(tokens)-1], true)
	if err != nil {
		return nil, err
	}
	at, err := p.index(within, tokens[len(tokens)-1])
	if err != nil {
		return nil, err
	}
	if within.kind == array {
		removed := within.elements[at]
		if p.work += (len(within.elements) - at) / 8; p.work > mostWork {
			return nil, errTooMuch
		}
		within.elements = slices.Delete(within.elements, at, at+1)
		return removed, nil
	}
	removed := within.members[at].value
	within.members = slices.Delete(within.members, at, at+1)
	return removed, nil
}

// copy copies a value, as far as there is room.
func (p *patcher) copy(n *node) (*node, error) {
	if p.copied += n.size(); p.copied > mostCopied {
		return nil, fmt.Errorf("the whole patch copies more than %d bytes", mostCopied)
	}
	return n.clone(), nil
}

// size is about how many bytes it takes to write the value.
func (n *node) size() int {
	if n.raw != nil {
		return len(n.raw)
	}
	size := 2
	for _, element := range n.elements {
		size += element.size() + 1
	}
	for _, m := range n.members {
		size += len(m.raw) + m.value.size() + 2
	}
	return size
}
