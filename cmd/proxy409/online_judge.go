package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"proxy409/config"
	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// lens is a rule for versions, and what makes versions by it.
type lens struct {
	rule  config.Version
	maker *validator.Maker
}

func (s *survey) lens(rule config.Version) (lens, error) {
	source := versionRule(rule).Source
	source.Limit = s.limit
	maker, err := validator.New(source)
	return lens{rule, maker}, err
}

// version is what an answer shows of the resource, without what compressors add.
func (l lens) version(r response) (etagcache.Tag, error) {
	if r.status < 200 || r.status > 299 {
		return etagcache.Tag{}, fmt.Errorf("the backend answered %d", r.status)
	}
	if r.cut != nil && l.maker.NeedsBody() {
		return etagcache.Tag{}, validator.Stream
	}
	made, err := l.maker.Make(r.header, r.body)
	if err != nil {
		return etagcache.Tag{}, err
	}
	for _, suffix := range l.rule.Suffixes {
		if opaque, ok := strings.CutSuffix(made.Tag.Opaque, suffix); ok && opaque != "" {
			made.Tag.Opaque = opaque
			break
		}
	}
	return made.Tag, nil
}

// same reports whether both answers show one version, which weak and strong tags of it do.
func (l lens) same(a, b response) bool {
	x, err1 := l.version(a)
	y, err2 := l.version(b)
	return err1 == nil && err2 == nil && x.Opaque == y.Opaque
}

// problems says why writes could not be guarded by the rule, going by what the backend has shown; nil: they can be.
func (s *survey) problems(rule config.Version) (found []error) {
	l, err := s.lens(rule)
	if err != nil {
		return []error{err}
	}
	tag, err := l.version(s.first)
	if err != nil {
		return []error{s.inWords(err)}
	}
	if rule.Compare == config.CompareStrong && tag.Weak {
		found = append(found, errors.New("the tag is weak, and compare: strong never accepts a weak one: every write is stale"))
	}
	if !l.same(s.first, s.second) {
		found = append(found, s.unstable(rule))
	}
	if err := s.probeProblem(l); err != nil {
		found = append(found, err)
	}
	if head, err := l.version(s.head); err == nil && !l.maker.NeedsBody() && !l.same(s.first, s.head) {
		found = append(found, fmt.Errorf("HEAD shows another version, %s: after one, the version that GET shows is stale", head))
	}
	return append(found, s.writeProblems(l)...)
}

// inWords adds what helps to the cause for which an answer has no version.
func (s *survey) inWords(err error) error {
	if errors.Is(err, validator.TooLarge) {
		return fmt.Errorf("%w: %d bytes are over %s", err, s.first.size, config.ByteSize(s.limit))
	}
	return err
}

// unstable says that a version changes though nobody writes.
func (s *survey) unstable(rule config.Version) error {
	text := "two reads show two versions: the one that is sent back is stale"
	switch changed := changes(s.first.body, s.second.body); {
	case bytes.Equal(s.first.sum, s.second.sum):
		text += ", though the content is the same"
	case len(changed) > 0 && rule.From != config.FromJSON:
		text += "; what changes by itself is " + strings.Join(changed, ", ")
	}
	return errors.New(text)
}

// probeProblem says what is wrong with the answer by which the proxy judges a write that it knows nothing about.
func (s *survey) probeProblem(l lens) error {
	age := s.probed.header.Get("Age")
	_, err := l.version(s.probed)
	switch {
	case age != "" && age != "0":
		return fmt.Errorf("a cache answers the proxy's own question (Age: %s) though it was asked with Cache-Control: no-cache: "+
			"writes get 503 unverifiable", age)
	case err != nil:
		return fmt.Errorf("GET %s, by which the proxy asks for the version, shows none: %w", s.probe.URL.Redacted(), s.inWords(err))
	case !s.elsewhere() && !l.same(s.second, s.probed):
		return fmt.Errorf("GET %s, by which the proxy asks for the version, shows another one than a read does", s.probe.URL.Redacted())
	}
	return nil
}

// elsewhere reports whether the proxy asks for another representation than was read: without those parameters of the query
// that are not part of the key. It may well have another tag.
func (s *survey) elsewhere() bool {
	return s.rule.Read == "" && s.probe.URL.String() != s.read.URL.String()
}

func (s *survey) writeProblems(l lens) (found []error) {
	first := true
	for _, step := range s.trial.steps {
		if !step.changed() {
			continue
		}
		switch same := l.same(step.before, step.after); {
		case same && first:
			found = append(found, errors.New("a write changed the content, and not the version"))
		case same && l.rule.Qualify == config.QualifyNever:
			found = append(found, errors.New("two saves within one second share a tag, so with qualify: never the first of them can be lost"))
		}
		first = false
	}
	if trusted, known := s.trusted(l); l.rule.TrustWrites && known && !trusted {
		found = append(found, errors.New("trust_writes is set, but the version on the answer to a write is not the one that the next read shows"))
	}
	return found
}

// changed reports whether the write is seen in the content.
func (s step) changed() bool {
	return s.done() && s.before.status == http.StatusOK && s.after.status == http.StatusOK && !bytes.Equal(s.before.sum, s.after.sum)
}

// trusted reports whether the answers to writes show the version that the next read shows; known: some show one.
func (s *survey) trusted(l lens) (trusted, known bool) {
	trusted = true
	for _, step := range s.trial.steps {
		if _, err := l.version(step.answer); step.done() && err == nil {
			known = true
			trusted = trusted && l.same(step.answer, step.after)
		}
	}
	return trusted && known, known
}

// unguarded says why the proxy would not guard the resource, whatever the backend shows.
func (s *survey) unguarded() error {
	switch {
	case s.route == nil:
		return errors.New("no route matches: everything passes unguarded")
	case s.guarded.Mode == proxy.Off:
		return errors.New("the route says mode: off")
	case s.guarded.Mode == proxy.Closed:
		return errors.New("the route says mode: closed: nothing passes")
	case s.guarded.Refused != nil && !s.guarded.Forgiven && s.guarded.Refused.Reason != refusal.Missing.String():
		return fmt.Errorf("every write is refused as %s: %s", s.guarded.Refused.Reason, s.guarded.Refused.Detail)
	}
	return nil
}
