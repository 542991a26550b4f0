package proxy

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

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
		slog.String("route", name), slog.String("method", x.loggedMethod()), slog.String("path", x.loggedPath()),
		slog.Int("status", x.status), slog.Duration("took", now.Sub(x.arrived)),
	}
	if x.rule != "" {
		attrs = append(attrs, slog.String("rule", x.rule))
	}
	if x.detail != "" {
		attrs = append(attrs, slog.String("detail", x.detail))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", told(x.cause)))
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
func (nobody) Held(int64)                                                               {}
func (nobody) Probe(string, string)                                                     {}
func (nobody) Unversioned(string, string)                                               {}
func (nobody) Rule(string, string, string)                                              {}
func (nobody) Idempotency(string, string)                                               {}
func (nobody) History(string, string)                                                   {}
