package config

import (
	"maps"
	"slices"
	"strconv"
)

// Rules are the causes of a conflict that a route has beside If-Match. They are for routes that judge: a route in mode off or closed
// has none.
//
// Resource, Leases, Touches and what rules ask the backend for are templates: a path below the upstream's, with a query if need be, of
// up to 1000 bytes, in which {name} stands for a wildcard of Match ({rest} for {rest...}) or a parameter of Key.Query, {query:name} for
// a parameter of the query, and {/pointer} for a member of the request's body (RFC 6901).
type Rules struct {
	// Expect lists where a request may say which version it was made from: if-match, json:/pointer, form:NAME, header:NAME, query:NAME,
	// if-unmodified-since. What it says there must all be current; If-Match always counts. Names of header fields are in their canonical
	// form. Not empty where the file has it, at most 16; if-unmodified-since only with Version {From header, Header Last-Modified}. A
	// route's replace those of `defaults`. Default nil: If-Match alone.
	Expect []string
	// Unique are the rules about what must not exist yet. At most 16; only with POST, PUT or PATCH in Guard. Not in `defaults`.
	// Default none.
	Unique []Unique
	// Require are the conditions that a write must meet. At most 16. Not in `defaults`. Default none.
	Require []Require
	// Transitions is the rule about the steps of a workflow. Not in `defaults`. Default nil: there is none.
	Transitions *Transitions
	// Resource is the template of the resource whose version and state writes are about. Not in `defaults`. Default "": what they are
	// sent to.
	Resource string
	// Leases are templates of resources that a write holds exclusively, and does not change. At most 16. Not in `defaults`. Default none.
	Leases []string
	// Touches are templates of resources that a write changes without holding them: their version is unknown after it. At most 16. Not in
	// `defaults`. Default none.
	Touches []string
	// AskHeaders are header fields, by their canonical names, that the questions of rules have in the place of the caller's Authorization,
	// Proxy-Authorization and Cookie, and of his own fields of these names; what else he sends goes along. At most 16; none about the connection, the message or a condition. A route's replace those of `defaults`. Default nil: the caller
	// asks.
	AskHeaders map[string]Secret
}

// Unique is a rule that refuses to create what exists already.
type Unique struct {
	// Name is what answers, logs and metrics call the rule; it has the form of a route's name. No two rules of a route share one.
	// Default unique-1 and so on, by its place in the list.
	Name string
	// Fields are RFC 6901 pointers into the request's body, /name for a field of a form; their values together must be unique. Required,
	// 1 to 16.
	Fields []string
	// Fold is what is done to values before they are compared. Default nothing.
	Fold []Fold
	// Ask is the template of where the backend says whether there is one already: 404, an empty list and null say that there is none.
	// Required.
	Ask string
	// List is the RFC 6901 pointer to the list in that answer. Default "": the answer is it.
	List string
	// Location is the template of where the existing one is, in which {found:/pointer} stands for a member of that answer. Required where
	// Guard has no POST, and with OnDuplicate return and AskHeaders. Default "": nowhere.
	Location string
	// OnDuplicate is what becomes of a duplicate. Default refuse.
	OnDuplicate OnDuplicate
}

// Fold is something that is done to values before they are compared.
type Fold string

// The ways to fold.
const (
	FoldTrim  Fold = "trim"  // white space around it does not count
	FoldLower Fold = "lower" // letter case does not count
	FoldNFC   Fold = "nfc"   // how Unicode composes characters does not count
)

// OnDuplicate is what becomes of a request for what exists already.
type OnDuplicate string

// The ways with duplicates.
const (
	DuplicateRefuse OnDuplicate = "refuse" // 409, which points to the existing one
	DuplicateReturn OnDuplicate = "return" // 200 and the existing one
)

// Require is a condition that a write must meet. Package config takes its expressions as they are; whoever compiles them reports what is
// wrong with them by [Config.Problem].
type Require struct {
	// Name is what answers, logs and metrics call the rule, as [Unique.Name]. Default require-1 and so on.
	Name string
	// On are the methods that the condition is for: judged ones, so none of Pass, and no safe one but a GET in Guard. Not empty where the
	// file has it. Default nil: all that are judged.
	On []string
	// Ask are templates of what the backend is asked for, by the names that the expressions have for the answers: a lower-case letter,
	// then up to 62 letters, digits and _; not request, current or a word of CEL's own. At most 8. Default none.
	Ask map[string]string
	// That is the condition, in CEL. Required, up to 4000 bytes.
	That string
	// Message is for the people whose write is refused, up to 1000 bytes. Default "": one is made.
	Message string
	// MessageExpression makes that message, in CEL; where it fails, Message stands in. Up to 4000 bytes. Default "": Message.
	MessageExpression string
}

// Transitions is a rule that refuses steps which the present state does not allow. States are compared as texts: a number or true in
// the file is what is written there.
type Transitions struct {
	// Field is the RFC 6901 pointer to the state, in the request's body and in the resource. Required.
	Field string
	// Moves are the states, 1 to 100, each with those that may follow it, which are all among them. Staying is always allowed. Required.
	Moves map[string][]string
	// Initial are the states of Moves in which a resource may be created. Not empty where the file has it. Default nil: any of them.
	Initial []string
}

// cloneRules shares nothing with r. What belongs to one route, `defaults` does not have.
func (r Rules) cloneRules() Rules {
	return Rules{Expect: slices.Clone(r.Expect), AskHeaders: maps.Clone(r.AskHeaders)}
}

// decide says whether the route has rules that may refuse a write for what is known beside its version.
func (r Rules) decide() bool { return len(r.Unique) > 0 || len(r.Require) > 0 || r.Transitions != nil }

// nameRules gives a name to the rules that have none.
func (r Rules) nameRules() {
	for i := range r.Unique {
		if u := &r.Unique[i]; u.Name == "" {
			u.Name = "unique-" + strconv.Itoa(i+1)
		}
	}
	for i := range r.Require {
		if q := &r.Require[i]; q.Name == "" {
			q.Name = "require-" + strconv.Itoa(i+1)
		}
	}
}
