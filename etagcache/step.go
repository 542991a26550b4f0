package etagcache

import "slices"

// Moment is all that a step may take from outside the record and the event.
type Moment struct {
	// Now is the store's time, of the reply that the record came with or earlier. Being early is safe: what it
	// decides is only whether a lease, a mark or the grace period is over.
	Now Instant
	// Grace: the store began a new epoch, and a write that it has forgotten may still be under way.
	Grace bool
	// Fresh is a version that nobody has used before.
	Fresh Version
	// Room is how many validators a record takes. Zero: 32.
	Room int
}

// Event is something that happens to a resource. The events are the types below, and no others.
type Event interface{ event() }

// Plant makes sure that there is a record, so that what is begun from now on is begun under a version.
type Plant struct{}

// Learn is the answer to a read that showed a validator.
type Learn struct {
	Begun Begun
	Shown Validator
}

// Gone is the answer to a read that showed no resource (404 or 410). It may be a mask before someone who may not look, so
// it takes the record's word without retiring anything.
type Gone struct{ Begun Begun }

// Claim asks for the right to send a write to the backend.
type Claim struct {
	ID        LeaseID
	Until     Instant // the end of the lease and the settle time after it
	Condition Condition
	Evidence  Evidence // what the backend showed the writer, if it was asked
	Print     Print    // of the request, where it is to be known again
	// Keyed: the resource is a name that the client gave this one request (Idempotency-Key), and Remember until when it is remembered.
	Keyed    bool
	Remember Instant
	// Again is the version under which the backend was asked what became of the request: that it is known from then is no reason to
	// refuse it. When somebody else has sent it meanwhile, it is.
	Again Version
}

// Conclude ends a lease.
type Conclude struct {
	ID      LeaseID
	Outcome Outcome
	// From is the version that was claimed. It makes the release of a claim whose reply was lost reach a record that
	// was not claimed after all: it is stored anew, so that a late copy of the claim fails.
	From Version
	Now  Instant // of the store, or a little later: the write is over
	// Shown, when Shows is set and the outcome is Applied, is a validator that the backend gave the new version.
	Shown Validator
	Shows bool
	// Confirmed: Shown is the resource's for certain, by a read under the lease or because the configuration trusts
	// the answers to writes. Otherwise it is only kept so that it retires in time.
	Confirmed bool
	Until     Instant // Doubt only: the end of the settle time
	// Created, with Applied: the write created what the key stands for. Forget, with Unapplied: that an earlier one did is forgotten,
	// because the backend shows it by now.
	Created, Forget bool
	// Answer, with Applied, is what the client is answered, to be answered again. Nil: the write need not be known again.
	Answer []byte
}

// Outcome is what is known of a write after it was sent, or was not.
type Outcome uint8

// The outcomes.
const (
	Doubt     Outcome = iota // it may have been applied, or may be applied yet
	Applied                  // it is over and may have changed the resource
	Unapplied                // it is over and has certainly changed nothing
)

func (o Outcome) String() string {
	switch o {
	case Doubt:
		return "doubt"
	case Applied:
		return "applied"
	case Unapplied:
		return "unapplied"
	}
	return "Outcome(?)"
}

// OpenMark says that an unsafe request that nobody judged is about to be sent, or, with an ID that is open already,
// that it may be under way until then.
type OpenMark struct {
	ID    MarkID
	Until Instant
}

// CloseMark says that its answer has come.
type CloseMark struct {
	ID  MarkID
	Now Instant // of the store, or a little later
}

func (Plant) event()     {}
func (Learn) event()     {}
func (Gone) event()      {}
func (Claim) event()     {}
func (Conclude) event()  {}
func (OpenMark) event()  {}
func (CloseMark) event() {}

// Verdict is what came of an event.
type Verdict uint8

