package merge

import "errors"

// Apply is what the caller wants the document to be who sends the request to the base. The errors are fit for the caller: the request cannot be
// read, or it does not apply to that base.
//
// Members that it does not touch stay as they are written and where they are, and new ones come after them.
func Apply(kind Kind, base Document, request []byte) (Document, error) {
	asked, err := Parse(request)
	if err != nil {
		return Document{}, err
	}
	var root *node
	switch kind {
	case Whole:
		return asked, nil
	case MergePatch:
		root, err = mergePatch(base.root, asked.root)
	case JSONPatch:
		root, err = jsonPatch(base.root, asked.root)
	default:
		err = errors.New("a request of this kind says nothing of the document")
	}
	switch {
	case err != nil:
		return Document{}, err
	case equal(root, base.root):
		return base, nil
	}
	return document(root)
}

// Settled reports whether the request would change nothing in the present document beyond what servers add to it by themselves, so that it may have
// been applied already.
//
// Of a whole document every member is there with an equal value; the present one may have more, as an id or the time of the change. A patch changes
// nothing, and all operations of a list succeed.
func Settled(kind Kind, request []byte, present Document) bool {
	asked, err := Apply(kind, present, request)
	switch {
	case err != nil || present.root == nil:
		return false
	case kind == Whole:
		return has(present.root, asked.root)
	}
	return equal(present.root, asked.root)
}

// Equal reports whether two documents are the same as JSON.
func Equal(a, b Document) bool { return equal(a.root, b.root) }

// has reports whether a value is what is wanted, but that its objects may have more members. What is in an array is not looked into.
func has(present, wanted *node) bool {
	if present == nil || present.kind != object || wanted.kind != object {
		return equal(present, wanted)
	}
	named := byName(present.members)
	for _, m := range wanted.members {
		if !has(named[m.name], m.value) {
			return false
		}
	}
	return true
}

// mergePatch is MergePatch of RFC 7396 section 2. It changes neither value.
func mergePatch(target, patch *node) (*node, error) {
	if patch.kind != object {
		return patch, nil
	}
	if target == nil || target.kind != object {
		target = &node{kind: object}
	}
	patches, named := byName(patch.members), byName(target.members)
	patched := &node{kind: object, members: make([]member, 0, len(target.members))}
	for _, m := range target.members {
		if p := patches[m.name]; p != nil {
			if p.kind == null {
				continue
			}
			var err error
			if m.value, err = mergePatch(m.value, p); err != nil {
				return nil, err
			}
		}
		patched.members = append(patched.members, m)
	}
	var taken map[string]bool // what is read of all names, made when a new one comes
	for _, m := range patch.members {
		if named[m.name] != nil {
			continue
		}
		if taken == nil {
			taken = leniently(target.members)
		}
		if taken[lenient(m.name)] {
			return nil, errVariant(m.name)
		}
		taken[lenient(m.name)] = true
		if m.value.kind == null {
			continue
		}
		value, err := mergePatch(nil, m.value)
		if err != nil {
			return nil, err
		}
		patched.members = append(patched.members, member{m.name, m.raw, value})
	}
	return patched, nil
}

func leniently(members []member) map[string]bool {
	names := make(map[string]bool, len(members))
	for _, m := range members {
		names[lenient(m.name)] = true
	}
	return names
}
