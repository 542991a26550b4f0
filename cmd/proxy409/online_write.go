package main

import (
	"fmt"
	"time"

	"proxy409/etagcache"
)

// trial is what writes did. It is empty where none were allowed.
type trial struct {
	refusal response // to a write with an If-Match that is wrong
	steps   []step   // the writes that were tried, that one first if it was not refused
	later   response // a read, a while after the last
	within  bool     // the last two were made within one second
}

// step is one write, between two reads.
type step struct{ before, answer, after response }

// wrongTag is no tag that a backend would make.
const wrongTag = `"proxy409-check-wrong"`

// try makes the writes that the operator allows: one with a wrong If-Match, then two in a row.
func (s *survey) try() error {
	if len(s.writes) == 0 {
		return nil
	}
	s.wait() // a tag made of the time in seconds must be able to change
	before, err := s.fresh()
	if err != nil {
		return err
	}
	last := len(s.writes) - 1
	if err := s.wrong(&before); err != nil {
		return err
	}
	s.untilNextSecond()
	began := time.Now()
	for _, i := range []int{0, last} {
		if err := s.step(i, &before, ownStrong(before)); err != nil {
			return err
		}
	}
	s.trial.within = s.pause > 0 && began.Unix() == time.Now().Unix()
	s.wait()
	s.trial.later, err = s.fresh()
	return err
}

// wrong sends the write with an If-Match that cannot hold.
func (s *survey) wrong(before *response) error {
	if err := s.step(0, before, wrongTag); err != nil {
		return err
	}
	s.trial.refusal = s.trial.steps[0].answer
	if !s.trial.steps[0].done() {
		s.trial.steps = nil
	}
	return nil
}

// step makes one write and reads what it did. Before becomes what it left.
func (s *survey) step(i int, before *response, match string) error {
	answer, err := s.send(s.writes[i], []byte(s.data[i]), "If-Match", match)
	if err != nil {
		return fmt.Errorf("the backend gave no answer to the write, which may have been applied: %w", err)
	}
	after, err := s.fresh()
	if err != nil {
		return err
	}
	s.trial.steps = append(s.trial.steps, step{*before, answer, after})
	*before = after
	return nil
}

func (s step) done() bool { return s.answer.status >= 200 && s.answer.status < 300 }

// fresh reads past caches.
func (s *survey) fresh() (response, error) {
	r, err := s.send(s.read, nil, "Accept-Encoding", "identity", "Cache-Control", "no-cache")
	if err != nil {
		return r, fmt.Errorf("the backend gave no answer to a read between two writes: %w", err)
	}
	return r, nil
}

// untilNextSecond waits for the beginning of a second, so that two writes fit into one, and a moment longer: a file may
// have the time of the tick before. Without a pause nobody wants to wait.
func (s *survey) untilNextSecond() {
	if s.pause > 0 {
		const tick = 50 * time.Millisecond
		now := time.Now()
		s.sleep(now.Truncate(time.Second).Add(time.Second + tick).Sub(now))
	}
}

// ownStrong is the answer's tag as it goes along in If-Match, as the proxy would send it: strong ones alone.
func ownStrong(r response) string {
	tag, ok, err := etagcache.ParseETag(r.header["Etag"])
	if err != nil || !ok || tag.Weak {
		return ""
	}
	return tag.String()
}
