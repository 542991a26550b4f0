package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"

	"proxy409/etagcache"
)

// read forwards a GET or HEAD and notes the version that its answer shows, before the answer's headers leave. Reads go on
// without the store: they teach nothing then, and their tags admit nothing.
func (g *guard) read(req *http.Request, x *exchange) (*http.Response, error) {
	view, trusted := g.ground(req, x)
	for first := true; ; first = false {
		sent := bareRead(req, view, trusted)
		res, err := g.send(sent, x)
		if err != nil {
			return g.unanswered(req, x, err)
		}
		after, noted, again := g.note(sent, res, x, view, trusted)
		if again && first && repeatable(req) {
			// The copy that this read was begun under was old. Reads may be repeated.
			if fresh, err := g.cache.Fetch(req.Context(), x.key); err == nil {
				discard(res)
				view = fresh
				continue
			}
		}
		g.dress(res, after, noted)
		return res, nil
	}
}

// blindFor is how long reads leave a store alone that did not answer, so that each of them does not wait for it anew.
const blindFor = time.Second

// ground is the view that a read begins under. trusted is false when there is none.
func (g *guard) ground(req *http.Request, x *exchange) (view etagcache.View, trusted bool) {
	if x.untaught || int64(time.Since(g.began)) < g.blindUntil.Load() {
		return etagcache.View{}, false
	}
	view, err := g.cache.Look(req.Context(), x.key)
	if err != nil {
		if req.Context().Err() == nil && !errors.Is(err, etagcache.ErrUnreadable) {
			g.blindUntil.Store(int64(time.Since(g.began) + blindFor))
		}
		return etagcache.View{}, false
	}
	return view, true
}

// note records what the answer to a read showed. noted tells that the record, of which after is the newest view, has the
// answer's tag; again, that the answer came too late for the local copy it was begun under.
func (g *guard) note(
	req *http.Request, res *http.Response, x *exchange, view etagcache.View, trusted bool,
) (after etagcache.View, noted, again bool) {
	tag, shown, ok, malformed := validatorOf(req, res)
	if malformed {
		g.observer.MalformedETag(x.route.Name)
	}
	if !trusted {
		return view, false, false
	}
	switch status := res.StatusCode; {
	case status == http.StatusNotFound || status == http.StatusGone:
		after, _, _ = g.cache.Gone(req.Context(), view, view.Begin()) // it only takes the record's word
		return after, false, false
	case !ok:
		return view, false, false
	case status != http.StatusOK && status != http.StatusNotModified || aged(res):
		known, _ := view.Describe(tag)
		return view, known, false
	}
	if known, _ := view.Describe(tag); known && !view.Begin().Closed && res.StatusCode == http.StatusNotModified {
		return view, true, false
	}
	after, verdict, err := g.cache.Learn(req.Context(), view, view.Begin(), shown)
	g.overran(x, after.Overran)
	g.drift(x, err == nil && verdict == etagcache.Drift)
	switch {
	case err != nil:
		return view, false, false
	case verdict == etagcache.Late:
		return view, false, view.Local
	}
	return after, true, false
}

// dress puts the tag on the answer that the client may send back.
func (g *guard) dress(res *http.Response, view etagcache.View, noted bool) {
	switch res.StatusCode {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusPartialContent, http.StatusNotModified:
	default:
		noted = false
	}
	tag, ok, err := etagcache.ParseETag(res.Header["Etag"])
	if err == nil && ok {
		setETag(res, tag, g.handOut(tag, view, noted))
	}
}

// repeatable reports whether the request can be sent again.
func repeatable(req *http.Request) bool { return req.Body == nil || req.Body == http.NoBody }

// discard ends an answer that nobody wants. Its connection is kept if little is left of it to read; a body of unknown
// length may never end.
func discard(res *http.Response) {
	if few := int64(64 << 10); res.ContentLength >= 0 && res.ContentLength <= few {
		_, _ = io.CopyN(io.Discard, res.Body, few)
	}
	_ = res.Body.Close()
}
