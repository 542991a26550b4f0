package config

import (
	"maps"
	"net/url"
	"slices"
)

// Route is the rule for the requests that match it.
type Route struct {
	// Name is the label in metrics and logs: a lower-case letter, then up to 62 of a-z, 0-9, _ and -. No two routes
	// share one. Required; "default" where the file lists no routes.
	Name string
	// Match is a net/http pattern without a method, [HOST]/path; the most specific match wins. Routes may share one
	// if they differ in When. Required; / where the file lists no routes.
	Match string
	// When narrows the route to requests with certain parameters. Of the routes with one Match the first in the order
	// of the file whose When fits is taken, and else the one without. Not in `defaults`. Default: none.
	When When
	// Mode is what is done with what is decided. Default enforce.
	Mode Mode
	// Guard are the methods that are judged, and take the lease where they are let through unjudged; not empty. It may
	// name POST, and GET (HEAD goes with it) for backends that write on GET, but no other safe method. With GET,
	// Version.Read is required. Default PUT, PATCH, DELETE.
	Guard []string
	// Pass are the methods that go to the backend without being judged, but move the record. May be empty; shares none
	// with Guard. Unsafe methods in neither list are judged. Default POST, or none where Guard names it.
	Pass []string
	// Missing is what becomes of a judged write without a precondition. Default reject; allow where Guard is POST
	// alone.
	Missing Missing
	// Version is where a resource's version is found.
	Version Version
	// Verify is when the backend is asked for the present version. Default doubt.
	Verify Verify
	// Key is what names a resource beside its path.
	Key Key
	// Path is what becomes of an unsafe request whose path is spelt so that backends read it differently. Default refuse.
	Path Path
	// WebSocket lets a GET upgrade its connection to the WebSocket protocol. Every other Upgrade is dropped. Default false.
	WebSocket bool
	// CORS is whether a page of another origin that the backend lets in may read ETags and refusals. Default auto.
	CORS CORS
	// Private says that one resource looks different to each caller: Authorization and Cookie then are part of what
	// selects a representation. Default false.
	Private bool
	// Upstream is the route's own backend, with the rules of Config.Upstream. Never nil. Default Config.Upstream.
	Upstream *url.URL
	// Host is which Host the backend sees. Default preserve.
	Host Host
	// Timeouts bound the parts of a guarded write here; each defaults to that of Config.Timeouts.
	Timeouts RouteTimeouts
	// Limits bound what one request may take here; each defaults to that of Config.Limits.
	Limits RouteLimits
	// Refusals is how a refusal looks here; each key defaults to that of Config.Refusals, each status too.
	Refusals Refusals
	// StoreDown is what becomes of a guarded write while the store does not answer. Default reject.
	StoreDown StoreDown
	// Replay is what becomes of a write that its own client repeats word for word. Default on.
	Replay Replay
	// Idempotency is what is done with Idempotency-Key. Only for a route that judges. Default: keys are not looked at.
	Idempotency Idempotency
	// History is what is kept of the representations behind the validators of a resource. Only for a route that judges. Nil, the
	// default: nothing is.
	History *History
	// OnStale is what becomes of a write from a version that is not the present one. Only for a route that judges. Default refuse.
	OnStale OnStale
	// Rules are the causes of a conflict beside If-Match; their keys are the route's own.
	Rules
	// BodyTemplate is the text/template of the bodies of refusals, for clients that know another error format; up to 16KiB. Whoever parses
	// it reports what is wrong with it by [Config.Problem]. Default "": there is none.
	BodyTemplate string
}

// clone shares nothing with r.
func (r Route) clone() Route {
	r.When.Query = maps.Clone(r.When.Query)
	r.Guard, r.Pass = slices.Clone(r.Guard), slices.Clone(r.Pass)
	r.Version.Ignore, r.Version.Suffixes = slices.Clone(r.Version.Ignore), slices.Clone(r.Version.Suffixes)
	r.Key.Query, r.Key.Path = maps.Clone(r.Key.Query), maps.Clone(r.Key.Path)
	r.Refusals.Status = maps.Clone(r.Refusals.Status)
	r.History = r.History.clone()
	r.Rules = r.cloneRules()
	if r.Upstream != nil {
		u := *r.Upstream // it has no User, the only pointer in it
		r.Upstream = &u
	}
	return r
}

// When is what a request must have for a route. The zero value asks for nothing.
type When struct {
	// Query are parameters of the query, by name, each with a Go regexp that its whole value must match: save|delete
	// is taken as ^(?:save|delete)$. The request must have them all. Nil: none.
	Query map[string]string
}

// Key is what names a resource beside its path. What a pattern matches in a value, the leftmost match, becomes part of
// the key; no pattern can match the empty text.
type Key struct {
	// Query are parameters of the query, by name, each with a Go regexp: {id: "^[1-9][0-9]*$"} for /api.php?id=7. A
	// route's replace those of `defaults`. Default none.
	Query map[string]string
	// Case is whether letter case tells resources apart. Default exact.
	Case Case
	// Path are wildcards of Match, each of one segment, with a Go regexp: {id: "^[0-9]+"} takes /7-title for /7. A
	// route's replace those of `defaults`. Default none.
	Path map[string]string
}

// Mode is what a route does with what it decides.
type Mode string

// The modes of a route.
const (
	Enforce Mode = "enforce" // refuse what must be refused
	Observe Mode = "observe" // decide, count and log; refuse nothing
	Off     Mode = "off"     // let everything pass untouched
	Closed  Mode = "closed"  // answer 403 to everything: for side doors
)

// guards says whether anything is judged in the mode.
func (m Mode) guards() bool { return m == Enforce || m == Observe }

// Missing is what becomes of a judged write without a precondition.
type Missing string

// The ways with a missing precondition.
const (
	MissingReject  Missing = "reject"  // it is refused
	MissingObserve Missing = "observe" // it passes, counted and logged as one that would have been refused
	MissingAllow   Missing = "allow"   // it passes
)

// Path is a way with paths that backends read differently, such as //, /../ and %2F.
type Path string

// The ways with dangerous spellings.
const (
	PathRefuse Path = "refuse" // 400 for unsafe methods
	PathAllow  Path = "allow"  // they are forwarded, and share the key of what the most lenient backend reads
)

// Case is whether letter case tells resources apart.
type Case string

// The ways with letter case.
const (
	CaseExact Case = "exact" // it does, but for the literal parts of Match: those in another case are refused with 400
	CaseFold  Case = "fold"  // it does not: /Articles/A and /articles/a are one resource
)

// CORS is the way with the Cross-Origin Resource Sharing of the backend.
type CORS string

// The ways with CORS.
const (
	CORSAuto CORS = "auto" // where the backend lets an origin in, it may read ETags and refusals, and send If-Match
	CORSOff  CORS = "off"  // nothing is added
)

// Verify is when the backend is asked for the present version of a resource.
type Verify string

// The times to ask.
const (
	VerifyDoubt  Verify = "doubt"  // when the record does not say
	VerifyAlways Verify = "always" // before every write
)

// Host is which Host header, or :authority, the backend sees.
type Host string

// The ways with the Host.
const (
	HostPreserve Host = "preserve" // the client's
	HostUpstream Host = "upstream" // that of the upstream's URL
)

// StoreDown is what becomes of a guarded write while the store does not answer.
type StoreDown string

// The ways with a store that is down. The embedded store always answers.
const (
	StoreDownReject StoreDown = "reject" // 503 with Retry-After
	StoreDownAllow  StoreDown = "allow"  // it passes unguarded, and is counted
)
