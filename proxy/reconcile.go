package proxy

import (
	"context"
	"encoding/json"
	"slices"

	"proxy409/etagcache"
	"proxy409/proxy/merge"
	"proxy409/proxy/refusal"
)

// merged is what becomes of a write that is applied on top of what others have written.
type merged struct {
	brought int           // how often it was brought on top of the version that there was then
	outrun  int           // how often that version was another one before it could be
	sent    []byte        // the body that the client sent, when it was brought
	onTop   etagcache.Tag // the backend's tag of the version that it is on top of
}

// mostMerges is how often a write is brought on top of another version. Who is overtaken that often may try again himself.
const mostMerges = 3

// mayMerge reports whether the write may be brought on top of what others have written, as far as can be told without looking at that.
func (w *write) mayMerge() bool {
	p := w.x.route
	_, readable := merge.KindOf(w.x.method, w.req.Header.Get("Content-Type"))
	return p.Merge && p.Mode != Observe && p.refusals.Disclose && w.judged && w.x.subject == nil && readable && w.brought < mostMerges && w.outrun < mostMerges
}

// mergesLater reports whether the write is from an earlier version than the present one, and what it can be brought on top of is being
// written.
func (w *write) mergesLater(verdict etagcache.Verdict, view etagcache.View) bool {
	left, inDoubt := view.BusyFor()
	return verdict == etagcache.Stale && view.Key == w.x.key && left > 0 && !inDoubt && w.mayMerge()
}

// bodyAsSent is the body that the client has sent, whatever it has become since.
func (w *write) bodyAsSent() ([]byte, *objection) {
	if w.brought > 0 {
		return w.sent, nil
	}
	return w.wholeBody()
}

// sides are the three versions of a resource that a stale write is about.
type sides struct {
	merge.Comparison
	kind   merge.Kind
	theirs merge.Document
	judges bool // what the caller changes is known
}

// compare holds what the caller changes against what others have changed since the version that the caller edited. It is not ok where somebody
// knows too little for that, or what is written to is not what the backend is asked for: another language of it, or a part.
func (w *write) compare(ctx context.Context) (sides, bool) {
	p := w.x.route
	if p.History.Keep == 0 || p.aside(w.req, w.x) || w.shown.content == nil || p.Mode == Observe {
		return sides{}, false
	}
	theirs, err := merge.Parse(w.shown.content)
	if err != nil {
		return sides{}, false
	}
	content := w.recallVersion(ctx)
	if content == nil {
		return sides{}, false
	}
	base, err := merge.Parse(content)
	if err != nil {
		return sides{}, false
	}
	s := sides{theirs: theirs}
	yours := base
	if kind, ok := merge.KindOf(w.x.method, w.req.Header.Get("Content-Type")); ok && len(w.req.Header["Content-Encoding"]) == 0 && w.x.subject == nil {
		body, o := w.bodyAsSent()
		if o != nil {
			return sides{}, false
		}
		if wanted, err := merge.Apply(kind, base, body); err == nil {
			yours, s.kind, s.judges = wanted, kind, true
		}
	}
	s.Comparison = merge.Compare(base, yours, theirs, p.sets)
	return s, true
}

// explainStale adds to an objection what has changed since the caller read the resource, or, if the route merges and nobody else has changed what
// the caller changes, brings the write on top of that: then there is no objection.
func (w *write) explainStale(ctx context.Context, o *objection, view etagcache.View, current bool) *objection {
	if o.reason != refusal.Stale {
		return o
	}
	s, ok := w.compare(ctx)
	if !ok {
		return o
	}
	if current && s.judges && !s.Overlaps() && w.mayMerge() {
		if body, ok := w.together(s); ok {
			return w.bringOnTop(ctx, view, body)
		}
	}
	o.changes, _ = json.Marshal(s.Changes) // a list of texts and of JSON
	return o
}

// tellsOfBody are the request fields that would not hold of another body.
var tellsOfBody = []string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Signature", "X-Amz-Content-Sha256"}

// together is the body that makes of the present version what both sides want. It is not ok where the caller's patch would make something else
// of it.
func (w *write) together(s sides) ([]byte, bool) {
	both, ok := s.Merged()
	if !ok {
		return nil, false
	}
	if s.kind == merge.Whole {
		fits := int64(len(both.Bytes())) <= w.x.route.limits.Body
		return both.Bytes(), fits && !slices.ContainsFunc(tellsOfBody, func(name string) bool { return len(w.req.Header[name]) > 0 })
	}
	body, o := w.bodyAsSent()
	if o != nil {
		return nil, false
	}
	patched, err := merge.Apply(s.kind, s.theirs, body)
	if err != nil {
		return nil, false
	}
	return body, len(merge.Compare(both, patched, both, nil).Changes) == 0
}

// bringOnTop makes the write one from the present version. It is planned anew, for it may be about other things now.
func (w *write) bringOnTop(ctx context.Context, view etagcache.View, body []byte) *objection {
	sent, o := w.bodyAsSent()
	if o != nil {
		return o
	}
	w.brought++
	w.sent, w.onTop = sent, w.shown.tag
	w.x.upload().replace(w.req, body)
	tag := w.handOut(w.shown.tag, w.x.route, view, true)
	evidence := w.wishOf(w.x.key).Evidence
	w.judge(etagcache.TagList{Field: true, Tags: []etagcache.Tag{tag}})
	w.ruled = ruled{own: w.own, expected: w.expected}
	w.wishes = []etagcache.Wish{{View: view, Condition: w.cond, Evidence: evidence}}
	if o := w.plan(ctx); o != nil {
		return o
	}
	if o := w.remember(ctx); o != nil {
		return o
	}
	if err := w.look(ctx); err != nil {
		return storeObjection(err)
	}
	return nil
}
