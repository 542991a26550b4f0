package etagcache

import (
	"fmt"
	"strings"
)

// What must hold.

// admitted checks a claim that was granted: its tag names what is there, and after doubt the backend was asked.
func (x *explorer) admitted(a *actor, wish Wish, v View) {
	if !a.overlapped {
		x.rightful(a, "a claim was granted with a tag that is old: it would be applied")
	}
	if v.Record.Lease.Before != Known && wish.Evidence.Kind == NotAsked {
		x.fail("P4: %s was admitted from a record that did not know, without asking", a.name)
	}
	if a.tag == freshTag {
		x.fail("%s was admitted with a tag of a version that is on no record", a.name)
	}
}

// refused checks P3.
func (x *explorer) refused(a *actor, wish Wish, v View, verdict Verdict) {
	r := v.Record.at(v.at.Now)
	switch verdict {
	case Stale:
		retired := a.tag == bareTag && r.isRetired(x.tags.tag(a.tagOf, a.tagRep).Digest())
		present := r.Version
		if r.State == Writing {
			present = r.Lease.BeforeVersion
		}
		unvouched := a.tag == freshTag || a.tag == qualifiedTag && a.version != present
		if !retired && !unvouched && wish.Evidence.Kind == NotAsked {
			x.fail("P3: %s was refused as stale, and the record does not say so", a.name)
		}
	case Exists, Absent, Unversioned:
		if wish.Evidence.Kind == NotAsked {
			x.fail("P3: %s was refused as %s, and nobody had asked", a.name, verdict)
		}
	case Done, Planted, Late, Drift, Crowded:
		x.fail("a claim was told %s", verdict)
	case Ask:
		if r.State == Writing {
			x.fail("%s is to ask the backend while another write is under way", a.name)
		}
	case Admit, Busy, Grace, Lagging:
	}
	if v.Local && verdict != Ask {
		x.fail("%s was refused as %s by a local copy", a.name, verdict)
	}
}

// concluded checks what the end of a lease made of the record.
func (x *explorer) concluded(a *actor, before stored, verdict Verdict) {
	was, is := before.record(x.w.epoch), x.w.stored.record(x.w.epoch)
	for _, l := range x.w.late {
		if verdict == Done && l.is && l.current && l.val.rec.Lease.ID == LeaseID(a.id) {
			x.fail("%s's lease has ended, and a late copy of its claim will be made", a.name)
		}
	}
	if verdict != Done || was.State != Writing || was.Lease.ID != LeaseID(a.id) || was.Lease.InDoubt {
		return
	}
	switch {
	case a.outcome == Unapplied && !was.Lease.Touched:
		if is.State != was.Lease.Before || is.Version != was.Lease.BeforeVersion || len(is.Validators) != len(was.Validators) ||
			len(is.Retired) != len(was.Retired) {
			x.fail("nothing was applied, and the record is not what it was before %s's claim", a.name)
		}
	case a.outcome == Unapplied:
		if is.State != Unknown || is.Version == was.Lease.BeforeVersion {
			x.fail("the record was touched under %s's lease, and is not unknown", a.name)
		}
	case is.Version == was.Version || is.Version == was.Lease.BeforeVersion:
		x.fail("%s's write may have been applied, and the version stands", a.name)
	}
}

// check is what holds in every state.
func (x *explorer) check() {
	w := x.w
	r := w.record()
	if r.State != Known || w.tampered || x.outlasted() {
		return
	}
	for i := range w.actors {
		if a := &w.actors[i]; a.role != nil && a.underWay() && !w.grace() {
			x.fail("the record is known, and %s's request is at the backend", a.name)
		}
	}
	for _, v := range r.Validators {
		if (v.Rep == Digest{} && v.Tag == x.tags.tag(0, -1).Digest()) {
			x.fail("the record knows the tag of an answer to a write, which no read shows")
		}
		for rep := range int8(2) {
			if v.Rep == exploreRepOf[rep] && (w.absent || v.Tag != x.tags.tagDigest(w.truth, rep)) {
				x.fail("the record knows %s of rep %d, and the state is %d (absent: %v)", x.tags.name(v.Tag), rep, w.truth, w.absent)
			}
		}
	}
}

