package etagcache

import (
	"encoding/base64"
	"slices"
	"time"
)

// Version names one state of one resource, as far as the proxy can tell states apart. It is minted at random and
// unique for ever: whatever was begun under a version counts only while the record still has it.
type Version [12]byte

// String is 16 characters of base64url, all of which are legal in an entity tag.
func (v Version) String() string { return base64.RawURLEncoding.EncodeToString(v[:]) }

// Vouched reports whether the version may have been on record. Those of [Cache.FreshVersion] never were.
func (v Version) Vouched() bool { return v[0]&vouched != 0 }

// LeaseID names one claim of one write. It is minted like a version.
type LeaseID [12]byte

// MarkID names one open mark. It is minted like a version.
type MarkID [12]byte

// State is what a record says of its resource.
type State uint8

// The states of a record.
const (
	None    State = iota // there is no record
	Unknown              // the backend must be asked which version is present
	Known                // the validators name the present version
	Writing              // an admitted write is, or may be, at the backend
)

func (s State) String() string {
	switch s {
	case None:
		return "none"
	case Unknown:
		return "unknown"
	case Known:
		return "known"
	case Writing:
		return "writing"
	}
	return "State(?)"
}

// Bounds of one record. How many validators are added to it is configured ([Options.Validators]); what other replicas have stored is
// read whatever is configured here. Room for those of the version before is always among the retired.
const (
	usualValidators = 32
	maxValidators   = 256
	usualRetired    = usualValidators + olderRetired
	olderRetired    = 16
	maxRetired      = maxValidators + olderRetired
	maxMarks        = 16
)

// Validator is an entity tag that the backend showed for one representation of one version.
type Validator struct {
	Tag  Digest // of the opaque part
	Rep  Digest // of what selects the representation; the zero value: not known which (the answer to a write)
	Weak bool
}

// Mark says that an unsafe request, which nobody judged, is on its way and may change the resource at any moment
// until Until.
type Mark struct {
	ID    MarkID
	Until Instant
}

// Lease is the right of one write to be at the backend.
type Lease struct {
	ID LeaseID
	// Until is when nothing of the write can be under way any more: the lease's end and the settle time after it.
	Until Instant
	// InDoubt: the owner gave the backend up, and Until is only the settle time. Waiting for an outcome is in vain.
	InDoubt bool
	// Before is what the record said when it was claimed, its validators aside, which stay where they are.
	Before        State
	BeforeVersion Version
	// Touched: a mark was open when the record was claimed, or was set since. Whatever becomes of the write, the
	// resource is unknown after it.
	Touched bool
	// Kept: the write does not change the resource, so that of it all is true that was before.
	Kept bool
	// Print is the request's, and Remember until when it is remembered where its key is its own (zero: as long as it is the latest).
	Print    Print
	Remember Instant
}

// last is what is remembered of the write when nobody can say what came of it.
func (l Lease) last() Last {
	if l.Print == (Print{}) || l.Touched {
		return Last{}
	}
	return Last{Print: l.Print, Doubt: true, Until: l.Remember}
}

// Print is the fingerprint of one request, by which it is known again when its client repeats it. The zero value is that of no request.
type Print struct {
	Head  Digest // of what is there before the body
	Whole Digest // of all of it
}

// Last is a write of which its client may not have had the answer. The zero value is none.
type Last struct {
	Print Print
	// Doubt: nobody knows whether it was applied.
	Doubt bool
	// Answer is what the backend answered, in the caller's own form; nil with Doubt.
	Answer []byte
	// Until is when it is forgotten. Zero: with the next move, as in any case.
	Until Instant
}

// at is what is still known of it.
func (l Last) at(now Instant) Last {
	if l.Until != 0 && now >= l.Until {
		return Last{}
	}
	return l
}

// Record is all that the fleet knows of one resource. It is a value: no function of this package changes the arrays
// behind its slices.
type Record struct {
	State   State
	Version Version
	// Validators name the present version when the record is Known. When it is Unknown they were handed out under
	// Version but are not confirmed; they are kept so that they retire with it. When it is Writing they are those of
	// the record before the claim.
	Validators []Validator
	Retired    []Digest // validators of earlier versions, the oldest first
	Marks      []Mark   // open, or expired and not yet swept
	Lease      Lease    // while Writing
	// Moved is when the resource was changed last, as far as the record knows, or a little later: the end of a write, of a
	// mark, or when another version was found there. The zero value: it was not, since the record is.
	Moved Instant
	// Created: the write that ended at Moved created what the key stands for. It is told of keys that stand for something to be created
	// but once ([Conclusion.Created]), and forgotten with the next move.
	Created bool
	// Last is the write that Moved and Version come from, if it may be known again.
	Last Last
	// Left is the lease that ended here last, so that whoever ends it twice recognises its own success.
	Left LeaseID
	// Seq counts the swaps of this record. With it no stored value ever returns, even where all else does (a
	// version that was gone and came back with the same validator), so a late copy of a swap always fails.
	Seq uint64
}

// at is the record as of now: a write whose lease and settle time have passed is over, and nobody knows
// what came of it; marks that have run out are gone. It does not count as a change.
func (r Record) at(now Instant) Record {
	for _, m := range r.Marks {
		if now >= m.Until {
			r.Moved = max(r.Moved, m.Until)
		}
	}
	r.Marks = openMarks(r.Marks, now)
	if r.State == Writing && now >= r.Lease.Until {
		if under, kept := r.beneath(); kept {
			if last := r.Lease.last(); last.Print != (Print{}) {
				under.Last, under.Version = last, r.Version // what was asked of it before is out of date
			}
			return under
		}
		r = r.retire()
		r.Moved, r.Created, r.Last = max(r.Moved, r.Lease.Until), false, r.Lease.last()
		r.State, r.Lease = Unknown, Lease{}
	}
	return r
}

