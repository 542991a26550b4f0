package etagcache

import (
	"fmt"
	"slices"
	"time"
)

// ExploreConfig is one small world.
type ExploreConfig struct {
	Name    string
	long    bool // it is left out of short tests
	roles   []role
	left    budget
	collide int
	qualify Qualify
	room    int  // for validators in the record
	lag     bool // the backend's reads may be one tick behind
	absent  bool // there is no resource at first
	// Unbounded takes the bound in time from the swaps that plant a record (Change.By).
	Unbounded bool
}

// explorer takes steps in a smallWorld. One explorer serves a whole search: it is the store of the one Cache in it.
type explorer struct {
	cfg   ExploreConfig
	cache *Cache
	shelf *shelf
	tags  *tagTable
	cells visits

	w        *smallWorld
	plan     mishap
	tries    []tried
	event    string // what is being put to the record
	before   Record // what the last swap was made from, if swapping
	swapping bool
	void     bool   // the step cannot be taken
	broken   string // the first promise that the step broke
	telling  bool
	told     []string
}

func newExplorer(cfg ExploreConfig, open func(clock func() time.Time) Store) *explorer {
	x := &explorer{cfg: cfg, shelf: newShelf(open), tags: newTagTable(cfg.collide), cells: visits{}}
	x.cache = New(x, Options{
		Grace: exploreGrace, Validators: cfg.room,
		Clock: func() time.Time { return time.UnixMilli(int64(x.w.now)) },
		Fresh: func() [12]byte { x.w.minted++; return exploreID(x.w.minted) },
	})
	return x
}

// first is the world at the beginning. The store is past its first grace.
func (x *explorer) first() smallWorld {
	w := smallWorld{now: 10 * Instant(exploreTick/1e6), epoch: 1, left: x.cfg.left, absent: x.cfg.absent}
	n := 0
	for i := range x.cfg.roles {
		r := &x.cfg.roles[i]
		for k := range max(1, r.count) {
			name := r.name
			if r.count > 1 {
				name = fmt.Sprintf("%s%d", r.name, k+1)
			}
			w.actors[n] = actor{role: r, name: name}
			n++
		}
	}
	return w
}

// move is one step that the world can take.
type move struct {
	actor, verb, choice uint8
	fault               fault
	nth                 uint8
}

// The verbs of actors, of the backend, and of fate.
const (
	toLook uint8 = iota
	toAnswer
	toLearn
	toClaim
	toProbe
	toProbeBare
	toOpen
	toSend
	toApply
	toRefuse
	toGiveUp
	toConclude
	toRelease
	toQuit
	toCrash
	toTime
	toForget
	toEmpty
	toTamper
	toDeliver
)

// do takes the step in the world. It reports false when the step cannot be taken.
func (x *explorer) do(w *smallWorld, m move) bool {
	x.w, x.tries, x.void, x.broken, x.swapping = w, x.tries[:0], false, "", false
	x.plan = mishap{m.fault, int(m.nth)}
	if m.fault == fine {
		x.plan.nth = -1
	}
	switch m.fault {
	case lostRequest, lostReply:
		w.left.Lost--
	case fine, delayed, repeated, notSent: // copies are counted where they are made
	}
	if m.verb >= toTime {
		x.fate(m)
	} else {
		a := &w.actors[m.actor]
		switch a.role.kind {
		case isPoster:
			x.post(a, m)
		case isReader, isWriter:
			x.write(a, m)
		}
	}
	if x.plan.nth >= len(x.tries) || w.left.Copies < 0 || w.left.Lost < 0 {
		return false
	}
	x.check()
	return !x.void
}

// variants are the mishaps that can befall a step that was just taken without any.
func (x *explorer) variants(m move, tries []tried, each func(move)) {
	for i, t := range tries {
		m.nth = uint8(i)
		m.fault = lostRequest
		each(m)
		if t.made {
			m.fault = lostReply
			each(m)
		}
		if t.made || t.nothing {
			m.fault = delayed
			each(m)
		}
		if t.made && t.nothing { // any other finds its value gone
			m.fault = repeated
			each(m)
		}
	}
}

func (x *explorer) fail(format string, args ...any) {
	if x.broken == "" {
		x.broken = fmt.Sprintf(format, args...)
	}
}

func (x *explorer) tell(format string, args ...any) {
	if x.telling {
		x.told = append(x.told, fmt.Sprintf(format, args...))
	}
}

// view is the sight as Cache has it.
func (x *explorer) view(s sight) View {
	return View{
		Record: s.val.record(s.epoch), Local: s.local, raw: s.val.bytes(), epoch: epochID(s.epoch),
		at: Moment{Now: s.now, Grace: s.grace}, sent: time.UnixMilli(int64(s.now)),
	}
}

// saw is a view as the world keeps it.
func (x *explorer) saw(v View) sight {
	s := sight{val: decodeStored(v.raw), epoch: v.epoch[1], now: v.at.Now, grace: v.at.Grace, local: v.Local}
	s.current = slices.Equal(v.raw, x.raw()) && (v.raw == nil) == (x.raw() == nil)
	return s
}

// moves lists the steps that can be taken, without mishaps.
func (x *explorer) moves(w *smallWorld, list []move) []move {
	for i := range w.actors {
		a := &w.actors[i]
		if a.role == nil {
			continue
		}
		add := func(verb uint8, choices int) {
			for c := range choices {
				list = append(list, move{actor: uint8(i), verb: verb, choice: uint8(c)})
			}
		}
		if a.underWay() {
			add(toApply, 1)
			if w.left.Refuse > 0 || a.abandoned {
				add(toRefuse, 1)
			}
		}
		if w.left.Crash > 0 && (a.phase == atHolding || a.phase == atSent || a.phase == atConcluding) {
			add(toCrash, 1)
		}
		switch a.role.kind {
		case isPoster:
			x.postMoves(w, a, add)
		case isReader, isWriter:
			x.writeMoves(w, a, add)
		}
	}
	return x.fateMoves(w, list)
}
