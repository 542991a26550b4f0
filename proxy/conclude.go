package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"proxy409/etagcache"
)

// concludeAnswered records what the answer says, and gives the client the tag that it may use next. Reread, if it is not
// nil, is the request to read the resource again by.
func (w *write) concludeAnswered(res *http.Response, reread *http.Request) {
	outcome := outcomeOf(res.StatusCode)
	c := etagcache.Conclusion{Outcome: outcome, Forgotten: w.forgotten}
	p := w.x.route
	if wentWell(res.StatusCode) {
		c.Created = w.unseen()
	}
	own := w.answerVersion(res)
	next := own.tag
	fruitful := outcome == etagcache.Applied && success(res.StatusCode)
	if fruitful && own.ok && w.x.method != http.MethodDelete {
		own.noted.Rep = etagcache.Digest{} // the answer to a write does not say which representation it speaks of
		c.Shows, c.Shown, c.Confirmed = true, own.noted, p.Version.TrustWrites
	}
	if fruitful && reread != nil {
		if f := w.reread(reread); f.evidence.Kind == etagcache.ShownVersion {
			next, c.Shows, c.Shown, c.Confirmed = f.shown.tag, true, f.evidence.Shown, true
		}
	}
	if w.brought > 0 {
		res.Header.Add("Proxy-Status", toldMerged)
	}
	c.Answers = w.answers(res, outcome, own.tag, next)
	view := w.conclude(c)
	switch {
	case c.Shows && view.Noted(p.unsuffixed(next)):
		res.Header["Etag"] = []string{w.handOut(next, p, view, true).String()}
	case own.ok:
		res.Header["Etag"] = []string{w.handOut(own.tag, p, view, false).String()}
	}
}

// answers are what the client is answered, to be answered again, by the keys with which it is remembered. What the backend has refused is
// remembered only where the client has given it a name: nobody takes that for a conflict with himself.
func (w *write) answers(res *http.Response, outcome etagcache.Outcome, own, next etagcache.Tag) map[etagcache.Key][]byte {
	record := outcome == etagcache.Applied && w.print != (etagcache.Print{}) && w.isKnownAgain() && wentWell(res.StatusCode)
	taken := res.StatusCode == http.StatusAccepted // when it will be applied is in doubt, and what was answered is not
	if outcome != etagcache.Applied && !taken || !record && w.named == "" {
		return nil
	}
	limit := keptWithRecord
	if w.named != "" {
		limit = keptWithKey
	}
	if next == (etagcache.Tag{}) {
		next = own
	}
	content, whole := peek(res, limit, w.held.Deadline)
	answers := make(map[etagcache.Key][]byte, 2)
	if record {
		// With every write by itself, for as long as the record lives: what asks not to be stored is not. Who sends a key asks for it.
		stores := !strings.Contains(strings.ToLower(strings.Join(res.Header["Cache-Control"], ",")), "no-store")
		answers[w.x.key] = kept(res.StatusCode, res.Header, next, content, whole && stores, keptWithRecord)
	}
	if w.named != "" {
		answers[w.name] = kept(res.StatusCode, res.Header, next, content, whole, keptWithKey)
	}
	return answers
}

// answerVersion is the version on the answer to the write. One that would have to be made is made only where it is trusted;
// the content it is made of must have come when the lease ends.
func (w *write) answerVersion(res *http.Response) shown {
	p := w.x.route
	if !p.maker.Made() {
		return w.ownVersion(w.req, res, w.x)
	}
	if !p.Version.TrustWrites {
		delete(res.Header, "Etag")
		return shown{}
	}
	body := res.Body // which is another one when it has been held
	late := time.AfterFunc(time.Until(w.held.Deadline), func() { _ = body.Close() })
	defer late.Stop()
	return w.version(w.req, res, w.x)
}

// snapshot keeps what a re-read needs of the request, before it is sent.
func (w *write) snapshot() *http.Request {
	v := w.x.route.Version
	if !v.Reread && w.brought == 0 || v.Lag > 0 || w.x.method == http.MethodDelete {
		return nil
	}
	return w.req.Clone(context.WithoutCancel(w.req.Context()))
}

// reread reads the resource under the write's own lease. Nobody else can have written it meanwhile.
func (w *write) reread(req *http.Request) finding {
	f := w.ask(context.Background(), w.held.Deadline, req, w.x, etagcache.Begun{}, w.x.route.askAt(req, w.x))
	if f.objection != nil {
		f.objection.close()
	}
	return f
}

// conclude ends the lease and wakes who waits for it.
func (w *write) conclude(c etagcache.Conclusion) etagcache.View {
	c.Primary = w.x.key
	held := w.held
	w.held = nil
	view, verdict, err := held.Conclude(context.Background(), c, w.unwritten)
	for _, wish := range w.wishes {
		w.queue.wake(wish.View.Key)
	}
	w.observer.WriteEnded(w.x.route.Name, c.Outcome.String())
	w.writes.Done()
	if err != nil {
		w.warn(context.Background(), w.x, "the outcome of a write is not recorded yet", slog.String("cause", err.Error()))
	}
	if err != nil || verdict != etagcache.Done {
		return etagcache.View{}
	}
	return view
}

// unwritten tells that what became of the write is not on record, and will not be.
func (w *write) unwritten(err error) {
	w.observer.RecordUnwritten(w.x.route.Name)
	w.warn(context.Background(), w.x, "the outcome of a write could not be recorded; the resource stays closed until its lease has run out",
		slog.String("cause", err.Error()))
}
