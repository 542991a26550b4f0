package config

import (
	"maps"
	"time"

	"gopkg.in/yaml.v3"
)

func (d *decoder) routes(v value, base Route, c *Config) {
	d.list(v, func(d *decoder, i int, v value) {
		if i == maxRoutes {
			d.fail(v.path, "is one route too many; %d are allowed", maxRoutes)
		}
		if i >= maxRoutes {
			return
		}
		r := base.clone()
		d.mapping(v, r.keys())
		d.require(v, "name", "a label for metrics and logs")
		d.require(v, "match", "a net/http pattern, [HOST]/path")
		for len(c.Routes) < i { // one before was no mapping: keep the indices of the file
			c.Routes = append(c.Routes, base.clone())
		}
		c.Routes = append(c.Routes, r)
	})
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		d.fail(v.path, "lists no route; leave the key out to have one that matches everything")
	}
}

func (r *Route) keys() keys {
	table := keys{
		"name":       one(&r.Name, routeName),
		"match":      one(&r.Match, pattern),
		"when":       r.When.decode,
		"mode":       one(&r.Mode, oneOf("mode", Enforce, Observe, Off, Closed)),
		"guard":      methods(&r.Guard, guardable),
		"pass":       methods(&r.Pass, passable),
		"missing":    one(&r.Missing, oneOf("way with missing preconditions", MissingReject, MissingObserve, MissingAllow)),
		"version":    r.Version.decode,
		"verify":     one(&r.Verify, oneOf("time to verify", VerifyDoubt, VerifyAlways)),
		"key":        r.Key.decode,
		"path":       one(&r.Path, oneOf("way with dangerous spellings", PathRefuse, PathAllow)),
		"private":    one(&r.Private, boolean),
		"websocket":  one(&r.WebSocket, boolean),
		"cors":       one(&r.CORS, oneOf("way with CORS", CORSAuto, CORSOff)),
		"upstream":   one(&r.Upstream, upstreamURL),
		"host":       one(&r.Host, oneOf("way with the Host", HostPreserve, HostUpstream)),
		"timeouts":   r.Timeouts.decode,
		"limits":     r.Limits.decode,
		"refusals":   r.Refusals.decode,
		"store_down": one(&r.StoreDown, oneOf("way with a store that is down", StoreDownReject, StoreDownAllow)),

		"replay":      one(&r.Replay, oneOf("way with repeated writes", ReplayOn, ReplayOff)),
		"idempotency": r.Idempotency.decode,
		"history":     r.decodeHistory,
		"on_stale":    one(&r.OnStale, oneOf("way with stale writes", StaleRefuse, StaleMerge)),

		"body_template": one(&r.BodyTemplate, prose(maxBody)),
	}
	maps.Copy(table, r.ruleKeys())
	return table
}

func (r *Route) decodeDefaults(d *decoder, v value) {
	table := r.keys()
	for _, own := range append([]string{"name", "match", "when"}, ownRules...) {
		table[own] = refused("belongs to one route; it has no default for all")
	}
	d.mapping(v, table)
}

func (w *When) decode(d *decoder, v value) {
	d.mapping(v, keys{"query": parameters(&w.Query, wholeValue)})
	const wanted = "a parameter of the query with a regexp, as in {action: save|delete}"
	d.require(v, "query", wanted)
	if path := join(v.path, "query"); w.Query == nil && d.has(path) && d.sound(path) {
		d.fail(path, "names no parameter; it wants %s", wanted)
	}
}

func (k *Key) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"query": parameters(&k.Query, partOfKey),
		"path":  parameters(&k.Path, partOfKey),
		"case":  one(&k.Case, oneOf("way with letter case", CaseExact, CaseFold)),
	})
}

func (s *Version) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"from":         one(&s.From, oneOf("version source", FromETag, FromBody, FromJSON, FromHeader)),
		"pointer":      one(&s.Pointer, jsonPointer),
		"header":       one(&s.Header, versionField),
		"ignore":       texts(&s.Ignore, maxIgnore, jsonPointer),
		"compare":      one(&s.Compare, oneOf("comparison", CompareWeak, CompareStrong)),
		"suffixes":     texts(&s.Suffixes, maxSuffixes, tagSuffix),
		"reread":       one(&s.Reread, boolean),
		"trust_writes": one(&s.TrustWrites, boolean),
		"qualify":      one(&s.Qualify, oneOf("way to qualify", QualifyReturned, QualifyNever, QualifyAlways)),
		"lag":          one(&s.Lag, duration(0, time.Hour)),
		"read":         one(&s.Read, readTemplate),
	})
}
