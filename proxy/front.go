package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// examine is the handler in front. It sees the request as it came, before the reverse proxy has taken the
// hop-by-hop fields away, finds its route, and removes or refuses what could mean one thing to the guard and another
// to the backend.
func (p *Proxy) examine(r *http.Request, x *exchange) {
	x.method, x.host = r.Method, r.Host
	spelling := p.locate(r, x)
	x.safe = x.route.safe(x.method)
	if !x.route.guarded() {
		return
	}
	for _, alias := range target.Aliases(r.Header) {
		delete(r.Header, alias)
	}
	object := func(o *objection) {
		if x.objection == nil {
			x.objection = o
		}
	}
	var form []string
	if x.route.Mode == Closed { // and no form needs to be read to tell that
		object(&objection{reason: refusal.Closed})
	} else if values, o := formMethods(r, x.route.limits.Body); o != nil {
		object(o)
	} else {
		form = values
	}
	method, err := target.Method(r, form)
	if err == nil {
		x.method, x.safe = method, x.route.safe(method)
	} else {
		object(malformed(err.Error()))
	}
	switch {
	case spelling == nil || x.safe:
	case errors.Is(spelling, errAmbiguous):
		object(malformed("Which rule applies cannot be told: " + spelling.Error() + "."))
	default:
		object(malformed("The path cannot be guarded: " + spelling.Error() + "."))
	}
	if names := target.ConnectionNames(r.Header); len(names) > 0 {
		object(malformed(fmt.Sprintf("Connection names %s, which would take it away on the way.", strings.Join(names, ", "))))
	}
	r.Header.Del("Upgrade") // no route allows it yet; the reverse proxy takes care of Connection
	x.resource, err = x.route.resource(x.path, r.URL.RawQuery)
	switch {
	case err == nil:
		x.key = x.route.key(x.resource)
	case x.safe:
		x.untaught = true
	default:
		object(malformed("Which resource is meant cannot be told: " + err.Error() + "."))
	}
}

func malformed(detail string) *objection {
	return &objection{reason: refusal.Malformed, detail: detail}
}

// locate finds the route. The error is what is wrong with how the path or the query is spelt, so that backends read it
// differently: a read of it teaches nothing.
func (p *Proxy) locate(r *http.Request, x *exchange) error {
	path, err := target.Canonical(r.URL.EscapedPath())
	if err != nil {
		p.locateOdd(r, x)
		return err
	}
	var ambiguous bool
	x.path = path
	x.route, ambiguous = p.routes.find(r, path)
	if ambiguous {
		x.untaught = true
		return errAmbiguous
	}
	return nil
}

var errAmbiguous = errors.New("the query has a parameter by which rules are chosen more than once, or in an odd spelling")

// locateOdd finds the route of a path whose spelling backends read differently. It belongs to whatever guarded route it
// could mean, to a closed one before all others.
func (p *Proxy) locateOdd(r *http.Request, x *exchange) {
	x.route = p.routes.unmatched
	for _, candidate := range target.Lenient(r.URL.EscapedPath()) {
		found, _ := p.routes.find(r, candidate)
		if found.Mode == Closed || found.guarded() && !x.route.guarded() {
			x.route, x.path, x.untaught = found, candidate, true
		}
		if found.Mode == Closed {
			return
		}
	}
}

// report tells the log and the metrics what became of the request.
func (p *Proxy) report(r *http.Request, x *exchange) {
	now := time.Now()
	if x.answered.IsZero() {
		x.answered = now
	}
	name, mode := x.route.Name, x.route.Mode
	o := p.guard.observer
	o.Request(name, r.Method, x.status, now.Sub(x.arrived), x.upstream, x.answered.Sub(x.arrived)-x.upstream)
	if x.decision == "" {
		return
	}
	o.Decision(name, mode, x.decision, x.reason)
	if x.decision == Admitted || (x.decision == Passed && x.reason == "") {
		return
	}
	attrs := []slog.Attr{
		slog.String("decision", string(x.decision)), slog.String("reason", x.reason),
		slog.String("route", name), slog.String("method", x.method), slog.String("path", r.URL.Path),
		slog.Int("status", x.status), slog.Duration("took", now.Sub(x.arrived)),
	}
	if x.detail != "" {
		attrs = append(attrs, slog.String("detail", x.detail))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	p.guard.log.LogAttrs(r.Context(), level, "guarded write", attrs...)
}

func copyResponse(w http.ResponseWriter, res *http.Response) {
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // the client may be gone
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Request(string, string, int, time.Duration, time.Duration, time.Duration) {}
func (nobody) Decision(string, Mode, Decision, string)                                  {}
func (nobody) WriteStarted()                                                            {}
func (nobody) WriteEnded(string, string)                                                {}
func (nobody) LeaseExpired(string)                                                      {}
func (nobody) Drift(string)                                                             {}
func (nobody) RecordUnwritten(string)                                                   {}
func (nobody) Unguarded(string)                                                         {}
func (nobody) MalformedETag(string)                                                     {}
func (nobody) Probe(string, string)                                                     {}
func (nobody) Unversioned(string, string)                                               {}
