package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// exchange is one request on its way through the proxy: what the handler in front found out, for the guard behind it,
// and what the guard decided, for the log and the metrics.
type exchange struct {
	route  *route // never nil: what no rule matches has a route that does not guard
	method string // the effective method
	host   string // the client's Host
	safe   bool   // the route takes the method for one that only reads
	path   target.Path
	// untaught: the path has a spelling that may mean another resource. A read of it teaches nothing.
	untaught bool
	// objection is what the handler in front found wrong; the guard answers with it.
	objection *objection

	arrived  time.Time
	upstream time.Duration // time spent waiting for the backend's answers
	answered time.Time     // when the answer's headers were ready to leave
	status   int

	decision Decision
	reason   string // a refusal.Reason's name, or ""
	detail   string // for the log
	cause    error  // for the log alone
	resource resource
	key      etagcache.Key
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// objection is a reason not to forward a request.
type objection struct {
	reason  refusal.Reason
	detail  string
	cause   error // stays in the log
	current string
	version json.RawMessage // that current stands for, where it has a name of its own
	retry   time.Duration
	final   bool // mode observe does not forgive it: there is nothing whole to forward
	// instead is the backend's own answer to the caller's probe, which the caller gets in the place of a verdict.
	instead *http.Response
}

// close ends the backend's answer that nobody is going to get.
func (o *objection) close() {
	if o.instead != nil {
		discard(o.instead)
	}
}

// decide notes what became of the request.
func (x *exchange) decide(d Decision, o *objection) {
	x.decision = d
	if o == nil {
		return
	}
	x.detail, x.cause = o.detail, o.cause
	if o.instead == nil {
		x.reason = o.reason.String()
	}
}
