package etagcache

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Tag is an entity tag, RFC 9110 section 8.8.3. The zero value is the empty strong tag, "".
type Tag struct {
	Opaque string // what stands between the quotes
	Weak   bool   // W/ stands before them
}

// String is the tag as it stands in a header field: W/"a1" or "a1".
func (t Tag) String() string {
	if t.Weak {
		return `W/"` + t.Opaque + `"`
	}
	return `"` + t.Opaque + `"`
}

// Digest names the tag's opaque part in a record. Weak and strong tags of one opaque part have one digest, because a
// validator is told apart by its opaque part alone (RFC 9110 section 8.8.3.2, weak comparison); whether it was weak
// is noted beside it.
func (t Tag) Digest() Digest { return DigestOf(t.Opaque) }

// Digest is the first 96 bits of a SHA-256.
type Digest [12]byte

// DigestOf digests the parts, each with its length, so that no two lists of parts share a digest by concatenation.
func DigestOf(parts ...string) Digest {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		n := len(p)
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return Digest(sum[:12])
}

// ParseETag reads the ETag field of an answer. ok is false when there is none. A field that occurs twice, or that is not one
// entity tag (unquoted, with a tail, with a quote inside), is an error: a guard must not guess which version was meant.
func ParseETag(lines []string) (tag Tag, ok bool, err error) {
	switch len(lines) {
	case 0:
		return Tag{}, false, nil
	case 1:
	default:
		return Tag{}, false, fmt.Errorf("ETag occurs %d times", len(lines))
	}
	s := trimOWS(lines[0])
	tag, rest, err := scanTag(s)
	if err != nil {
		return Tag{}, false, err
	}
	if rest != "" {
		return Tag{}, false, fmt.Errorf("%q follows the entity tag", clip(rest))
	}
	return tag, true, nil
}

// TagList is the value of If-Match or If-None-Match: either any ("*"), or at least one tag. Field is false when the
// request has no such field.
type TagList struct {
	Field bool
	Any   bool
	Tags  []Tag
}

// ParseTagList reads If-Match or If-None-Match (RFC 9110 sections 13.1.1 and 13.1.2) strictly: all its lines are one
// list (section 5.2), "*" stands alone, tags are quoted and separated by commas, and nothing follows them. Empty
// list elements are passed over, as section 5.6.1.2 demands; a list of nothing but them is an error, since it names no
// version. More than limit tags are an error; limit 0 means none is set.
func ParseTagList(lines []string, limit int) (TagList, error) {
	if len(lines) == 0 {
		return TagList{}, nil
	}
	list := TagList{Field: true}
	s := lines[0]
	if len(lines) > 1 {
		s = strings.Join(lines, ", ") // with a space, which no tag holds: a tag cannot begin on one line and end on another
	}
	if trimOWS(s) == "*" {
		list.Any = true
		return list, nil
	}
	for first := true; ; first = false {
		s = trimOWS(s)
		for strings.HasPrefix(s, ",") {
			s, first = trimOWS(s[1:]), true
		}
		if s == "" {
			break
		}
		if !first {
			return TagList{}, fmt.Errorf("a comma is missing before %q", clip(s))
		}
		tag, rest, err := scanTag(s)
		if err != nil {
			return TagList{}, err
		}
		if limit > 0 && len(list.Tags) == limit {
			return TagList{}, fmt.Errorf("more than %d entity tags", limit)
		}
		list.Tags, s = append(list.Tags, tag), rest
	}
	if len(list.Tags) == 0 {
		return TagList{}, fmt.Errorf("the field names no entity tag")
	}
	return list, nil
}

// String is the list as one field line.
func (l TagList) String() string {
	if l.Any {
		return "*"
	}
	parts := make([]string, len(l.Tags))
	for i, t := range l.Tags {
		parts[i] = t.String()
	}
	return strings.Join(parts, ", ")
}

// scanTag reads one entity tag at the start of s.
func scanTag(s string) (tag Tag, rest string, err error) {
	body := s
	if strings.HasPrefix(body, "W/") {
		tag.Weak, body = true, body[2:]
	}
	if !strings.HasPrefix(body, `"`) {
		switch {
		case strings.HasPrefix(s, "*"):
			return Tag{}, "", fmt.Errorf(`"*" must stand alone`)
		case strings.HasPrefix(s, "w/"):
			return Tag{}, "", fmt.Errorf(`the weakness mark is a capital W/, in %q`, clip(s))
		}
		return Tag{}, "", fmt.Errorf("%s is not an entity tag: it must carry its double quotes", clip(s))
	}
	for i := 1; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			tag.Opaque = body[1:i]
			return tag, body[i+1:], nil
		case c < 0x21 || c == 0x7f:
			return Tag{}, "", fmt.Errorf("the byte 0x%02x may not stand in an entity tag", c)
		}
	}
	return Tag{}, "", fmt.Errorf("the closing quote is missing in %q", clip(s))
}

func trimOWS(s string) string { return strings.Trim(s, " \t") }

// clip bounds what an error message quotes.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// qualifier stands between a backend's tag and the version that the proxy adds to it.
const qualifier = ";p409-"

// Qualify returns the tag with the version it was read under, `"6b02b221-4;p409-<version>"`, for a tag that does not
// name a version by itself: it named an earlier one before, or nobody noted that it was handed out.
func (t Tag) Qualify(v Version) Tag {
	return Tag{Opaque: t.Opaque + qualifier + v.String(), Weak: t.Weak}
}

// Unqualify undoes [Tag.Qualify]. ok is false for a bare tag, which is returned as it is.
func (t Tag) Unqualify() (bare Tag, v Version, ok bool) {
	const size = 16 // of a version in base64url
	at := len(t.Opaque) - len(qualifier) - size
	if at < 0 || !strings.HasPrefix(t.Opaque[at:], qualifier) {
		return t, Version{}, false
	}
	if _, err := base64.RawURLEncoding.Decode(v[:], []byte(t.Opaque[at+len(qualifier):])); err != nil {
		return t, Version{}, false
	}
	return Tag{Opaque: t.Opaque[:at], Weak: t.Weak}, v, true
}
