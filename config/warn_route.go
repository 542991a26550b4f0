package config

import (
	"slices"
	"strings"
	"time"
)

// route warns about one route, and what it inherits.
func (w *warner) route(path string, r Route, s Store) {
	host, rest, _ := strings.Cut(r.Match, "/")
	w.warn(host != "" && host != "localhost" && !strings.Contains(host, "."), path+".match",
		"matches only requests to a host called "+host+"; for the path on any host write /"+host+"/"+rest)
	w.warn(r.Mode == Off, path+".mode",
		"off: nothing is guarded here, and updates can be lost")
	if !r.Mode.guards() {
		return
	}
	w.warn(r.Missing == MissingAllow && !r.guardsPostAlone(), path+".missing",
		"allow: a write without If-Match overwrites whatever is there")
	w.warn(!slices.Contains(r.Guard, "POST") && !slices.Contains(r.Pass, "POST"), path+".pass",
		"POST is in neither guard nor pass, and so is judged: one that creates is refused for want of a precondition")
	w.times(path, r)
	w.version(path+".version", r.Version, s.TTL)
	w.storeDown(path+".store_down", r, s)
	w.idempotency(path+".idempotency", r, s)
	w.warn(r.History != nil && r.OnStale == StaleRefuse && r.Refusals.Disclose == DiscloseNever, path+".history",
		"does nothing with disclose: never, by which no refusal tells what has changed")
	w.warn(w.has(path+".ask_headers") && len(r.AskHeaders) > 0 && !r.decide(), path+".ask_headers",
		"does nothing without unique, require or transitions, whose questions would have these fields")
}

func (w *warner) times(path string, r Route) {
	w.warn(r.Timeouts.Settle == 0, path+".timeouts.settle",
		"with 0s a write that was given up on must be finished at once, or the next may be lost to it")
	w.warn(r.Limits.Waiters == 0 && r.Timeouts.BusyWait > 0, path+".limits.waiters",
		"with 0 no write ever waits, and timeouts.busy_wait does nothing")
}

// held warns where limits.held has no room for what the route's limits allow; [Limits.Held] says how it is divided.
func (w *warner) held(path string, r Route, held ByteSize) {
	at := func(key string) string {
		if from, _ := w.find(join(path, key)); w.has(from) {
			return from
		}
		return "limits.held"
	}
	body, representation := held/4*3, held/16
	w.warn(r.Mode.guards() && r.Limits.Body > body, at("body"), "a body may have "+r.Limits.Body.String()+", and limits.held ("+held.String()+
		") has room for "+body.String()+" of bodies: what is larger is always refused as overloaded")
	made := r.Version.From == FromBody || r.Version.From == FromJSON
	w.warn(r.Mode.guards() && made && r.Limits.Representation > representation, at("representation"), "a representation may have "+
		r.Limits.Representation.String()+", and limits.held ("+held.String()+") has room for one of "+representation.String()+
		": what is larger never has a version, and nobody can write to it")
}

func (w *warner) version(path string, v Version, ttl time.Duration) {
	w.warn(v.From == FromETag && v.TrustWrites, path+".trust_writes",
		"relies on the backend to answer a write with the ETag that a GET would show; many send another's")
	w.warn(v.From == FromBody && v.TrustWrites, path+".trust_writes",
		"relies on the backend to answer a write with the whole representation, as a GET would show it")
	w.warn(v.TrustWrites && v.Reread, path+".reread",
		"the version after a write is read back, so trust_writes adds nothing")
	w.warn(v.Lag > 0 && v.Reread, path+".reread",
		"does nothing with lag: what a read shows so soon after the write may be older than it")
	w.warn(v.Lag > ttl, path+".lag",
		"is longer than store.ttl: that a resource was written is forgotten before the backend's reads show it")
	w.warn(v.From != FromBody && v.Qualify == QualifyNever, path+".qualify",
		"never: a version that comes back is taken for the earlier one, so equal versions must mean equal content")
	w.warn(strings.EqualFold(v.Header, "Last-Modified"), path+".header",
		"Last-Modified is blind to a second change within one second: a write past the proxy in the second of the previous "+
			"change goes unseen; from: body sees it")
}

func (w *warner) storeDown(path string, r Route, s Store) {
	allow := r.StoreDown == StoreDownAllow
	w.warn(allow && s.Redis != nil, path,
		"allow: while the store does not answer, writes are let through unguarded and updates can be lost; they are counted")
	w.warn(allow && s.Redis == nil, path,
		"has no effect: the store is this process's memory, which always answers")
	w.warn(allow && s.Redis != nil && r.decide(), path,
		"allow: while the store does not answer, unique, require and transitions are decided without a lease, and two writes at once can "+
			"break them together")
}

func (w *warner) idempotency(path string, r Route, s Store) {
	if !r.Idempotency.Enabled {
		return
	}
	w.warn(s.Redis == nil, path,
		"keys are kept in this process's memory: what is sent again after a restart is carried out again; with store.redis it is not")
	w.warn(w.has(path) && slices.Contains(r.Pass, "POST"), path,
		"is for the methods that are judged, and POST passes here; name it in guard if its keys are to count")
}

// matches warns about a match whose routes all ask for more, at the last of them.
func (w *warner) matches(routes []Route) {
	last := make(map[string]int)
	covered := make(map[string]bool)
	for i, r := range routes {
		last[r.Match] = i
		covered[r.Match] = covered[r.Match] || len(r.When.Query) == 0
	}
	for match, i := range last {
		w.warn(!covered[match], item("routes", i)+".when",
			"requests to "+match+" that fit no when pass unguarded; end with a route of the same match without when, "+
				"such as one with mode: closed")
	}
}
