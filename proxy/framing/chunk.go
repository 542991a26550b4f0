package framing

import "math"

// longestSize is that of a number of 64 bits. Zeros before it count.
const longestSize = 16

// longestExtensions bounds the extensions of one chunk (RFC 9112 section 7.1.1).
const longestExtensions = 256

// longestTrailer bounds the trailer section. It is a little less than net/http takes, 4096 bytes, so that one that is too long is
// refused here, where the client is left the time to read the answer.
const longestTrailer = 4000

// chunkSize reads 1*HEXDIG and what ends it.
func (f *follower) chunkSize(b []byte) int {
	for i, c := range b {
		if digit, ok := hex(c); ok && f.n < longestSize && f.left <= (math.MaxInt64-digit)/16 {
			f.left = f.left*16 + digit
			f.n++
			continue
		}
		switch {
		case f.n > 0 && c == '\r':
			return i + f.endOfChunkLine(b[i:])
		case f.n > 0 && c == ';':
			f.padded = false
			f.begin((*follower).extensionName)
			return i + 1
		default:
			return f.unexpected(i, c, ChunkSize)
		}
	}
	return len(b)
}

func (f *follower) endOfChunkLine(b []byte) int {
	if f.left > 0 {
		return f.endOfLine(b, (*follower).chunk)
	}
	return f.endOfLine(b, (*follower).trailer)
}

// chunk counts the bytes of a chunk.
func (f *follower) chunk(b []byte) int {
	n := min(uint64(len(b)), f.left)
	if f.left -= n; f.left == 0 {
		f.step = (*follower).chunkEnd
	}
	return int(n)
}

func (f *follower) chunkEnd(b []byte) int {
	if b[0] != '\r' {
		return f.unexpected(0, b[0], ChunkEnd)
	}
	f.n = 0
	return f.endOfLine(b, (*follower).chunkSize)
}

// trailer begins the trailer section.
func (f *follower) trailer([]byte) int {
	f.trailing = true
	f.step = (*follower).fieldLine
	return 0
}

// The extensions of a chunk are *( ";" name [ "=" ( value / quoted-string ) ] ), names and values being tokens, as in RFC 9112 section
// 7.1.1, but without white space. Nobody sees them; what matters is that the line ends at the same place for everybody.

// extensionName begins behind a semicolon; its bytes and those of all others of this chunk are counted in f.n.
func (f *follower) extensionName(b []byte) int {
	if token[b[0]] == 0 {
		return f.unexpected(0, b[0], ChunkExtension)
	}
	f.step = (*follower).extension
	return 0
}

// extension reads a name or an unquoted value, and what comes behind it.
func (f *follower) extension(b []byte) int {
	for i, c := range b {
		switch {
		case f.n >= longestExtensions:
			return f.refuse(i, ChunkExtension)
		case token[c] != 0:
			f.n++
			continue
		case c == '=' && !f.padded:
			f.padded = true // a value has no value
			f.step = (*follower).extensionValue
		default:
			return i + f.extensionEnd(b[i:])
		}
		return i + 1
	}
	return len(b)
}

func (f *follower) extensionValue(b []byte) int {
	if b[0] == '"' {
		f.step = (*follower).extensionQuoted
		return 1
	}
	return f.extensionName(b)
}

// extensionQuoted reads the rest of a quoted string of ASCII (RFC 9110 section 5.6.4).
func (f *follower) extensionQuoted(b []byte) int {
	for i, c := range b {
		switch f.n++; {
		case f.n > longestExtensions, c < ' ' && c != '\t', c >= 0x7f:
			return f.unexpected(i, c, ChunkExtension)
		case c == '\\':
			f.step = (*follower).extensionEscaped
			return i + 1
		case c == '"':
			f.step = (*follower).extensionEnd
			return i + 1
		}
	}
	return len(b)
}

func (f *follower) extensionEscaped(b []byte) int {
	if c := b[0]; c < ' ' && c != '\t' || c >= 0x7f {
		return f.unexpected(0, c, ChunkExtension)
	}
	f.step = (*follower).extensionQuoted
	return 1
}

func (f *follower) extensionEnd(b []byte) int {
	f.padded = false
	switch b[0] {
	case ';':
		f.n++
		f.step = (*follower).extensionName
	case '\r':
		return f.endOfChunkLine(b)
	default:
		return f.unexpected(0, b[0], ChunkExtension)
	}
	return 1
}

// hex is the value of a hexadecimal digit.
func hex(c byte) (digit uint64, ok bool) {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return uint64(c-'a') + 10, true
	}
	return 0, false
}
