package etagcache

import (
	"context"
	"time"
)

// The steps of a write from its claim on.

// arrive notes that the write's request has come, if it had not.
func (x *explorer) arrive(a *actor) {
	if a.began {
		return
	}
	a.began, a.overlapped = true, x.unjudged()
}

// unjudged reports whether an unjudged request is at the backend: it is not over, or it has outlasted its mark and its
// answer has not come.
func (x *explorer) unjudged() bool {
	for i := range x.w.actors {
		p := &x.w.actors[i]
		if p.role != nil && p.role.kind == isPoster && p.underWay() {
			return true
		}
	}
	return x.outlasted()
}

// outlasted reports whether an unjudged request may have outlasted its mark, and its answer has not come.
func (x *explorer) outlasted() bool {
	for i := range x.w.actors {
		if p := &x.w.actors[i]; p.role != nil && p.role.slow && p.sent {
			return true
		}
	}
	return false
}

func (x *explorer) condition(a *actor) Condition {
	if a.role.creates {
		return Condition{Absent: true}
	}
	return Condition{Match: TagList{Field: true, Tags: []Tag{x.sentTag(a)}}, Qualify: x.cfg.qualify}
}

func (x *explorer) sentTag(a *actor) Tag {
	tag := x.tags.tag(a.tagOf, a.tagRep)
	switch a.tag {
	case qualifiedTag:
		return tag.Qualify(a.version)
	case freshTag:
		return tag.Qualify(Version{1})
	case noTag, bareTag:
	}
	return tag
}

func (x *explorer) proof(a *actor) Evidence {
	e := Evidence{Kind: a.evidence, Begun: a.probed}
	if a.evidence == ShownVersion {
		e.Shown = x.tags.validator(a.probe, a.probeRep)
	}
	return e
}

func (x *explorer) held(a *actor) *Held {
	return &Held{cache: x.cache, id: LeaseID(a.id), term: exploreTerm, Deadline: time.UnixMilli(int64(a.deadline))}
}

func (x *explorer) claim(a *actor) {
	x.arrive(a)
	x.event = "claim"
	a.id = [12]byte(x.cache.mint())
	wish := Wish{View: x.view(a.view), Condition: x.condition(a), Evidence: x.proof(a)}
	v, from, verdict, err := x.held(a).claimKey(context.Background(), wish)
	a.deadline = x.w.now + Instant(exploreTick/1e6)
	if x.telling {
		x.tell("%s claims with %s%s", a.name, x.tagName(a), x.proofName(a))
	}
	x.ended(a, v, verdict, err, false)
	switch {
	case err != nil: // what may have been claimed is given back, from a fresh view
		a.from, a.outcome, a.retry, a.phase = from, Unapplied, true, atConcluding
		a.view = sight{}
		x.forgetProof(a)
		a.tag, a.tagOf = noTag, 0
		return
	case verdict == Admit:
		a.from = v.Record.Lease.BeforeVersion
		x.admitted(a, wish, v)
		a.view, a.phase = x.saw(v), atHolding
		x.forgetProof(a)
		return
	}
	if v.at.Grace && verdict != Grace {
		x.fail("%s is judged within the grace period: %s", a.name, verdict)
	}
	a.id, a.deadline = [12]byte{}, 0
	x.refused(a, wish, v, verdict)
	a.view = x.saw(v)
	switch verdict {
	case Ask:
		a.phase = atAsking
		x.forgetProof(a)
	case Busy, Grace, Lagging: // it may try again
		if verdict == Lagging {
			x.forgetProof(a)
		}
	default:
		x.again(a)
	}
}

func (x *explorer) forgetProof(a *actor) {
	a.evidence, a.probed, a.probe, a.probeRep = NotAsked, Begun{}, 0, 0
}

func (x *explorer) send(a *actor) {
	x.tell("%s sends its write to the backend", a.name)
	a.sent, a.phase = true, atSent
	for i := range x.w.actors {
		o := &x.w.actors[i]
		refused := o.over && o.outcome == Unapplied
		if o != a && (o.sent && !refused || o.phase == atDone) && o.from == a.from {
			x.fail("two writes left the version %s for the backend: %s's and %s's", name8(a.from), o.name, a.name)
		}
	}
	a.overlapped = a.overlapped || x.unjudged()
}

