package proxy

// Rules are the causes of a conflict that a route has beside the version. They hold for writes that are judged, and for those of guarded
// methods that pass without a precondition. The zero value has none.
//
// A template is a path, perhaps with a query, in which {name} stands for a wildcard of the route's match or a parameter of its key,
// {query:name} for a parameter of the query, and {/pointer} for a member of the request's body (RFC 6901). What they stand for is
// percent-encoded. A request in which one of them stands for nothing, or for an array or object, is malformed.
type Rules struct {
	// Expect lists where a request may say which version it was made from: "if-match", "json:/pointer", "form:name", "header:name",
	// "query:name", "if-unmodified-since". What it says there must all be current. If-Match always counts. Nil: If-Match alone.
	Expect []string
	// Unique are the rules about what must not exist yet.
	Unique []Unique
	// Transitions is the rule about the steps of a workflow; nil: there is none.
	Transitions *Transitions
	// Require are the rules over the request, the present state, and what else the backend says.
	Require []Require
	// Resource is the template of the resource whose version and state writes are about; "": what they are sent to.
	Resource string
	// Leases are templates of resources that a write holds exclusively, and does not change. Touches are templates of those that it
	// changes without holding them.
	Leases, Touches []string
	// AskHeaders are set on the questions of rules, in the place of the caller's Authorization, Proxy-Authorization and Cookie, and of what
	// they name. Nil: the caller asks.
	AskHeaders map[string]string
}

// Unique refuses to create what exists already. It holds for POST, and for PUT and PATCH where Location is set.
type Unique struct {
	Name   string   // in answers, logs and metrics; "": unique-1 and so on
	Fields []string // RFC 6901 pointers into the request's body, which together must be unique; of a form /name is a field
	Fold   []string // what is done to values before they are compared: trim, lower, nfc
	// Ask is the template of where the backend says whether there is one already: 404, an empty list and null say that there is none.
	Ask string
	// List is the pointer to the list in that answer; "": the answer is it.
	List string
	// Location is the template of where the existing one is, in which {found:/pointer} stands for a member of that answer; "": nowhere.
	Location string
	// Return answers 200 with the existing one, in the place of a refusal.
	Return bool
}

// Require refuses what an expression does not hold for.
type Require struct {
	Name string            // in answers, logs and metrics; "": require-1 and so on
	On   []string          // the methods; nil: all that are judged
	Ask  map[string]string // templates of what the backend is asked for, by the names of their answers
	That string            // in CEL, a condition
	// Message is for people. MessageExpression, in CEL, makes one; where it fails, Message stands in.
	Message, MessageExpression string
}

// Transitions refuses steps that the present state does not allow.
type Transitions struct {
	Field   string              // the RFC 6901 pointer to the state, in the request's body and in the resource
	Moves   map[string][]string // from each state to those that may follow it; staying is always allowed
	Initial []string            // the states in which a resource may be created; nil: any of them
}
