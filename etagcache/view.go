package etagcache

import "time"

// View is a record as the store had it at one moment. It is the ground that a read begins on and that a swap is made
// from; it is never an authority by itself when it is Local.
type View struct {
	Key    Key
	Record Record
	Local  bool // a copy from this process's memory, up to [Options.LocalFor] old
	// Overran: the swap that led to this view found a lease that had run out before its owner concluded it.
	Overran bool
	// Drifted: what a claim's evidence showed revealed that somebody writes past the proxy.
	Drifted bool

	raw      []byte
	epoch    EpochID
	enrolled *enrolment // nil: none is needed
	at       Moment
	graceful time.Duration // how long the grace period lasts
	sent     time.Time     // when the request was made whose reply this is: the store's time was at.Now after that
}

// Begin says what a read that begins with this view is begun under, at a backend whose reads show a write at the latest
// lag after it.
func (v View) Begin(lag time.Duration) Begun { return Begin(v.Record, v.at, lag) }

// LagLeft is how long after the view was taken the backend's reads may not show the last write yet.
func (v View) LagLeft(lag time.Duration) time.Duration {
	return max(0, v.record().Moved.Add(lag).Sub(v.at.Now))
}

// GraceLeft is how long the store's grace period lasted when the view was taken; zero when it was over.
func (v View) GraceLeft() time.Duration {
	return v.graceful
}

// BusyFor is how long the write that is under way may take at the most, as of the view; inDoubt tells that its outcome
// will not be known before.
func (v View) BusyFor() (left time.Duration, inDoubt bool) {
	r := v.Record.at(v.at.Now)
	if r.State != Writing {
		return 0, false
	}
	return r.Lease.Until.Sub(v.at.Now), r.Lease.InDoubt
}

// Describe tells how the view's record stands to a tag that the backend just showed: known is true when the tag names the
// record's version, and returned when it must be qualified: the rule says so of a tag with its past, or it looks like a
// qualified tag itself (a fleet stands behind this one).
func (v View) Describe(tag Tag, q Qualify) (known, returned bool) {
	r := v.record()
	d := tag.Digest()
	_, _, returned = tag.Unqualify()
	switch q {
	case QualifyAlways:
		returned = true
	case QualifyReturned:
		returned = returned || r.isRetired(d)
	case QualifyNever:
	}
	return r.State == Known && r.names(d), returned
}

// Last is the resource's latest write, as far as it is remembered.
func (v View) Last() Last { return v.record().Last.at(v.at.Now) }

// Noted reports whether the record has the tag among those that were handed out under its version, be they confirmed or
// not. A noted tag retires when the record moves, so it can be handed out bare.
func (v View) Noted(tag Tag) bool { return v.Record.State != None && v.Record.names(tag.Digest()) }

// Version is that of the resource, as of the view, also while a write holds it that does not change it.
func (v View) Version() Version { return v.record().Version }

// record is the resource's, as of the view.
func (v View) record() Record {
	r, _ := v.Record.at(v.at.Now).beneath()
	return r
}
