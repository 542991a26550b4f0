// Package config reads the YAML file that says what proxy409 does: types with documented fields and defaults, loading,
// expansion of environment variables, and validation.
//
// Reading is strict. Whatever is wrong with a file is reported at once, as [Problems], each with its line and its path in
// the YAML; a program that gets any must not start. The package knows nothing of the packages it configures: the command
// translates a [Config] into their options, and hands what they object to back to [Config.Problem], which adds the line.
package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is everything that a file says, with defaults where it says nothing. Its values are valid and agree with each
// other. It comes from [Load], [Parse] or [Default]; the zero value is no configuration. It must not be modified while
// it is used by more than one goroutine.
type Config struct {
	// Listen is the address for clients, host:port. An empty host means every interface, port 0 any free port.
	// Default 127.0.0.1:8080.
	Listen string
	// TLS is how clients connect. Nil, the default: without TLS.
	TLS *ServerTLS
	// Upstream is the backend: http or https, a host, possibly a path that goes before every request's; no user,
	// query or fragment. Required, even if every route has its own.
	Upstream *url.URL
	// UpstreamTLS is how the proxy connects to backends whose URL is https.
	UpstreamTLS ClientTLS
	// TrustedProxies are the networks of the proxies in front whose X-Forwarded-* are believed and extended; those of
	// everybody else are dropped. Default none.
	TrustedProxies []netip.Prefix
	// Admin is the listener for operators.
	Admin Admin
	// Store is where the records live.
	Store Store
	// Timeouts bound the parts of a guarded write; what a route says itself is in Route.Timeouts.
	Timeouts Timeouts
	// Limits bound what one request may take; what a route says itself is in Route.Limits.
	Limits Limits
	// Refusals is how a refusal looks to clients; what a route says itself is in Route.Refusals.
	Refusals Refusals
	// Routes are the rules, in the order of the file, at least one. Where a route says nothing itself, it has what
	// `defaults` says, and else what the file says for all. No two share a list, a map or a URL. Default: one route,
	// "default", that matches / .
	Routes []Route

	source source
}

// Admin is the listener for operators: /metrics, /healthz and /readyz. It is not for clients.
type Admin struct {
	// Listen is its address, host:port, another than Config.Listen. Default 127.0.0.1:9409.
	Listen string
	// WebConfig is the name of a web configuration file of Prometheus' exporter-toolkit, which gives the listener TLS and
	// passwords. A relative path is taken from the folder of the configuration file. Default none: plain, for everybody
	// who can connect.
	WebConfig string
}

// Store is where the records live, and for how long.
type Store struct {
	// Grace is how long no guarded write is admitted after the store was found empty. Default auto.
	Grace Grace
	// TTL is how long an untouched record is kept, one minute to ten years, and at least Timeouts.Write and
	// Timeouts.Settle together. Default 720h.
	TTL time.Duration
	// Redis is the store that replicas share. Nil, the default, is the embedded store in this process's memory.
	Redis *Redis
}

// Grace is a period of grace: automatic, or fixed.
type Grace struct {
	// Auto lets the store decide: none for the embedded store; for Redis the longest Timeouts.Write and
	// Timeouts.Settle together of all routes.
	// Default true.
	Auto bool
	// Fixed is the period where Auto is false, from 0s to 24h. Default 0s.
	Fixed time.Duration
}

// Redis is the server that replicas share, and how it is used.
type Redis struct {
	// URL is redis://, rediss:// (TLS) or unix://, with user, password and database as go-redis reads them; in mode
	// sentinel it has a master_name parameter, in modes cluster and sentinel it may have addr parameters. Required.
	URL Secret
	// Mode is what stands at URL. Default single.
	Mode RedisMode
	// Prefix begins every key, so that several fleets can share a server. Default proxy409.
	Prefix string
	// Timeout is how long one operation may take, 1ms to 30s, less than Timeouts.Write. Default 300ms.
	Timeout time.Duration
	// WaitReplicas is how many replicas must have a lease before it counts, 0 to 16. Default 0.
	WaitReplicas int
	// TLS is how the proxy connects, to Sentinels too, where URL is rediss://.
	TLS ClientTLS
}

// RedisMode is how a Redis is set up.
type RedisMode string

// The set-ups of a Redis.
const (
	Single   RedisMode = "single"   // one server, or one address that always leads to the master
	Cluster  RedisMode = "cluster"  // Redis Cluster
	Sentinel RedisMode = "sentinel" // a master that Sentinels elect; URL leads to a Sentinel
)

