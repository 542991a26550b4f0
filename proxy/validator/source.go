// Package validator makes entity tags for the representations of backends that send none: from the content, from a
// member of a JSON document, or from another header field. It is pure: no I/O, no clock, no state.
//
// What it makes is deterministic, and the same in every process and release: a tag that a client got from one replica
// comes back to another.
package validator

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"proxy409/etagcache"
)

// From says where the version of a representation is found.
type From string

// The places where a version is found. The empty From is ETag.
const (
	ETag   From = "etag"   // in the ETag field that the backend sends
	Body   From = "body"   // in the content itself: a hash of it
	JSON   From = "json"   // in a member of the JSON content, such as /version
	Header From = "header" // in another header field, such as X-Revision or Last-Modified
)

// DefaultLimit is the [Source.Limit] where none is set.
const DefaultLimit = 1 << 20

// Source says where a route's versions are found. The zero value is the backend's own ETag.
type Source struct {
	// From is the place. "" is [ETag].
	From From

	// Pointer is, for [JSON], the member that names the version, as an RFC 6901 pointer such as /version. It is
	// required there, and an error elsewhere.
	Pointer string

	// Header is, for [Header], the name of the field, in any letter case. It is required there, and an error elsewhere.
	Header string

	// Ignore lists, for [Body], the members that change by themselves and do not count, as RFC 6901 pointers. With any,
	// the content must be JSON, and neither the order of members nor white space counts any more. An element of an array
	// that is ignored counts as null: were it taken out, the pointer would hit another element the next time, and an
	// array would equal one that is longer.
	Ignore []string

	// Limit is how many bytes the decoded content has at most, for [Body] and [JSON]. 0 is [DefaultLimit].
	Limit int64
}

// Problem is something wrong in a Source. Key names the part that is wrong as it stands in a route's version: from,
// pointer, header, ignore[0], limit.
type Problem struct{ Key, Message string }

func (p Problem) Error() string { return p.Key + ": " + p.Message }

// Maker makes the entity tags of one route. It is immutable, and safe for concurrent use.
type Maker struct {
	from   From
	path   []string // of JSON
	header string   // of Header
	ignore *ignored // of Body; nil: the content counts as it is
	limit  int64
}

// New prepares a source. The error joins a [Problem] for everything that is wrong with it ([errors.Join]).
func New(s Source) (*Maker, error) {
	m := &Maker{from: s.From, header: s.Header, limit: s.Limit}
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
	}
	switch m.from {
	case "":
		m.from = ETag
	case ETag, Body, JSON, Header:
	default:
		bad("from", "%q is none of etag, body, json, header", s.From)
	}

	switch path, err := parsePointer(s.Pointer); {
	case m.from != JSON && s.Pointer != "":
		bad("pointer", "belongs to from: json")
	case m.from == JSON && s.Pointer == "":
		bad("pointer", "required with from: json: the member that names the version, such as /version")
	case err != nil:
		bad("pointer", "%v", err)
	default:
		m.path = path
	}

	switch {
	case m.from != Header && s.Header != "":
		bad("header", "belongs to from: header")
	case m.from == Header && s.Header == "":
		bad("header", "required with from: header: the field that names the version, such as X-Revision")
	case m.from == Header && !isToken(s.Header):
		bad("header", "%q is no name of a header field", s.Header)
	}

	if m.from != Body && len(s.Ignore) > 0 {
		bad("ignore", "belongs to from: body")
	}
	for i, pointer := range s.Ignore {
		path, err := parsePointer(pointer)
		switch key := fmt.Sprintf("ignore[%d]", i); {
		case err != nil:
			bad(key, "%v", err)
		case len(path) == 0:
			bad(key, "the empty pointer is the whole document; nothing would count")
		default:
			m.ignore = m.ignore.with(path)
		}
	}

	switch {
	case s.Limit < 0:
		bad("limit", "%d is negative; it counts bytes, and 0 is %d", s.Limit, DefaultLimit)
	case s.Limit == 0:
		m.limit = DefaultLimit
	case s.Limit == math.MaxInt64:
		m.limit-- // there must be room to read one byte too many
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return m, nil
}

// Made reports whether tags are made here, rather than by the backend.
func (m *Maker) Made() bool { return m.from != ETag }

// NeedsBody reports whether [Maker.Make] reads the content, so that a HEAD shows no version.
func (m *Maker) NeedsBody() bool { return m.from == Body || m.from == JSON }

// qualifier is what stands in a tag that was qualified, with whatever version; see [etagcache.Tag.Qualify].
var qualifier = func() string {
	tag := etagcache.Tag{}.Qualify(etagcache.Version{})
	return strings.TrimSuffix(tag.Opaque, etagcache.Version{}.String())
}()

// isToken reports whether s is a token, RFC 9110 section 5.6.2, as the names of fields are (section 5.1).
func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
