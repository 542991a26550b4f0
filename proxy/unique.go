package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
)

// decideUnique asks whether there is one already.
func (w *write) decideUnique(ctx context.Context, v *value) *objection {
	f, o := w.find(ctx, v)
	switch {
	case o != nil:
		return o
	case f.count == 0 && w.held != nil && w.held.Created(v.key, w.x.route.term.Settle):
		o := w.duplicateOf(v, nil)
		o.detail = "One was created a moment ago."
		return o
	case f.count == 0:
		return nil
	}
	w.forgotten = append(w.forgotten, v.key) // the backend shows it by now
	at := w.locationOf(v, f.said)
	if f.count == 1 && at != nil && w.x.method != http.MethodPost && w.isOwn(at) {
		return nil
	}
	return w.duplicate(ctx, v, at, f.one)
}

// existing is what there is of what must be unique: how many there are, the first of them, and the answer that shows them.
type existing struct {
	said
	one   any
	count int
}

// find asks for the existing one: as the values were sent, and if that is something else, folded, for the backend may look for either.
func (w *write) find(ctx context.Context, v *value) (existing, *objection) {
	spellings := []map[string]string{nil}
	if folded := v.folded(); folded != nil {
		spellings = append(spellings, folded)
	}
	for _, other := range spellings {
		s, o := w.question(ctx, v.rule.ask, &holesOf{other: other})
		if o != nil {
			return existing{}, o
		}
		switch {
		case s.status == http.StatusNotFound, s.status == http.StatusNoContent:
			continue
		case len(s.content) == 0: // so does PHP where it has failed
			return existing{}, unanswerable(errors.New("it is empty"))
		}
		one, count, err := rules.Existing(s.value, v.rule.list)
		if err != nil {
			return existing{}, unanswerable(err)
		}
		if count > 0 {
			return existing{said: s, one: one, count: count}, nil
		}
	}
	return existing{}, nil
}

// unseen are the keys of the values that the write has made exist and that the backend does not show yet. They must be remembered: of those that
// it shows, whoever comes next learns from it, also that they have gone again.
func (w *write) unseen() []etagcache.Key {
	var keys []etagcache.Key
	w.asks.until = w.soon()
	for i := range w.values {
		v := &w.values[i]
		if f, o := w.find(context.WithoutCancel(w.req.Context()), v); o != nil || f.count == 0 {
			o.close()
			keys = append(keys, v.key)
		}
	}
	return keys
}

// folded are the values as they are compared, by pointer; nil: they were sent so.
func (v *value) folded() map[string]string {
	folded, differs := make(map[string]string, len(v.sent)), false
	for i, pointer := range v.rule.fields {
		text := v.rule.fold.Apply(v.sent[i])
		folded[pointer.String()], differs = text, differs || text != v.sent[i]
	}
	if !differs {
		return nil
	}
	return folded
}

// locationOf is where the existing one is, as clients have it; nil: nobody knows.
func (w *write) locationOf(v *value, s said) *url.URL {
	if v.rule.location.IsZero() {
		return nil
	}
	at, o := w.expand(v.rule.location, &holesOf{found: s.value})
	if o != nil {
		return nil // the answer does not say
	}
	return at
}

// isOwn reports whether a location is that of the resource that is written: whether both have one key.
func (w *write) isOwn(at *url.URL) bool {
	there, err := w.routes.locate(w.x.method, w.x.host, at)
	if err != nil {
		return false
	}
	resource, err := there.resource(at.RawQuery)
	return err == nil && there.route.key(resource) == w.x.key
}

// duplicate is the objection to creating what exists. At is where it is, one is what was shown of it.
func (w *write) duplicate(ctx context.Context, v *value, at *url.URL, one any) *objection {
	if v.rule.returns {
		if res := w.answerWith(ctx, at, one); res != nil { //nolint:bodyclose // it is the client's answer
			return &objection{reason: refusal.Duplicate, instead: res, as: Returned}
		}
	} else if w.x.route.rules.asAsker == nil || w.mayRead(ctx, at) {
		return w.duplicateOf(v, at)
	}
	return w.duplicateOf(v, nil)
}

func (w *write) duplicateOf(v *value, at *url.URL) *objection {
	o := &objection{reason: refusal.Duplicate, fields: texts(v.rule.fields)}
	if at != nil && w.x.route.refusals.Disclose {
		o.location = at.RequestURI()
	}
	return o
}

// visit reads what is at a location, as the caller; nil: the caller is not shown it. That the answer begins takes no longer than a question;
// how long the rest takes is up to the client.
func (w *write) visit(ctx context.Context, at *url.URL) *http.Response {
	res, _ := w.seenAt(ctx, w.x.route.outbound(at.EscapedPath(), at.RawQuery))
	return res
}

// seenAt is visit for a URL as the backend has it. It tells, too, whether the backend has answered that there is nothing.
func (w *write) seenAt(ctx context.Context, at *url.URL) (res *http.Response, absent bool) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(time.Until(w.asks.until), cancel)
	res, err := w.send(w.x.route.probeRequest(untraced{ctx}, w.req, at), w.x)
	timer.Stop()
	if err != nil {
		cancel()
		return nil, false
	}
	res.Body = &closer{ReadCloser: res.Body, after: cancel}
	if res.StatusCode != http.StatusOK || aged(res) {
		absent = !aged(res) && (res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone)
		discard(res)
		return nil, absent
	}
	return res, false
}

// mayRead reports whether the caller is shown what is at a location.
func (w *write) mayRead(ctx context.Context, at *url.URL) bool {
	if at == nil {
		return false
	}
	res := w.visit(ctx, at) //nolint:bodyclose // by discard
	if res == nil {
		return false
	}
	discard(res)
	return true
}

// answerWith is the existing one as an answer: what the caller is shown at its location, or where there is none, what was shown of it. Nil: the
// caller may not see it.
func (w *write) answerWith(ctx context.Context, at *url.URL, one any) *http.Response {
	var res *http.Response
	if at != nil {
		if res = w.visit(ctx, at); res == nil {
			return nil
		}
		w.unnoted(res, w.x.route)
		res.Header.Set("Content-Location", at.RequestURI())
	} else if res = w.shownAs(one); res == nil {
		return nil
	}
	res.Header.Set("Proxy-Status", `proxy409; details="duplicate"`)
	return res
}

// shownAs is an answer with what the backend showed to the caller, who asked.
func (w *write) shownAs(one any) *http.Response {
	content, err := json.Marshal(one)
	if err != nil || w.x.route.rules.asAsker != nil {
		return nil
	}
	res := answerOf(w.req, http.StatusOK, content)
	res.Header["Content-Type"], res.Header["Cache-Control"] = []string{"application/json"}, []string{"no-store"}
	return res
}
