package config

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// keys is a mapping's table: what each key is decoded by.
type keys = map[string]decodeFunc

const (
	day           = 24 * time.Hour
	maxRoutes     = 1000 // each is a set of time series
	maxTypePrefix = 1000
)

func (d *decoder) config(root *yaml.Node, c *Config) {
	shared := defaultRoute()
	var routes *value
	d.visit(value{root, ""}, func(d *decoder, v value) {
		d.mapping(v, topSection, keys{
			"listen":   one(&c.Listen, address),
			"upstream": one(&c.Upstream, upstreamURL),
			"admin":    c.Admin.decode,
			"store":    c.Store.decode,
			"timeouts": c.Timeouts.decode,
			"limits":   c.Limits.decode,
			"refusals": c.Refusals.decode,
			"defaults": shared.decodeDefaults,
			"routes":   func(_ *decoder, v value) { routes = &v },
		})
		d.require(v, "upstream", "the backend's URL, such as http://127.0.0.1:9000")
	})
	switch {
	case routes != nil: // only now, for `defaults` may stand below
		d.routes(*routes, shared, c)
	case !d.has("routes"):
		c.Routes = []Route{shared}
	}
}

func (a *Admin) decode(d *decoder, v value) {
	d.mapping(v, adminSection, keys{"listen": one(&a.Listen, address)})
}

func (s *Store) decode(d *decoder, v value) {
	d.mapping(v, plainSection, keys{
		"grace": one(&s.Grace, grace),
		"ttl":   one(&s.TTL, duration(time.Minute, 3650*day)),
		"redis": func(d *decoder, v value) {
			s.Redis = defaultRedis()
			s.Redis.decode(d, v)
		},
	})
}

func (r *Redis) decode(d *decoder, v value) {
	d.mapping(v, plainSection, keys{
		"url":           hidden(&r.URL, redisURL),
		"mode":          one(&r.Mode, oneOf("Redis mode", Single, Cluster, Sentinel)),
		"prefix":        one(&r.Prefix, redisPrefix),
		"timeout":       one(&r.Timeout, duration(time.Millisecond, 30*time.Second)),
		"wait_replicas": one(&r.WaitReplicas, whole(0, 16)),
	})
	d.require(v, "url", "redis://[user:password@]host:port/db; leave redis out for the embedded store")
}

func (t *Timeouts) decode(d *decoder, v value) {
	d.mapping(v, plainSection, keys{
		"write":     one(&t.Write, duration(time.Millisecond, day)),
		"settle":    one(&t.Settle, duration(0, day)),
		"busy_wait": one(&t.BusyWait, duration(0, day)),
	})
}

func (l *Limits) decode(d *decoder, v value) {
	d.mapping(v, plainSection, keys{
		"body":           one(&l.Body, size(1, GiB)),
		"representation": one(&l.Representation, size(1, GiB)),
		"header":         one(&l.Header, size(KiB, 16*MiB)),
		"tags":           one(&l.Tags, whole(1, 1024)),
		"waiters":        one(&l.Waiters, whole(0, 10_000)),
	})
}

func (r *Refusals) decode(d *decoder, v value) {
	d.mapping(v, plainSection, keys{
		"profile":     one(&r.Profile, oneOf("profile", ProfileConflict, ProfileRFC9110)),
		"status":      r.decodeStatus,
		"type_prefix": one(&r.TypePrefix, text(maxTypePrefix)),
		"disclose":    one(&r.Disclose, oneOf("way to disclose", DiscloseProbe, DiscloseNever)),
	})
}

var (
	adjustableReasons = []string{"stale", "missing", "exists", "absent", "busy", "unversioned"}
	fixedReasons      = []string{
		"malformed", "too_large", "store", "grace", "unverifiable", "backend", "timeout",
	}
)

func (r *Refusals) decodeStatus(d *decoder, v value) {
	table := make(keys)
	for _, reason := range fixedReasons {
		table[reason] = func(d *decoder, v value) { d.fail(v.path, "the status of this reason is fixed") }
	}
	for _, reason := range adjustableReasons {
		table[reason] = func(d *decoder, v value) {
			var status int
			one(&status, whole(400, 499))(d, v)
			r.Status[reason] = status
		}
	}
	d.mapping(v, plainSection, table)
}

func (d *decoder) routes(v value, shared Route, c *Config) {
	d.list(v, func(d *decoder, i int, v value) {
		if i == maxRoutes {
			d.fail(v.path, "is one route too many; %d are allowed", maxRoutes)
		}
		if i >= maxRoutes {
			return
		}
		r := shared
		r.Guard, r.Pass = slices.Clone(r.Guard), slices.Clone(r.Pass)
		d.mapping(v, routeSection, r.keys())
		d.require(v, "name", "a label for metrics and logs")
		d.require(v, "match", "a net/http pattern, [HOST]/path")
		for len(c.Routes) < i { // one before was no mapping: keep the indices of the file
			c.Routes = append(c.Routes, shared)
		}
		c.Routes = append(c.Routes, r)
	})
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		d.fail(v.path, "lists no route; leave the key out to have one that matches everything")
	}
}

func (r *Route) keys() keys {
	return keys{
		"name":    one(&r.Name, routeName),
		"match":   one(&r.Match, pattern),
		"mode":    one(&r.Mode, oneOf("mode", Enforce, Observe, Off)),
		"guard":   methods(&r.Guard, guardable),
		"pass":    methods(&r.Pass, passable),
		"missing": one(&r.Missing, oneOf("way with missing preconditions", MissingReject, MissingObserve, MissingAllow)),
		"version": r.Version.decode,
		"verify":  one(&r.Verify, oneOf("time to verify", VerifyDoubt, VerifyAlways)),
	}
}

func (r *Route) decodeDefaults(d *decoder, v value) {
	table := r.keys()
	for _, own := range []string{"name", "match"} {
		table[own] = func(d *decoder, v value) { d.fail(v.path, "belongs to one route; it has no default for all") }
	}
	d.mapping(v, routeSection, table)
}

func (s *Version) decode(d *decoder, v value) {
	d.mapping(v, versionSection, keys{
		"from":         one(&s.From, oneOf("version source", FromETag)),
		"compare":      one(&s.Compare, oneOf("comparison", CompareWeak, CompareStrong)),
		"reread":       one(&s.Reread, boolean),
		"trust_writes": one(&s.TrustWrites, boolean),
	})
}

// require fails if the mapping v does not have the key. What else may be wrong with them has been said.
func (d *decoder) require(v value, key, what string) {
	if path := join(v.path, key); v.node.Kind == yaml.MappingNode && !d.has(path) {
		d.fail(path, "is required: %s", what)
	}
}
