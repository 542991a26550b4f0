package etagcache

import "fmt"

// The parts of the canonical form.

func (c *canon) stored(s *stored) {
	if !c.has(s.rec.State != None) {
		*s = stored{}
		return
	}
	num(c, &s.epoch)
	c.record(&s.rec)
}

func (c *canon) record(r *Record) {
	num(c, &r.State)
	c.seq(&r.Seq)
	if !c.lag {
		r.Moved = 0
	}
	c.time(&r.Moved)
	canonID(c, &r.Version)
	canonID(c, &r.Left)
	canonList(c, &r.Validators, func(v *Validator) {
		c.digest(&v.Tag)
		c.digest(&v.Rep)
		c.flags(&v.Weak)
	})
	canonList(c, &r.Retired, func(d *Digest) { c.digest(d) })
	canonList(c, &r.Marks, func(m *Mark) {
		canonID(c, &m.ID)
		c.time(&m.Until)
	})
	if r.State == Writing {
		l := &r.Lease
		canonID(c, &l.ID)
		c.time(&l.Until)
		num(c, &l.Before)
		canonID(c, &l.BeforeVersion)
		c.flags(&l.InDoubt, &l.Touched)
	} else if c.mode == canonRead {
		r.Lease = Lease{}
	}
}

func (c *canon) sight(w *smallWorld, s *sight) {
	if !c.has(s.epoch != 0) {
		*s = sight{}
		return
	}
	c.flags(&s.grace, &s.local, &s.current)
	num(c, &s.epoch)
	c.time(&s.now)
	if !s.current {
		c.stored(&s.val)
		return
	}
	s.val = w.stored
}

func (c *canon) begun(b *Begun) {
	if !c.has(b.Now != 0) {
		*b = Begun{}
		return
	}
	canonID(c, &b.Version)
	c.flags(&b.Closed, &b.Marked, &b.Lagging)
	c.time(&b.Now)
}

func (c *canon) actor(w *smallWorld, a *actor) {
	num(c, &a.phase)
	num(c, &a.round)
	c.flags(&a.sent, &a.over, &a.applied, &a.abandoned, &a.began, &a.overlapped, &a.outlived, &a.retry)
	canonID(c, &a.from)
	num(c, &a.tag)
	num(c, &a.tagOf)
	num(c, &a.tagRep)
	canonID(c, &a.version)
	if a.phase == atIdle || a.phase == atDone {
		if c.mode == canonRead {
			*a = actor{
				role: a.role, name: a.name, phase: a.phase, round: a.round, sent: a.sent, over: a.over, applied: a.applied,
				abandoned: a.abandoned, began: a.began, overlapped: a.overlapped, outlived: a.outlived, retry: a.retry,
				from: a.from, tag: a.tag, tagOf: a.tagOf, tagRep: a.tagRep, version: a.version,
			}
		}
		return
	}
	c.sight(w, &a.view)
	c.begun(&a.begun)
	num(c, &a.showed)
	num(c, &a.rep)
	num(c, &a.evidence)
	c.begun(&a.probed)
	num(c, &a.probe)
	num(c, &a.probeRep)
	canonID(c, &a.id)
	c.time(&a.deadline)
	num(c, &a.outcome)
	c.flags(&a.recorded)
	num(c, &a.shows)
}

func (c *canon) lateCopy(w *smallWorld, l *lateCopy) {
	if !c.has(l.is) {
		*l = lateCopy{}
		return
	}
	l.is = true
	c.flags(&l.made, &l.current, &l.ttl)
	num(c, &l.epoch)
	c.time(&l.by)
	c.stored(&l.old)
	c.stored(&l.val)
}

// tagTable numbers the digests that a world can have.
type tagTable struct {
	digests []Digest
	names   []string
	index   map[Digest]uint8
	shown   [2][maxStates]Digest
	collide int // after how many states a tag comes back; 0: never
}

func newTagTable(collide int) *tagTable {
	t := &tagTable{index: map[Digest]uint8{}, collide: collide}
	t.add(Digest{}, "")
	for rep := range int8(2) {
		t.add(exploreRep(rep), fmt.Sprintf(" of rep %d", rep))
		t.add(t.tag(0, -1).Digest(), t.tag(0, -1).String())
		for state := range int8(maxStates) {
			tag := t.tag(state, rep)
			t.add(tag.Digest(), tag.String())
			t.shown[rep][state] = tag.Digest()
		}
	}
	return t
}

func (t *tagTable) add(d Digest, name string) {
	if _, ok := t.index[d]; ok {
		return
	}
	t.index[d] = uint8(len(t.digests))
	t.digests, t.names = append(t.digests, d), append(t.names, name)
}

func (t *tagTable) number(d Digest) uint8 {
	n, ok := t.index[d]
	if !ok {
		panic("a digest that the world does not have")
	}
	return n
}

func (t *tagTable) name(d Digest) string { return t.names[t.number(d)] }

var exploreRepOf = [2]Digest{DigestOf("rep", "0"), DigestOf("rep", "1")}

func exploreRep(rep int8) Digest { return exploreRepOf[rep] }

// tag is the tag of a state's representation; that of none is one that only the answer to a write bears.
func (t *tagTable) tag(state, rep int8) Tag {
	if rep < 0 {
		return Tag{Opaque: "own"}
	}
	if t.collide > 0 {
		state %= int8(t.collide)
	}
	return Tag{Opaque: string(rune('a'+rep)) + string(rune('0'+state))}
}

// validator is what a read of a state shows.
func (t *tagTable) validator(state, rep int8) Validator {
	return Validator{Tag: t.tagDigest(state, rep), Rep: exploreRep(rep)}
}

func (t *tagTable) tagDigest(state, rep int8) Digest {
	return t.shown[rep][state]
}
