package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"proxy409/config"
)

// source says where a version comes from, and how versions are compared.
func source(v config.Version) string {
	var from string
	switch v.From {
	case config.FromETag:
		from = "the backend's ETag"
	case config.FromBody:
		from = "an ETag made by the proxy of the content"
		if len(v.Ignore) > 0 {
			from += " without " + strings.Join(v.Ignore, ", ")
		}
	case config.FromJSON:
		from = "an ETag made by the proxy of the member " + v.Pointer + " of the JSON content"
	case config.FromHeader:
		from = "an ETag made by the proxy of the field " + v.Header
	}
	if v.Compare == config.CompareStrong {
		return from + ", compared strongly: a weak one never matches"
	}
	return from + ", compared weakly"
}

// rule is a key of a route whose value is not the default.
type rule struct {
	name         string
	value, usual any
	means        string
}

// rules lists what of a route is not at its default, with what it means.
func rules(r config.Route) []string {
	usual, err := config.Default("http://127.0.0.1")
	if err != nil {
		return nil
	}
	d := usual.Routes[0]
	if r.Version.From == config.FromBody {
		d.Version.Qualify = config.QualifyNever
	}
	var lines []string
	for _, x := range slices.Concat(versionRules(r.Version, d.Version), conflictRules(r), repeatRules(r, d), routeRules(r, d)) {
		if reflect.DeepEqual(x.value, x.usual) {
			continue
		}
		line := fmt.Sprintf("%s: %v", x.name, x.value)
		if x.means != "" {
			line += " (" + x.means + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func versionRules(v, d config.Version) []rule {
	return []rule{
		{"version.qualify", v.Qualify, d.Qualify, map[config.Qualify]string{
			config.QualifyReturned: "a tag that named an earlier version too leaves with the version in it",
			config.QualifyNever:    "equal tags are taken for equal content",
			config.QualifyAlways:   "every tag leaves with the version in it, and a bare one is stale",
		}[v.Qualify]},
		{"version.lag", v.Lag, d.Lag, "so long after a write an outdated tag is not learned"},
		{"version.suffixes", strings.Join(v.Suffixes, " "), "", "taken off before tags are compared"},
		{"version.reread", v.Reread, d.Reread, "after a write the resource is read for its next version"},
		{"version.trust_writes", v.TrustWrites, d.TrustWrites, "the version on the answer to a write is the resource's"},
		{"version.read", v.Read, d.Read, "where the version is asked for"},
	}
}

func routeRules(r, d config.Route) []rule {
	return []rule{
		{"guard", r.Guard, d.Guard, ""},
		{"pass", r.Pass, d.Pass, ""},
		{"missing", r.Missing, d.Missing, map[config.Missing]string{
			config.MissingAllow:   "a write without a precondition is let through",
			config.MissingObserve: "a write without a precondition is let through, and counted as one that would be refused",
		}[r.Missing]},
		{"verify", r.Verify, d.Verify, "the backend is asked before every write"},
		{"path", r.Path, d.Path, "dangerous spellings are forwarded, and share the key of what the most lenient backend reads"},
		{"key.case", r.Key.Case, d.Key.Case, "letter case does not tell resources apart"},
		{"websocket", r.WebSocket, d.WebSocket, "a GET may upgrade to the WebSocket protocol"},
		{"cors", r.CORS, d.CORS, "pages of other origins are shown nothing that the backend does not show them"},
		{"private", r.Private, d.Private, "each caller has a representation of its own"},
		{"store_down", r.StoreDown, d.StoreDown, "without the store writes are let through, and counted"},
		{"timeouts.write", r.Timeouts.Write, d.Timeouts.Write, ""},
		{"timeouts.settle", r.Timeouts.Settle, d.Timeouts.Settle, ""},
		{"timeouts.busy_wait", r.Timeouts.BusyWait, d.Timeouts.BusyWait, ""},
		{"timeouts.body", r.Timeouts.Body, d.Timeouts.Body, ""},
		{"timeouts.answer", r.Timeouts.Answer, d.Timeouts.Answer, ""},
		{"limits.body", r.Limits.Body, d.Limits.Body, ""},
		{"limits.representation", r.Limits.Representation, d.Limits.Representation, ""},
		{"limits.tags", r.Limits.Tags, d.Limits.Tags, ""},
		{"limits.waiters", r.Limits.Waiters, d.Limits.Waiters, ""},
		{"refusals.profile", r.Refusals.Profile, d.Refusals.Profile, ""},
		{"refusals.disclose", r.Refusals.Disclose, d.Refusals.Disclose, "refusals say nothing of the present version"},
		{"body_template", config.ByteSize(len(r.BodyTemplate)), config.ByteSize(len(d.BodyTemplate)), "the template of the bodies of refusals"},
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
