package proxy

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
)

// exchange is one request on its way through the proxy: what the handler in front found out, for the guard behind it,
// and what the guard decided, for the log and the metrics.
type exchange struct {
	located
	method string // the effective method
	host   string // the client's Host
	safe   bool   // the route takes the method for one that only reads
	// tunnel: the request may upgrade its connection, after which nobody looks at what is sent.
	tunnel bool
	// barred is why the request is refused whatever its route and mode are.
	barred *objection
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
	subject  *url.URL   // where the backend has the resource that a write is about, where that is another one than it is sent to
	rule     string     // the rule that objected
	heard    *heard     // the body, where it is streamed
	body     *body      // nil: nobody has looked at it
	answers  []*holding // what is held of the content of answers
	refused  bool       // the answer is a refusal of the proxy's own
	page     page
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
	logged  string // what the log has in the place of detail, where that quotes what the client sent
	cause   error  // stays in the log
	current string
	version json.RawMessage // that current stands for, where it has a name of its own
	retry   time.Duration
	unsent  bool // of what was not answered: nothing was written by it
	// What a rule has to say: its name, its message for people, the fields of the request's body that it is about, where the existing
	// resource is, and which step is not allowed.
	rule, message string
	fields        []string
	location      string
	step          *rules.Step
	changes       json.RawMessage // what has changed since then
	expected      json.RawMessage // the version that the client said it edited
	as            Decision        // what became of the request, where instead is no refusal of the backend's
	final         bool            // mode observe does not forgive it: there is nothing whole to forward
	// instead is the backend's own answer to the caller's probe, which the caller gets in the place of a verdict.
	instead *http.Response
}

// close ends the backend's answer that nobody is going to get.
func (o *objection) close() {
	if o != nil && o.instead != nil {
		discard(o.instead)
	}
}

// holds is a new holding for the content of an answer to a read, or to a write and its probes.
func (x *exchange) holds() *holding {
	upload := x.upload()
	h := upload.memory.forWrites()
	if x.safe {
		h = upload.memory.forAnswers()
	}
	if upload.client != nil {
		h.hurry = upload.cutOff
	}
	x.answers = append(x.answers, h)
	return h
}

// upload is the body of the request, to be held within the time that the route gives it.
func (x *exchange) upload() *body {
	if x.body == nil {
		x.body = &body{}
	}
	x.body.within = x.route.timeouts.Body
	return x.body
}

// release gives back whatever is still held when the request is over.
func (x *exchange) release() {
	x.body.release()
	for _, h := range x.answers {
		h.release()
	}
}

// decide notes what became of the request.
func (x *exchange) decide(d Decision, o *objection) {
	x.decision = d
	if o == nil {
		return
	}
	x.detail, x.cause, x.rule = cmp.Or(o.logged, o.detail), o.cause, o.rule
	if o.instead == nil || o.as == Returned {
		x.reason = o.reason.String()
	}
}
