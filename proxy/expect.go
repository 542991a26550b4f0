package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/refusal"
	"proxy409/proxy/rules"
	"proxy409/proxy/target"
)

// expectation is a place beside If-Match where a request may say which version it was made from.
type expectation struct {
	name    string                                                  // as it is configured
	place   string                                                  // as clients are told of it
	pointer rules.Pointer                                           // into the body, where inBody is set
	inBody  bool                                                    // it can be told only when the body has come
	ofForm  bool                                                    // and only from a form
	read    func(*http.Request) (text string, said bool, err error) // where inBody is not
}

// prepareExpect parses the places. If-Match is always one of them.
func (p *route) prepareExpect(r Rules, path string, s *ruleset) error {
	for i, text := range r.Expect {
		at := fmt.Sprintf("%s.expect[%d]", path, i)
		e := expectation{name: text}
		kind, name, _ := strings.Cut(text, ":")
		switch {
		case text == "if-match":
			s.expects = true
			continue
		case text == "if-unmodified-since":
			e.place, e.read = "If-Unmodified-Since", fieldOf("If-Unmodified-Since")
		case kind == "header" && name != "":
			e.place, e.read = name, fieldOf(name)
		case kind == "query" && name != "":
			e.place, e.read = "the parameter "+name+" of the query", parameterOf(name)
		case kind == "json":
			pointer, err := rules.ParsePointer(name)
			if err != nil {
				return Problem{Path: at, Message: err.Error()}
			}
			e.place, e.pointer, e.inBody = name+" of the JSON body", pointer, true
		case kind == "form" && name != "":
			pointer, err := rules.ParsePointer("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
			if err != nil {
				return Problem{Path: at, Message: err.Error()}
			}
			e.place, e.pointer, e.inBody, e.ofForm = "the field "+name+" of a form", pointer, true, true
		default:
			return Problem{Path: at, Message: "is none of if-match, json:/pointer, form:NAME, header:NAME, query:NAME, if-unmodified-since"}
		}
		s.expects = true
		s.expect = append(s.expect, e)
	}
	return nil
}

// untold is the answer where something stands in the place that names no version.
func (e expectation) untold(why string) *objection {
	return malformed(fmt.Sprintf("Which version you edited cannot be told from %s: %s.", e.name, why))
}

var errSeveral = errors.New("it is there more than once")

func fieldOf(name string) func(*http.Request) (string, bool, error) {
	name = http.CanonicalHeaderKey(name)
	return func(r *http.Request) (string, bool, error) {
		lines := r.Header[name]
		if len(lines) > 1 {
			return "", false, errSeveral
		}
		return strings.TrimSpace(strings.Join(lines, "")), len(lines) > 0, nil
	}
}

func parameterOf(name string) func(*http.Request) (string, bool, error) {
	return func(r *http.Request) (string, bool, error) {
		values, plain := target.QueryValues(r.URL.RawQuery, name)
		switch {
		case len(values) > 1:
			return "", false, errSeveral
		case !plain:
			return "", false, errors.New("not everybody reads its spelling alike")
		}
		return strings.Join(values, ""), len(values) > 0, nil
	}
}

// expectHere reads those places that need no body.
func (w *write) expectHere() *objection {
	for _, e := range w.x.route.rules.expect {
		if e.inBody {
			continue
		}
		text, said, err := e.read(w.req)
		if err != nil {
			return e.untold(err.Error())
		}
		if said && text != "" {
			w.expect(text, nil)
		}
	}
	return nil
}

// expectInBody reads the others. With it all places have been looked at.
func (w *write) expectInBody(context.Context) *objection {
	if w.pardoned {
		return nil // nobody judges it any more
	}
	for _, e := range w.x.route.rules.expect {
		if !e.inBody || w.cond.Absent {
			continue
		}
		doc, o := w.document()
		switch {
		case o != nil && o.reason == refusal.Unsupported && w.judged:
			continue // it says nothing, as far as anybody can read it, and something else does
		case o != nil:
			return o
		case doc.IsForm() != e.ofForm:
			continue
		}
		field, err := doc.Field(e.pointer)
		switch {
		case err != nil:
			return e.untold(err.Error())
		case !field.Present, field.Null, field.Scalar && field.Text == "":
			continue
		case !field.Scalar:
			return e.untold("it is no single value")
		}
		text := field.Text
		if field.Raw[0] != '"' {
			text = string(field.Raw) // as the backend writes it
		}
		w.expect(text, field.Raw)
	}
	if !w.judged && w.x.route.rules.expects {
		return &objection{reason: refusal.Missing, detail: w.x.route.rules.saysNothing()}
	}
	return nil
}

// saysNothing tells a client that names no version where it can.
func (s *ruleset) saysNothing() string {
	places := []string{"If-Match"}
	for _, e := range s.expect {
		places = append(places, e.place)
	}
	return "Read the resource, apply your change, and send it with the version that you read, in " + strings.Join(places, " or ") +
		". To create a resource, send If-None-Match: *."
}

// noVersion is a tag that no resource has: what stands in an entity tag is never a space.
var noVersion = etagcache.Tag{Opaque: " "}

// expect adds a version that must be current, with all that have been named before. Of one version, what names it is the same in all
// places, so that what two of them name must be one tag.
func (w *write) expect(text string, raw json.RawMessage) {
	if raw == nil {
		raw, _ = json.Marshal(text) // a string always can
	}
	if w.expected == nil {
		w.expected = raw
	}
	p := w.x.route
	named, ok := p.maker.Named(text)
	if !ok {
		named = noVersion
	}
	var tags []etagcache.Tag
	switch {
	case !w.judged:
		tags = []etagcache.Tag{named}
	default:
		for _, tag := range w.cond.Match.Tags {
			if bare, _, _ := p.bare(tag); bare.Opaque == p.unsuffixed(named).Opaque {
				tags = append(tags, tag)
			}
		}
	}
	if len(tags) == 0 {
		tags = []etagcache.Tag{noVersion}
	}
	w.judge(etagcache.TagList{Field: true, Tags: tags})
}

// judge has the write judged by entity tags.
func (w *write) judge(match etagcache.TagList) {
	p := w.x.route
	w.cond = etagcache.Condition{Match: p.unsuffixedList(match), Strong: p.Version.Strong, Qualify: p.Version.Qualify}
	w.judged = true
	w.wishes[0].Condition = w.cond
}
