// Package refusal makes every answer by which the proxy refuses a request, from one table of reasons.
package refusal

import "fmt"

// Reason is why a request is refused. The set is closed; its names stand in bodies, metrics, logs and configuration.
// The zero value is no reason.
type Reason uint8

// The reasons.
const (
	None         Reason = iota
	Stale               // If-Match names no present version
	Missing             // no precondition where one is required
	Exists              // If-None-Match: *, and it exists
	Absent              // If-Match, and it does not exist
	Duplicate           // what must be unique exists already
	Transition          // the step is not allowed from the present state
	Rule                // another rule of the route does not hold
	Busy                // another write is under way
	Reused              // the Idempotency-Key came with another request before
	InDoubt             // nobody knows whether the first request with this Idempotency-Key was applied
	Unversioned         // the backend shows no version
	Malformed           // bad If-Match, path or parameter
	Unsupported         // the body must be read, and is of a type that cannot be
	TooLarge            // the body is over its limit
	Slow                // the body did not come in time
	Closed              // the route is a side door, and shut
	Store               // the store does not answer
	Grace               // the store was emptied; leases that it forgot may be running yet
	Overloaded          // the proxy holds as much in memory as it may
	Unverifiable        // the backend's answer to a probe tells nothing
	Backend             // no answer from the backend
	Timeout             // no answer from the backend in time
	end
)

// Reasons lists every reason but [None], in the order of the table in the documentation.
func Reasons() []Reason {
	all := make([]Reason, 0, end-1)
	for r := None + 1; r < end; r++ {
		all = append(all, r)
	}
	return all
}

// String is the reason's name; of None it is "".
func (r Reason) String() string { return r.row().name }

// MarshalText gives the name, so that a reason can be a key in YAML and JSON, and a value in logs.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText takes the name of any reason but None.
func (r *Reason) UnmarshalText(name []byte) error {
	for _, known := range Reasons() {
		if known.String() == string(name) {
			*r = known
			return nil
		}
	}
	return fmt.Errorf("%q is no reason for a refusal; they are %v", name, Reasons())
}

// Retry reports whether the same request may be admitted soon, so that Retry-After goes with the refusal. It does not
// where nobody knows whether the write was applied: a client that repeats such a write blindly would do it twice.
func (r Reason) Retry() bool { return r.row().retry }

// row is what the table says of one reason.
type row struct {
	name            string
	conflict        int    // status under profile conflict
	rfc9110         int    // status under profile rfc9110
	family          string // member error: a word that programs written for the plain form switch on
	title           string // member title: the same for every occurrence (RFC 9457, section 3.1.3)
	detail          string // member detail, where the guard has none of its own
	sent            string // instead of detail, after the If-Match that the client sent
	message         string // member message: for the person in front of the program
	advice          string // what that person can do next, as sentences; on pages only
	proxyError      string // error of Proxy-Status (RFC 9209, section 2.3)
	retry           bool   // with Retry-After
	showsTheCurrent bool   // current_etag and current_version may be shown
	ofRule          bool   // a rule of the configuration does not hold, and may say so in words of its own
}

func (r Reason) row() row {
	if r >= end {
		r = None
	}
	return table[r]
}
