package main

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"proxy409/config"
	"proxy409/etagcache"
	"proxy409/proxy"
)

// report is what was found, line by line.
type report struct {
	lines [][3]string // how good it is, about what, in words
	bad   int
}

func (r *report) ok(about, format string, args ...any)   { r.add("ok", about, format, args...) }
func (r *report) note(about, format string, args ...any) { r.add("note", about, format, args...) }

// wrong is what keeps writes from being guarded.
func (r *report) wrong(about string, err error) {
	r.bad++
	r.add("BAD", about, "%s", err)
}

func (r *report) add(mark, about, format string, args ...any) {
	printable := func(c rune) rune { // what a backend sends must not steer the operator's terminal
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}
	r.lines = append(r.lines, [3]string{mark, about, strings.Map(printable, fmt.Sprintf(format, args...))})
}

func (r *report) write(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range r.lines {
		mark, about := l[0], l[1]
		for _, part := range wrap(l[2], textWidth) {
			fmt.Fprintf(table, "%s\t%s\t%s\n", mark, about, part)
			mark, about = "", ""
		}
	}
	return table.Flush()
}

// judge reports what the backend showed, and then what of it is bad for the rule.
func (s *survey) judge(r *report) {
	s.tellRead(r)
	s.tellETag(r)
	s.tellHead(r)
	s.tellConditional(r)
	s.tellCompression(r)
	s.tellTime(r)
	s.tellCaches(r)
	s.tellCase(r)
	s.tellWrites(r)
	if err := s.unguarded(); err != nil {
		r.wrong("route", err)
	}
	for _, err := range s.problems(s.rule) {
		r.wrong("version", err)
	}
}

func (s *survey) tellRead(r *report) {
	kind, _, err := mime.ParseMediaType(s.first.header.Get("Content-Type"))
	if err != nil {
		kind = "no Content-Type"
	}
	r.ok("read", "%d, %s, %s", s.first.status, kind, counted(int(s.first.size), "byte"))
	if s.elsewhere() {
		r.note("read", "the proxy asks for the version at %s: the rest of the query selects a representation, not a resource", s.probe.URL.Redacted())
	}
	if s.guarded.Mode == proxy.Observe {
		r.note("route", "mode: observe: nothing is refused yet")
	}
	l, err := s.lens(s.rule)
	if err != nil || s.rule.From == config.FromETag {
		return
	}
	if tag, err := l.version(s.first); err == nil {
		r.ok("version", "%s, made of the answer", tag)
	}
}

func (s *survey) tellETag(r *report) {
	tag, ok, err := etagcache.ParseETag(s.first.header["Etag"])
	switch {
	case err != nil:
		r.note("ETag", "what stands there is no entity tag: %s", err)
		return
	case !ok:
		r.note("ETag", "none")
		if members := versionMembers(s.first.body); len(members) > 0 && s.rule.From != config.FromJSON {
			r.note("JSON", "%s looks like a version; --write shows whether it changes with each write", members[0])
		}
		return
	}
	strength := "strong"
	if tag.Weak {
		strength = "weak"
	}
	again := ", the same in two reads"
	if second, _, _ := etagcache.ParseETag(s.second.header["Etag"]); second.Opaque != tag.Opaque {
		again = ", and " + second.String() + " in the next read"
	}
	r.ok("ETag", "%s, %s%s", tag, strength, again)
	if timeAndSize(tag, s.first.header, s.first.size) {
		r.note("ETag", "it is made of time and size: saves of one length at one moment share it, and the default, qualify: returned, tells them apart")
	}
}

// timeAndSize reports whether a tag is the representation's length and its time, in hexadecimal, as nginx, Apache and
// Express have it for files.
func timeAndSize(tag etagcache.Tag, h http.Header, length int64) bool {
	a, b, ok := strings.Cut(tag.Opaque, "-")
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if !ok || err != nil {
		return false
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		size, err1 := strconv.ParseInt(pair[0], 16, 64)
		moment, err2 := strconv.ParseInt(pair[1], 16, 64)
		if err1 != nil || err2 != nil || size != length {
			continue
		}
		for unit := int64(1); unit <= int64(time.Second); unit *= 1000 {
			if moment/unit == modified.Unix() {
				return true
			}
		}
	}
	return false
}

func (s *survey) tellHead(r *report) {
	if s.head.status != s.first.status {
		r.note("HEAD", "answered %d, where GET is %d", s.head.status, s.first.status)
		return
	}
	var differ []string
	for _, name := range []string{"Etag", "Content-Length", "Content-Type"} {
		get, head := s.second.header.Get(name), s.head.header.Get(name)
		if get != head && (name != "Content-Length" || get != "" && head != "") {
			differ = append(differ, fmt.Sprintf("%s %s, not %s", name, orNone(head), orNone(get)))
		}
	}
	if len(differ) > 0 {
		r.note("HEAD", "disagrees with GET: %s", strings.Join(differ, "; "))
		return
	}
	r.ok("HEAD", "agrees with GET")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (s *survey) tellConditional(r *report) {
	if s.first.header.Get("Etag") == "" {
		return
	}
	switch {
	case s.rule.From != config.FromETag:
		r.ok("304", "the proxy answers If-None-Match itself")
	case s.unmodified.status == http.StatusNotModified:
		r.ok("304", "If-None-Match is answered with it")
	default:
		r.note("304", "If-None-Match is answered %d: unchanged content is sent again, which does no harm", s.unmodified.status)
	}
}
