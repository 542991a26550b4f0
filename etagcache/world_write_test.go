package etagcache

import (
	"time"

	"pgregory.net/rapid"
)

// The steps of judged writes in the world.

type phase int

const (
	probing phase = iota
	claiming
	holding
	sent
)

type writeOp struct {
	flight
	phase   phase
	on      *replica
	key     Key
	cond    Condition
	creates bool
	deletes bool
	base    []clientTag // what the client held
	view    View
	proof   Evidence
	begun   time.Time
	lease   *Held
	from    string
	asked   int
}

func (w *world) drop(o *writeOp) {
	for i, x := range w.writes {
		if x == o {
			w.writes = append(w.writes[:i:i], w.writes[i+1:]...)
			return
		}
	}
}

func (w *world) beginWrite() {
	if len(w.writes) > 4 {
		return
	}
	o := &writeOp{on: w.drawReplica(), key: w.drawKey(), begun: time.Now(), deletes: w.oneIn(4, "deletes")}
	if !w.backend[o.key].absent && !w.oneIn(3, "without a read before") {
		w.readNow(o.on, o.key, w.draw(2, "rep"))
	}
	var mine []clientTag
	for _, c := range w.held {
		if c.key == o.key {
			mine = append(mine, c)
		}
	}
	if len(mine) == 0 || w.backend[o.key].absent || w.oneIn(12, "creates") {
		o.creates, o.deletes, o.cond = true, false, Condition{Absent: true}
	} else {
		// Clients use their newest tag more often than old ones.
		c := mine[max(0, len(mine)-1-w.draw(3, "age of the tag"))]
		o.base = []clientTag{c}
		o.cond = Condition{Match: TagList{Field: true, Tags: []Tag{c.tag}}}
	}
	look := o.on.cache.Look
	if rapid.Bool().Draw(w.t, "fetch") {
		look = o.on.cache.Fetch
	}
	view, err := look(w.ctx, o.key)
	if err != nil {
		return
	}
	w.judge(o, view)
}

// judge is what the proxy does with a view before it claims.
func (w *world) judge(o *writeOp, view View) {
	v := o.on.cache.Judge(view, o.cond, o.proof)
	if view.Local && v != Admit && v != Ask {
		var err error
		if view, err = o.on.cache.Fetch(w.ctx, o.key); err != nil {
			w.drop(o)
			return
		}
		v = o.on.cache.Judge(view, o.cond, o.proof)
	}
	o.view = view
	w.saw["write "+v.String()]++
	switch v {
	case Admit:
		o.phase = claiming
	case Ask:
		o.phase = probing
	default:
		w.drop(o)
		return
	}
	w.drop(o)
	w.writes = append(w.writes, o)
}

// stepWrite takes one of the writes one step on.
func (w *world) stepWrite() {
	o := pick(w, w.writes, func(o *writeOp) bool { return !o.abandoned && !o.on.gone() || o.phase == sent && !o.over })
	switch {
	case o == nil:
	case o.phase == probing:
		o.proof = w.probe(o.view, o.key, w.draw(2, "rep"))
		o.phase = claiming
	case o.phase == claiming:
		w.claimWrite(o)
	case o.phase == holding:
		w.sendWrite(o)
	case !o.over && (o.abandoned || !w.oneIn(3, "apply")):
		w.applied(o)
	case !o.abandoned:
		w.endWrite(o)
	}
}

func (w *world) probe(v View, key Key, rep int) Evidence {
	r := w.backend[key]
	if r.absent {
		return Evidence{Begun: v.Begin(0), Kind: ShownAbsent}
	}
	return Evidence{Begun: v.Begin(0), Kind: ShownVersion, Shown: w.validator(r.state, rep)}
}

