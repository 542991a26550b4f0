package config

// Route is the rule for the requests that match it.
type Route struct {
	// Name is the label in metrics and logs: a lower-case letter, then up to 62 of a-z, 0-9, _ and -. No two routes
	// share one. Required; "default" where the file lists no routes.
	Name string
	// Match is a net/http pattern without a method, [HOST]/path; the most specific match wins. Required; / where the
	// file lists no routes.
	Match string
	// Mode is what is done with what is decided. Default enforce.
	Mode Mode
	// Guard are the methods that are judged, and take the lease where they are let through unjudged; not empty.
	// Default PUT, PATCH, DELETE.
	Guard []string
	// Pass are the methods that go to the backend without being judged, but move the record. May be empty; shares none
	// with Guard. Unsafe methods in neither list are judged. Default POST.
	Pass []string
	// Missing is what becomes of a judged write without a precondition. Default reject.
	Missing Missing
	// Version is where a resource's version is found.
	Version Version
	// Verify is when the backend is asked for the present version. Default doubt.
	Verify Verify
}

// Mode is what a route does with what it decides.
type Mode string

// The modes of a route.
const (
	Enforce Mode = "enforce" // refuse what must be refused
	Observe Mode = "observe" // decide, count and log; refuse nothing
	Off     Mode = "off"     // let everything pass untouched
)

// Missing is what becomes of a judged write without a precondition.
type Missing string

// The ways with a missing precondition.
const (
	MissingReject  Missing = "reject"  // it is refused
	MissingObserve Missing = "observe" // it passes, counted and logged as one that would have been refused
	MissingAllow   Missing = "allow"   // it passes
)

// Verify is when the backend is asked for the present version of a resource.
type Verify string

// The times to ask.
const (
	VerifyDoubt  Verify = "doubt"  // when the record does not say
	VerifyAlways Verify = "always" // before every write
)

// Version is where a resource's version is found, and how it is compared.
type Version struct {
	// From is what names a version. Default etag.
	From VersionSource
	// Compare is how entity tags are compared. Default weak.
	Compare Compare
	// Reread reads the resource after a write, under the same lease, to learn its new version. Default false.
	Reread bool
	// TrustWrites takes the ETag on the answer to a write for the resource's. Many backends send another thing's
	// there. Default false.
	TrustWrites bool
}

// VersionSource is what names a version.
type VersionSource string

// The sources of a version.
const (
	FromETag VersionSource = "etag" // the backend's own ETag
)

// Compare is how entity tags are compared.
type Compare string

// The comparisons of entity tags.
const (
	CompareWeak   Compare = "weak"   // the opaque part alone, so that backends with weak tags can be written to
	CompareStrong Compare = "strong" // RFC 9110 section 13.1.1: a weak tag never matches
)

// Refusals is how a refusal looks to clients.
type Refusals struct {
	// Profile is which statuses refusals have. Default conflict.
	Profile Profile
	// Status replaces single statuses of the profile: from a reason (stale, missing, exists, absent, busy,
	// unversioned) to a status of 400 to 499. Never nil. Default empty.
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
