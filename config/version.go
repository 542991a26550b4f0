package config

import "time"

// Version is where a resource's version is found, and how it is compared.
type Version struct {
	// From is what names a version. Default etag.
	From VersionSource
	// Pointer is the RFC 6901 pointer to the member of a JSON representation that is the version, such as /version.
	// Required with From json, and "" with every other.
	Pointer string
	// Header is the field of the backend's answer that is the version, such as X-Revision. Required with From header,
	// and "" with every other.
	Header string
	// Ignore are RFC 6901 pointers to members that change by themselves, and are left out of the hash. At most 64, and
	// only with From body. Default none.
	Ignore []string
	// Compare is how entity tags are compared. Default weak.
	Compare Compare
	// Suffixes are what compressors add to the backend's tags, such as -gzip or ;br, and is taken off before tags are
	// compared. Each begins with one of - ; : . + and has 1 to 32 visible ASCII characters but ". At most 16, and only
	// with From etag. Default none.
	Suffixes []string
	// Reread reads the resource after a write, under the same lease, to learn its new version. Default false.
	Reread bool
	// TrustWrites takes the version on the answer to a write for the resource's. Many backends send another thing's
	// there. Default false.
	TrustWrites bool
	// Qualify is which tags leave with the version of the record in them. Default returned; never with From body,
	// where equal hashes mean equal content.
	Qualify Qualify
	// Lag is how long after a write the backend's reads may still show an earlier state, as those from replicas do; 0s
	// to 1h. Within it a retired tag is not learned. Default 0s.
	Lag time.Duration
	// Read is what the proxy GETs to see the version: a path below the upstream's, with a query if need be, in which
	// {name} stands for a wildcard of Match ({rest} for {rest...}) or a parameter of Key.Query. Default "": the
	// resource's own path, with the parameters of Key.Query.
	Read string
}

// VersionSource is what names a version.
type VersionSource string

// The sources of a version.
const (
	FromETag   VersionSource = "etag"   // the backend's own ETag
	FromBody   VersionSource = "body"   // a hash of the representation, which goes out as a strong ETag
	FromJSON   VersionSource = "json"   // a member of the representation
	FromHeader VersionSource = "header" // another field of the answer
)

// Compare is how entity tags are compared.
type Compare string

// The comparisons of entity tags.
const (
	CompareWeak   Compare = "weak"   // the opaque part alone, so that backends with weak tags can be written to
	CompareStrong Compare = "strong" // RFC 9110 section 13.1.1: a weak tag never matches
)

// Qualify is which tags leave with the version of the record in them, and are good for that version alone.
type Qualify string

// The ways to qualify.
const (
	QualifyReturned Qualify = "returned" // those that named an earlier version too
	QualifyNever    Qualify = "never"    // none: equal tags mean equal content
	QualifyAlways   Qualify = "always"   // all, and no bare one is accepted
)

// sourceKey is a key of `version` that only one source has a use for.
type sourceKey struct {
	name    string
	source  VersionSource
	present bool // with a value that is not the default
	drop    func()
}

func (s *Version) sourceKeys() []sourceKey {
	return []sourceKey{
		{"pointer", FromJSON, s.Pointer != "", func() { s.Pointer = "" }},
		{"header", FromHeader, s.Header != "", func() { s.Header = "" }},
		{"ignore", FromBody, len(s.Ignore) > 0, func() { s.Ignore = nil }},
		{"suffixes", FromETag, len(s.Suffixes) > 0, func() { s.Suffixes = nil }},
	}
}
