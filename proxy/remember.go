package proxy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/merge"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
)

// remembered is what is known of a request that may come again.
type remembered struct {
	print     etagcache.Print // zero: it is not to be known again
	headPrint etagcache.Digest
	named     string        // its Idempotency-Key; "": it has none
	name      etagcache.Key // of what is remembered under it
}

// readKey reads Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a string as structured fields have it, or, as most clients send it,
// without the quotes.
func (w *write) readKey() *objection {
	rule := w.x.route.Idempotency
	if rule.TTL == 0 {
		return nil
	}
	lines := w.req.Header["Idempotency-Key"]
	if len(lines) == 0 && rule.Required {
		w.observer.Idempotency(w.x.route.Name, IdempotencyMissing)
		return malformed("The request needs an Idempotency-Key: a string that is new for each request and the same when it is sent again, such as a UUID.")
	}
	if len(lines) == 0 {
		return nil
	}
	key := strings.TrimSpace(lines[0])
	if unquoted, ok := strings.CutPrefix(key, `"`); ok && strings.HasSuffix(unquoted, `"`) {
		key = strings.TrimSuffix(unquoted, `"`)
	}
	if len(lines) > 1 || key == "" || len(key) > longestKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
		return malformed("Idempotency-Key is no string of 1 to 255 visible ASCII characters, or is there more than once.")
	}
	w.named = key
	w.name = rules.UniqueKey("idempotency "+w.x.route.origin+" "+w.x.route.base.String(), nil, []string{key})
	return nil
}

const longestKey = 255

// replays reports whether the write is known again by its words alone.
func (w *write) replays() bool { return w.judged && !w.x.route.NoReplay }

// isKnownAgain reports whether it is known again, by its words or by its name.
func (w *write) isKnownAgain() bool { return w.named != "" || w.replays() }

// mayRepeat reports whether the request may be the resource's latest write over again, as far as can be told before its body has come.
func (w *write) mayRepeat(view etagcache.View) bool {
	last := view.Last()
	return w.replays() && last.Print != (etagcache.Print{}) && last.Print.Head == w.head()
}

// isUnderWay reports whether the write that is under way, or in doubt, may be this one, which its client repeats. What he sees of it is his own doing.
func (w *write) isUnderWay(view etagcache.View) bool {
	lease := view.Record.Lease
	return w.replays() && lease.Print != (etagcache.Print{}) && lease.Print.Head == w.head()
}

// metItself reports whether what the backend has shown against the write may be its own doing, and gives the wish the view that says so. A client that
// was cut off sends its write again at once, on another way, and this one may ask the backend before the other is claimed and be shown what it did.
func (w *write) metItself(ctx context.Context, wish *etagcache.Wish) (bool, error) {
	if wish.Evidence.Kind == etagcache.NotAsked || wish.View.Key != w.x.key || !w.replays() {
		return false, nil
	}
	view, err := w.cache.Fetch(ctx, wish.View.Key)
	if err != nil || view.Version() == wish.View.Version() || !w.mayRepeat(view) && !w.isUnderWay(view) {
		return false, err
	}
	wish.View = view
	return true, nil
}

// remember takes the fingerprint of the request, and finds out whether one of the same name came before.
func (w *write) remember(ctx context.Context) *objection {
	if w.streamed || w.blind || !w.isKnownAgain() {
		return nil
	}
	var o *objection
	if w.print == (etagcache.Print{}) { // else it was brought on top of another version, and is known as it was sent
		if w.print, o = w.fingerprint(); o != nil {
			return o
		}
	}
	for i := range w.wishes {
		if w.wishes[i].View.Key == w.x.key {
			w.wishes[i].Print = w.print // with a name, so that it is known whether others have written since
			if !w.replays() {
				w.wishes[i].Remember = w.x.route.Idempotency.TTL // by its name alone is it one and the same
			}
		}
	}
	if w.named == "" {
		return nil
	}
	w.wishes = append(w.wishes, etagcache.Wish{
		View: etagcache.View{Key: w.name}, Kept: true, Keyed: true, Print: w.print, Remember: w.x.route.Idempotency.TTL,
	})
	return w.recall(ctx)
}

// recall looks for what is remembered under the request's name before anything else is judged: an answer that was lost comes before the
// state that the request has left.
func (w *write) recall(ctx context.Context) *objection {
	wish := w.wishOf(w.name)
	if wish == nil {
		return nil
	}
	view, err := w.cache.Fetch(ctx, w.name)
	if err != nil {
		return storeObjection(err)
	}
	wish.View = view
	return w.known(ctx, w.cache.Known(view, *wish), wish)
}

// known deals with a request that is known by a wish, or of whose name another one is.
func (w *write) known(ctx context.Context, verdict etagcache.Verdict, wish *etagcache.Wish) *objection {
	if verdict == etagcache.Repeated {
		return w.repeated(ctx, wish)
	}
	if verdict == etagcache.Reused {
		w.observer.Idempotency(w.x.route.Name, IdempotencyReused)
		return &objection{reason: refusal.Reused}
	}
	return nil
}

func (w *write) wishOf(key etagcache.Key) *etagcache.Wish {
	for i := range w.wishes {
		if w.wishes[i].View.Key == key {
			return &w.wishes[i]
		}
	}
	return nil
}

