package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/rules"
)

// ruled is what the rules of a route make of one write.
type ruled struct {
	body      rules.Document
	bodyRead  bool
	bodyWrong *objection // why it could not be read

	to        string // the state that the write asks for
	steps     bool   // and it does
	values    []value
	touches   []etagcache.Key          // changed by the write, which does not hold them
	places    map[etagcache.Key]leased // of what is held and not changed
	forgotten []etagcache.Key          // values that the backend shows, so that nobody need remember them
	own       resource                 // what the write was sent to, of which templates speak; the exchange's is what it is about
	expected  json.RawMessage          // the version that the client named first beside If-Match, as it did
	asks      asks
}

// leased is a resource that a write holds and does not change.
type leased struct {
	located
	asked bool // the backend was asked whether the caller may know of it
}

// value is what must be unique in one write.
type value struct {
	rule *uniqueRule
	sent []string // by the rule's fields
	key  etagcache.Key
}

// plan finds out what the rules need to know of the write before it holds anything: what it must hold, what it touches, and what can be
// said of it without asking anybody.
func (w *write) plan(context.Context) *objection {
	s := w.x.route.rules
	if w.streamed { // a route that only watches lets it through unread
		return nil
	}
	if o := w.planDestination(); o != nil {
		return o
	}
	if s.any {
		for _, step := range []func(*ruleset) *objection{w.planStep, w.planUnique, w.planReach} {
			if o := step(s); o != nil {
				return o
			}
		}
	}
	if !w.leasesOwn(s) {
		w.touchOwn()
	}
	for _, v := range w.values {
		w.keep(v.key)
	}
	for key := range w.places {
		w.keep(key)
	}
	w.touches = slices.DeleteFunc(w.touches, func(key etagcache.Key) bool { return w.changesUnderLease(key) })
	return nil
}

// leasesOwn reports whether the write takes the lease of its own resource. A POST that is about other things, or has a name of its own
// (Idempotency-Key), does not, if nothing is asked of the resource that it is sent to: collections would serialise.
func (w *write) leasesOwn(s *ruleset) bool {
	return w.judged || !w.has(http.MethodPost) || !s.resource.IsZero() || w.readsCurrent(s) ||
		len(w.values)+len(s.leases)+len(s.touches) == 0 && w.named == ""
}

// touchOwn has the write leave a mark at its own resource, in the place of the lease.
func (w *write) touchOwn() {
	w.wishes = slices.DeleteFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == w.x.key })
	if !slices.Contains(w.touches, w.x.key) {
		w.touches = append(w.touches, w.x.key)
	}
}

// readsCurrent reports whether a rule for the write is about the present state.
func (w *write) readsCurrent(s *ruleset) bool {
	return w.steps && !w.creates(s) || slices.ContainsFunc(s.require, func(r requirement) bool { return r.reads.Current && w.hasAny(r.on) })
}

// mustHold reports whether a rule is decided by what may change while the write is under way: without a lease, two writes would be held
// against the same state, and both be sent.
func (w *write) mustHold() bool {
	s := w.x.route.rules
	return w.named != "" || len(w.values)+len(w.places) > 0 || w.readsCurrent(s) ||
		slices.ContainsFunc(s.require, func(r requirement) bool { return len(r.ask) > 0 && w.hasAny(r.on) })
}

// has reports whether the write has the method, to some backends at least.
func (w *write) has(method string) bool {
	return w.x.method == method || strings.EqualFold(w.req.Method, method)
}

// merges reports whether the body says what changes, and leaves the rest as it is. MERGE is what OData had before PATCH.
func (w *write) merges() bool { return w.has(http.MethodPatch) || w.has("MERGE") }

// hasAny is the same of any of the methods; of none, always.
func (w *write) hasAny(methods []string) bool {
	return len(methods) == 0 || slices.ContainsFunc(methods, w.has)
}

// keep adds a key that the write holds and does not change.
func (w *write) keep(key etagcache.Key) {
	if !slices.ContainsFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == key }) {
		w.wishes = append(w.wishes, etagcache.Wish{View: etagcache.View{Key: key}, Kept: true})
	}
}

// changesUnderLease reports whether the key is one that the write holds because it changes it. One that was to be kept is from now on, if it
// is touched too.
func (w *write) changesUnderLease(key etagcache.Key) bool {
	i := slices.IndexFunc(w.wishes, func(wish etagcache.Wish) bool { return wish.View.Key == key })
	if i >= 0 {
		w.wishes[i].Kept = false
	}
	return i >= 0
}
