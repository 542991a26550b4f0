package validator

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash"
	"net/http"
	"strings"
	"unicode/utf8"

	"proxy409/etagcache"
)

// These stand before whatever is hashed, so that no two kinds of version share a hash, and name the version of what is
// hashed how. Whoever changes that counts them up: tags that clients hold would otherwise name other content.
const (
	bodyDomain  = "proxy409 version from body 1\x00"
	jsonDomain  = "proxy409 version from body without ignored members 1\x00"
	valueDomain = "proxy409 version from value 1\x00"
)

// Made is the version that was read off a representation.
type Made struct {
	// Tag is the entity tag that the representation gets.
	//
	// The tag of content that is not encoded is strong, the tag of encoded content weak with the same opaque part: a
	// compressor need not produce the same bytes twice, while what it compressed is the same (RFC 9110 section 8.8.1).
	//
	// Only from the plain body is the strong tag one to the letter of that section, for a version that a member or a field
	// names, or that leaves out ignored members, may be shared by representations that differ in a byte, and the
	// RFC calls such a validator weak. We call it strong all the same, because a route that compares strongly could
	// otherwise never admit a write. A strong tag promises more than a weak one only to who joins byte ranges (section
	// 13.1.5): a made tag must not serve for that, so whoever hands it out drops Range where If-Range names it.
	Tag etagcache.Tag

	// Current is the version itself: from a member of JSON its value, byte for byte, from a header field a JSON
	// string. It is nil from the body, and where the value is not valid UTF-8, which JSON could not show.
	Current json.RawMessage
}

// Make reads the version off a representation. h is the answer's header, body the whole content as it came, encoded or
// not; nil will do unless [Maker.NeedsBody]. It keeps neither. An error is a [Cause].
//
// The representation must be whole: whoever calls leaves out what Content-Range or a HEAD cuts short.
func (m *Maker) Make(h http.Header, body []byte) (Made, error) {
	switch m.from {
	case Body:
		if m.ignore != nil {
			return m.fromMembers(h, body)
		}
		return m.fromBody(h, body)
	case JSON:
		return m.fromMember(h, body)
	case Header:
		return m.fromField(h)
	case ETag:
	}
	tag, ok, err := etagcache.ParseETag(h["Etag"])
	if err != nil || !ok {
		return Made{}, NoETag
	}
	return Made{Tag: tag}, nil
}

// fromBody hashes the content without copying it, and while it is decoded.
func (m *Maker) fromBody(h http.Header, body []byte) (Made, error) {
	c, err := codingOf(h)
	if err != nil {
		return Made{}, err
	}
	sum := newHash(bodyDomain)
	if err := c.decode(sum, body, m.limit); err != nil {
		return Made{}, err
	}
	return Made{Tag: etagcache.Tag{Opaque: encode(sum), Weak: c.encoded()}}, nil
}

func (m *Maker) fromMembers(h http.Header, body []byte) (Made, error) {
	doc, c, err := m.document(h, body)
	if err != nil {
		return Made{}, err
	}
	sum := newHash(jsonDomain)
	sum.Write(canonical(doc, m.ignore))
	return Made{Tag: etagcache.Tag{Opaque: encode(sum), Weak: c.encoded()}}, nil
}

func (m *Maker) fromMember(h http.Header, body []byte) (Made, error) {
	doc, c, err := m.document(h, body)
	if err != nil {
		return Made{}, err
	}
	value, ok := find(doc, m.path)
	if !ok {
		return Made{}, NoMember
	}
	text := value
	switch value[0] {
	case '{', '[', 'n':
		return Made{}, NoMember
	case '"':
		text = appendContent(nil, value[1:len(value)-1])
	}
	made := Made{Tag: etagcache.Tag{Opaque: opaque(string(text)), Weak: c.encoded()}}
	if utf8.Valid(value) {
		made.Current = bytes.Clone(value)
	}
	return made, nil
}

// fromField needs no content, so that it matters only whether it is encoded, not how.
func (m *Maker) fromField(h http.Header) (Made, error) {
	lines := h[http.CanonicalHeaderKey(m.header)]
	if len(lines) != 1 {
		return Made{}, NoHeader
	}
	value := strings.Trim(lines[0], " \t")
	if value == "" {
		return Made{}, NoHeader
	}
	c, err := codingOf(h)
	made := Made{Tag: etagcache.Tag{Opaque: opaque(value), Weak: err != nil || c.encoded()}}
	if utf8.ValidString(value) {
		made.Current, _ = json.Marshal(value) // a string always can
	}
	return made, nil
}

// document decodes content that must be JSON. What its Content-Type says is not looked at: legacy backends send JSON as
// text/html, and who configured a member to look for knows better.
func (m *Maker) document(h http.Header, body []byte) ([]byte, coding, error) {
	c, err := codingOf(h)
	if err != nil {
		return nil, c, err
	}
	doc, err := c.decoded(body, m.limit)
	if err != nil {
		return nil, c, err
	}
	// RFC 8259 section 8.1: senders must not put a byte order mark there, and readers may pass over it. Old .NET does.
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	if !json.Valid(doc) { // which also bounds the nesting
		return nil, c, NotJSON
	}
	return doc, c, nil
}

// Named is the entity tag of the version that is named in another place than an entity tag's field, such as a member of what a client
// sends back. Text is the content of a string, or a number as it is written; where versions are entity tags or are made of the
// content it is the tag, with or without its quotes. It is not ok where no version can have that name.
func (m *Maker) Named(text string) (tag etagcache.Tag, ok bool) {
	switch m.from {
	case JSON:
		return etagcache.Tag{Opaque: opaque(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text))}, text != ""
	case Header:
		return etagcache.Tag{Opaque: opaque(text)}, text != ""
	case ETag, Body:
	}
	if tag, ok, err := etagcache.ParseETag([]string{text}); ok && err == nil {
		return tag, true
	}
	tag, ok, err := etagcache.ParseETag([]string{`"` + text + `"`})
	return tag, ok && err == nil
}

const (
	// longest is how many bytes of a value stand in a tag as they are.
	longest = 64
	// hashed stands before the hash of a value. No value that begins with it stands in a tag as it is, so no value can be
	// made up that equals the hash of another.
	hashed = "~"
)

// opaque is the opaque part of the tag of a version that the backend names: the name itself where it is short and
// can stand there, and else a hash of it. Different names have different opaque parts.
func opaque(name string) string {
	if len(name) <= longest && isOpaque(name) && !strings.HasPrefix(name, hashed) && !strings.Contains(name, qualifier) {
		return name
	}
	sum := newHash(valueDomain)
	sum.Write([]byte(name))
	return hashed + encode(sum)
}

// isOpaque reports whether s may stand between the quotes of an entity tag: etagc of RFC 9110 section 8.8.3, at least
// one, and of these neither the bytes beyond ASCII nor the backslash, which some clients and servers do not return as
// they got them.
func isOpaque(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

func newHash(domain string) hash.Hash {
	sum := sha256.New()
	sum.Write([]byte(domain))
	return sum
}

// encode is the first 24 bytes of a hash as 32 characters that may stand in an entity tag.
func encode(sum hash.Hash) string {
	var buf [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(sum.Sum(buf[:0])[:24])
}
