package main

import (
	"net/http"
	"slices"
	"strings"

	"proxy409/config"
)

// tellCompression says what becomes of the tag where the content is compressed.
func (s *survey) tellCompression(r *report) {
	var offered []string
	for i, answer := range s.coded {
		name := answer.header.Get("Content-Encoding")
		if answer.status != http.StatusOK || name == "" || name == "identity" {
			continue
		}
		offered = append(offered, name)
		if s.rule.From == config.FromETag {
			s.tellCoded(r, codings[i], answer)
		}
	}
	switch {
	case s.first.header.Get("Content-Encoding") != "":
		r.note("coding", "%s is sent even to who asks for none", s.first.header.Get("Content-Encoding"))
	case len(offered) == 0:
		r.ok("coding", "no compression")
	case s.rule.From != config.FromETag:
		r.ok("coding", "%s; where the proxy makes versions it asks for what it can read", strings.Join(offered, ", "))
	}
}

func (s *survey) tellCoded(r *report, coding string, answer response) {
	plain, coded := s.first.header.Get("Etag"), answer.header.Get("Etag")
	added, ok := s.suffixOf(answer)
	switch {
	case coded == plain:
		r.ok("coding", "%s leaves the tag as it is", coding)
	case ok && slices.Contains(s.rule.Suffixes, added):
		r.ok("coding", "%s adds %s to the tag, which suffixes takes off", coding, added)
	case ok:
		r.note("coding", "%s adds %s to the tag: who reads it compressed sends back another one; suffixes: %s takes it off",
			coding, added, sequence([]string{added}))
	case strings.TrimPrefix(coded, "W/") == strings.TrimPrefix(plain, "W/"):
		r.ok("coding", "%s makes the tag weak, which weak comparison does not mind", coding)
	case coded == "":
		r.note("coding", "%s takes the tag away: who reads it compressed cannot write", coding)
	default:
		r.note("coding", "%s has a tag of its own, %s", coding, coded)
	}
}

// tellTime is about what names a moment rather than a version.
func (s *survey) tellTime(r *report) {
	if s.first.header.Get("Last-Modified") == "" {
		return
	}
	if strings.EqualFold(s.rule.Header, "Last-Modified") {
		r.note("modified", "Last-Modified is in whole seconds, so that two saves within one share it; qualify: returned tells them apart")
		return
	}
	r.ok("modified", "Last-Modified is there; it is blind within a second, and not needed")
}

// tellCaches is about who answers, and for whom.
func (s *survey) tellCaches(r *report) {
	switch vary := strings.Join(s.first.header["Vary"], ", "); {
	case strings.Contains(vary, "*"):
		r.note("Vary", "*: what is shown counts for one caller alone")
	case vary != "":
		r.ok("Vary", "%s: what is shown counts for one value of these", vary)
	}
	if age := s.first.header.Get("Age"); age != "" && age != "0" {
		r.note("cache", "a cache answered (Age: %s): nothing is learned from such a read", age)
	}
	for _, name := range []string{"Via", "X-Cache"} {
		if value := s.first.header.Get(name); value != "" {
			r.note("cache", "something stands between (%s: %s)", name, value)
		}
	}
}

// tellWrites is about what the writes did.
func (s *survey) tellWrites(r *report) {
	if len(s.writes) == 0 {
		return
	}
	s.tellRefusal(r)
	steps := slices.DeleteFunc(slices.Clone(s.trial.steps), func(t step) bool { return !t.done() })
	if len(steps) == 0 {
		status := 0
		if n := len(s.trial.steps); n > 0 {
			status = s.trial.steps[n-1].answer.status
		}
		r.note("write", "%s was answered %d: nothing can be said of writes", s.method, status)
		return
	}
	l, err := s.lens(s.rule)
	if err != nil {
		return
	}
	s.tellChange(r, l, steps)
	switch trusted, known := s.trusted(l); {
	case trusted:
		r.ok("answer", "the answer to a write carries the version that the next read shows: trust_writes: true spares a read")
	case known:
		r.note("answer", "the version on the answer to a write is not the one that the next read shows: do not set trust_writes; reread: true looks for itself")
	default:
		r.ok("answer", "the answer to a write carries no version: clients read again, or reread: true does it for them")
	}
	if s.lags(l) {
		r.note("lag", "a write shows only some time later in what is read: version: {lag: 2s}, or longer")
	}
}

// tellRefusal says whether the backend itself minds If-Match.
func (s *survey) tellRefusal(r *report) {
	switch status := s.trial.refusal.status; {
	case status == http.StatusPreconditionFailed:
		r.ok("If-Match", "the backend itself refuses a wrong one (412), so that strong tags stop even writes that go past the proxy")
	case status >= 200 && status <= 299:
		r.ok("If-Match", "the backend pays no heed to it (%d): all writers must go through the proxy", status)
	default:
		r.note("If-Match", "a write with a wrong one was answered %d", status)
	}
}

// tellChange says whether versions change with writes, and with two in a row.
func (s *survey) tellChange(r *report, l lens, steps []step) {
	if slices.ContainsFunc(steps, func(t step) bool { return t.changed() && !l.same(t.before, t.after) }) {
		r.ok("write", "the version changes with it")
	} else if !slices.ContainsFunc(steps, step.changed) {
		r.note("write", "nothing that is shown has changed: give --data that differs from what is there")
	}
	last := steps[len(steps)-1]
	in := "in a row"
	if s.trial.within {
		in = "within one second"
	}
	switch same := l.same(last.before, last.after); {
	case len(steps) < 2:
	case !same:
		r.ok("write", "two writes %s have two versions", in)
	case last.changed():
		r.note("write", "two different writes %s share a version; the default, qualify: returned, tells them apart", in)
	default:
		r.ok("write", "two writes of the same content %s share a version; a second --data shows whether different ones do", in)
	}
}
