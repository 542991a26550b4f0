package config

// Refusals is how a refusal looks to clients.
type Refusals struct {
	// Profile is which statuses refusals have. Default conflict.
	Profile Profile
	// Status replaces single statuses of the profile: from a reason (stale, missing, exists, absent, duplicate,
	// transition, rule, busy, reused, in_doubt, unversioned) to a status of 400 to 499. Never nil. Default empty.
	Status map[string]int
	// TypePrefix begins the problem type of RFC 9457, which ends in the reason. Default urn:proxy409: .
	TypePrefix string
	// Disclose is who may learn that a resource has changed or exists. Default probe.
	Disclose Disclose
}

// Profile is which statuses refusals have.
type Profile string

// The profiles.
const (
	ProfileConflict Profile = "conflict" // 409 for whatever a client can mend by reading again
	ProfileRFC9110  Profile = "rfc9110"  // 412 and 428, as RFC 9110 and RFC 6585 have it
)

// Disclose is who may learn that a resource has changed or exists.
type Disclose string

// The ways to disclose.
const (
	DiscloseProbe Disclose = "probe" // whom the backend lets read it: the proxy asks as the caller
	DiscloseNever Disclose = "never" // nobody: the answers are the same
)

var (
	adjustableReasons = []string{
		"stale", "missing", "exists", "absent", "duplicate", "transition", "rule", "busy", "reused", "in_doubt", "unversioned",
	}
	fixedReasons = []string{
		"malformed", "unsupported", "too_large", "slow", "store", "grace", "unverifiable", "overloaded", "backend", "timeout",
	}
)

func (r *Refusals) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"profile":     one(&r.Profile, oneOf("profile", ProfileConflict, ProfileRFC9110)),
		"status":      r.decodeStatus,
		"type_prefix": one(&r.TypePrefix, text(maxTypePrefix)),
		"disclose":    one(&r.Disclose, oneOf("way to disclose", DiscloseProbe, DiscloseNever)),
	})
}

// decodeStatus lays its statuses over those that are there.
func (r *Refusals) decodeStatus(d *decoder, v value) {
	table := make(keys)
	for _, reason := range fixedReasons {
		table[reason] = refused("the status of this reason is fixed")
	}
	for _, reason := range adjustableReasons {
		table[reason] = func(d *decoder, v value) {
			var status int
			one(&status, whole(400, 499))(d, v)
			r.Status[reason] = status
		}
	}
	d.mapping(v, table)
}