// Timeouts bound how long a request may take. None is longer than 24h.
type Timeouts struct {
	RouteTimeouts
	// Header is how long a client may take to send a request's header, and for its TLS handshake, 1ms at least. Default 10s.
	Header time.Duration
	// Send is how long a client may take nothing of an answer, or send nothing of a body that is streamed, before its
	// connection is closed, 1ms at least. Default 1m.
	Send time.Duration
	// Idle is how long a client's connection is kept without a request, 1ms at least. Default 2m.
	Idle time.Duration
}

// RouteTimeouts are the timeouts that a route may have of its own.
type RouteTimeouts struct {
	// Write is the longest a backend may take to answer a guarded write, 1ms at least. Default 30s.
	Write time.Duration
	// Settle is how long a write that was given up on may still be applied by the backend. Default 30s.
	Settle time.Duration
	// BusyWait is how long a write waits for the outcome of another at the same resource before it is refused as
	// busy; less than Write. 0s: it does not wait. Default 2s.
	BusyWait time.Duration
	// Body is how long a client may take to send a body that the proxy holds until it is complete: that of a guarded
	// write, and a form. 1ms at least. Default 5m.
	Body time.Duration
	// Answer is the longest a backend may take to begin its answer to what is no guarded write, 1ms at least. Default 5m.
	Answer time.Duration
}

// Limits bound what one request may take.
type Limits struct {
	RouteLimits
	// Header is the largest header section of a request, 1KiB to 16MiB. It holds for the whole listener, since it is
	// read before the route is known. Default 32KiB.
	Header ByteSize
	// Held is the most that bodies and representations may take of this process's memory, all requests together; 1MiB at least. Default
	// 512MiB. Three quarters of it are for bodies. The last quarter is for representations that clients are sent, each of which may take
	// a quarter of what is left of that.
	Held ByteSize
	// Validators is how many representations of one version a record remembers, 1 to 256. Default 32.
	Validators int
}

// RouteLimits are the limits that a route may have of its own.
type RouteLimits struct {
	// Body is the largest body of a guarded write, which is held in memory until it is complete; 1B to 1GiB.
	// Default 16MiB.
	Body ByteSize
	// Representation is the largest answer of the backend that is held in memory to find a version in it; 1B to 1GiB.
	// Default 1MiB.
	Representation ByteSize
	// Tags is the largest number of entity tags in one precondition, 1 to 1024. Default 64.
	Tags int
	// Waiters is how many writes may wait for one resource at a time in this process, 0 to 10000. Default 64.
	Waiters int
}

// GracePeriod is how long no guarded write is admitted after the store was found empty: Store.Grace, with auto resolved.
func (c *Config) GracePeriod() time.Duration {
	switch {
	case !c.Store.Grace.Auto:
		return c.Store.Grace.Fixed
	case c.Store.Redis == nil:
		return 0
	default:
		return c.longestTrace()
	}
}

// longestTrace is the longest for which a write that nobody remembers may matter: its lease, its settle time, and until the
// backend's reads show it.
func (c *Config) longestTrace() time.Duration {
	return c.longest(func(r Route) time.Duration { return r.Timeouts.Write + r.Timeouts.Settle + r.Version.Lag })
}

// LongestWrite is the longest that a write of any route may be under way: its lease and its settle time.
func (c *Config) LongestWrite() time.Duration {
	return c.longest(func(r Route) time.Duration { return r.Timeouts.Write + r.Timeouts.Settle })
}

// LongestWait is the longest that a write of any route waits for another one.
func (c *Config) LongestWait() time.Duration {
	return c.longest(func(r Route) time.Duration { return r.Timeouts.BusyWait })
}

// longest is the most that the routes have of a time, and one that has the file's timeouts.
func (c *Config) longest(of func(Route) time.Duration) time.Duration {
	most := of(Route{Timeouts: c.Timeouts.RouteTimeouts})
	for _, r := range c.Routes {
		most = max(most, of(r))
	}
	return most
}

// Locate is the line of the value at a YAML path such as "routes[1].match". Where the file does not have the path, it is
// the line of what it would be taken from: the same key in `defaults`, or of the file as a whole, or else the nearest value around it. It is 0 for a
// Config that came from no file.
func (c *Config) Locate(path string) int {
	_, line := c.source.find(path)
	return line
}

// Problem is a problem that another package has with the value at a YAML path, placed in the file.
func (c *Config) Problem(path, message string) Problem {
	return c.source.problem(path, message)
}