// quiet demands, of a world in which all that is under way has ended, that who reads and then writes is admitted: at once
// if the record is free, and at the latest when lease, settle time and grace are over.
func (x *explorer) quiet(w smallWorld) string {
	for i := range w.actors {
		w.actors[i] = actor{}
	}
	w.late = [maxLate]lateCopy{}
	w.changed = [maxStates]Instant{}
	w.minted += 100
	r := w.record()
	if x.cfg.lag || w.grace() || r.State == Writing || len(r.Marks) > 0 {
		w.now = w.now.Add(3 * exploreTick)
	}
	broken, telling := x.broken, x.telling
	defer func() { x.broken, x.telling = broken, telling }()
	reps := int8(1)
	if !w.absent {
		reps = 2
	}
	for rep := range reps {
		if verdict := x.undisturbed(w, rep); verdict != Admit {
			return fmt.Sprintf("P2: all is quiet, and who has just read rep %d is refused: %s", rep, verdict)
		}
	}
	return ""
}

func (x *explorer) undisturbed(w smallWorld, rep int8) Verdict {
	x.plan.nth, x.telling = -1, false
	x.w = &w
	a := &w.actors[0]
	a.role = &role{kind: isWriter, reps: 2, creates: w.absent}
	a.name = "one"
	x.look(a)
	if !w.absent {
		x.write(a, move{verb: toAnswer, choice: uint8(rep)})
		x.learn(a)
	}
	for range 4 {
		view, cond := x.view(a.view), x.condition(a)
		switch v := x.cache.Judge(view, cond, x.proof(a)); {
		case v == Ask:
			x.write(a, move{verb: toProbe, choice: uint8(rep)})
		case v == Admit:
			x.claim(a)
			if a.phase == atHolding {
				return Admit
			}
			return Late
		case v != Admit && view.Local:
			x.look(a)
		default:
			return v
		}
	}
	return Ask
}

func (x *explorer) shown(state, rep int8) string {
	if state < 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s (state %d)", x.tags.tag(state, rep), state)
}

func (x *explorer) tagName(a *actor) string {
	if a.role.creates {
		return "if-none-match *"
	}
	name := x.tags.tag(a.tagOf, a.tagRep).String()
	switch a.tag {
	case qualifiedTag:
		name += "@" + name8(a.version)
	case freshTag:
		name += "@nothing"
	case noTag, bareTag:
	}
	return fmt.Sprintf("%s, shown with state %d", name, a.tagOf)
}

func (x *explorer) proofName(a *actor) string {
	switch a.evidence {
	case ShownVersion:
		return ", having been shown " + x.shown(a.probe, a.probeRep)
	case ShownAbsent:
		return ", having been shown nothing"
	case NotAsked, ShownUnversioned:
	}
	return ""
}

func (x *explorer) describe(r Record) string {
	if !x.telling {
		return ""
	}
	var b strings.Builder
	b.WriteString(r.State.String())
	if r.State == None {
		return b.String()
	}
	b.WriteString(" " + name8(r.Version))
	for _, v := range r.Validators {
		b.WriteString(" " + x.tags.name(v.Tag) + x.tags.name(v.Rep))
	}
	if r.State == Writing {
		fmt.Fprintf(&b, "; lease %s, before it %s %s; until %d", name8(r.Lease.ID), r.Lease.Before, name8(r.Lease.BeforeVersion), ticksOf(r.Lease.Until))
		if r.Lease.InDoubt {
			b.WriteString(", in doubt")
		}
		if r.Lease.Touched {
			b.WriteString(", touched")
		}
	}
	for i, d := range r.Retired {
		b.WriteString(map[bool]string{true: "; retired ", false: " "}[i == 0] + x.tags.name(d))
	}
	for i, m := range r.Marks {
		b.WriteString(map[bool]string{true: "; open ", false: ", "}[i == 0] + fmt.Sprintf("%s until %d", name8(m.ID), ticksOf(m.Until)))
	}
	return b.String()
}