// The verdicts. Only Done, Admit and Drift mean that an event did what it is for.
const (
	Done        Verdict = iota // it is on record (and may have been before)
	Planted                    // there was no record; there is one now, to which the event must be put again
	Admit                      // Claim: the write may be sent
	Ask                        // Claim: the backend must be asked first
	Busy                       // Claim: another write is under way
	Stale                      // Claim: If-Match names no present version
	Exists                     // Claim: If-None-Match: *, and the backend showed it
	Absent                     // Claim: If-Match, and the backend showed none
	Unversioned                // Claim: the backend showed it without a validator
	Grace                      // Claim: the store has just lost its memory
	Late                       // what the event was begun under is over; it counts for nothing
	Drift                      // Learn: somebody writes past the proxy
	Lagging                    // Learn, Claim: what the backend showed may be older than the last write
	Crowded                    // Learn: the record has no room for it; it names the present version only together with that
	Repeated                   // Claim: it is the latest write over again
	Reused                     // Claim: its name was another request's before
)

var verdictNames = [...]string{
	"done", "planted", "admit", "ask", "busy", "stale", "exists", "absent", "unversioned", "grace", "late", "drift",
	"lagging", "crowded", "repeated", "reused",
}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "Verdict(?)"
}

// Step is the protocol: what becomes of a record when something happens. It is a pure function. A record that must be
// stored has another Seq than the one given.
func Step(r Record, e Event, at Moment) (Record, Verdict) {
	if r.State == None {
		return stepNone(r, e, at)
	}
	switch e := e.(type) {
	case Plant:
		return r, Done
	case Learn:
		return learn(r, e.Begun, e.Shown, at)
	case Gone:
		return gone(r, e.Begun)
	case Claim:
		return claim(r, e, at)
	case Conclude:
		return conclude(r, e, at)
	case OpenMark:
		return openMark(r, e, at)
	case CloseMark:
		return closeMark(r, e, at)
	}
	panic("etagcache: an event of a type that Step does not know")
}

// stepNone plants, or finds that the event comes too late: nothing is ever learned, claimed or concluded from nothing,
// or a record that came, went and left nothing would let an old answer in.
func stepNone(r Record, e Event, at Moment) (Record, Verdict) {
	switch e := e.(type) {
	case Learn, Gone, Conclude:
		return r, Late
	case OpenMark:
		return changed(Record{State: Unknown, Version: at.Fresh, Marks: []Mark{Mark(e)}}), Done
	case CloseMark:
		return changed(Record{State: Unknown, Version: at.Fresh, Moved: e.Now}), Done
	case Plant, Claim:
		return changed(Record{State: Unknown, Version: at.Fresh}), Planted
	}
	panic("etagcache: an event of a type that Step does not know")
}

// changed marks the record as one to be stored.
func changed(r Record) Record {
	r.Seq++
	return r
}

func claim(r Record, e Claim, at Moment) (Record, Verdict) {
	if r.State == Writing && r.Lease.ID == e.ID {
		return r, Admit // a repeated claim recognises its own success
	}
	if at.Grace {
		return r, Grace
	}
	r = r.at(at.Now)
	if v := known(r, e, at.Now); v != Admit {
		return r, v
	}
	r, evidence, heeded := heed(r, e.Evidence, at)
	if v := judge(r, e.Condition, evidence); v != Admit {
		return r, v
	}
	if heeded == Crowded && e.Condition.Qualify != QualifyNever {
		// It may be what admits the write. It must have retired when the record moves.
		r = r.retireDigest(evidence.Shown.Tag)
	}
	r.Lease = Lease{
		ID: e.ID, Until: e.Until,
		Before: r.State, BeforeVersion: r.Version,
		Touched: len(r.Marks) > 0,
		Print:   e.Print, Remember: e.Remember,
	}
	r.State, r.Version = Writing, Version(e.ID)
	return changed(r), Admit
}

