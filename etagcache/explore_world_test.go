package etagcache

import "time"

// The small world: one resource, a store, a backend and at most four actors. It is a value that is copied for every
// step, so that all steps from one state can be tried one after the other (see explorer). Actors act as Cache and proxy
// do; what they do to the record goes through Cache itself, and so through Step, encode and decode.

// exploreTick is the unit of time. A lease, and the settle time after it, are over before the first and the second tick
// after the claim; a write that is given up is over within its tick. Everything else happens at a whole tick.
const exploreTick = 51100 * time.Millisecond

var exploreTerm = Term{Work: 50 * time.Second, Settle: 50 * time.Second}

// exploreGrace is exactly as long as the longest lease and settle time.
var exploreGrace = exploreTerm.Work + exploreTerm.margin() + exploreTerm.Settle

const (
	maxActors = 4
	maxLate   = 2
	maxStates = 8 // of the backend
)

// smallWorld is all there is.
type smallWorld struct {
	now     Instant
	minted  uint16 // ids that are in use
	truth   int8   // counts the writes that the backend has applied
	absent  bool
	changed [maxStates]Instant // when each state of the backend began; kept only where reads lag
	stored  stored
	epoch   uint8
	opens   Instant // when the grace period ends
	actors  [maxActors]actor
	late    [maxLate]lateCopy
	left    budget
	// tampered: somebody wrote past the fleet, and who was shown what is promised nothing (A1).
	tampered bool
}

// budget is what fate may do yet.
type budget struct {
	Lost   int8 // requests of swaps, or replies to them, that are lost
	Copies int8 // swaps that arrive late, or once more
	Crash  int8
	Empty  int8 // the store loses its memory, or only says so
	Forget int8
	Ticks  int8
	Refuse int8 // writes that the backend does not apply
	Tamper int8 // writes past the fleet
	Doubt  int8 // writes whose owner gets no answer
}

// add gives fate more of what it may do at all.
func (b *budget) add(n int8) {
	for _, p := range b.all() {
		if *p > 0 {
			*p += n
		}
	}
}

func (b *budget) all() []*int8 {
	return []*int8{&b.Lost, &b.Copies, &b.Crash, &b.Empty, &b.Forget, &b.Ticks, &b.Refuse, &b.Tamper, &b.Doubt}
}

// stored is a value in the store, or nothing.
type stored struct {
	rec   Record
	epoch uint8
}

// sight is a view of the record.
type sight struct {
	val   stored
	epoch uint8
	now   Instant
	grace bool
	local bool
	// current: the store has held this value ever since.
	current bool
}

// lateCopy is a swap on its way to the store.
type lateCopy struct {
	is       bool
	old, val stored
	epoch    uint8 // under which it was judged
	by       Instant
	ttl      bool
	made     bool // it has been made before
	current  bool // the store still holds what it replaces
}

type actorKind uint8

const (
	isWriter actorKind = iota + 1
	isReader
	isPoster
)

// role is what an actor does, the same for all actors of one role.
type role struct {
	kind    actorKind
	name    string
	count   int
	reps    int  // how many representations its reads may be of
	creates bool // without a read: If-None-Match: *
	deletes bool
	rounds  int8 // how often it begins anew, when it is done; writers go on with a tag from the answer to their write
	hasty   bool // when its doubt is on record, it concludes once more, that nothing was sent
	slow    bool // its request outlasts its mark: nobody gives an unjudged one up
	eager   bool // it probes before it is told to, as who discloses nothing must
	bare    bool // its probes may be answered without a validator
	masked  bool // its reads and probes may be answered as if there were nothing
	answers bool // the answers to its writes show validators: right and wrong, confirmed and not
}

type phase8 uint8

const (
	atIdle phase8 = iota
	atReading
	atAnswered
	atTagged  // the client holds a tag, or needs none
	atAsking  // the writer must probe
	atHolding // it may send
	atSent
	atConcluding // what came of the write is not on record yet
	atDone
)

type tagKind uint8

const (
	noTag tagKind = iota
	bareTag
	qualifiedTag
	freshTag // qualified with a version that is on no record
)

// actor is a reader, a writer with its client, or an unjudged request.
type actor struct {
	role  *role
	name  string // for the story; part of no state
	phase phase8
	round int8
	view  sight
	begun Begun

	showed   int8 // what a read was answered: a state, or -1 for nothing; of a write, the state that it made
	rep      int8
	tag      tagKind
	tagOf    int8    // the state that the client was shown with it
	tagRep   int8    // -1: it is the tag of the answer to a write, and of no representation
	version  Version // of a qualified tag
	evidence EvidenceKind
	probed   Begun
	probe    int8 // the state that the probe showed
	probeRep int8

	id       [12]byte // of the lease or the mark
	from     Version  // that was claimed
	deadline Instant
	outcome  Outcome
	shows    uint8 // what the answer to the write shows
	retry    bool
	recorded bool // its conclusion was the last to change the record, although it got no reply

	sent, over, applied, abandoned bool
	began                          bool // the write's request has arrived
	overlapped                     bool // an unjudged request was at the backend meanwhile
	outlived                       bool // the record of the time of the client's read was forgotten
}

const (
	showsNothing uint8 = iota
	showsOwn           // unconfirmed, and the tag of something else
	showsRight         // unconfirmed
	showsConfirmed
)

// underWay reports whether a request of the actor may yet change the resource.
func (a *actor) underWay() bool { return a.sent && !a.over }

// rest forgets all that has no effect any more: the actor has nothing to do, but its request may be under way.
func (a *actor) rest(p phase8) {
	was := *a
	*a = actor{role: a.role, name: a.name, phase: p, round: a.round}
	if was.sent && !(was.over && !was.applied) {
		a.from = was.from // no other write may leave it
	}
	if was.underWay() {
		a.sent, a.abandoned, a.overlapped, a.outlived = true, true, was.overlapped, was.outlived
		a.tag, a.tagOf = was.tag, was.tagOf
	}
}

func (s stored) record(epoch uint8) Record {
	if s.epoch != epoch {
		return Record{}
	}
	return s.rec
}

func epochID(n uint8) EpochID { return EpochID{'e', n} }

func (s stored) bytes() []byte {
	if s.rec.State == None {
		return nil
	}
	return encode(s.rec, epochID(s.epoch))
}

func decodeStored(raw []byte) stored {
	if raw == nil {
		return stored{}
	}
	s := stored{epoch: raw[2]}
	var err error
	if s.rec, err = decode(raw, epochID(s.epoch)); err != nil {
		panic(err)
	}
	return s
}

// record is what the store has of the present epoch, as of now.
func (w *smallWorld) record() Record { return w.stored.record(w.epoch).at(w.now) }

func (w *smallWorld) grace() bool { return w.now < w.opens }

// changes makes every view of the stored value an old one.
func (w *smallWorld) changes() {
	for i := range w.actors {
		w.actors[i].view.current, w.actors[i].recorded = false, false
	}
	for i := range w.late {
		if w.late[i].current && w.late[i].old.rec.State != None {
			w.late[i] = lateCopy{} // it comes in vain
		}
		w.late[i].current = false
	}
}
