package proxy

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
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
	// Timeouts bound guarded writes.
	Timeouts Timeouts
	// Limits bound what one client may make the proxy hold.
	Limits Limits
	// Refusals is how refusals look.
	Refusals refusal.Style
	// Disclose says whether a refusal may show what the backend shows its caller when asked; false shows nothing to
	// anybody and makes stale, exists and absent look alike.
	Disclose bool
	// Transport reaches the backend. Nil: [NewTransport].
	Transport http.RoundTripper
	// Logger gets one line for each guarded write that was not simply admitted. Nil: slog.Default.
	Logger *slog.Logger
	// Observer is told what happens. Nil: nobody is.
	Observer Observer
}

// Timeouts bound guarded writes. All must be positive, but for Settle and BusyWait, which may be zero.
type Timeouts struct {
	Write    time.Duration // the longest a backend may take to answer a guarded write
	Settle   time.Duration // how long a write that was given up on may still be applied
	BusyWait time.Duration // how long a write waits for another one at the same resource
}

// Limits bound what one client may make the proxy hold.
type Limits struct {
	Body    int64 // bytes of a guarded write's body, which is held in memory
	Tags    int   // entity tags in one If-Match
	Waiters int   // writes that wait for one resource, in this process
}

// Route is one rule.
type Route struct {
	Name  string // the label in metrics and logs
	Match string // a net/http pattern without a method: [HOST]/path
	Mode  Mode
	// Guard methods are judged. Pass methods are forwarded unjudged, unless they carry a precondition, but move the
	// record. Every other unsafe method is judged.
	Guard, Pass []string
	Missing     Missing
	Version     Version
	// VerifyAlways asks the backend before every write, under its lease, for backends that have other writers.
	VerifyAlways bool
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
	Strong      bool // If-Match is compared strongly, RFC 9110 section 13.1.1 to the letter
	Reread      bool // after a write, the backend is read under the same lease
	TrustWrites bool // the ETag on the answer to a write is the resource's
}

// Problem is something wrong in a Config. Path is where it stands in the YAML file.
type Problem struct{ Path, Message string }

func (p Problem) Error() string { return p.Path + ": " + p.Message }

// route is a Route, prepared.
type route struct {
	Route
	host string // the pattern's literal host, part of the key
}

func (r *route) guarded() bool { return r != nil && r.Mode != Off }

// judges reports whether a request with the effective method is judged. conditional: it carries a precondition.
func (r *route) judges(method string, conditional bool) bool {
	if slices.Contains(r.Guard, method) {
		return true
	}
	return conditional || !slices.Contains(r.Pass, method)
}

// routes finds the route of a request: the most specific pattern wins, as in net/http.
type routes struct {
	mux    *http.ServeMux
	byName map[string]*route
}

func newRoutes(list []Route) (*routes, error) {
	rs := &routes{mux: http.NewServeMux(), byName: make(map[string]*route)}
	for i, r := range list {
		at := fmt.Sprintf("routes[%d]", i)
		if r.Match == "" || r.Match[0] == ' ' {
			return nil, Problem{Path: at + ".match", Message: "a pattern [HOST]/path is required"}
		}
		if err := rs.register(r); err != nil {
			return nil, Problem{Path: at + ".match", Message: err.Error()}
		}
	}
	return rs, nil
}

// register turns the panic of ServeMux, which explains well what is wrong, into an error.
func (rs *routes) register(r Route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	rs.mux.Handle(r.Match, http.NotFoundHandler())
	host, _, _ := cutHost(r.Match)
	rs.byName[r.Match] = &route{Route: r, host: host}
	return nil
}

func cutHost(pattern string) (host, path string, ok bool) {
	for i := range len(pattern) {
		if pattern[i] == '/' {
			return pattern[:i], pattern[i:], true
		}
	}
	return pattern, "", false
}

// find returns the route for a canonical path, or nil.
func (rs *routes) find(host string, path target.Path) *route {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	_, pattern := rs.mux.Handler(&http.Request{Method: http.MethodGet, Host: host, URL: path.URL()})
	return rs.byName[pattern]
}