// known says whether the request is known already: as the latest write, or by its name. Else the answer is Admit.
func known(r Record, e Claim, now Instant) Verdict {
	if e.Print == (Print{}) || e.Again != (Version{}) && e.Again == r.Version {
		return Admit
	}
	before := r.Last.at(now).Print
	if r.State == Writing {
		before = r.Lease.Print
	}
	switch {
	case e.Keyed && before != (Print{}) && before.Whole != e.Print.Whole:
		return Reused
	case r.State == Writing: // its outcome is waited for
		return Admit
	case before.Whole == e.Print.Whole:
		return Repeated
	}
	return Admit
}

// heed adds what the backend showed the writer to the record, as any read would. When that reveals a drift, the evidence
// is of the version that begins with it.
func heed(r Record, e Evidence, at Moment) (Record, Evidence, Verdict) {
	var v Verdict
	switch e.Kind {
	case NotAsked, ShownUnversioned:
		return r, e, Done
	case ShownVersion:
		r, v = learn(r, e.Begun, e.Shown, at)
	case ShownAbsent:
		r, v = gone(r, e.Begun)
	}
	if v == Drift {
		e.Begun.Version = r.Version
	}
	return r, e, v
}

func conclude(r Record, e Conclude, at Moment) (Record, Verdict) {
	switch {
	case r.Left == e.ID:
		return r, Done // repeated, or done by another hand
	case r.State == Writing && r.Lease.ID == e.ID && r.Lease.InDoubt:
		// It was concluded before, and nobody can know better than that nobody knows.
		if e.Outcome == Doubt {
			return r, Done
		}
		return r, Late
	case r.State == Writing && r.Lease.ID == e.ID:
		r.Left = e.ID
	case e.Outcome == Unapplied && r.State != Writing && r.Version == e.From:
		r.Left = e.ID
		return changed(r), Done
	default:
		return r, Late
	}
	lease := r.Lease
	switch e.Outcome {
	case Doubt:
		r.Left, r.Version = LeaseID{}, at.Fresh
		r.Lease.Until, r.Lease.InDoubt = e.Until, true
		return changed(r), Done
	case Unapplied:
		r.State, r.Lease = lease.Before, Lease{}
		r.Created = r.Created && !e.Forget
		if lease.Touched {
			r = r.moved(at.Fresh, e.Now)
			break
		}
		r.Version = lease.BeforeVersion
	case Applied:
		r.State, r.Lease = Unknown, Lease{}
		r = r.moved(at.Fresh, e.Now)
		r.Created = e.Created
		if e.Answer != nil && lease.Print != (Print{}) && !lease.Touched {
			r.Last = Last{Print: lease.Print, Answer: e.Answer, Until: lease.Remember}
		}
		if e.Shows && !lease.Touched {
			// Under an open mark the tag is not noted: when the mark ends by running out, nothing moves the record.
			r.Validators = []Validator{e.Shown}
			if e.Confirmed {
				r.State = Known
			}
		}
	}
	return changed(r), Done
}

// openMark moves the record, whatever it says: from now on its resource may change at any moment.
func openMark(r Record, e OpenMark, at Moment) (Record, Verdict) {
	if i := slices.IndexFunc(r.Marks, func(m Mark) bool { return m.ID == e.ID }); i >= 0 && r.Marks[i].Until >= e.Until {
		return r, Done
	}
	r = touch(r.at(at.Now), at.Fresh, at.Now)
	r.Marks = withMark(r.Marks, Mark(e))
	return changed(r), Done
}

// closeMark moves the record once more: what was learned before the answer may be older than the request's effect.
func closeMark(r Record, e CloseMark, at Moment) (Record, Verdict) {
	r = touch(r.at(at.Now), at.Fresh, e.Now)
	r.Marks = withoutMark(r.Marks, e.ID)
	return changed(r), Done
}

// touch moves the record. A write that is under way keeps its lease and the validators it may yet restore (it will not:
// it is touched), and everything else becomes unknown.
func touch(r Record, fresh Version, now Instant) Record {
	if r.State == Writing {
		r.Lease.Touched, r.Version = true, fresh
		r.Moved = max(r.Moved, now)
		return r
	}
	return r.moved(fresh, now)
}
