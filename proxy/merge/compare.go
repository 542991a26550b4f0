package merge

import "slices"

// Compare finds what yours and theirs change of the base. It takes about as long as reading the three does.
func Compare(base, yours, theirs Document, sets Sets) Comparison {
	var c comparer
	merged := c.value(nil, sets.tree(), base.root, yours.root, theirs.root)
	return c.comparison(theirs, merged.merged)
}

// comparer collects what has changed.
type comparer struct{ changes []change }

// change is a place at which somebody has changed the value.
type change struct {
	at                  *place
	base, yours, theirs *node
	by                  by
	overlap             bool
}

// by tells who has changed something.
type by uint8

const (
	byYou by = 1 << iota
	byThem
)

func sides(you, they bool) (who by) {
	if you {
		who |= byYou
	}
	if they {
		who |= byThem
	}
	return who
}

// result is what a place has after a merge, if nothing overlaps, and who has changed something there or below. Where theirs has all that you have
// changed, it is that.
type result struct {
	merged *node
	by     by
}

func (c *comparer) record(found change) {
	if found.by != 0 {
		c.changes = append(c.changes, found)
	}
}

// value compares what is at one place. nil: nothing is.
func (c *comparer) value(at *place, sets *setTree, base, yours, theirs *node) result {
	all := func(k kind) bool {
		return base != nil && yours != nil && theirs != nil && base.kind == k && yours.kind == k && theirs.kind == k
	}
	if all(object) {
		return c.objects(at, sets, base, yours, theirs)
	}
	if all(array) && sets.is() {
		if r, are := c.sets(at, base, yours, theirs); are {
			return r
		}
	}
	by := sides(!equal(base, yours), !equal(base, theirs))
	found := change{at: at, base: base, yours: yours, theirs: theirs, by: by}
	found.overlap = by == byYou|byThem && !equal(yours, theirs)
	c.record(found)
	if by == byYou {
		return result{yours, by}
	}
	return result{theirs, by}
}

// objects compares members. The merged object has theirs in their order, and then those that you add, in yours.
func (c *comparer) objects(at *place, sets *setTree, base, yours, theirs *node) result {
	var (
		b, y, t = byName(base.members), byName(yours.members), byName(theirs.members)
		results = make(map[string]result, len(t))
		whole   = result{merged: theirs}
		touched spans
	)
	for _, members := range [][]member{base.members, theirs.members, yours.members} {
		for _, m := range members {
			if _, done := results[m.name]; done {
				continue
			}
			first := len(c.changes)
			r := c.value(at.member(m.name), sets.member(m.name), b[m.name], y[m.name], t[m.name])
			results[m.name] = r
			whole.by |= r.by
			touched.add(r.by, span{m.name, first, len(c.changes)})
		}
	}
	c.overlapVariants(touched)
	same := true
	for name, r := range results {
		same = same && r.merged == t[name]
	}
	if !same {
		whole.merged = united(theirs.members, yours.members, results)
	}
	return whole
}

// united is an object of what the members have become, those of the first list first.
func united(theirs, yours []member, results map[string]result) *node {
	merged := &node{kind: object, members: make([]member, 0, len(results))}
	for _, members := range [][]member{theirs, yours} {
		for _, m := range members {
			if r, left := results[m.name]; left && r.merged != nil {
				merged.members = append(merged.members, member{m.name, m.raw, r.merged})
			}
			delete(results, m.name)
		}
	}
	return merged
}

// span is where the changes are recorded that were made at and below a member.
type span struct {
	name        string
	first, next int
}

// spans are those of one object in which one side alone has changed something.
type spans struct{ yours, theirs []span }

func (s *spans) add(who by, of span) {
	if who == byYou {
		s.yours = append(s.yours, of)
	}
	if who == byThem {
		s.theirs = append(s.theirs, of)
	}
}

// overlapVariants makes changes overlap that the two sides made of members which some backends take for one.
func (c *comparer) overlapVariants(touched spans) {
	if len(touched.yours) == 0 || len(touched.theirs) == 0 {
		return
	}
	both := map[string]by{}
	for _, s := range touched.yours {
		both[lenient(s.name)] |= byYou
	}
	for _, s := range touched.theirs {
		both[lenient(s.name)] |= byThem
	}
	for _, s := range slices.Concat(touched.yours, touched.theirs) {
		if both[lenient(s.name)] == byYou|byThem {
			c.overlap(s)
		}
	}
}

func (c *comparer) overlap(s span) {
	for i := s.first; i < s.next; i++ {
		c.changes[i].overlap = true
	}
}
