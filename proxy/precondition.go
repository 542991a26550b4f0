package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// identify names the keys that the write concerns: its resource's, and for MOVE and COPY their destination's.
func (w *write) identify(context.Context) *objection {
	o := w.about()
	w.wishes = []etagcache.Wish{{View: etagcache.View{Key: w.x.key}}} // also where that could not be told: a route that only watches goes on
	if o != nil {
		return o
	}
	if w.x.objection != nil {
		return w.x.objection
	}
	if w.x.method != "MOVE" && w.x.method != "COPY" {
		return nil
	}
	keys, err := w.destinations()
	switch {
	case errors.Is(err, errClosedThere):
		return &objection{reason: refusal.Closed, final: true}
	case err != nil:
		return &objection{reason: refusal.Malformed, detail: "The Destination cannot be guarded: " + err.Error() + "."}
	}
	for _, key := range keys {
		if !slices.ContainsFunc(w.wishes, func(o etagcache.Wish) bool { return o.View.Key == key }) {
			w.wishes = append(w.wishes, etagcache.Wish{View: etagcache.View{Key: key}})
		}
	}
	return nil
}

var errClosedThere = errors.New("it is closed")

// destinations are the keys of what Destination names (RFC 4918 section 10.3), by the routes that its paths have here.
func (w *write) destinations() ([]etagcache.Key, error) {
	lines := w.req.Header["Destination"]
	if len(lines) != 1 {
		return nil, fmt.Errorf("%s needs one Destination, not %d", w.x.method, len(lines))
	}
	readings, err := w.x.route.readDestination(lines[0])
	if err != nil {
		return nil, err
	}
	var keys []etagcache.Key
	for _, u := range readings {
		there, err := w.routes.locate(w.x.method, w.x.host, u)
		switch {
		case there.route.Mode == Closed:
			return nil, errClosedThere
		case err != nil:
			return nil, err
		}
		resource, err := there.resource(u.RawQuery)
		if err != nil {
			return nil, err
		}
		keys = append(keys, there.route.key(resource))
	}
	return keys, nil
}

// readDestination is what a Destination may name: it goes to the backend as it came, for which it is a path of its own, and clients
// may have it from the backend or make it from the path by which they came.
func (p *route) readDestination(line string) ([]*url.URL, error) {
	u, err := parseDestination(line)
	if err != nil {
		return nil, err
	}
	readings := []*url.URL{u}
	path, err := target.Canonical(u.EscapedPath())
	if err != nil && p.base.String() != "/" && (len(u.EscapedPath()) > longestOdd || slices.ContainsFunc(target.Lenient(u.EscapedPath()), p.leadsBelow)) {
		return nil, err
	}
	if err != nil {
		return readings, nil // which is refused where it is located
	}
	if below, ok := path.Below(p.base); ok && below != path {
		inside := below.URL()
		inside.RawQuery = u.RawQuery
		readings = append(readings, inside)
	}
	return readings, nil
}

// parseDestination reads a Destination. What is neither an absolute path nor a URL with a host, has a fragment, or an authority that
// some take to end elsewhere, is read in many ways.
func parseDestination(line string) (*url.URL, error) {
	u, err := url.Parse(line)
	switch {
	case err != nil:
		return nil, errors.New("it is not a URL")
	case (u.Scheme == "") != (u.Host == "") || strings.Contains(line, "#") || !strings.HasPrefix(u.EscapedPath(), "/"):
		return nil, errors.New("it names no path")
	case u.User != nil || strings.ContainsAny(u.Host, `\%`):
		return nil, errors.New("its host is not plain")
	}
	return u, nil
}

// leadsBelow reports whether a path is below the upstream's.
func (p *route) leadsBelow(path target.Path) bool {
	_, below := path.FoldCase().Below(p.base.FoldCase())
	return below
}

