package etagcache

import "context"

// The steps of readers and writers. A writer is a reader whose client goes on to write.

func (x *explorer) writeMoves(w *smallWorld, a *actor, add func(verb uint8, choices int)) {
	masks := 0
	if a.role.masked {
		masks = 1
	}
	switch a.phase {
	case atIdle:
		add(toLook, 1)
	case atReading:
		add(toAnswer, (a.role.reps+masks)*x.behind(w))
	case atAnswered:
		add(toLearn, 1)
	case atTagged:
		if !a.view.current || a.view.local || a.view.now != w.now {
			add(toLook, 1)
		}
		add(toClaim, 1)
		if a.role.eager && a.evidence == NotAsked {
			add(toProbe, 1)
		}
	case atAsking:
		if !a.view.current || a.view.now != w.now {
			add(toLook, 1)
		}
		add(toProbe, (a.role.reps+masks)*x.behind(w))
		if a.role.bare && !w.absent {
			add(toProbeBare, 1)
		}
	case atHolding:
		if w.now < a.deadline {
			add(toSend, 1)
		}
		add(toRelease, 1)
	case atSent:
		if a.over {
			add(toConclude, x.conclusions(a))
		}
		if w.left.Doubt > 0 {
			add(toGiveUp, 1)
		}
	case atConcluding:
		add(toConclude, 1)
		if w.now > a.deadline.Add(exploreTerm.Settle) {
			add(toQuit, 1)
		}
	case atDone:
	}
}

// conclusions is how many answers a write that is over may get.
func (x *explorer) conclusions(a *actor) int {
	switch {
	case !a.applied:
		return 2 // it is refused, or the backend falters
	case a.role.answers && !a.role.deletes:
		return 4
	default:
		return 1
	}
}

func (x *explorer) write(a *actor, m move) {
	switch m.verb {
	case toLook:
		x.look(a)
	case toAnswer:
		a.showed, a.rep = x.answer(a, m.choice)
		a.phase = atAnswered
		x.tell("the backend answers %s's read: %s", a.name, x.shown(a.showed, a.rep))
	case toLearn:
		x.learn(a)
	case toClaim:
		x.claim(a)
	case toProbe:
		x.arrive(a)
		a.probed = x.view(a.view).Begin(x.lag())
		a.probe, a.probeRep = x.answer(a, m.choice)
		a.evidence, a.phase = ShownVersion, atTagged
		if a.probe == -1 {
			a.evidence = ShownAbsent
		}
		x.tell("the backend answers %s's probe: %s", a.name, x.shown(a.probe, a.probeRep))
	case toProbeBare:
		x.arrive(a)
		a.probed, a.evidence, a.phase = x.view(a.view).Begin(x.lag()), ShownUnversioned, atTagged
		x.tell("the backend answers %s's probe without a validator", a.name)
	case toSend:
		x.send(a)
	case toApply:
		x.apply(a)
	case toRefuse:
		x.refuse(a)
	case toGiveUp:
		x.tell("%s gets no answer and gives up", a.name)
		x.w.left.Doubt--
		x.giveUp(a)
		x.conclude(a)
	case toConclude:
		if a.phase == atSent {
			x.answered(a, m.choice)
		}
		x.conclude(a)
	case toRelease:
		x.tell("%s does not send its write after all", a.name)
		a.outcome, a.phase = Unapplied, atConcluding
		x.conclude(a)
	case toQuit:
		x.tell("%s stops trying", a.name)
		a.rest(atDone)
	case toCrash:
		x.crash(a)
	}
}

// look takes a view. The first of a read is what the read begins under.
func (x *explorer) look(a *actor) {
	x.event = "plant"
	v, err := x.cache.Fetch(context.Background(), Key{})
	if err != nil {
		x.tell("%s looks at the record, and gets no reply", a.name)
		if a.phase == atIdle && a.role.kind == isReader {
			x.again(a)
		}
		return
	}
	x.decided(v, Done)
	a.view = x.saw(v)
	x.tell("%s looks at the record: %s", a.name, x.describe(v.Record))
	switch {
	case a.phase != atIdle:
		x.arrive(a)
		a.phase = atTagged
	case a.role.creates:
		x.arrive(a)
		a.phase = atTagged
	case a.tag != noTag: // it goes on with the tag of an answer to its own write
		x.arrive(a)
		a.phase = atTagged
	default:
		a.phase, a.begun = atReading, v.Begin(x.lag())
	}
}

// learn puts what the read showed to the record and gives the client its tag, as the proxy does.
func (x *explorer) learn(a *actor) {
	v := x.view(a.view)
	ctx := context.Background()
	if a.showed == -1 {
		x.event = "gone"
		after, verdict, err := x.cache.Gone(ctx, v, a.begun)
		x.ended(a, after, verdict, err, a.begun.Closed)
		x.again(a)
		return
	}
	x.event = "learn"
	after, verdict, err := x.cache.Learn(ctx, v, a.begun, x.tags.validator(a.showed, a.rep))
	x.ended(a, after, verdict, err, a.begun.Closed)
	if err == nil && verdict == Drift && after.Record.Version == a.begun.Version {
		x.fail("%s found a drift, and the version stands", a.name)
	}
	if err == nil && verdict == Drift && !x.w.tampered && !x.outlasted() {
		x.fail("drift, although nobody writes past the fleet")
	}
	if a.role.kind == isReader {
		x.again(a)
		return
	}
	noted := err == nil && (verdict == Done || verdict == Drift || verdict == Crowded)
	a.view = x.saw(after)
	a.view.local = true
	a.begun, a.phase = Begun{}, atTagged
	x.handOut(a, after, noted, verdict, a.showed, a.rep)
	a.showed, a.rep = 0, 0
}

// handOut gives the client a tag, as proxy.handOut does.
func (x *explorer) handOut(a *actor, v View, noted bool, verdict Verdict, state, rep int8) {
	tag := x.tags.tag(state, rep)
	_, returned := v.Describe(tag, x.cfg.qualify)
	lagging, crowded := verdict == Lagging, verdict == Crowded
	a.tagOf, a.tagRep, a.version, a.outlived = state, rep, Version{}, a.outlived && noted
	switch {
	case lagging && !returned || noted && (returned || crowded):
		a.tag, a.version = qualifiedTag, v.Record.Version
	case !noted:
		a.tag = freshTag
	default:
		a.tag = bareTag
	}
	x.tell("    its client gets %s", x.tagName(a))
}

// ended tells what came of an event.
func (x *explorer) ended(a *actor, after View, v Verdict, err error, unasked bool) {
	switch {
	case err != nil:
		x.tell("%s: %s, and no reply comes", a.name, x.event)
	default:
		if !unasked {
			x.decided(after, v)
		}
		x.tell("%s: %s: %s: %s", a.name, x.event, v, x.describe(x.w.stored.record(x.w.epoch)))
	}
}

// again begins anew, or ends.
func (x *explorer) again(a *actor) {
	a.round++
	if a.round >= max(1, a.role.rounds) {
		a.rest(atDone)
		return
	}
	a.rest(atIdle)
	a.from = Version{}
}
