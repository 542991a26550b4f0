package proxy

import "net/http"

// Kind is what the guard does with a request that nothing is wrong with.
type Kind uint8

// The kinds.
const (
	KindUntouched Kind = iota // it concerns no rule, and is forwarded
	KindRead                  // it is forwarded, and what its answer shows is learned
	KindJudged                // its precondition is held against the record before it is forwarded
	KindPassed                // it is forwarded unjudged, and moves the record
)

// String says it in a word.
func (k Kind) String() string {
	return [...]string{KindUntouched: "untouched", KindRead: "read", KindJudged: "judged", KindPassed: "passed"}[k]
}

// kind is what the guard does with the request.
func (x *exchange) kind(req *http.Request) Kind {
	switch {
	case !x.route.guarded(), x.tunnel:
		return KindUntouched
	case x.route.preflight(req, x) != nil:
		return KindUntouched
	case x.safe && (x.method == http.MethodGet || x.method == http.MethodHead):
		return KindRead
	case x.safe:
		return KindUntouched
	case x.route.judges(x.method, conditional(req)):
		return KindJudged
	default:
		return KindPassed
	}
}