// destinationRoute is the guarded route that the Destination of a request leads to, for which this route was found; nil if none. The error is what is wrong with a
// Destination of a request that may be a MOVE or COPY.
func (rs *routes) destinationRoute(r *http.Request, found *route) (*route, error) {
	if !rs.guarding {
		return nil, nil
	}
	seen := 0
	for name, lines := range r.Header {
		if !target.NamesDestination(name) || !target.MayMove(r) {
			continue
		}
		if seen += len(lines); seen > 1 {
			return nil, errors.New("there is more than one")
		}
		for _, line := range lines {
			readings, err := found.readDestination(line)
			if err != nil {
				return nil, err
			}
			for _, u := range readings {
				at, err := rs.locate(r.Method, r.Host, u)
				switch {
				case at.route.guarded():
					return at.route, nil
				case hopeless(err):
					return nil, err
				}
			}
		}
	}
	return nil, nil
}

// precondition reads If-Match and If-None-Match.
func (w *write) precondition(context.Context) *objection {
	if o := w.readKey(); o != nil {
		return o
	}
	if w.req.ContentLength < 0 {
		_ = w.head() // before the body says a length of itself
	}
	h := w.req.Header
	match, err := etagcache.ParseTagList(h["If-Match"], w.x.route.limits.Tags)
	if err != nil {
		return &objection{reason: refusal.Malformed, detail: "If-Match: " + err.Error() + ".", logged: "If-Match is malformed."}
	}
	none, err := etagcache.ParseTagList(h["If-None-Match"], w.x.route.limits.Tags)
	if err != nil {
		return &objection{reason: refusal.Malformed, detail: "If-None-Match: " + err.Error() + ".", logged: "If-None-Match is malformed."}
	}
	switch {
	case none.Field && !none.Any:
		return &objection{
			reason: refusal.Malformed,
			detail: "If-None-Match on a write takes only *, for a write that creates; to say which version you edited, send If-Match.",
		}
	case none.Any && match.Field:
		return &objection{
			reason: refusal.Malformed,
			detail: "If-Match and If-None-Match: * contradict each other: one needs the resource to exist, the other needs it not to.",
		}
	case none.Any:
		w.cond.Absent, w.judged = true, true
	case match.Field && !match.Any:
		w.judge(match)
	case !w.x.route.rules.expects:
		return &objection{reason: refusal.Missing}
	}
	w.wishes[0].Condition = w.cond
	if !w.cond.Absent {
		return w.expectHere()
	}
	return nil
}

// refuseEarly refuses what the store already knows to be refused before the body is read, also when the client waits for
// 100 Continue. A local copy is good enough to go on with, but refuses nothing.
func (w *write) refuseEarly(ctx context.Context) *objection {
	if !w.judged || w.named != "" { // what came before under its name is looked for first
		return nil
	}
	primary := &w.wishes[0]
	view, err := w.cache.Look(ctx, primary.View.Key)
	if err != nil {
		return storeObjection(err)
	}
	if view.Local && w.cache.Judge(view, w.cond, primary.Evidence) != etagcache.Admit {
		if view, err = w.cache.Fetch(ctx, primary.View.Key); err != nil {
			return storeObjection(err)
		}
	}
	primary.View = view
	for {
		if w.mayRepeat(primary.View) {
			return nil // its body will tell
		}
		verdict := w.cache.Judge(primary.View, w.cond, primary.Evidence)
		if verdict == etagcache.Busy {
			if o := w.admitted(ctx, primary); o != nil {
				return o
			}
			primary.View = etagcache.View{Key: primary.View.Key} // it may be over when the body has come
			return nil
		}
		if verdict == etagcache.Admit {
			return nil
		}
		if verdict == etagcache.Stale && w.x.route.History.Keep > 0 && w.x.route.refusals.Disclose {
			return w.admitted(ctx, primary) // what is said of a stale write takes its body
		}
		if o := w.answerTo(ctx, verdict, primary); o != nil {
			return o
		}
	}
}

// buffer reads the body.
func (w *write) buffer(context.Context) *objection {
	_, o := w.wholeBody()
	return o
}
