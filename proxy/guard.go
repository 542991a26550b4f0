package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
)

// guard is the http.RoundTripper between the reverse proxy and the backend. Being one, it sees request, verdict, answer
// and error in one straight function; a refusal is an answer that it makes itself.
type guard struct {
	cache    *etagcache.Cache
	next     http.RoundTripper
	log      *slog.Logger
	observer Observer
	queue    *queue
	routes   *routes
	rarely   rarely
	silence  time.Duration // how long a client may send nothing of a body that is streamed; 0: no limit
	memory   *budget
	recent   recent // versions whose content is kept

	// writes counts the writes that hold a lease, or whose outcome is being recorded.
	writes sync.WaitGroup
	// began is when the guard was made; blindUntil is when, in nanoseconds after that and on the monotonic clock, reads try
	// a store again that failed to answer.
	began      time.Time
	blindUntil atomic.Int64
	// questions counts those that are at the backend for the CORS fields of refusals.
	questions atomic.Int64
}

// RoundTrip answers one request. It returns no error but what the client itself caused by going away.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	res, err := g.answer(req, x)
	if err == nil && x.route.CORS {
		g.share(req, res, x)
	}
	x.answered = time.Now()
	if res != nil {
		x.status = res.StatusCode
	}
	x.upload().answered()
	if x.refused {
		x.upload().refused(req)
	}
	return res, err
}

func (g *guard) answer(req *http.Request, x *exchange) (*http.Response, error) {
	if x.barred != nil {
		x.decide(Refused, x.barred)
		return x.route.refusals.answer(req, x.barred), nil
	}
	if !x.route.guarded() {
		if !x.safe {
			x.decide(Passed, nil)
		}
		return g.through(req, x)
	}
	if x.objection != nil && (x.route.Mode != Observe || x.objection.final) {
		x.decide(Refused, x.objection)
		return x.route.refusals.answer(req, x.objection), nil
	}
	if x.objection != nil {
		x.decide(WouldRefuse, x.objection)
	}
	switch x.kind(req) {
	case KindRead:
		return g.read(req, x)
	case KindJudged:
		return g.write(req, x)
	case KindPassed:
		return g.pass(req, x)
	case KindUntouched:
	}
	return g.through(req, x)
}

func conditional(req *http.Request) bool {
	return len(req.Header["If-Match"]) > 0 || len(req.Header["If-None-Match"]) > 0
}

// through forwards a request that concerns no rule.
func (g *guard) through(req *http.Request, x *exchange) (*http.Response, error) {
	pre := x.route.preflight(req, x)
	if pre != nil {
		req = pre.asked
	}
	res, err := g.begin(req, x)
	if err != nil {
		return g.unanswered(req, x, err)
	}
	pre.allow(res)
	if x.route.guarded() && x.route.maker.Made() {
		delete(res.Header, "Etag") // the backend's own, which no write could be sent with
	}
	return res, nil
}

// send forwards a request and measures how long its answer takes.
func (g *guard) send(req *http.Request, x *exchange) (*http.Response, error) {
	start := time.Now()
	res, err := g.next.RoundTrip(req)
	x.upstream += time.Since(start)
	return res, err
}

// unanswered is the answer to a request that the backend did not answer. A client that has gone away gets none.
func (g *guard) unanswered(req *http.Request, x *exchange, err error) (*http.Response, error) {
	if req.Context().Err() != nil {
		return nil, err
	}
	o := x.transportObjection(err)
	o.unsent = o.unsent || x.safe
	x.cause = err
	g.log.LogAttrs(req.Context(), slog.LevelWarn, "no answer from the backend",
		slog.String("method", x.loggedMethod()), slog.String("path", x.loggedPath()), slog.String("cause", told(err)))
	return x.route.refusals.answer(req, o), nil
}

// transportObjection puts the lack of an answer into words. That the client fell silent comes before what the transport made of that.
func (x *exchange) transportObjection(err error) *objection {
	if x.heard != nil && x.heard.silent.Load() {
		err = errSilent
	}
	return transportObjection(err)
}

// transportObjection puts the lack of an answer into words.
func transportObjection(err error) *objection {
	var timeout net.Error
	if errors.Is(err, errSilent) {
		return &objection{reason: refusal.Slow, cause: err, detail: "Nothing of the body came for too long. The backend has got what came before."}
	}
	if dialFailed(err) {
		return &objection{reason: refusal.Backend, cause: err, unsent: true, detail: "The backend cannot be reached. Nothing was sent to it."}
	}
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()) {
		return &objection{reason: refusal.Timeout, cause: err}
	}
	return &objection{reason: refusal.Backend, cause: err}
}

// answer makes the answer for an objection: the backend's own, or one from the table of refusals.
func (r Refusals) answer(req *http.Request, o *objection) *http.Response {
	if o.instead != nil {
		return o.instead
	}
	if x := exchangeOf(req.Context()); x != nil {
		x.refused = true
	}
	said := refusal.Refusal{
		Reason: o.reason, Detail: o.detail, IfMatch: strings.Join(req.Header["If-Match"], ", "),
		CurrentETag: o.current, CurrentVersion: o.version, RetryAfter: o.retry, Hidden: !r.Disclose, Unsent: o.unsent,
		Rule: o.rule, Message: o.message, Fields: o.fields, Location: o.location, ExpectedVersion: o.expected, Changes: o.changes,
	}
	if o.step != nil {
		said.CurrentState, said.RequestedState, said.AllowedStates = o.step.From, o.step.To, o.step.Next
	}
	return r.Style.Response(req, said)
}

// storeObjection is the answer when the store gives none.
func storeObjection(err error) *objection {
	return &objection{reason: refusal.Store, cause: err, retry: time.Second}
}

// overran tells that a lease had run out before its owner concluded it, if the view was made of such a record.
func (g *guard) overran(x *exchange, ran bool) {
	if ran {
		g.observer.LeaseExpired(x.route.Name)
		g.warn(context.Background(), x, "the lease of a write had run out without a word from its replica")
	}
}

// drift tells that the backend has a version that nobody wrote through the proxy, if so.
func (g *guard) drift(x *exchange, drifted bool) {
	if drifted {
		g.observer.Drift(x.route.Name)
		g.tell(context.Background(), slog.LevelInfo, x, "drift: the backend shows another version than the last one known; "+
			"unless this is a list or a view that changes by itself, somebody writes past the proxy")
	}
}

func (g *guard) warn(ctx context.Context, x *exchange, msg string, attrs ...slog.Attr) {
	g.tell(ctx, slog.LevelWarn, x, msg, attrs...)
}

// tell logs what happened at the request's resource.
func (g *guard) tell(ctx context.Context, level slog.Level, x *exchange, msg string, attrs ...slog.Attr) {
	attrs = append(attrs, slog.String("route", x.route.Name), slog.String("path", x.path.String()))
	g.log.LogAttrs(ctx, level, msg, attrs...)
}
