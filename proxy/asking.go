package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"proxy409/proxy/expression"
	"proxy409/proxy/rules"
	"proxy409/proxy/validator"
)

// said is what the backend said to a question of a rule.
type said struct {
	status  int
	header  http.Header
	content []byte
	value   any            // the content, as JSON; nil: there is none
	denied  *http.Response // the answer itself, of 401 and 403; it must be closed
}

// asks bounds all the questions of a write.
type asks struct {
	until   time.Time           // when the last must have been answered
	current *expression.Current // the present state, when it has been asked for
}

// mayAsk says by when the backend must have answered: there must be time left to send the write in.
func (w *write) mayAsk() {
	w.asks.until = w.until
	if w.held != nil {
		w.asks.until = w.held.Deadline.Add(-w.x.route.term.Work / 2)
	}
}

// inquire asks the backend what a rule wants to know, as the caller or as the configuration says. What shows neither that the thing is there
// nor that it is not, or cannot be read, is no answer.
func (w *write) inquire(ctx context.Context, at *url.URL) (said, *objection) {
	ctx, cancel := context.WithDeadline(ctx, w.asks.until)
	res, err := w.send(w.questionRequest(ctx, at), w.x)
	if err != nil {
		cancel()
		return said{}, unanswerable(fmt.Errorf("it gave none: %w", err))
	}
	s := said{status: res.StatusCode, header: res.Header}
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		res.Body = &closer{ReadCloser: res.Body, after: cancel}
		s.denied = res
		return s, nil
	}
	defer cancel()
	defer discard(res)
	switch {
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		return s, nil
	case !success(res.StatusCode):
		return s, unanswerable(fmt.Errorf("its status is %d", res.StatusCode))
	case aged(res):
		return s, unanswerable(errAged)
	}
	room := w.x.holds()
	defer room.release()
	switch s.content, err = hold(res, w.x.route.limits.Representation, room); {
	case errors.Is(err, validator.TooLarge):
		return s, unanswerable(errors.New("it is over limits.representation"))
	case errors.Is(err, validator.NoRoom):
		return s, unanswerable(errNoRoom)
	case err != nil:
		return s, unanswerable(errors.New("it is a stream, or broke off"))
	}
	if s.value, err = rules.ReadAnswer(res.Header, s.content); err != nil {
		return s, unanswerable(err)
	}
	return s, nil
}

// unanswerable is the objection when a rule cannot be decided.
func unanswerable(cause error) *objection {
	o := unverifiable(fmt.Errorf("the backend's answer to the question of a rule: %w", cause))
	o.detail = "The backend was asked what a rule for this request needs to know, and its answer does not tell. The request was not forwarded. " +
		"Send it again after the time in Retry-After."
	return o
}

// question is one whose answer is for the rules alone. Who may not have it gets no verdict.
func (w *write) question(ctx context.Context, t rules.Template, h *holesOf) (said, *objection) {
	u, o := w.expand(t, h)
	if o != nil {
		return said{}, o
	}
	s, o := w.inquire(ctx, w.x.route.outbound(u.EscapedPath(), u.RawQuery))
	switch {
	case o != nil:
		return s, o
	case s.denied != nil:
		discard(s.denied)
		return s, unanswerable(fmt.Errorf("its status is %d; if callers may not ask this, ask_headers can say who asks", s.status))
	case s.status == http.StatusGone:
		return s, unanswerable(errors.New("its status is 410"))
	}
	return s, nil
}

// present is the present state of what the write is about. It is asked for once.
func (w *write) present(ctx context.Context) (*expression.Current, *objection) {
	if w.asks.current != nil {
		return w.asks.current, nil
	}
	s, o := w.inquire(ctx, w.x.route.askAt(w.req, w.x))
	switch {
	case o != nil:
		return nil, o
	case s.denied != nil && w.x.route.rules.asAsker == nil:
		w.unnoted(s.denied, w.x.route)
		return nil, &objection{instead: s.denied}
	case s.denied != nil:
		discard(s.denied)
		return nil, unanswerable(fmt.Errorf("its status is %d, for what ask_headers says", s.status))
	}
	c := &expression.Current{Status: s.status, Headers: plainHeader(s.header), Body: s.value, Exists: success(s.status)}
	if c.Exists {
		if made, err := w.x.route.maker.Make(s.header, s.content); err == nil {
			c.ETag = made.Tag.String()
		}
	}
	w.asks.current = c
	return c, nil
}

// questionRequest is a GET as the caller would send it to get JSON, or with what the configuration sets in the place of the caller's
// credentials.
func (w *write) questionRequest(ctx context.Context, at *url.URL) *http.Request {
	q := askingRequest(untraced{ctx}, w.req, at)
	q.Header["Accept"] = []string{"application/json"}
	q.Header["Accept-Encoding"] = []string{"identity"}
	asker := w.x.route.rules.asAsker
	if asker == nil {
		return q
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		delete(q.Header, name)
	}
	for name, values := range asker {
		q.Header[name] = values
	}
	return q
}

// plainHeader is a header as expressions have it: names in lower case, several lines as one list.
func plainHeader(h http.Header) map[string]string {
	plain := make(map[string]string, len(h))
	for name, lines := range h {
		plain[strings.ToLower(name)] = strings.Join(lines, ", ")
	}
	return plain
}
