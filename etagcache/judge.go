package etagcache

import "slices"

// Condition is what a write requires of the present version. The zero value requires nothing.
type Condition struct {
	// Match is If-Match with entity tags. "*" names no version and does not belong here.
	Match TagList
	// Absent is If-None-Match: *, the precondition of a write that creates.
	Absent bool
	// Strong demands strong comparison (RFC 9110 section 8.8.3.2), which If-Match prescribes. Weak is our default and
	// a deliberate departure from section 13.1.1: most frameworks and every compressor send weak tags, and strong
	// comparison would refuse all their clients for ever.
	Strong bool
	// Qualify says which tags of Match name a version only in their qualified form.
	Qualify Qualify
}

// Qualify says which entity tags name a version only together with the version's name (see [Tag.Qualify]).
type Qualify uint8

// The ways to qualify.
const (
	QualifyReturned Qualify = iota // those that have named an earlier version; the default
	QualifyNever                   // none: equal tags mean equal content
	QualifyAlways                  // all
)

func (q Qualify) String() string {
	switch q {
	case QualifyReturned:
		return "returned"
	case QualifyNever:
		return "never"
	case QualifyAlways:
		return "always"
	}
	return "Qualify(?)"
}

// Unvouched reports whether every tag of If-Match was handed out with the proviso that nobody could take note of it.
func (c Condition) Unvouched() bool {
	return c.Match.Field && !slices.ContainsFunc(c.Match.Tags, func(t Tag) bool {
		_, version, qualified := t.Unqualify()
		return !qualified || version.Vouched()
	})
}

// Evidence is what the backend showed a writer that asked before it was judged. The zero value: it was not asked.
type Evidence struct {
	Begun Begun
	Kind  EvidenceKind
	Shown Validator // ShownVersion only
}

// EvidenceKind is the kind of answer that a probe got.
type EvidenceKind uint8

// The kinds of evidence.
const (
	NotAsked EvidenceKind = iota
	ShownVersion
	ShownUnversioned
	ShownAbsent
)

func (k EvidenceKind) String() string {
	switch k {
	case NotAsked:
		return "not asked"
	case ShownVersion:
		return "version"
	case ShownUnversioned:
		return "unversioned"
	case ShownAbsent:
		return "absent"
	}
	return "EvidenceKind(?)"
}

// judge decides about a write by a record as of now. It is right to say Stale of a tag that the record knows as
// retired, even while another write is under way; nothing else is decided before that write is over.
func judge(r Record, c Condition, e Evidence) Verdict {
	asked := e.Kind != NotAsked && e.Begun.Version == r.Version && (!e.Begun.Closed || e.Begun.Marked && len(r.Marks) > 0)
	switch {
	case c.Absent && c.Match.Field:
		return Stale // they contradict each other
	case c.Absent:
		return judgeCreation(r, e, asked)
	case c.Match.Field:
		return judgeMatch(r, c, e, asked)
	case r.State == Writing:
		return Busy
	default:
		return Admit
	}
}

// lagging reports whether the evidence may be older than the last write, because the backend's replicas lag.
func (e Evidence) lagging(r Record) bool {
	return e.Begun.Lagging && (e.Kind == ShownAbsent || e.Kind == ShownVersion && r.perhapsOutdated(e.Shown))
}

func judgeCreation(r Record, e Evidence, asked bool) Verdict {
	switch {
	case r.State == Writing:
		return Busy
	case !asked:
		return Ask
	case e.lagging(r):
		return Lagging
	case e.Kind == ShownAbsent:
		return Admit
	default:
		return Exists
	}
}

func judgeMatch(r Record, c Condition, e Evidence, asked bool) Verdict {
	lagging := asked && e.lagging(r)
	best := no
	for _, tag := range c.Match.Tags {
		best = max(best, c.matchTag(r, tag, e, asked && !lagging))
	}
	switch {
	case best == no:
		return Stale
	case r.State == Writing:
		return Busy
	case lagging:
		if best == yes {
			return Admit // the record knows better
		}
		return Lagging
	case asked && e.Kind == ShownAbsent:
		return Absent
	case asked && e.Kind == ShownUnversioned:
		return Unversioned
	case best == yes:
		return Admit
	case asked:
		return Stale
	default:
		return Ask
	}
}

// match is whether a tag names the present version.
type match uint8

const (
	no      match = iota // it does not
	perhaps              // only the backend can tell
	yes                  // it does
)

// matchTag compares one tag with the record, and where the record cannot learn from the evidence, with the evidence.
func (c Condition) matchTag(r Record, sent Tag, e Evidence, asked bool) match {
	tag, version, qualified := sent.Unqualify()
	digest := tag.Digest()
	present := r.Version
	if r.State == Writing {
		present = r.Lease.BeforeVersion
	}
	switch {
	case c.Strong && tag.Weak:
		return no
	case qualified && version != present:
		return no
	case !qualified && c.namesNone(r, digest):
		return no
	case r.State == Writing:
		return perhaps
	}
	same := func(v Validator) bool { return v.Tag == digest && !(c.Strong && v.Weak) }
	if r.State == Known {
		for _, v := range r.Validators {
			if same(v) {
				return yes
			}
		}
	}
	if asked && e.Kind == ShownVersion && same(e.Shown) {
		return yes
	}
	return perhaps
}

// namesNone reports whether a bare tag is known to name no present version.
func (c Condition) namesNone(r Record, digest Digest) bool {
	switch c.Qualify {
	case QualifyAlways:
		return true
	case QualifyNever: // what it names may come back, or have come back while the record did not look
		return r.State == Known && !r.names(digest) && r.isRetired(digest)
	case QualifyReturned:
	}
	return r.isRetired(digest)
}
