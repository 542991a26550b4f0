package proxy

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// Config is all that a [Proxy] needs. It is plain data: package config reads it from YAML, and says at which line a
// [Problem] of it stands.
type Config struct {
	// Upstream is the backend's base URL, http or https. Its path is put before every request's path.
	Upstream *url.URL
	// Routes are the rules. Requests that match none pass untouched.
	Routes []Route
	// Cache is the fleet's knowledge.
	Cache *etagcache.Cache
	// Timeouts bound guarded writes, where a route has none of its own.
	Timeouts Timeouts
	// Held is how many bytes of bodies and representations the whole process holds in memory at once: a quarter of it for the
	// content of answers to reads, of which one may take about a tenth of Held; the rest for writes. Zero: no limit.
	Held int64
	// Limits bound what one client may make the proxy hold, where a route has none of its own.
	Limits Limits
	// Refusals is how refusals look, where a route says nothing of its own.
	Refusals Refusals
	// TrustedProxies are the networks of the proxies in front whose X-Forwarded-* are believed, and extended.
	TrustedProxies []netip.Prefix
	// Silence is how long a client may send nothing of a body that is streamed. Zero: no limit.
	Silence time.Duration
	// Transport reaches the backend. Nil: [NewTransport].
	Transport http.RoundTripper
	// Logger gets one line for each guarded write that was not simply admitted. Nil: slog.Default.
	Logger *slog.Logger
	// Observer is told what happens. Nil: nobody is.
	Observer Observer
}

// Refusals is how refusals look and what they show.
type Refusals struct {
	Style refusal.Style
	// Disclose says whether a refusal may show what the backend shows its caller when asked; false shows nothing to
	// anybody and makes stale, exists and absent look alike.
	Disclose bool
}

// Timeouts bound what may take long. Write must be positive; Settle and BusyWait may be zero; zero in Body or Answer sets no bound.
type Timeouts struct {
	Write    time.Duration // the longest a backend may take to answer a guarded write
	Settle   time.Duration // how long a write that was given up on may still be applied
	BusyWait time.Duration // how long a write waits for another one at the same resource
	Body     time.Duration // how long the whole upload of a body may take that is held
	Answer   time.Duration // how long the backend may take to begin the answer to what is no guarded write
}

// Limits bound what one client may make the proxy hold.
type Limits struct {
	Body           int64 // bytes of a guarded write's body, which is held in memory
	Representation int64 // bytes of an answer's content that is held in memory to make a version of it
	Tags           int   // entity tags in one If-Match
	Waiters        int   // writes that wait for one resource, in this process
}

// Route is one rule.
type Route struct {
	Name  string // the label in metrics and logs
	Match string // a net/http pattern without a method: [HOST]/path
	// When narrows the rule to requests with these parameters in their query: from names to regular expressions that the
	// whole value must match. Of the routes with one pattern the first counts whose When fits, then the one without.
	When map[string]string
	Mode Mode
	// Guard methods are judged; with GET, all safe ones are. Pass methods are forwarded unjudged, unless they carry a precondition,
	// but move the record. Every other unsafe method is judged.
	Guard, Pass []string
	Missing     Missing
	Key         Key
	Version     Version
	Rules       Rules
	// AllowOdd lets unsafe requests through whose path is spelt so that backends read it differently; what the most lenient
	// of them reads is then the resource. Without it they are refused.
	AllowOdd bool
	// WebSocket lets a GET upgrade its connection to the WebSocket protocol (RFC 6455). Every other Upgrade is dropped.
	WebSocket bool
	// CORS lets pages of other origins read refusals as they may read the backend's answers, see ETag, and send If-Match and Idempotency-Key; where
	// the backend lets their origin in, and no further. False passes all its fields untouched, and asks nothing.
	CORS bool
	// Private: what one caller is shown is another representation than what the next one is shown. With History it must be set where callers are
	// shown different things under one tag, or one is told what another was shown.
	Private bool
	// VerifyAlways asks the backend before every write, under its lease, for backends that have other writers.
	VerifyAlways bool
	// AllowBlind lets writes through unjudged while the store does not answer. Their resources are unknown afterwards.
	AllowBlind bool
	// Upstream is the backend's base URL; nil: that of the Config.
	Upstream *url.URL
	// UpstreamHost sends the upstream's host to the backend as Host, not the client's.
	UpstreamHost bool
	// Timeouts, Limits and Refusals replace those of the Config, if they are not nil.
	Timeouts *Timeouts
	Limits   *Limits
	Refusals *Refusals
	// NoReplay: a write that its own client repeats word for word is judged anew, although it is the resource's latest one.
	NoReplay    bool
	Idempotency Idempotency
	History     History
	// Merge: a write from a version that is not the present one is applied on top of that, where History knows what it was made from and
	// nobody else has changed what it changes.
	Merge bool
	// BodyTemplate is the text/template of the bodies of refusals ([refusal.ParseTemplate]). "": the usual ones.
	BodyTemplate string
}

// Idempotency is what is done with Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) on guarded methods. The zero value looks at
// none.
type Idempotency struct {
	// TTL is how long a key and its answer are remembered. Zero: keys are not looked at.
	TTL time.Duration
	// Required refuses a request of a guarded method without a key.
	Required bool
}

// History is what is kept of the JSON representations behind the validators of a resource. The zero value keeps none.
type History struct {
	Keep int64         // bytes, compressed, of all versions of one resource together; the oldest go first
	For  time.Duration // how long a version is kept that nobody reads
	Sets []string      // RFC 6901 pointers to arrays in which order does not count, and each element is a value by itself
}

// Key says what tells one resource from another besides the path. What an expression matches in the value of its
// parameter becomes part of the key, or in the path stands in the place of the whole segment.
type Key struct {
	FoldCase bool              // letter case does not tell resources apart
	Query    map[string]string // from query parameters to regular expressions
	Path     map[string]string // from wildcards of the pattern to regular expressions
}

// Missing is what becomes of a guarded write without a precondition.
type Missing string

// What may become of it.
const (
	MissingReject  Missing = "reject"  // it is refused
	MissingObserve Missing = "observe" // it is let through, and counted as one that would be refused
	MissingAllow   Missing = "allow"   // it is let through
)

// Version is how a route's versions are told.
type Version struct {
	Source      validator.Source // where they are found
	Strong      bool             // If-Match is compared strongly, RFC 9110 section 13.1.1 to the letter
	Suffixes    []string         // what compressors add to tags; undone before they are compared
	Reread      bool             // after a write, the backend is read under the same lease
	TrustWrites bool             // the version on the answer to a write is the resource's
	Qualify     etagcache.Qualify
	// Lag is how long after a write the backend's reads may still show what was before it.
	Lag time.Duration
	// Read is the target, a path and perhaps a query, by which the backend is asked for the present version. {name} in it
	// is what a wildcard of the pattern or a parameter of the key stands for. "": the path that was written to.
	Read string
}

// Problem is something wrong in a Config. Path is where it stands in the YAML file.
type Problem struct{ Path, Message string }

func (p Problem) Error() string { return p.Path + ": " + p.Message }
