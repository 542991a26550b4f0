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
	for {
		sent := x.route.forBackend(req, view, trusted)
		res, err := g.begin(sent, x)
		if err != nil {
			return g.unanswered(req, x, err)
		}
		n := g.note(sent, res, x, view, trusted)
		returns := x.route.Version.Qualify == etagcache.QualifyReturned
		if view.Local && repeatable(req) && (n.late || n.noted && returns && justModified(res)) {
			fresh, err := g.cache.Fetch(req.Context(), x.key)
			if err == nil && (n.late || fresh.Version() != view.Version()) {
				// The copy that this read was begun under was old. Reads may be repeated.
				discard(res)
				view = fresh
				continue
			}
			n.noted = n.noted && err == nil
		}
		tag := g.dress(res, x, n)
		if n.noted {
			g.keepVersion(sent, res, x, tag)
		}
		if x.route.maker.Made() {
			answerMade(req, res, tag, n.tagged)
		}
		return res, nil
	}
}

// justModified reports whether the answer's representation was modified so shortly before it was made that a local copy of
// the record may be older. Backends that send Last-Modified are those that make entity tags from it, which come back: the
// tag alone does not tell whether it is still the copy's version that it names.
func justModified(res *http.Response) bool {
	modified, err := http.ParseTime(res.Header.Get("Last-Modified"))
	if err != nil {
		return false
	}
	made, err := http.ParseTime(res.Header.Get("Date"))
	const copyAndRounding = 2 * time.Second // both fields are in whole seconds, and a copy lives for one
	return err != nil || made.Sub(modified) <= copyAndRounding
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

// noting is what became of the version that an answer showed.
type noting struct {
	tag    etagcache.Tag  // the answer's
	tagged bool           // it has one
	view   etagcache.View // the newest view of the record
	noted  bool           // the record has the answer's tag
	late   bool           // the answer taught nothing, because what it was begun under is over
	// lagging: it taught nothing, because it may be older than the last write
	lagging bool
	// crowded: the record has no room for the tag, which names its version only together with that
	crowded bool
}

// note records what the answer to a read showed.
func (g *guard) note(
	req *http.Request, res *http.Response, x *exchange, view etagcache.View, trusted bool,
) noting {
	s := g.version(req, res, x)
	n := noting{tag: s.tag, tagged: s.ok, view: view}
	status := res.StatusCode
	switch {
	case !trusted:
		return n
	case status == http.StatusNotFound || status == http.StatusGone:
		after, _, err := g.cache.Gone(req.Context(), view, view.Begin(x.route.Version.Lag))
		g.overran(x, err == nil && after.Overran)
		n.view = after
		return n
	case !s.ok:
		return n
	case status != http.StatusOK && status != http.StatusNotModified || aged(res) || x.route.Private && len(res.Header["Set-Cookie"]) > 0:
		n.noted, _ = view.Describe(x.route.unsuffixed(s.tag), x.route.Version.Qualify)
		return n
	}
	begun := view.Begin(x.route.Version.Lag)
	begun.Aside = x.route.aside(req, x)
	after, verdict, err := g.cache.Learn(req.Context(), view, begun, s.noted)
	if err != nil {
		return n
	}
	g.overran(x, after.Overran)
	g.drift(x, verdict == etagcache.Drift)
	n.view, n.late, n.lagging = after, verdict == etagcache.Late, verdict == etagcache.Lagging
	n.noted, n.crowded = !n.late && !n.lagging, verdict == etagcache.Crowded
	return n
}

// dress puts the tag on the answer that the client may send back, and returns it.
func (g *guard) dress(res *http.Response, x *exchange, n noting) etagcache.Tag {
	switch res.StatusCode {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusPartialContent, http.StatusNotModified:
	default:
		n.noted, n.lagging = false, false
	}
	if !n.tagged {
		return etagcache.Tag{}
	}
	tag := g.handOut(n.tag, x.route, n.view, n.noted)
	if n.crowded && n.noted {
		tag = n.tag.Qualify(n.view.Version()) // whoever sends it has the backend asked
	}
	if n.lagging {
		if _, returned := n.view.Describe(x.route.unsuffixed(n.tag), x.route.Version.Qualify); !returned {
			tag = n.tag.Qualify(n.view.Version()) // good if the backend still shows it when the lag is over
		}
	}
	if tag != n.tag || x.route.maker.Made() {
		res.Header["Etag"] = []string{tag.String()}
	}
	return tag
}

// aside reports whether a read asks for another representation than the writers' probes do, as a list with another query.
func (p *route) aside(req *http.Request, x *exchange) bool {
	if p.readAt == nil && len(p.inQuery) == 0 {
		return req.URL.RawQuery != ""
	}
	at := p.askAt(req, x)
	return at.RawQuery != req.URL.RawQuery || at.EscapedPath() != req.URL.EscapedPath()
}

// forBackend is a read as the backend understands it.
func (p *route) forBackend(req *http.Request, view etagcache.View, trusted bool) *http.Request {
	if p.maker.Made() {
		return p.forMaking(req)
	}
	return bareRead(req, p, view, trusted)
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
