package validator

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks through a JSON document that [json.Valid] has found valid, so that nothing here can be missing or
// malformed. A document that is not UTF-8 is walked through all the same.
//
// encoding/json does not do for this: it makes one replacement character of every byte that is not UTF-8, and of every
// half of a surrogate pair, so that documents would become equal that are not.
type scanner struct {
	text []byte
	at   int
}

// next goes to whatever comes next, past white space, commas and colons, and returns its first byte.
func (s *scanner) next() byte {
	for {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			return c
		}
	}
}

// str reads a string, and returns what stands between its quotes.
func (s *scanner) str() []byte {
	s.at++
	begin := s.at
	for ; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return s.text[begin : s.at-1]
}

// word reads a number, true, false or null.
func (s *scanner) word() []byte {
	begin := s.at
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n', ',', ']', '}':
			return s.text[begin:s.at]
		}
	}
	return s.text[begin:]
}

// skip reads a value.
func (s *scanner) skip() {
	for depth := 0; ; {
		switch s.next() {
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case '"':
			s.str()
		default:
			s.word()
		}
		if depth == 0 {
			return
		}
	}
}

// appendContent appends what a string stands for, given what is between its quotes, in the one way in which that can
// be written: a quote and a backslash with a backslash before it, half of a surrogate pair (which no UTF-8 has) as
// \ud800, and everything else, control characters too, as it is. It is never longer than the string was.
func appendContent(b, between []byte) []byte {
	for {
		i := bytes.IndexByte(between, '\\')
		if i < 0 {
			return append(b, between...)
		}
		b = append(b, between[:i]...)
		r, size := unescape(between[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case utf16.IsSurrogate(r):
			b = append(b, bytes.ToLower(between[i:i+size])...)
		default:
			b = utf8.AppendRune(b, r)
		}
		between = between[i+size:]
	}
}

// unescape reads the escape with which s begins, RFC 8259 section 7. Half of a surrogate pair is returned as it is.
func unescape(s []byte) (r rune, size int) {
	switch c := s[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r = hex(s[2:6])
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex(s[8:12])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

// hex reads hexadecimal digits.
func hex(digits []byte) (r rune) {
	for _, c := range digits {
		switch {
		case c <= '9':
			r = r<<4 | rune(c-'0')
		case c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			r = r<<4 | rune(c-'a'+10)
		}
	}
	return r
}