// repeated answers a request that came before. Nil: nobody knows what became of it, and it goes on as what the wish says now.
func (w *write) repeated(ctx context.Context, wish *etagcache.Wish) *objection {
	last := wish.View.Last()
	if !last.Doubt {
		if still, o := w.stillThere(ctx, wish); o != nil || !still {
			wish.Print = etagcache.Print{}
			return o
		}
		if res := w.answerAgain(ctx, last.Answer); res != nil { //nolint:bodyclose // it is the client's answer
			return w.again(res, wish)
		}
		return unverifiable(errors.New("the answer that was kept cannot be read"))
	}
	res, asked := w.settled(ctx) //nolint:bodyclose // it is the client's answer
	switch {
	case res != nil:
		return w.again(res, wish)
	case !wish.Keyed, // it is judged by what the backend shows
		asked || len(w.values) > 0: // what must be unique is asked for before it is sent
		wish.Again = wish.View.Record.Version
	default:
		return w.inDoubt()
	}
	return nil
}

func (w *write) inDoubt() *objection {
	w.observer.Idempotency(w.x.route.Name, IdempotencyInDoubt)
	return &objection{reason: refusal.InDoubt}
}

// stillThere reports whether what the write left may be there yet. A lock that is created may have been let go of by the backend itself, and then to
// be told that it was created is to go on without; and a route that has other writers asks before whatever it decides.
func (w *write) stillThere(ctx context.Context, wish *etagcache.Wish) (bool, *objection) {
	if wish.Keyed || w.x.method == http.MethodDelete || !w.cond.Absent && !w.x.route.VerifyAlways {
		return true, nil
	}
	f := w.probe(ctx, w.until, w.req, w.x, wish.View.Begin(w.x.route.Version.Lag))
	switch {
	case f.objection != nil:
		return false, f.objection
	case f.evidence.Kind == etagcache.ShownAbsent:
		return false, nil
	case f.evidence.Kind != etagcache.ShownVersion:
		return true, nil
	}
	view, learned, err := w.cache.Learn(ctx, wish.View, f.evidence.Begun, f.evidence.Shown)
	if err != nil {
		return false, storeObjection(err)
	}
	w.drift(w.x, learned == etagcache.Drift)
	wish.View = view
	return view.Last().Print == wish.Print, nil
}

// again is an answer that was, or would have been, given before.
func (w *write) again(res *http.Response, wish *etagcache.Wish) *objection {
	if wish.Keyed {
		w.observer.Idempotency(w.x.route.Name, IdempotencyReplayed)
	}
	status := []string{toldReplayed}
	if slices.Contains(res.Header["Proxy-Status"], toldMerged) {
		status = []string{toldMerged, toldReplayed}
	}
	res.Header["Proxy-Status"] = status
	return &objection{instead: res, as: Replayed}
}

// settled asks the backend whether a write of which nobody knows what became was applied, and returns the answer that says so. Asked: it was
// not, as far as the backend shows. Where others have written since, or what the backend is asked for is another thing, nobody can tell.
func (w *write) settled(ctx context.Context) (res *http.Response, asked bool) {
	w.mayAsk()
	view, err := w.cache.Fetch(ctx, w.x.key)
	if last := view.Last(); err != nil || !last.Doubt || last.Print != w.print {
		return nil, false
	}
	if w.x.method == http.MethodDelete {
		f := w.probe(ctx, w.asks.until, w.req, w.x, etagcache.Begun{})
		if f.objection != nil {
			f.objection.close()
			return nil, false
		}
		if f.evidence.Kind == etagcache.ShownAbsent {
			return emptyAnswer(w.req, http.StatusNoContent), true
		}
		return nil, true
	}
	kind, ok := merge.KindOf(w.x.method, w.req.Header.Get("Content-Type"))
	if !ok || kind == merge.JSONPatch || w.x.subject != nil || w.x.route.aside(w.req, w.x) {
		return nil, false
	}
	res, absent := w.seenAt(ctx, w.x.route.askAt(w.req, w.x))
	if res == nil {
		return nil, absent && w.x.method == http.MethodPut // which would have made it exist
	}
	same, err := w.shows(res, kind)
	s := w.version(res.Request, res, w.x)
	if err != nil || !same || s.ok && view.Retired(w.x.route.unsuffixed(s.tag)) { // that is what was there before
		discard(res)
		return nil, err == nil
	}
	if s.ok && !w.dressed(ctx, res, view, s) {
		discard(res)
		return nil, false
	}
	return res, true
}

var errNotWhole = errors.New("the content is not there as a whole")

// shows reports whether the content of an answer is what the write asks for.
func (w *write) shows(res *http.Response, kind merge.Kind) (bool, error) {
	content, err := hold(res, w.x.route.limits.Representation, w.x.holds())
	if err != nil {
		return false, errNotWhole
	}
	present, err := merge.Parse(content)
	if err != nil {
		return false, err
	}
	body, o := w.bodyAsSent()
	if o != nil {
		return false, errNotWhole
	}
	if kind == merge.Whole && !w.judged { // of what was there before nothing is known, and it may have been more
		asked, err := merge.Parse(body)
		return err == nil && merge.Equal(asked, present), nil
	}
	return merge.Settled(kind, body, present), nil
}

// dressed gives an answer that shows the resource the tag that its next write can be made with; false: somebody else has written.
func (w *write) dressed(ctx context.Context, res *http.Response, view etagcache.View, s shown) bool {
	view, verdict, err := w.cache.Learn(ctx, view, view.Begin(w.x.route.Version.Lag), s.noted)
	if err == nil && (verdict == etagcache.Late || verdict == etagcache.Drift) {
		return false
	}
	res.Header["Etag"] = []string{w.handOut(s.tag, w.x.route, view, err == nil && verdict == etagcache.Done).String()}
	return true
}

// latest is a view of the resource under which an answer to this write may give a tag out; the zero view, which admits nothing: others have
// written since.
func (w *write) latest(ctx context.Context) etagcache.View {
	view, err := w.cache.Look(ctx, w.x.key)
	if err != nil || view.Last().Print != w.print {
		return etagcache.View{}
	}
	return view
}
