package main

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"proxy409/config"
	"proxy409/etagcache"
)

// mostSegments is how many parts of a path are tried in other letter case.
const mostSegments = 8

// askOtherCase looks for a path that differs in letter case alone and shows the same, so that one resource would have two records. It
// tries each segment by itself, for Express ignores case in what a route spells out and not in what a parameter stands for.
func (s *survey) askOtherCase() error {
	if s.route == nil || s.route.Mode == config.Off || s.route.Mode == config.Closed || s.route.Key.Case == config.CaseFold {
		return nil
	}
	for _, path := range otherCases(s.route.Upstream.Path, s.read.URL.EscapedPath()) {
		plain, err := url.PathUnescape(path)
		if err != nil {
			continue
		}
		req := s.read.Clone(s.ctx)
		req.URL.Path, req.URL.RawPath = plain, path
		answer, err := s.send(req, nil, "Accept-Encoding", "identity")
		if err != nil {
			return fmt.Errorf("the backend answered, but not when asked for %s: %w", path, err)
		}
		if s.alike(answer) {
			s.otherCase = path
			return nil
		}
	}
	return nil
}

// alike reports whether an answer shows what was read first.
func (s *survey) alike(r response) bool {
	if r.status < 200 || r.status > 299 || r.status != s.first.status {
		return false
	}
	a, ok1, err1 := etagcache.ParseETag(s.first.header["Etag"])
	b, ok2, err2 := etagcache.ParseETag(r.header["Etag"])
	if ok1 && ok2 && err1 == nil && err2 == nil && a.Opaque == b.Opaque {
		return true
	}
	if r.cut == nil && s.first.cut == nil && r.size > 0 && bytes.Equal(r.sum, s.first.sum) {
		return true
	}
	l, err := s.lens(s.rule) // which may leave out what changes with each read
	return err == nil && s.rule.From == config.FromBody && l.same(s.first, r)
}

// otherCases are the spellings of an escaped path of which one segment below the base is in the other letter case.
func otherCases(base, path string) (found []string) {
	base = strings.TrimSuffix(base, "/")
	segments := strings.Split(strings.TrimPrefix(path, base), "/")
	for i, segment := range segments {
		swapped := swapCase(segment)
		if swapped == segment || len(found) == mostSegments {
			continue
		}
		segments[i] = swapped
		found = append(found, base+strings.Join(segments, "/"))
		segments[i] = segment
	}
	return found
}

// swapCase makes capitals of small letters and the other way round, but for those of a percent-escape.
func swapCase(segment string) string {
	out := []byte(segment)
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '%':
			i += 2
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			out[i] = c ^ 0x20
		}
	}
	return string(out)
}

func (s *survey) tellCase(r *report) {
	if s.otherCase != "" {
		r.note("case", "%s shows the same: this backend ignores letter case. key: {case: fold} gives all spellings one record; "+
			"without it a write by the one may undo a write by the other", s.otherCase)
	}
}
