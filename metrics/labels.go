package metrics

import (
	"slices"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/validator"
)

// The label values for what is on no list.
const (
	// Unmatched is the route of requests that no rule matched. No configured route may have this name.
	Unmatched = "unmatched"
	// None is the reason of a decision with nothing to object to, and the mode of [Unmatched].
	None = "none"
	// Other is any value that is not on the label's list: an unusual method, or, for the proxy's own words, a defect.
	Other = "other"
)

// The reasons a decision can have, as package refusal spells them.
const (
	stale        = "stale"
	missing      = "missing"
	exists       = "exists"
	absent       = "absent"
	duplicate    = "duplicate"
	transition   = "transition"
	rule         = "rule"
	busy         = "busy"
	reused       = "reused"
	inDoubt      = "in_doubt"
	unversioned  = "unversioned"
	malformed    = "malformed"
	unsupported  = "unsupported"
	tooLarge     = "too_large"
	closed       = "closed"
	slow         = "slow"
	storeDown    = "store"
	grace        = "grace"
	overloaded   = "overloaded"
	unverifiable = "unverifiable"
	backend      = "backend"
	timeout      = "timeout"
)

// verdict is one pair of decision and reason.
type verdict struct {
	decision proxy.Decision
	reason   string
}

// other is where a decision that is on no list is counted.
var other = verdict{Other, Other}

// reasonsOf says which reasons each decision can have. A reason that a decision cannot have is counted as [Other].
var reasonsOf = map[proxy.Decision][]string{
	// The backend may fail an admitted write after the verdict.
	proxy.Admitted: {None, backend, timeout},
	proxy.Refused: {
		stale, missing, exists, absent, duplicate, transition, rule, busy, reused, inDoubt, unversioned, malformed, unsupported, tooLarge, slow,
		closed, storeDown, grace, overloaded, unverifiable, backend, timeout,
	},
	// What was forgiven: no precondition (missing: allow), no store (store_down: allow), no lease to be had.
	proxy.Passed: {None, missing, busy, storeDown, grace, backend, timeout},
	// Whatever the backend then answered, the verdict is what counts.
	proxy.WouldRefuse: {
		stale, missing, exists, absent, duplicate, transition, rule, busy, reused, inDoubt, unversioned, malformed, unsupported, tooLarge,
		storeDown, grace, overloaded, unverifiable,
	},
	// The verdict that the backend's 401 or 403 stands for, where it was known.
	proxy.PassedThrough: {None, stale, exists, absent, unverifiable},
	proxy.Returned:      {None, duplicate},
	// Nothing is objected to in what was done already.
	proxy.Replayed: {None},
	// As an admitted write.
	proxy.Merged: {None, backend, timeout},
}

// verdicts lists every pair that has a series.
func verdicts() []verdict {
	all := []verdict{other}
	for decision, reasons := range reasonsOf {
		for _, reason := range reasons {
			all = append(all, verdict{decision, reason})
		}
		all = append(all, verdict{decision, Other})
	}
	return all
}

// methods are the methods with series of their own; a method's place in it is its index in requestSeries.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", Other}

// methodIndex folds a method into methods. Methods are case-sensitive (RFC 9110, section 9.1): "get" is another one.
func methodIndex(method string) int {
	if i := slices.Index(methods[:], method); i >= 0 {
		return i
	}
	return len(methods) - 1
}

// codes are the classes of status codes; a class's place in it is its index in requestSeries.
var codes = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx", Other}

// codeIndex folds a status code into codes. A code outside of 100 to 599 has no class (RFC 9110, section 15).
func codeIndex(status int) int {
	if status < 100 || status > 599 {
		return len(codes) - 1
	}
	return status/100 - 1
}

// causes are why an answer shows no version.
var causes = func() []string {
	var labels []string
	for _, c := range validator.Causes() {
		labels = append(labels, c.String())
	}
	return append(labels, Other)
}()

// endings are the outcomes of a write.
var endings = []string{
	etagcache.Applied.String(), etagcache.Unapplied.String(), etagcache.Doubt.String(), Other,
}

// outcomes are the outcomes of a probe.
var outcomes = []string{
	proxy.ProbeVersion, proxy.ProbeUnversioned, proxy.ProbeAbsent, proxy.ProbeForbidden, proxy.ProbeFailed, Other,
}

// ruleOutcomes are the outcomes of a rule.
var ruleOutcomes = []string{proxy.RuleHeld, proxy.RuleRefused, proxy.RuleUnverifiable, Other}

// keyOutcomes are the outcomes of a request with an Idempotency-Key.
var keyOutcomes = []string{
	proxy.IdempotencyFirst, proxy.IdempotencyReplayed, proxy.IdempotencyBusy, proxy.IdempotencyReused, proxy.IdempotencyInDoubt,
	proxy.IdempotencyMissing, Other,
}

// historyOutcomes are the outcomes of keeping a version and of looking for one.
var historyOutcomes = []string{
	proxy.HistoryKept, proxy.HistoryTooLarge, proxy.HistoryFailed, proxy.HistoryFound, proxy.HistoryGone, Other,
}
