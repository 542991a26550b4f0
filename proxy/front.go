package proxy

import (
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
	x.method = r.Method
	path, err := target.Canonical(r.URL.EscapedPath())
	if err == nil {
		x.path, x.route = path, p.routes.find(r.Host, path)
	} else {
		p.examineOdd(r, x)
	}
	if !x.route.guarded() {
		return
	}
	for _, alias := range target.Aliases(r.Header) {
		delete(r.Header, alias)
	}
	method, methodErr := target.Method(r)
	if methodErr == nil {
		x.method = method
	}
	switch {
	case methodErr != nil:
		x.objection = &objection{reason: refusal.Malformed, detail: methodErr.Error()}
	case x.untaught && !target.Safe(x.method):
		x.objection = &objection{reason: refusal.Malformed, detail: "The path cannot be guarded: " + err.Error() + "."}
	}
	if names := target.ConnectionNames(r.Header); len(names) > 0 && x.objection == nil {
		x.objection = &objection{
			reason: refusal.Malformed,
			detail: fmt.Sprintf("Connection names %s, which would take it away on the way.", strings.Join(names, ", ")),
		}
	}
	r.Header.Del("Upgrade") // no route allows it yet; the reverse proxy takes care of Connection
}

// examineOdd finds the route of a path whose spelling backends read differently. It belongs to whatever guarded route it
// could mean: there an unsafe method is refused, and a read teaches nothing.
func (p *Proxy) examineOdd(r *http.Request, x *exchange) {
	for _, candidate := range target.Lenient(r.URL.EscapedPath()) {
		if found := p.routes.find(r.Host, candidate); found.guarded() {
			x.route, x.path, x.untaught = found, candidate, true
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
	name, mode := "", Off
	if x.route != nil {
		name, mode = x.route.Name, x.route.Mode
	}
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
func (nobody) WriteEnded()                                                              {}
func (nobody) LeaseExpired(string)                                                      {}
func (nobody) Drift(string)                                                             {}
func (nobody) RecordUnwritten(string)                                                   {}
func (nobody) Unguarded(string)                                                         {}
func (nobody) MalformedETag(string)                                                     {}
func (nobody) Probe(string, string)                                                     {}