func (w *world) claimWrite(o *writeOp) {
	h, ruling, err := o.on.cache.Claim(w.ctx, []Wish{{View: o.view, Condition: o.cond, Evidence: o.proof}}, w.term)
	switch {
	case err != nil:
		w.saw["claim without reply"]++
		w.drop(o)
		return
	case h != nil && h.Overran:
		w.saw["claim over an expired lease"]++
	}
	w.saw["claim "+ruling.Verdict.String()]++
	switch {
	case h != nil:
		o.lease, o.phase, o.from = h, holding, string(o.key[:])+string(h.keys[0].from[:])
	case ruling.Verdict == Ask && o.asked < 2:
		o.asked++
		o.view, o.phase = ruling.View, probing
	default:
		w.drop(o)
	}
}

func (w *world) sendWrite(o *writeOp) {
	if !time.Now().Before(o.lease.Deadline) {
		_, _, _ = o.lease.Conclude(w.ctx, unsent, nil)
		w.drop(o)
		return
	}
	o.phase, o.sent, o.deadline = sent, true, o.lease.Deadline
	if w.went[o.from]++; w.went[o.from] > 1 {
		w.t.Fatalf("two writes left one version of %s for the backend", o.key)
	}
}

// applied is the moment of truth.
func (w *world) applied(o *writeOp) {
	r := w.backend[o.key]
	w.saw["applied"]++
	if o.abandoned {
		w.saw["applied in doubt"]++
	}
	if w.overlapped(o) {
		w.saw["overlapped"]++
	} else {
		if o.creates && !r.absent {
			w.t.Fatalf("%s was created over an existing state %d", o.key, r.state)
		}
		for _, c := range o.base {
			if (c.state != r.state || r.absent) && !(c.outlived && w.collide > 0) {
				w.t.Fatalf("P1: a write with %s, which named state %d, was applied to state %d (absent: %v)", c.tag, c.state, r.state, r.absent)
			}
		}
	}
	r.state++
	r.absent = o.deletes
	o.end()
}

// overlapped: P1 says nothing of a write that overlaps an unjudged one.
func (w *world) overlapped(o *writeOp) bool {
	for _, p := range w.posts {
		if p.key == o.key && (!p.over || p.ended.After(o.begun)) {
			return true
		}
	}
	return false
}

// endWrite: the answer comes, or none does.
func (w *world) endWrite(o *writeOp) {
	if w.oneIn(5, "no answer") {
		w.giveUp(o)
		return
	}
	c := Conclusion{Outcome: Unapplied}
	rep, state := w.draw(2, "rep"), w.backend[o.key].state
	if o.over {
		c = Conclusion{Outcome: Applied, Primary: o.key}
		if !o.deletes && rapid.Bool().Draw(w.t, "shows") {
			c.Shows, c.Shown, c.Confirmed = true, w.validator(state, rep), rapid.Bool().Draw(w.t, "read under the lease")
			if !c.Confirmed {
				c.Shown.Rep = Digest{}
			}
		}
	} else {
		w.went[o.from]--
	}
	view, verdict, err := o.lease.Conclude(w.ctx, c, nil)
	w.sawReply("conclude", verdict, err)
	if err == nil && verdict == Done && c.Shows {
		w.handOut(view, o.key, state, rep, false)
	}
	o.abandoned = true
	o.end()
	w.drop(o)
}

func (w *world) giveUp(o *writeOp) {
	_, _, _ = o.lease.Conclude(w.ctx, Conclusion{Outcome: Doubt}, nil)
	o.abandon(w)
}

// handOut gives the tag to a client: bare if it is noted and has not come back, else qualified, or, with the answer to a write,
// not at all.
func (w *world) handOut(v View, key Key, state, rep int, orFresh bool) {
	tag := w.tagOf(state, rep)
	switch known, returned := v.Describe(tag, QualifyReturned); {
	case known && returned:
		tag = tag.Qualify(v.Record.Version)
		w.saw["tag qualified"]++
	case !known && !orFresh: // on the answer to a write
		if !v.Noted(tag) || returned {
			return
		}
		w.saw["tag noted"]++
	case !known:
		tag = tag.Qualify(Version{'n', 'o', 'n', 'e'})
	default:
		w.saw["tag bare"]++
	}
	w.held = append(w.held, clientTag{key: key, tag: tag, state: state})
}
