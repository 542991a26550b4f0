package etagcache

import (
	"slices"
	"time"
)

// Begun is what a read was begun under: what it shows counts only while the record still has this version.
type Begun struct {
	Version Version
	// Closed: a write or a mark was open, or the store was in grace. The answer teaches nothing, because nobody knows
	// on which side of the change it was computed.
	Closed bool
	// Marked: an open mark is all that closes it. A writer may be judged by what it shows while that mark is open, since
	// nothing is promised to a judged write that overlaps one which nobody judged.
	Marked bool
	// Lagging: the last write is so short ago that the backend's answer may not show it yet. Nothing is then learned but what
	// was noted under this version already, and that there is nothing is not believed.
	Lagging bool
	// Aside: it asks for another representation than probes do. Half of a record's room is not for such ones, so that nobody
	// crowds out what writers need by asking for ever more of them.
	Aside bool
	// Now is the store's time when the read began. A lease that ran out by then is over for this read; one that runs
	// out later is not.
	Now Instant
}

// Begin says what a read that begins now is begun under. The backend's reads show a write at the latest lag after it.
func Begin(r Record, at Moment, lag time.Duration) Begun {
	r, _ = r.at(at.Now).beneath()
	closed := at.Grace || r.State == None || r.State == Writing
	marked := !closed && len(r.Marks) > 0
	return Begun{
		Version: r.Version, Closed: closed || marked, Marked: marked, Now: at.Now,
		Lagging: lag > 0 && r.Moved != 0 && at.Now < r.Moved.Add(lag),
	}
}

// learn adds a validator that a read showed. One for which there is no room is left out: those that are there have been handed out,
// and their holders would be refused. It then leaves qualified, so that it need not be noted to admit nothing when the
// record has moved; whoever sends it has the backend asked.
func learn(r Record, b Begun, v Validator, at Moment) (Record, Verdict) {
	return beneathLease(r, b, func(r Record) (Record, Verdict) { return learnThere(r, b, v, at) })
}

// beneathLease has something learned in the record, beneath a lease that keeps the resource if there is one.
func beneathLease(r Record, b Begun, learns func(Record) (Record, Verdict)) (Record, Verdict) {
	r = r.released(b.Now)
	under, kept := r.beneath()
	if !kept {
		return learns(r)
	}
	after, verdict := learns(under)
	if after.Seq == under.Seq {
		return r, verdict
	}
	return after.under(r), verdict
}

func learnThere(r Record, b Begun, v Validator, at Moment) (Record, Verdict) {
	if b.Closed || r.Version != b.Version {
		return r, Late
	}
	r = r.at(b.Now)
	switch {
	case r.State == Writing:
		return r, Late
	case b.Lagging && r.perhapsOutdated(v):
		return r, Lagging
	}
	same := slices.IndexFunc(r.Validators, sameRepresentation(v))
	if same >= 0 && (v.Rep == Digest{}) {
		v.Rep = r.Validators[same].Rep
	}
	switch {
	case same >= 0 && r.Validators[same].Tag != v.Tag:
		r = r.moved(at.Fresh, b.Now)
		r.State, r.Validators = Known, []Validator{v}
		return changed(r), Drift
	case same >= 0 && r.State == Known && r.Validators[same].Weak == v.Weak:
		return r, Done
	case same >= 0: // confirmed; or weak turned strong by itself, as mod_dav's do, or the other way round
		r.Validators = slices.Clone(r.Validators)
		r.Validators[same] = v
	default:
		return learnNew(r, v, at.room(b))
	}
	if r.State == Unknown {
		r = dropUnconfirmed(r, v)
	}
	r.State = Known
	return changed(r), Done
}

// room is how many validators a record takes for a read to add one.
func (at Moment) room(b Begun) int {
	room := at.Room
	if room == 0 {
		room = usualValidators
	}
	if b.Aside {
		room /= 2
	}
	return room
}

// learnNew adds the validator of a representation that the record has none of.
func learnNew(r Record, v Validator, room int) (Record, Verdict) {
	after := r
	if r.State == Unknown {
		after = dropUnconfirmed(r, v)
	}
	others := slices.DeleteFunc(slices.Clone(after.Validators), func(o Validator) bool {
		return o.Rep == Digest{} && o.Tag == v.Tag // one of a representation that nobody knew, with the same tag, becomes v
	})
	if len(others) >= room && !after.names(v.Tag) {
		others = withoutOneThatShares(others)
	}
	verdict := Done
	switch {
	case len(others) < room:
		after.Validators = append(others, v)
	case after.names(v.Tag) && r.State == Known:
		return r, Done // the tag is what counts; which representations share it no longer fits
	case after.names(v.Tag):
	case r.State == Known || len(others) == 0:
		return r, Crowded
	default:
		verdict = Crowded
	}
	after.State = Known
	return changed(after), verdict
}

// perhapsOutdated reports whether a tag that a lagging backend shows may be an earlier version's. It need not be a retired
// one: of an earlier version nobody may have read this representation, and between two writes that nobody judged nobody
// reads at all.
func (r Record) perhapsOutdated(v Validator) bool {
	confirmed := func(o Validator) bool { return o.Tag == v.Tag && (r.State == Known || o.Rep != Digest{}) }
	return !slices.ContainsFunc(r.Validators, confirmed) || r.isRetired(v.Tag)
}

// sameRepresentation finds the validator of v's representation. Where that is not known (a 304 does not say which one it
// spares the client) it finds one with v's tag, which can confirm but never contradict.
func sameRepresentation(v Validator) func(Validator) bool {
	if (v.Rep == Digest{}) {
		return func(o Validator) bool { return o.Tag == v.Tag }
	}
	return func(o Validator) bool { return o.Rep == v.Rep }
}

// withoutOneThatShares leaves the oldest validator out whose tag another one has too, if there is one: the tag is still named, and
// only what becomes of that representation by itself (a drift) is no longer noticed.
func withoutOneThatShares(list []Validator) []Validator {
	for i, v := range list {
		if slices.ContainsFunc(list[i+1:], func(o Validator) bool { return o.Tag == v.Tag }) {
			return slices.Delete(list, i, i+1)
		}
	}
	return list
}

// dropUnconfirmed retires the tags that came on the answers to writes and turned out not to be the resource's: its first
// read under this version showed v.
func dropUnconfirmed(r Record, v Validator) Record {
	kept := make([]Validator, 0, len(r.Validators))
	for _, o := range r.Validators {
		if (o.Rep == Digest{}) && o.Tag != v.Tag {
			r = r.retireDigest(o.Tag)
			continue
		}
		kept = append(kept, o)
	}
	r.Validators = kept
	return r
}

// gone takes the record's word because a reader was shown nothing. The validators stay, unconfirmed: to a reader who may
// look they may still be present, and they must retire if the record moves.
func gone(r Record, b Begun) (Record, Verdict) {
	return beneathLease(r, b, func(r Record) (Record, Verdict) { return goneThere(r, b) })
}

func goneThere(r Record, b Begun) (Record, Verdict) {
	if b.Closed || r.Version != b.Version {
		return r, Late
	}
	r = r.at(b.Now)
	if r.State != Known {
		return r, Done
	}
	r.State = Unknown
	return changed(r), Done
}
