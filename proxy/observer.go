package proxy

import "time"

// Observer is told what happens, for metrics. Every string comes from a closed set: a route's configured name, or one
// of the constants of this package and of package refusal; never a path, a key, a tag or a user.
// Implementations must be safe for concurrent use and must not block.
type Observer interface {
	// Request is called once for each request that was answered. Route is "" where no rule matched; total is the whole
	// time until the client had the answer, upstream the part of it spent waiting for the backend's answer headers
	// (probes included; zero: it was not asked), and added what the proxy itself took until the headers left: waiting for
	// the store, for other writes, and for the client's upload.
	Request(route, method string, status int, total, upstream, added time.Duration)
	// Decision is called once for each guarded or passed unsafe request whose client waited for the decision, and for each
	// refusal. Reason is "" when there was nothing to object to.
	Decision(route string, mode Mode, decision Decision, reason string)
	// WriteStarted and WriteEnded bracket the time a write holds a lease. Outcome is what is known of it then: one of the
	// names of [etagcache.Outcome].
	WriteStarted()
	WriteEnded(route, outcome string)
	// LeaseExpired: a lease ran out before its owner said what became of the write.
	LeaseExpired(route string)
	// Drift: the backend showed another validator though nobody wrote through the proxy.
	Drift(route string)
	// RecordUnwritten: what became of a write could not be recorded; the lease closes the resource until it runs out.
	RecordUnwritten(route string)
	// Unguarded: an unsafe request went to the backend although the store could not take note of it.
	Unguarded(route string)
	// MalformedETag: the backend sent an ETag that is none, or two.
	MalformedETag(route string)
	// Unversioned: a read was answered without a version that the guard could use. Cause is one of validator.Causes.
	Unversioned(route, cause string)
	// Held: so many bytes more of bodies and representations are held in memory, or fewer.
	Held(change int64)
	// Probe: the backend was asked for the present version. Outcome is one of the Probe constants.
	Probe(route string, outcome string)
	// Rule: a rule of the route was decided. Rule is its configured or default name; outcome is one of the Rule constants.
	Rule(route, rule, outcome string)
	// Idempotency is called once for each request of a guarded method on a route that looks at Idempotency-Key, where it has a
	// key or needs one. Outcome is one of the Idempotency constants.
	Idempotency(route, outcome string)
	// History: a version of a resource was to be kept, or one was looked for that a client's write was made from. Outcome is one of the
	// History constants.
	History(route, outcome string)
}

// Mode is what a route does with what it decides.
type Mode string

// The modes of a route.
const (
	Enforce Mode = "enforce" // refuse what must be refused
	Observe Mode = "observe" // decide, count and log; refuse nothing
	Off     Mode = "off"     // let everything pass untouched
	Closed  Mode = "closed"  // let nothing pass
)

// Decision is what became of an unsafe request.
type Decision string

// The decisions.
const (
	Admitted      Decision = "admitted"     // judged, and forwarded
	Refused       Decision = "refused"      // judged, and answered by the proxy
	Passed        Decision = "passed"       // forwarded without being judged; the record was moved
	WouldRefuse   Decision = "would_refuse" // mode observe or missing: observe: forwarded, would have been refused
	PassedThrough Decision = "through"      // answered by the backend in the place of a verdict: a 401 or 403 to the probe
	Returned      Decision = "returned"     // answered with the existing resource, in the place of a duplicate
	Replayed      Decision = "replayed"     // answered again with the answer that the same request got before
	Merged        Decision = "merged"       // forwarded on top of what others have written
)

// Outcomes of a probe.
const (
	ProbeVersion     = "version"     // it showed a validator
	ProbeUnversioned = "unversioned" // it showed the resource, without a validator
	ProbeAbsent      = "absent"
	ProbeForbidden   = "forbidden" // 401 or 403 to this caller
	ProbeFailed      = "failed"    // anything else, or no answer
)

// Outcomes of a rule.
const (
	RuleHeld         = "held"
	RuleRefused      = "refused"
	RuleUnverifiable = "unverifiable" // what it asks the backend got no answer that could be judged
)

// Outcomes of a request with an Idempotency-Key, or without one where it is required.
const (
	IdempotencyFirst    = "first"    // nobody has sent the key before: the request is judged and carried out
	IdempotencyReplayed = "replayed" // it gets the answer of the first one
	IdempotencyBusy     = "busy"     // the first one is under way
	IdempotencyReused   = "reused"   // the key came with another request before
	IdempotencyInDoubt  = "in_doubt" // nobody knows whether the first one was applied
	IdempotencyMissing  = "missing"  // there is no key, and the route requires one
)

// Outcomes of keeping a version of a resource, and of looking for one.
const (
	HistoryKept     = "kept"
	HistoryTooLarge = "too_large" // by itself more than the route keeps of a resource
	HistoryFailed   = "failed"    // the store did not take it, or did not say whether it has it
	HistoryFound    = "found"     // what the client's version was is known
	HistoryGone     = "gone"      // it is not: it was never kept, or is no more
)
