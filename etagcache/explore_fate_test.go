package etagcache

import (
	"context"
	"time"
)

// The steps of unjudged requests, of the backend's reads, and of fate.

func (x *explorer) postMoves(w *smallWorld, a *actor, add func(verb uint8, choices int)) {
	switch a.phase {
	case atIdle:
		add(toLook, 1)
	case atTagged:
		add(toOpen, 1)
	case atHolding:
		if w.now < a.deadline {
			add(toSend, 1)
		}
		add(toConclude, 1)
	case atSent:
		if a.over {
			add(toConclude, 1)
		}
		if w.left.Doubt > 0 {
			add(toGiveUp, 1)
		}
	case atReading, atAnswered, atAsking, atConcluding, atDone:
	}
}

func (x *explorer) post(a *actor, m move) {
	switch m.verb {
	case toLook:
		a.tag = bareTag // it needs none
		x.look(a)
		a.tag = noTag
	case toOpen:
		x.event = "open"
		mark, err := x.cache.Mark(context.Background(), x.view(a.view), exploreTerm)
		x.ended(a, mark.view, Done, err, false)
		if err != nil {
			a.rest(atDone)
			return
		}
		a.id, a.view, a.phase, a.deadline = mark.id, x.saw(mark.view), atHolding, x.w.now+Instant(exploreTick/1e6)
	case toSend:
		x.tell("%s sends its request to the backend", a.name)
		a.sent, a.phase = true, atSent
		for i := range x.w.actors {
			if o := &x.w.actors[i]; o.began && !o.over || o.underWay() {
				o.overlapped = true
			}
		}
	case toApply:
		x.apply(a)
	case toRefuse:
		x.refuse(a)
	case toGiveUp:
		x.tell("%s gets no answer", a.name)
		x.w.left.Doubt--
		a.rest(atDone)
	case toConclude:
		x.event = "close"
		mark := &Marked{cache: x.cache, id: a.id, view: x.view(a.view)}
		err := mark.Close(context.Background())
		if err == nil {
			x.decided(View{}, Done)
		}
		x.ended(a, View{}, Done, err, true)
		a.rest(atDone)
	case toCrash:
		x.crash(a)
	}
}

func (x *explorer) lag() time.Duration {
	if x.cfg.lag {
		return exploreTick
	}
	return 0
}

// behind is how many states a read may be shown.
func (x *explorer) behind(w *smallWorld) int {
	n := 1
	for x.cfg.lag && int(w.truth)-n >= 0 && w.changed[int(w.truth)-n+1] == w.now {
		n++
	}
	return n
}

// answer is what the backend shows now.
func (x *explorer) answer(a *actor, choice uint8) (state, rep int8) {
	kinds := a.role.reps
	if a.role.masked {
		kinds++
	}
	if rep = int8(int(choice) % kinds); x.w.absent || int(rep) == a.role.reps {
		return -1, 0
	}
	return x.w.truth - int8(int(choice)/kinds), rep
}

func (x *explorer) fateMoves(w *smallWorld, list []move) []move {
	add := func(verb uint8, choice int) { list = append(list, move{verb: verb, choice: uint8(choice)}) }
	if w.left.Ticks > 0 && !x.mustEnd(w) {
		add(toTime, 0)
	}
	if w.left.Forget > 0 && x.forgettable(w) {
		add(toForget, 0)
	}
	if w.left.Empty > 0 {
		add(toEmpty, 0)
		if w.stored.rec.State != None {
			add(toEmpty, 1)
		}
	}
	if w.left.Tamper > 0 && !w.absent {
		add(toTamper, 0)
	}
	for i, l := range w.late {
		if l.is {
			add(toDeliver, i)
		}
	}
	return list
}

// mustEnd: no time passes before what was given up on is over.
func (x *explorer) mustEnd(w *smallWorld) bool {
	for i := range w.actors {
		if a := &w.actors[i]; a.abandoned && a.underWay() {
			return true
		}
	}
	return false
}

// forgettable: the record is not one that has no end, and was not planted within the time in which a copy of the plant
// may come.
func (x *explorer) forgettable(w *smallWorld) bool {
	r := w.stored.record(w.epoch)
	if _, kept := r.lifetime(time.Hour, w.now); r.State == None || kept > 0 {
		return false
	}
	for _, l := range w.late {
		if l.is && l.made && l.by != 0 && w.now <= l.by {
			return false
		}
	}
	return true
}

func (x *explorer) fate(m move) {
	w := x.w
	switch m.verb {
	case toTime:
		x.pass()
	case toForget:
		w.left.Forget--
		w.stored = stored{}
		x.outlive()
		x.tell("the store forgets the record")
	case toEmpty:
		w.left.Empty--
		w.epoch++
		w.opens = w.now.Add(exploreGrace)
		if m.choice == 0 {
			w.stored = stored{}
		}
		x.outlive()
		x.tell("the store begins a new epoch%s", map[uint8]string{0: ", empty"}[m.choice])
	case toTamper:
		w.left.Tamper--
		w.truth++
		w.tampered = true
		x.tell("somebody writes past the fleet; the state is %d now", w.truth)
	case toDeliver:
		l := w.late[m.choice]
		w.late[m.choice] = lateCopy{}
		x.tell("a late swap arrives, to %s", x.describe(l.val.rec))
		c := Change{Epoch: epochID(l.epoch), Old: l.old.bytes(), New: l.val.bytes()}
		if l.ttl {
			c.TTL = time.Hour
		}
		made := x.make(l, c)
		x.tell("    it is made: %v", made)
		x.tries = x.tries[:0]
	}
}

// pass lets a tick pass. Who has a write at the backend gives up at its deadline.
func (x *explorer) pass() {
	w := x.w
	w.left.Ticks--
	w.now += Instant(exploreTick / 1e6)
	x.tell("time passes: it is %d", ticksOf(w.now))
	for i := range w.actors {
		a := &w.actors[i]
		if a.phase != atSent || w.now < a.deadline || a.role.slow {
			continue
		}
		x.tell("    %s has got no answer in time", a.name)
		if a.role.kind == isPoster {
			a.rest(atDone)
			continue
		}
		x.giveUp(a)
	}
}

// outlive: the record that the clients' tags were noted on is gone, and no view is of what is stored.
func (x *explorer) outlive() {
	x.w.changes()
	for i := range x.w.actors {
		if a := &x.w.actors[i]; a.phase != atIdle && a.phase != atDone || a.tag != noTag {
			a.outlived = true
		}
	}
}
