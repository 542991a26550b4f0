package target

import "strings"

// escapeTo writes one segment percent-encoded, in the one form that Canonical has for it.
func escapeTo(b *strings.Builder, name string) {
	const digits = "0123456789ABCDEF"
	for i := range len(name) {
		if c := name[i]; isPathChar(c) && c != ';' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
}

// hasBadEscape reports whether some % is not followed by two hexadecimal digits.
func hasBadEscape(s string) bool {
	for i := range len(s) {
		if s[i] == '%' {
			if _, ok := hexBytes(s, i+1, 1); !ok {
				return true
			}
		}
	}
	return false
}

// unescape decodes once what a lenient decoder takes for an escape, the %uXXXX of old IIS and JScript too, and leaves
// everything else as it is. Of a sound path it makes what [url.PathUnescape] makes.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if c, ok := hexBytes(s, i+1, 1); ok {
			b.WriteByte(byte(c))
			i += 2
		} else if r, ok := hexBytes(s, i+2, 2); ok && (s[i+1] == 'u' || s[i+1] == 'U') {
			b.WriteRune(r)
			i += 5
		} else {
			b.WriteByte('%')
		}
	}
	return b.String()
}

// hexBytes reads n bytes in hexadecimal at s[at:].
func hexBytes(s string, at, n int) (v rune, ok bool) {
	if len(s) < at+2*n {
		return 0, false
	}
	for i := range 2 * n {
		switch c := s[at+i]; {
		case '0' <= c && c <= '9':
			v = v<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// foldOverlong turns ASCII characters that are encoded in more bytes than they need, such as C0 AF for "/", into
// themselves. UTF-8 forbids them (RFC 3629, section 3); careless decoders let them pass.
func foldOverlong(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c, size := s[i], 1
		switch lead := s[i]; {
		case lead&^1 == 0xC0:
			c, size = overlong(s, i, 2)
		case lead == 0xE0:
			c, size = overlong(s, i, 3)
		case lead == 0xF0:
			c, size = overlong(s, i, 4)
		}
		b.WriteByte(c)
		i += size - 1
	}
	return b.String()
}

// overlong reads a sequence of size bytes at s[at:]. If it does not stand for an ASCII character, it returns the first
// byte as it is.
func overlong(s string, at, size int) (c byte, read int) {
	if len(s) < at+size {
		return s[at], 1
	}
	r := rune(s[at]) & (1<<(7-size) - 1)
	for i := 1; i < size; i++ {
		if s[at+i]&0xC0 != 0x80 {
			return s[at], 1
		}
		r = r<<6 | rune(s[at+i]&0x3F)
	}
	if r >= 0x80 {
		return s[at], 1
	}
	return byte(r), size
}