// beneath is the record of the resource under a lease of a write that does not change it: whatever becomes of that write, it is what was there
// before, and is now. Kept is false where there is no such lease.
func (r Record) beneath() (under Record, kept bool) {
	if r.State != Writing || !r.Lease.Kept || r.Lease.Touched {
		return r, false
	}
	under = r
	under.State, under.Version, under.Lease = r.Lease.Before, r.Lease.BeforeVersion, Lease{}
	return under, true
}

// under puts the record, in which something was learned, back under the lease of held, which lies over it.
func (r Record) under(held Record) Record {
	lease := held.Lease
	lease.Before, lease.BeforeVersion = r.State, r.Version
	r.State, r.Version, r.Lease = Writing, held.Version, lease
	return r
}

// retire moves all validators to the retired ones, among which there is room for them and for some older ones.
func (r Record) retire() Record {
	gone := r.Validators
	r.Validators = nil
	for _, v := range gone {
		r = r.retireAmong(v.Tag, len(gone)+olderRetired)
	}
	return r
}

// retireDigest makes d the newest of the retired ones.
func (r Record) retireDigest(d Digest) Record { return r.retireAmong(d, 0) }

// retireAmong makes d the newest of the retired ones. When there are more than usual, than room says and than there have been, the
// oldest is forgotten that is not a validator as well: of one that is, the list alone tells that the bare tag names no version.
func (r Record) retireAmong(d Digest, room int) Record {
	room = max(room, usualRetired, len(r.Retired))
	out := make([]Digest, 0, min(len(r.Retired)+1, room))
	excess := len(r.Retired) >= room && !r.isRetired(d)
	for _, old := range r.Retired {
		switch {
		case old == d:
		case excess && !r.names(old):
			excess = false
		default:
			out = append(out, old)
		}
	}
	r.Retired = append(out, d)
	return r
}

// moved is the record under a new version, its validators retired, of which nothing is known but that. Now is when the
// resource changed, or a little later.
func (r Record) moved(fresh Version, now Instant) Record {
	r = r.retire()
	r.Version, r.Moved, r.Created, r.Last = fresh, max(r.Moved, now), false, Last{}
	if r.State != Writing {
		r.State = Unknown
	}
	return r
}

// names reports whether the digest is among the validators.
func (r Record) names(d Digest) bool {
	return slices.ContainsFunc(r.Validators, func(v Validator) bool { return v.Tag == d })
}

// isRetired reports whether the digest named an earlier version. Such a tag names none when it is sent bare.
func (r Record) isRetired(d Digest) bool { return slices.Contains(r.Retired, d) }

func openMarks(marks []Mark, now Instant) []Mark {
	expired := func(m Mark) bool { return now >= m.Until }
	if !slices.ContainsFunc(marks, expired) {
		return marks
	}
	return slices.DeleteFunc(slices.Clone(marks), expired)
}

// withMark adds or extends a mark. When there are too many, the two that end first become one that nobody can close and
// that runs as long as the longer of them.
func withMark(marks []Mark, m Mark) []Mark {
	out := slices.DeleteFunc(slices.Clone(marks), func(o Mark) bool { return o.ID == m.ID })
	out = append(out, m)
	slices.SortStableFunc(out, func(a, b Mark) int { return int(a.Until - b.Until) })
	if len(out) > maxMarks {
		out = out[1:]
		out[0].ID = MarkID{}
	}
	return out
}

func withoutMark(marks []Mark, id MarkID) []Mark {
	return slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.ID == id })
}

// emptyTTL is how long a record is kept that remembers nothing but its version. It is planted before the backend is
// asked about any path that a client makes up; losing it only makes an answer that is under way teach nothing.
const emptyTTL = 10 * time.Minute

// longestLag is the longest for which reads may show what was before a write. For so long at least it is remembered that there was
// one, also where nothing else is known: anybody may send unjudged requests to paths that are made up.
const longestLag = time.Hour

// lifetime is how long the store keeps the record untouched, ttl being the configured time, and for how long it must not forget it even
// when it is full: a write that is or may be under way, and open marks, until they are over. A record with a retired tag
// that has come back is worth more than others, because only the record tells that the tag names no version by itself; a
// bounded store forgets first what expires first.
func (r Record) lifetime(ttl time.Duration, now Instant) (lives, kept time.Duration) {
	open := now
	if r.State == Writing {
		open = max(open, r.Lease.Until)
	}
	for _, m := range r.Marks {
		open = max(open, m.Until)
	}
	kept = open.Sub(now)
	remembered := max(r.Last.Until, r.Lease.Remember).Sub(now)
	switch {
	case r.State != Known && len(r.Validators) == 0 && len(r.Retired) == 0:
		if r.Moved != 0 || kept > 0 {
			ttl = min(ttl, longestLag+emptyTTL)
		} else {
			ttl = min(ttl, emptyTTL)
		}
	case slices.ContainsFunc(r.Validators, func(v Validator) bool { return r.isRetired(v.Tag) }):
		ttl *= 2
	}
	return max(kept+ttl, remembered), kept
}