// apply is the moment of truth.
func (x *explorer) apply(a *actor) {
	w := x.w
	x.tell("the backend applies %s's request; the state is %d now", a.name, w.truth+1)
	if a.role.kind == isWriter && !a.overlapped {
		x.rightful(a, "P1: it was applied")
	}
	w.truth++
	w.absent = a.role.deletes
	w.changed[w.truth%maxStates] = w.now
	a.over, a.applied, a.showed = true, true, w.truth
	if a.abandoned && a.phase == atDone {
		a.rest(atDone)
	}
}

// rightful demands that the resource is in the state that the writer's client was shown.
func (x *explorer) rightful(a *actor, what string) {
	w := x.w
	if a.role.creates {
		if !w.absent {
			x.fail("%s to an existing resource, which it was to create: %s", what, a.name)
		}
		return
	}
	excused := w.tampered || a.outlived && a.tag == bareTag && x.cfg.collide > 0 ||
		x.cfg.qualify == QualifyNever && x.tags.tag(w.truth, a.tagRep) == x.tags.tag(a.tagOf, a.tagRep)
	if (w.absent || w.truth != a.tagOf) && !excused {
		x.fail("%s to state %d (absent: %v), and its client was shown state %d: %s", what, w.truth, w.absent, a.tagOf, a.name)
	}
}

func (x *explorer) refuse(a *actor) {
	if !a.abandoned {
		x.w.left.Refuse--
	}
	x.tell("the backend does not apply %s's request", a.name)
	a.over = true
	if a.abandoned && a.phase == atDone {
		a.rest(atDone)
	}
}

func (x *explorer) giveUp(a *actor) {
	a.outcome, a.phase, a.abandoned = Doubt, atConcluding, true
}

// answered is what the answer to the write says.
func (x *explorer) answered(a *actor, choice uint8) {
	a.phase = atConcluding
	switch {
	case a.applied:
		a.outcome, a.shows = Applied, choice
	case choice == 0:
		a.outcome = Unapplied
	default:
		a.outcome = Applied // a 500, and nobody knows that nothing was applied
	}
}

func (x *explorer) conclude(a *actor) {
	ctx := context.Background()
	v := x.view(a.view)
	if a.retry {
		x.event = "plant"
		var err error
		if v, err = x.cache.Fetch(ctx, Key{}); err != nil {
			x.tell("%s gets no reply from the store", a.name)
			return
		}
		x.decided(v, Done)
	}
	x.event = "conclude"
	before, recorded := x.w.stored, a.recorded
	c := Conclusion{Outcome: a.outcome}
	c.Shows, c.Shown, c.Confirmed = x.showing(a)
	after, verdict, err := x.held(a).concludeKey(ctx, heldKey{view: v, from: a.from}, c)
	x.tell("%s concludes: %s", a.name, a.outcome)
	x.ended(a, after, verdict, err, false)
	if err != nil {
		a.retry, a.view, a.recorded = true, sight{}, a.recorded || x.tries[len(x.tries)-1].made
		return
	}
	if recorded && verdict != Done {
		x.fail("%s does not recognise its own conclusion: %s", a.name, verdict)
	}
	x.concluded(a, before, verdict)
	if a.outcome == Doubt && a.role.hasty {
		a.outcome, a.retry, a.view = Unapplied, true, sight{}
		return
	}
	if a.outcome == Unapplied && !a.abandoned {
		a.from, a.sent = Version{}, false
	}
	tag, rep := x.ownTag(a)
	state, shows := a.showed, a.shows
	x.again(a)
	if verdict == Done && shows != showsNothing && a.phase == atIdle && after.Noted(tag) {
		x.handOut(a, after, true, Done, state, rep)
	}
}

// showing is the validator on the answer to a write.
func (x *explorer) showing(a *actor) (shows bool, v Validator, confirmed bool) {
	if a.shows == showsNothing || a.outcome != Applied {
		return false, v, false
	}
	tag, rep := x.ownTag(a)
	v = Validator{Tag: tag.Digest()}
	if a.shows == showsConfirmed {
		v.Rep = exploreRep(rep)
	}
	return true, v, a.shows == showsConfirmed
}

func (x *explorer) ownTag(a *actor) (Tag, int8) {
	rep := int8(0)
	if a.shows == showsOwn {
		rep = -1
	}
	return x.tags.tag(a.showed, rep), rep
}

func (x *explorer) crash(a *actor) {
	x.tell("the replica of %s dies", a.name)
	x.w.left.Crash--
	a.abandoned = true
	a.rest(atDone)
}
