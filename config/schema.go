package config

import (
	"crypto/tls"
	"time"

	"gopkg.in/yaml.v3"
)

// keys is a mapping's table: what each key is decoded by.
type keys = map[string]decodeFunc

const (
	day           = 24 * time.Hour
	maxRoutes     = 1000 // each is a set of time series
	maxTypePrefix = 1000
	maxIgnore     = 64
	maxSuffixes   = 16
)

func (d *decoder) config(root *yaml.Node, c *Config) {
	var shared, routes *value
	d.visit(value{root, ""}, func(d *decoder, v value) {
		d.mapping(v, keys{
			"listen":   one(&c.Listen, address),
			"upstream": one(&c.Upstream, upstreamURL),
			"tls": func(d *decoder, v value) {
				c.TLS = &ServerTLS{MinVersion: tls.VersionTLS12}
				c.TLS.decode(d, v)
			},
			"upstream_tls":    c.UpstreamTLS.decode,
			"trusted_proxies": trustedProxies(&c.TrustedProxies),
			"admin":           c.Admin.decode,
			"store":           c.Store.decode,
			"timeouts":        c.Timeouts.decode,
			"limits":          c.Limits.decode,
			"refusals":        c.Refusals.decode,
			"defaults":        func(_ *decoder, v value) { shared = &v },
			"routes":          func(_ *decoder, v value) { routes = &v },
		})
		d.require(v, "upstream", "the backend's URL, such as http://127.0.0.1:9000")
	})
	// Only now, for what is inherited may stand below.
	base := c.defaultRoute()
	if shared != nil {
		base.decodeDefaults(d, *shared)
	}
	switch {
	case routes != nil:
		d.routes(*routes, base, c)
	case !d.has("routes"):
		c.Routes = []Route{base}
	}
	for i := range c.Routes {
		d.complete(item("routes", i), &c.Routes[i])
	}
}

func (a *Admin) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"listen":     one(&a.Listen, address),
		"web_config": one(&a.WebConfig, d.fileName),
	})
}

func (s *Store) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"grace": one(&s.Grace, grace),
		"ttl":   one(&s.TTL, duration(time.Minute, 3650*day)),
		"redis": func(d *decoder, v value) {
			s.Redis = defaultRedis()
			s.Redis.decode(d, v)
		},
	})
}

func (r *Redis) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"url":           hidden(&r.URL, redisURL),
		"mode":          one(&r.Mode, oneOf("Redis mode", Single, Cluster, Sentinel)),
		"prefix":        one(&r.Prefix, redisPrefix),
		"timeout":       one(&r.Timeout, duration(time.Millisecond, 30*time.Second)),
		"wait_replicas": one(&r.WaitReplicas, whole(0, 16)),
		"tls":           r.TLS.decode,
	})
	d.require(v, "url", "redis://[user:password@]host:port/db; leave redis out for the embedded store")
}

func (t *Timeouts) decode(d *decoder, v value) {
	table := t.keys()
	table["header"] = one(&t.Header, duration(time.Millisecond, day))
	table["send"] = one(&t.Send, duration(time.Millisecond, day))
	table["idle"] = one(&t.Idle, duration(time.Millisecond, day))
	d.mapping(v, table)
}

func (t *RouteTimeouts) decode(d *decoder, v value) {
	table := t.keys()
	for _, whole := range []string{"header", "send", "idle"} {
		table[whole] = refused("holds for the whole listener, whatever the route; it belongs into the timeouts of the file")
	}
	d.mapping(v, table)
}

func (t *RouteTimeouts) keys() keys {
	return keys{
		"write":     one(&t.Write, duration(time.Millisecond, day)),
		"settle":    one(&t.Settle, duration(0, day)),
		"busy_wait": one(&t.BusyWait, duration(0, day)),
		"body":      one(&t.Body, duration(time.Millisecond, day)),
		"answer":    one(&t.Answer, duration(time.Millisecond, day)),
	}
}

func (l *Limits) decode(d *decoder, v value) {
	table := l.keys()
	table["header"] = one(&l.Header, size(KiB, 16*MiB))
	table["held"] = one(&l.Held, size(MiB, 1024*GiB))
	table["validators"] = one(&l.Validators, whole(1, 256))
	d.mapping(v, table)
}

func (l *RouteLimits) decode(d *decoder, v value) {
	table := l.keys()
	table["header"] = refused("holds for the whole listener, whatever the route; it belongs into the limits of the file")
	table["held"] = refused("holds for the whole process, whatever the route; it belongs into the limits of the file")
	table["validators"] = refused("holds for all records, whatever the route; it belongs into the limits of the file")
	d.mapping(v, table)
}

func (l *RouteLimits) keys() keys {
	return keys{
		"body":           one(&l.Body, size(1, GiB)),
		"representation": one(&l.Representation, size(1, GiB)),
		"tags":           one(&l.Tags, whole(1, 1024)),
		"waiters":        one(&l.Waiters, whole(0, 10_000)),
	}
}

// refused is a key that has its place elsewhere.
func refused(message string) decodeFunc {
	return func(d *decoder, v value) { d.fail(v.path, "%s", message) }
}

// require fails if the mapping v does not have the key. What else may be wrong with them has been said.
func (d *decoder) require(v value, key, what string) {
	if path := join(v.path, key); v.node.Kind == yaml.MappingNode && !d.has(path) {
		d.fail(path, "is required: %s", what)
	}
}
