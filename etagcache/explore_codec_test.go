package etagcache

import (
	"cmp"
	"slices"
)

// canon writes a smallWorld in a form that is the same for all worlds in which the same things can happen: ids are
// renamed in the order in which they occur, instants and counts of swaps are replaced by their order (gaps in time longer
// than anything lasts are all alike), and actors of one role are sorted. The same walk reads the form back.
type canon struct {
	mode   canonMode
	buf    []byte
	pos    int
	ids    [1024]uint16
	used   []uint16 // those of ids that are set
	times  []Instant
	places []byte // of times
	seqs   []uint64
	tags   *tagTable
	newest uint16 // of the ids that were read
	lag    bool
}

type canonMode uint8

const (
	canonCollect canonMode = iota
	canonWrite
	canonRead
)

// exploreGap is the longest time, in ticks, that separates anything.
const exploreGap = 3

// write returns the canonical form of w, valid until the next call.
func (c *canon) write(w *smallWorld) []byte {
	c.mode, c.times, c.seqs = canonCollect, append(c.times[:0], w.now), c.seqs[:0]
	c.world(w)
	slices.Sort(c.times)
	c.times = slices.Compact(c.times)
	slices.Sort(c.seqs)
	c.seqs = slices.Compact(c.seqs)
	c.places = c.places[:0]
	place := byte(1)
	for i, t := range c.times {
		if i > 0 {
			place += byte(min(t-c.times[i-1], exploreGap))
		}
		c.places = append(c.places, place)
	}
	for _, id := range c.used {
		c.ids[id] = 0
	}
	c.used = c.used[:0]
	c.mode, c.buf = canonWrite, c.buf[:0]
	c.world(w)
	return c.buf
}

// read is the inverse; the roles come from the world that it reads into.
func (c *canon) read(form []byte, w *smallWorld) {
	c.mode, c.buf, c.pos = canonRead, form, 0
	c.newest = 0
	c.world(w)
	c.buf = nil
}

func (c *canon) byte(p *uint8) {
	switch c.mode {
	case canonWrite:
		c.buf = append(c.buf, *p)
	case canonRead:
		*p = c.buf[c.pos]
		c.pos++
	case canonCollect:
	}
}

func num[T ~int8 | ~uint8](c *canon, p *T) {
	b := uint8(*p)
	c.byte(&b)
	*p = T(b)
}

func (c *canon) flags(ps ...*bool) {
	var b uint8
	for i, p := range ps {
		if *p {
			b |= 1 << i
		}
	}
	c.byte(&b)
	if c.mode == canonRead {
		for i, p := range ps {
			*p = b&(1<<i) != 0
		}
	}
}

// has reads or writes whether a part is there at all.
func (c *canon) has(is bool) bool {
	c.flags(&is)
	return is
}

func ticksOf(i Instant) Instant {
	const tick = Instant(exploreTick / 1e6)
	return (i + tick - 1) / tick
}

func (c *canon) time(p *Instant) {
	switch c.mode {
	case canonCollect:
		if *p != 0 {
			c.times = append(c.times, ticksOf(*p))
		}
	case canonWrite:
		place := byte(0)
		if *p != 0 {
			i, _ := slices.BinarySearch(c.times, ticksOf(*p))
			place = c.places[i]
		}
		c.buf = append(c.buf, place)
	case canonRead:
		*p = Instant(c.buf[c.pos]) * Instant(exploreTick/1e6)
		c.pos++
	}
}

func (c *canon) seq(p *uint64) {
	switch c.mode {
	case canonCollect:
		c.seqs = append(c.seqs, *p)
	case canonWrite:
		i, _ := slices.BinarySearch(c.seqs, *p)
		c.buf = append(c.buf, byte(i+1))
	case canonRead:
		*p = uint64(c.buf[c.pos])
		c.pos++
	}
}

// exploreID is the n-th id of a world.
func exploreID(n uint16) [12]byte { return [12]byte{0: vouched, 10: byte(n >> 8), 11: byte(n)} }

func idNumber(id [12]byte) uint16 { return uint16(id[10])<<8 | uint16(id[11]) }

func canonID[T ~[12]byte](c *canon, p *T) {
	switch c.mode {
	case canonWrite:
		n := idNumber(*p)
		if n != 0 && c.ids[n] == 0 {
			c.used = append(c.used, n)
			c.ids[n] = uint16(len(c.used))
		}
		c.buf = append(c.buf, byte(c.ids[n]))
	case canonRead:
		n := uint16(c.buf[c.pos])
		c.pos++
		if n == 0 {
			*p = T{}
			return
		}
		c.newest = max(c.newest, n)
		*p = exploreID(n)
	case canonCollect:
	}
}

func canonList[T any](c *canon, list *[]T, one func(*T)) {
	n := uint8(len(*list))
	c.byte(&n)
	if c.mode == canonRead {
		*list = nil
		if n > 0 {
			*list = make([]T, n)
		}
	}
	for i := range *list {
		one(&(*list)[i])
	}
}

func (c *canon) digest(p *Digest) {
	switch c.mode {
	case canonWrite:
		c.buf = append(c.buf, c.tags.number(*p))
	case canonRead:
		*p = c.tags.digests[c.buf[c.pos]]
		c.pos++
	case canonCollect:
	}
}

func (c *canon) world(w *smallWorld) {
	if c.mode == canonWrite {
		sortActors(w)
	}
	c.time(&w.now)
	num(c, &w.truth)
	if w.opens != 0 && w.now >= w.opens {
		w.opens = 0
	}
	c.time(&w.opens)
	c.flags(&w.absent, &w.tampered)
	if c.lag {
		for i := range w.changed {
			if w.now >= w.changed[i].Add(exploreTick) {
				w.changed[i] = 0 // every read shows it
			}
			c.time(&w.changed[i])
		}
	}
	c.stored(&w.stored)
	num(c, &w.epoch)
	for _, p := range w.left.all() {
		num(c, p)
	}
	for i := range w.actors {
		if w.actors[i].role != nil {
			c.actor(w, &w.actors[i])
		}
	}
	for i := range w.late {
		c.lateCopy(w, &w.late[i])
	}
	if c.mode == canonRead {
		w.minted = c.newest
	}
}

// sortActors sorts those of one role, which stand together, by what can be compared without their ids.
func sortActors(w *smallWorld) {
	for first := 0; first < maxActors; {
		end := first + 1
		for end < maxActors && w.actors[end].role == w.actors[first].role {
			end++
		}
		if w.actors[first].role != nil && end-first > 1 {
			slices.SortStableFunc(w.actors[first:end], byProgress)
		}
		first = end
	}
}

func byProgress(a, b actor) int {
	return cmp.Or(
		cmp.Compare(a.phase, b.phase), cmp.Compare(a.round, b.round), cmp.Compare(a.tag, b.tag), cmp.Compare(a.tagOf, b.tagOf),
		cmp.Compare(a.tagRep, b.tagRep), cmp.Compare(a.showed, b.showed), cmp.Compare(a.rep, b.rep),
		cmp.Compare(a.evidence, b.evidence), cmp.Compare(a.probe, b.probe), cmp.Compare(a.view.val.rec.Seq, b.view.val.rec.Seq),
		cmp.Compare(a.view.now, b.view.now), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.shows, b.shows),
		cmp.Compare(a.deadline, b.deadline),
	)
}
